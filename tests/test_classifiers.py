"""Training, calibrating, freezing and using classifiers. Arithmetic: test_classifier_parts.py."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from curation.classify.labelled import CALIBRATION, TRAINING
from curation.classify.model import MODEL, NOTE, Model
from curation.classify.stages import UNMEASURED, Quality, Spam, Toxicity
from curation.classify.train import classifier
from curation.ingest import Cut, Ingest
from curation.marks import verdicts
from curation.screen import Screen
from dataset_cards.adopt.adopt import Adopt
from dataset_cards.freeze import freeze
from dataset_cards.intake.source import Input
from dataset_cards.verify import verify
from dataset_cards.versions.errors import Damaged, Misuse
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.adopting import lines
from tests.classifying import FASTTEXT, RECIPE, adopted, rows, score, trained
from tests.ops import Inline


def test_a_trained_version_holds_its_held_out_rows_and_a_model_that_finds_spam(store: Store, tmp_path: Path) -> None:
    version = trained(store, tmp_path)
    ledger = version.json["ledger"]
    assert ledger["read"] == 192
    assert set(ledger["dropped"]) == {"train-classifier/training", "train-classifier/calibration"}
    assert version.table.rows == ledger["kept"] == 192 - sum(ledger["dropped"].values())
    spam, ham, nothing = score(Spam(model=Model.of(version)), ["claim a free prize", "committee near lynum", " "])
    assert spam is not None
    assert ham is not None
    assert ham < 0.5 < spam
    assert nothing is None
    assert verdicts(Spam(model=Model.of(version)), pl.DataFrame({"probability": [0.5, 0.51, None]})).to_list() == [
        None,
        "spam/too-likely",
        None,
    ]
    assert verdicts(Quality(model=Model.of(version)), pl.DataFrame({"probability": [0.5, 0.49, None]})).to_list() == [
        None,
        "quality/too-low",
        None,
    ]


def test_the_card_of_a_model_tells_how_good_it_is(store: Store, tmp_path: Path) -> None:
    version = trained(store, tmp_path)
    (entry,) = version.json["facts"]["gold"]
    assert entry["rows"] == version.json["rows"]
    assert entry["results"][-1]["label"] == "all"
    assert entry["results"][-1]["f1"][0] == 1.0
    assert entry["auc"][1] < entry["auc"][0] == 1.0
    assert "files" not in version.json["facts"]
    assert "train-classifier" in (version.folder.read_bytes("README.md").decode())


def test_a_stage_tells_the_figures_of_its_own_threshold(store: Store, tmp_path: Path) -> None:
    model = Model.of(trained(store, tmp_path))
    (usual,), (strict,) = Spam(model=model).gold(), Spam(model=model, max_probability=1.0).gold()
    assert usual["set"] == "model@1, held out when it was trained"
    assert usual["results"][0]["recall"][0] == 1.0
    assert strict["threshold"] == 1.0
    assert strict["results"][0]["recall"][0] == 0.0
    assert strict["results"][0]["precision"] is None
    assert usual["auc"] == strict["auc"]


def test_training_again_gives_the_same_bytes(tmp_path: Path) -> None:
    found = []
    for place in ("one", "two"):
        version = trained(Store.at(str(tmp_path / place / "store")), tmp_path / "rows")
        found.append([version.json["digest"], *(version.folder.read_bytes(path) for path in (MODEL, NOTE))])
    assert found[0] == found[1]


def test_verify_finds_a_changed_model_and_a_stage_refuses_it(store: Store, tmp_path: Path) -> None:
    version = trained(store, tmp_path)
    assert verify(version) == []
    data = version.folder.read_bytes(MODEL)
    version.folder.write_bytes(MODEL, data[:-1] + bytes([data[-1] ^ 1]))
    assert [problem.path for problem in verify(version)] == [MODEL]
    model = Model(name="x", folder=version.folder, file=MODEL, digest=_digest(version, MODEL), label="positive")
    with pytest.raises(Damaged, match=r"model\.bin is not what it was"):
        Model.network(replace(model, name="other"))
    version.folder.write_bytes(NOTE, b"{}")
    with pytest.raises(Damaged, match=r"classifier\.json is not as frozen"):
        Model.of(version)


def _digest(version: DatasetVersion, path: str) -> str:
    return next(str(file["sha256"]) for file in version.json["files"] if file["path"] == path)


def test_a_cache_without_its_model_is_not_frozen(store: Store, tmp_path: Path) -> None:
    labelled = adopted(store, tmp_path, "labelled@1", *rows())
    step = classifier(labelled=(labelled,), positive=("spam",))
    store.run(step)
    (store.folder(step) / "model").remove()
    with pytest.raises(Damaged, match=r"model/model\.bin is missing; delete the folder .* and run again"):
        freeze(store, step, "model@1", RECIPE)


def test_another_model_under_a_used_name_is_an_error(store: Store, tmp_path: Path) -> None:
    trained(store, tmp_path)
    with pytest.raises(FileExistsError, match="choose another version"):
        trained(store, tmp_path, seed=2)


def test_a_model_is_known_by_content_and_not_by_place(tmp_path: Path) -> None:
    data = (FASTTEXT / "softmax-quantized.ftz").read_bytes()
    for name in ("a.ftz", "b.ftz"):
        (tmp_path / name).write_bytes(data)
    first, second = (Spam(model=Model.at(str(tmp_path / name), "spam")) for name in ("a.ftz", "b.ftz"))
    other = Spam(model=Model.at(str(tmp_path / "a.ftz"), "fine"))
    steps = [Step("screen", Screen(stages=(stage,))) for stage in (first, second, other)]
    assert steps[0].fingerprint == steps[1].fingerprint != steps[2].fingerprint
    recorded = json.dumps(steps[0].json())
    assert str(tmp_path) not in recorded
    assert "a.ftz" in recorded
    assert pickle.loads(pickle.dumps(first)).model.fingerprint == first.model.fingerprint


def test_a_screening_with_a_model_runs_and_its_card_has_the_figures(store: Store, tmp_path: Path) -> None:
    model = Model.of(trained(store, tmp_path))
    documents = Step("golden/read", Ingest(input=Input.find(str(lines(tmp_path, *rows())))))
    steps = [
        Step("test/screen", Screen(stages=(Spam(model=model, max_probability=limit),)), (documents,))
        for limit in (0.5, 0.9)
    ]
    marks = [store.run(step, (Inline(), Cut())).collect() for step in steps]
    assert marks[0]["drop"].drop_nulls().to_list() == ["spam/too-likely"] * 96
    assert marks[0]["spam.probability"].equals(marks[1]["spam.probability"])
    assert steps[0].measurement == steps[1].measurement
    (entry,) = store.done(steps[0])["facts"]["gold"]
    assert (entry["stage"], entry["threshold"]) == ("spam", 0.5)


def test_a_model_of_ones_own_is_used_as_it_is_and_called_unmeasured() -> None:
    stage = Toxicity(model=Model.at(str(FASTTEXT / "softmax-word-ngrams.bin"), "spam"))
    spam, fine = score(stage, ["win a free prize now", "the committee approved\nthe annual budget"])
    assert spam is not None
    assert fine is not None
    assert fine < 0.1 < 0.9 < spam
    (entry,) = stage.gold()
    assert (entry["stage"], entry["rows"], entry["results"], entry["not_covered"]) == ("toxicity", 0, [], [UNMEASURED])


def test_a_window_finds_what_a_long_text_hides_and_a_short_text_does_not_change() -> None:
    model = Model.at(str(FASTTEXT / "softmax-word-ngrams.bin"), "spam")
    fine = "the committee approved the annual budget for roads and schools "
    texts = [fine * 20 + "win a free prize now click the link " * 3 + fine * 20, fine, "", "win a free prize"]
    whole, cut = score(Toxicity(model=model), texts), score(Toxicity(model=model, window=10), texts)
    assert whole[1:] == cut[1:]
    assert whole[2] is None
    assert whole[0] is not None
    assert cut[0] is not None
    assert whole[0] < 0.5 < cut[0]
    with pytest.raises(ValueError, match="write a number of words"):
        Toxicity(model=model, window=-1)


def test_a_model_that_cannot_be_used_is_refused_before_a_run(store: Store, tmp_path: Path) -> None:
    good = str(FASTTEXT / "softmax-word-ngrams.bin")
    with pytest.raises(Misuse, match="has no label 'toxic'; its labels are 'spam', 'fine', 'mixed'"):
        Model.at(good, "toxic")
    with pytest.raises(Misuse, match="there is no file"):
        Model.at(str(tmp_path / "none.bin"), "spam")
    (tmp_path / "cut.bin").write_bytes(Path(good).read_bytes()[:2000])
    with pytest.raises(Damaged, match=r"cut\.bin is damaged"):
        Model.at(str(tmp_path / "cut.bin"), "spam")
    with pytest.raises(Misuse, match="labelled@1 holds no classifier"):
        Model.of(adopted(store, tmp_path, "labelled@1", *rows()))


def test_every_row_that_teaches_nothing_has_its_reason(store: Store, tmp_path: Path) -> None:
    odd = [
        {"id": "twin", "text": "Win a FREE prize, in norton!", "label": "spam"},
        {"id": "yes", "text": "Said to be both", "label": "spam"},
        {"id": "no", "text": "said to be both.", "label": "ham"},
        {"id": "unlabelled", "text": "no label here"},
        {"id": "list", "text": "a list is no label", "label": ["spam"]},
        {"id": "other", "text": "neither of them", "label": "unsure"},
        {"id": "mark", "text": "!!!", "label": "ham"},
    ]
    version = trained(store, tmp_path, *rows(), *odd, negative=("ham",))
    gone = pl.read_parquet(version.folder.open("ledger/rows.parquet")).filter(
        ~pl.col("reason").is_in([TRAINING, CALIBRATION])
    )
    assert dict(gone.select("id", "reason").iter_rows()) == {
        "twin": "duplicate",
        "yes": "conflicting-labels",
        "no": "conflicting-labels",
        "unlabelled": "no-label",
        "list": "no-label",
        "other": "other-label",
        "mark": "no-words",
    }
    assert gone["duplicate_of"].is_not_null().to_list() == (gone["id"] == "twin").to_list()
    assert verify(version) == []


def test_rows_of_one_group_stay_together(store: Store, tmp_path: Path) -> None:
    version = trained(store, tmp_path, group="place", test_share=0.3)
    held_out = {json.loads(metadata)["place"] for metadata in version.table.collect()["metadata"]}
    assert version.json["rows"] == 8 * len(held_out)


def test_labels_that_leave_one_side_empty_are_refused_with_what_was_seen(store: Store, tmp_path: Path) -> None:
    labelled = adopted(store, tmp_path, "labelled@1", *rows())
    for fields, said in [
        ({"positive": ("junk",)}, r"ham \(96 rows\), spam \(96 rows\); positive are junk"),
        ({"positive": ("spam",), "label": ("is_spam",)}, r"is_spam holds these labels: none.*fields are label, place"),
    ]:
        with pytest.raises(Misuse, match=said):
            store.run(classifier(labelled=(labelled,), **fields))  # type: ignore[arg-type]
    with pytest.raises(Misuse, match="fell to test"):
        store.run(classifier(labelled=(labelled,), positive=("spam",), test_share=0.001))
    with pytest.raises(Misuse, match="model@1 is of kind prompts"):
        classifier(
            labelled=(replace(labelled, name="model", json={**labelled.json, "kind": "prompts"}),), positive=("a",)
        )


@pytest.mark.slow
def test_spam_messages_are_told_from_others(shared_data: Path, tmp_path: Path) -> None:
    store = Store.at(str(tmp_path / "store"))
    op = Adopt(
        input=Input.find(str(shared_data / "quality" / "sms_spam.jsonl.zst")),
        kind="documents",
        mapping={},
        license="CC-BY-4.0",
        source="UCI",
    )
    step = Step("adopt", op)
    store.run(step)
    labelled = freeze(store, step, "sms@1", RECIPE)
    target = classifier(labelled=(labelled,), positive=("spam",))
    store.run(target)
    (entry,) = store.done(target)["facts"]["gold"]
    assert entry["results"][-1]["f1"][0] > 0.9
    assert entry["auc"][0] > 0.98
