"""How good, how fair and how fast classifiers are that are trained on public data, and where they fail.

    python -m benchmarks.classifiers --data FOLDER [--official PYTHON]

FOLDER holds the public test data (`toxicity/`, `quality/`, `dedup/`, `web/`). `--official` is an interpreter that has
fastText's own trainer (the package fasttext-wheel), which is then trained on the same rows for comparison. Times are
CPU seconds of this process. Every model goes the way of a user: adopt, the recipe `classifier`, freeze.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
import polars as pl

from benchmarks.classifier_sets import Row, lines, quality, spam, toxicity
from curation.classify.forward import probabilities
from curation.classify.labelled import TEST, TRAINING, Labels, parts, read
from curation.classify.model import MODEL, Model
from curation.classify.prepare import WORDS_1, prepared
from curation.classify.train import classifier
from curation.measures import Triple, precision_recall_f1, proportion, roc_auc
from dataset_cards.adopt.adopt import Adopt
from dataset_cards.freeze import freeze
from dataset_cards.intake.source import Input
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion

PLANTED = (0, 50, 200, 800, 3200)  # words of clean text around a planted one
WINDOWS = (0, 25, 100)
DIALECT = {"finna", "tryna", "imma", "gon", "ion", "dat", "dis", "dem", "wit", "aint", "ain't", "yall", "y'all", "bruh"}


def adopted(store: Store, name: str, rows: list[Row]) -> DatasetVersion:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.jsonl"
        path.write_text("".join(json.dumps(one) + "\n" for one in rows))
        step = Step(
            "adopt", Adopt(input=Input.find(str(path)), kind="documents", mapping={}, license="unknown", source=name)
        )
        store.run(step)
        return freeze(store, step, f"{name}@1", {"name": "adopt", "function": "", "parameters": {}})


def trained(store: Store, name: str, labelled: Iterable[DatasetVersion], **knobs: Any) -> DatasetVersion:
    step = classifier(labelled=tuple(labelled), positive=("yes",), negative=("no",), group="group", **knobs)
    store.run(step)
    return freeze(store, step, f"{name}@1", {"name": "classifier", "function": "", "parameters": {}})


def shown(triple: Triple | None) -> str:
    return "-" if triple is None else f"{triple[0]:.3f} ({triple[1]:.3f}-{triple[2]:.3f})"


def report(title: str, probability: Any, positive: Any, threshold: float = 0.5) -> None:
    said = probability > threshold
    counts = [int(np.sum(a & b)) for a, b in ((said, positive), (said, ~positive), (~said, positive))]
    found = {**precision_recall_f1(*counts), "AUC": roc_auc(probability, positive)}
    print(f"  {title:28} {len(positive):6} rows  " + "  ".join(f"{name} {shown(found[name])}" for name in found))


def scored(model: Model, rows: list[Row]) -> tuple[Any, Any]:
    """Probabilities of rows that the model did not see, without repeats, and their labels."""
    unique = list({one["text"].lower(): one for one in rows}.values())
    probability = model.probability(pl.Series([one["text"] for one in unique]))
    positive = np.array([one["label"] == "yes" for one in unique])
    return probability[~np.isnan(probability)], positive[~np.isnan(probability)]


def domains(store: Store, name: str, sets: dict[str, list[Row]], official: str | None) -> Model:
    """Each set alone, on itself and on the others; then all together."""
    versions = {part: adopted(store, f"{name}-{part}", rows) for part, rows in sets.items()}
    for part, version in versions.items():
        frozen = trained(store, f"{name}-{part}-model", [version])
        model, facts = Model.of(frozen), frozen.json["facts"]
        held = model.held_out()
        error = facts["classifier"]["calibration_error"]
        print(
            f"{name}: trained on {part} ({facts['classifier']['rows']['training']} rows, {facts['classifier']['bytes']}"
            f" bytes); calibration error {error['before']:.3f} before, {error['after']:.3f} after"
        )
        report(f"held out, at {facts['gold'][0]['threshold']}", *judged(held), facts["gold"][0]["threshold"])
        report("held out, at 0.5", *judged(held))
        for other, rows in sets.items():
            if other != part:
                report(f"on {other}, at 0.5", *scored(model, rows))
        if official:
            report("fastText itself, at 0.5", *by_fasttext(official, version))
    frozen = trained(store, f"{name}-model", versions.values())
    print(f"{name}: trained on all, {frozen.json['facts']['classifier']['bytes']} bytes")
    held = Model.of(frozen).held_out()
    for source in (*sorted(held["from"].unique()), None):
        one = held if source is None else held.filter(pl.col("from") == source)
        report(source or "all", *judged(one))
    return Model.of(frozen)


def judged(rows: pl.DataFrame) -> tuple[Any, Any]:
    return rows["probability"].to_numpy(), rows["positive"].to_numpy()


def by_fasttext(python: str, version: DatasetVersion) -> tuple[Any, Any]:
    """fastText's own trainer on the same training rows and settings, and its answers on the same held-out rows."""
    rows = read([version.table], [version.ref], Labels(fields=("label",), positive=("yes",), negative=("no",)), "group")
    rows = rows.with_columns(part=parts(rows, 0.2, 0.15)).filter(pl.col("reason").is_null())
    one, test = rows.filter(pl.col("part") == TRAINING), rows.filter(pl.col("part") == TEST)
    data, offsets = prepared(one["text"], WORDS_1)
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/training.txt", "wb") as file:
            for begin, end, yes in zip(offsets[:-1], offsets[1:], one["positive"], strict=True):
                text = b" ".join(data[begin:end].tobytes().replace(b"\0", b" ").split())
                file.write(b"__label__" + (b"yes " if yes else b"no ") + text + b"\n")
        code = (
            f"import fasttext; fasttext.train_supervised(input='{folder}/training.txt', lr=0.3, dim=8, epoch=25, "
            f"wordNgrams=2, bucket=65536, minCount=2, thread=1, verbose=0).save_model('{folder}/official.bin')"
        )
        subprocess.run([python, "-c", code], check=True, capture_output=True)
        model = Model.at(f"{folder}/official.bin", "yes")
        network = model.network()
    found = probabilities(network, *prepared(test["text"], WORDS_1))[:, network.labels.index("yes")]
    return found, test["positive"].to_numpy()


def fairness(model: Model, data: Path) -> None:
    """HateCheck by what it tests; sentences that only name a group; tweets with marks of African American English."""
    rows = list(lines(data / "toxicity" / "hatecheck.jsonl.zst"))
    probability = model.probability(pl.Series([one["test_case"] for one in rows]))
    hateful = np.array([one["label_gold"] == "hateful" for one in rows])
    print("HateCheck (never trained on)")
    report("all, at 0.5", probability, hateful)
    flagged: dict[str, list[bool]] = defaultdict(list)
    for one, value in zip(rows, probability, strict=True):
        flagged[one["functionality"]].append(bool(value > 0.5))
    for name in sorted(flagged, key=lambda name: (name.endswith("_nh"), name)):
        print(f"    {name:22} flagged {shown(proportion(sum(flagged[name]), len(flagged[name])))}")
    templates = [
        one
        for one in lines(data / "toxicity" / "identity_templates_en.jsonl.zst")
        if one["template"] in ("being_adj", "you_are_adj", "name_adj", "verb_adj")
    ]
    probability = model.probability(pl.Series([one["phrase"] for one in templates]))
    toxic = np.array([one["toxicity"] == "toxic" for one in templates])
    print("Identity templates (never trained on)")
    report("all, at 0.5", probability, toxic)
    by: dict[str, list[bool]] = defaultdict(list)
    for one, value in zip(templates, probability, strict=True):
        if one["toxicity"] == "nontoxic" and one["template"] == "being_adj":
            by[one["phrase"].split()[1].lower()].append(bool(value > 0.5))
    worst = sorted(by, key=lambda word: (-sum(by[word]) / len(by[word]), word))
    print("    harmless 'Being X is ADJECTIVE' flagged: " + ", ".join(f"{w} {np.mean(by[w]):.2f}" for w in worst[:12]))
    print(f"    groups never flagged: {sum(not any(by[word]) for word in by)} of {len(by)}")
    held = model.version.table.collect() if model.version else pl.DataFrame()
    notes = [json.loads(metadata)["classifier"] for metadata in held["metadata"]]
    counts: dict[bool, list[bool]] = defaultdict(list)
    for text, note in zip(held["text"], notes, strict=True):
        if note["from"] == "toxicity-tweets@1" and not note["positive"]:
            counts[bool(DIALECT & set(text.lower().split()))].append(note["probability"] > 0.5)
    for dialect, said in counts.items():
        marks = "with" if dialect else "without"
        print(f"    held-out harmless tweets {marks} dialect words flagged: {shown(proportion(sum(said), len(said)))}")


def lengths(model: Model, toxic: list[Row], clean: list[Row]) -> None:
    """Clean text that is flagged, and toxic messages found again inside clean text, by words in a window (0: whole)."""
    texts = [one["text"] for one in clean]
    for window in WINDOWS:
        flagged = model.probability(pl.Series(texts), window) > 0.5
        share = shown(proportion(int(flagged.sum()), len(flagged)))
        print(f"clean pieces of documents flagged, window {window}: {share}")
    whole = " ".join(texts).split()
    probability = model.probability(pl.Series([one["text"] for one in toxic]))
    sure = [one["text"] for one, p in zip(toxic, probability, strict=True) if p > 0.5 and one["label"] == "yes"][:300]
    for words in PLANTED:
        around = [" ".join(whole[n * 97 : n * 97 + words]) for n in range(len(sure))]
        pairs = zip(around, sure, strict=True)
        mixed = pl.Series([f"{text[: len(text) // 2]} {bad} {text[len(text) // 2 :]}" for text, bad in pairs])
        for window in WINDOWS:
            found = model.probability(mixed, window) > 0.5
            share = shown(proportion(int(found.sum()), len(found)))
            print(f"    toxic messages found inside {words:5} clean words, window {window}: {share}")


def kinds(store: Store, sets: dict[str, list[Row]]) -> None:
    """Quality on kinds of text that took no part in training: the share of each that is called good."""
    seen = ("peps", "wikipedia", "books", "headlines", "links", "junk")
    versions = [adopted(store, f"quality-{name}", sets[name]) for name in seen]
    frozen = trained(store, "quality-model", versions)
    model = Model.of(frozen)
    print(f"quality: trained on {', '.join(seen)}; {frozen.json['facts']['classifier']['bytes']} bytes")
    report("held out, all kinds", *judged(model.held_out()))
    for name, rows in sets.items():
        if name not in seen:
            probability, positive = scored(model, rows)
            kept = proportion(int((probability >= 0.5).sum()), len(probability))
            print(f"    never seen: {name:10} ({'good' if positive[0] else 'bad'}) called good {shown(kept)}")


def speed(model: Model, rows: list[Row]) -> None:
    """The whole stage against fastText called once for each document, turn by turn."""
    texts = [one["text"] for one in rows]
    size = sum(len(text.encode()) for text in texts)
    data, offsets = prepared(pl.Series(texts), WORDS_1)
    given = [data[a:b].tobytes().decode().replace("\n", " ") for a, b in pairwise(offsets)]
    series = pl.Series(texts)
    official = fasttext.load_model(f"{model.folder}/{MODEL}")
    model.probability(series[:10])
    times: dict[str, list[float]] = defaultdict(list)
    ways: dict[str, Callable[[], object]] = {
        "preparing and scoring here": lambda: model.probability(series),
        "preparing alone": lambda: prepared(series, WORDS_1),
        "fasttext-predict, prepared text": lambda: [official.predict(text) for text in given],
    }
    for _ in range(3):
        for name, work in ways.items():
            start = time.process_time()
            work()
            times[name].append(time.process_time() - start)
    print(f"speed of {model.name}: {len(texts)} documents, {size / 1e6:.1f} MB")
    for name, taken in times.items():
        rate, cost = len(texts) / min(taken), min(taken) / size * 1e9
        print(f"    {name:32} {rate:9,.0f} documents a CPU second, {cost:6.1f} CPU-s/GB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--official", help="a Python that has fastText's trainer")
    given = parser.parse_args()
    good = quality(given.data)
    with tempfile.TemporaryDirectory() as folder:
        store = Store.at(f"{folder}/store")
        toxic = toxicity(given.data)
        model = domains(store, "toxicity", toxic, given.official)
        fairness(model, given.data)
        lengths(model, toxic["social"], [*good["wikipedia"], *good["peps"][::4], *good["speeches"]])
        domains(store, "spam", spam(given.data), given.official)
        kinds(store, good)
        small = trained(store, "small", [store.version(f"toxicity-{name}@1") for name in toxic], word_ngrams=1)
        for one in (model, Model.of(small)):
            speed(one, [*good["peps"], *good["rfcs"], *good["wikipedia"]])


if __name__ == "__main__":
    main()
