"""Score, decide, keep: stages measure once, thresholds only decide, every document ends in one place."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from curation.ingest import Cut, Ingest
from curation.keep import Keep
from curation.rule import Rule, above, below, flagged
from curation.screen import Screen
from curation.stage import Docs, Stage, decides
from dataset_cards.freeze import freeze
from dataset_cards.intake.source import Input
from dataset_cards.versions.ledger import overall
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from tests.ops import Inline


@dataclass(frozen=True, kw_only=True)
class Length(Stage):
    """Counts characters; remembers how many documents it was asked about."""

    asked: ClassVar[list[int]] = []
    min_characters: int = decides(3)
    max_characters: int = decides(1000)

    def score(self, docs: Docs) -> pl.DataFrame:
        Length.asked.append(docs.frame.height)
        return docs.frame.select(characters=pl.col("text").str.len_chars())

    def drop(self) -> Mapping[str, Rule]:
        return {
            "too-short": below("characters", self.min_characters),
            "too-long": above("characters", self.max_characters),
        }


@dataclass(frozen=True, kw_only=True)
class Shout(Stage):
    """Replaces texts that end in an exclamation mark."""

    def score(self, docs: Docs) -> pl.DataFrame:
        loud = docs.text.str.ends_with("!")
        return docs.frame.select(text=pl.when(loud).then(docs.text.str.to_uppercase()), loud=loud)


@dataclass(frozen=True, kw_only=True)
class NoCapitals(Stage):
    """Sees the text as the stages before left it."""

    asked: ClassVar[list[int]] = []
    max_capitals: int = decides(4)

    def score(self, docs: Docs) -> pl.DataFrame:
        NoCapitals.asked.append(docs.frame.height)
        return docs.frame.select(capitals=pl.col("text").str.count_matches("[A-Z]"), empty=docs.text == "")

    def drop(self) -> Mapping[str, Rule]:
        return {"loud": above("capitals", self.max_capitals), "empty": flagged("empty")}


TEXTS = ["a", "bb", "ccc", "dddd", "hey you!", "ho!", "x" * 20, "fine text", "Quiet Please And Thank You"]


@pytest.fixture
def texts(tmp_path: Path) -> str:
    Length.asked.clear()
    NoCapitals.asked.clear()
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"id": f"t{n}", "text": text}) + "\n" for n, text in enumerate(TEXTS)))
    return str(path)


def corpus(path: str, min_characters: int = 3, max_capitals: int = 4) -> Step:
    read = Step("c/read", Ingest(input=Input.find(path)))
    stages = (Length(min_characters=min_characters), Shout(), NoCapitals(max_capitals=max_capitals))
    screen = Step("c/screen", Screen(stages=stages), (read,))
    return Step("c/keep", Keep(), (read, screen))


TOOLS = (Inline(), Cut())


def kept(store: Store, step: Step) -> dict[str, str]:
    return dict(store.run(step, TOOLS).collect(["id", "text"]).iter_rows())


def test_each_document_has_one_place_and_the_first_reason_counts(store: Store, texts: str) -> None:
    step = corpus(texts)
    assert kept(store, step) == {"t2": "ccc", "t3": "dddd", "t5": "HO!", "t6": "x" * 20, "t7": "fine text"}
    ledger = overall(store.funnel(step))
    assert ledger.json() == {
        "read": 9,
        "kept": 5,
        "quarantined": 0,
        "dropped": {"length/too-short": 2, "no-capitals/loud": 2},
    }


def test_a_changed_threshold_measures_nothing_again(store: Store, texts: str) -> None:
    store.run(corpus(texts), TOOLS)
    asked = (Length.asked.copy(), NoCapitals.asked.copy())
    assert kept(store, corpus(texts, min_characters=4)) == {"t3": "dddd", "t6": "x" * 20, "t7": "fine text"}
    assert (Length.asked, NoCapitals.asked) == asked


def test_only_rows_that_a_looser_threshold_brings_back_are_measured(store: Store, texts: str) -> None:
    store.run(corpus(texts), TOOLS)
    Length.asked.clear()
    NoCapitals.asked.clear()
    assert {"t0", "t1"} < set(kept(store, corpus(texts, min_characters=1)))
    assert Length.asked == []
    assert NoCapitals.asked == [2]


def test_a_decision_over_old_scores_equals_one_over_new(texts: str, tmp_path: Path) -> None:
    used, fresh = Store.at(str(tmp_path / "used")), Store.at(str(tmp_path / "fresh"))
    for low, capitals in ((3, 4), (6, 2), (1, 100), (2, 3)):
        step = corpus(texts, low, capitals)
        assert store_bytes(used, step) == store_bytes(fresh, step), (low, capitals)
        fresh = Store.at(str(tmp_path / f"fresh-{low}-{capitals}"))


def store_bytes(store: Store, step: Step) -> dict[str, bytes]:
    """Every file of the screening and of the kept rows, by name."""
    store.run(step, TOOLS)
    files = {}
    for one in (step, step.inputs[1]):
        assert isinstance(one, Step)
        folder = store.folder(one)
        for name in folder.names():
            if not name.startswith(".") and name != "ledger":
                files[f"{one.name}/{name}"] = folder.read_bytes(name)
    return files


def test_rows_do_not_depend_on_how_the_input_was_cut(texts: str, tmp_path: Path) -> None:
    results = []
    for n, cut in enumerate((Cut(), Cut(slice_bytes=1, part_bytes=1))):
        store = Store.at(str(tmp_path / str(n)))
        step = corpus(texts)
        store.run(step, (Inline(), cut))
        version = freeze(store, step, "texts@1.0.0", {"name": "c", "function": "c", "parameters": {}})
        results.append({key: version.json[key] for key in ("digest", "ledger", "funnel", "files", "facts")})
    assert results[0] == results[1]


def test_dropped_rows_can_be_looked_at(texts: str, tmp_path: Path) -> None:
    store = Store.at(str(tmp_path / "store"))
    step = corpus(texts)
    store.run(step, TOOLS)
    version = freeze(store, step, "texts@1.0.0", {"name": "c", "function": "c", "parameters": {}})
    rows = pl.read_parquet(f"{version.folder}/ledger/rows.parquet")
    assert dict(rows.select("id", pl.col("stage") + "/" + pl.col("reason")).iter_rows()) == {
        "t0": "length/too-short",
        "t1": "length/too-short",
        "t4": "no-capitals/loud",
        "t8": "no-capitals/loud",
    }
    examples = pl.read_parquet(f"{version.folder}/ledger/examples.parquet")
    near = examples.filter((pl.col("role") == "just-kept") & (pl.col("reason") == "too-short"))
    assert near.get_column("id").to_list()[:2] == ["t2", "t5"], "the two shortest that stayed, in order"
    assert near.get_column("limit").unique().to_list() == [3.0]


def test_histograms_show_the_limit_as_an_edge_and_count_every_measured_row(texts: str, tmp_path: Path) -> None:
    store = Store.at(str(tmp_path / "store"))
    step = corpus(texts)
    store.run(step, TOOLS)
    signals: list[dict[str, Any]] = store.done(step)["facts"]["signals"]
    length = next(entry for entry in signals if entry["signal"] == "characters")
    assert 3.0 in length["edges"]
    assert sum(length["counts"]) == length["documents"] == 9
    below_limit = sum(c for c, edge in zip(length["counts"], length["edges"], strict=False) if edge < 3.0)
    assert below_limit == 2, "what lies left of the line is what the rule dropped"
    assert {rule["field"] for rule in length["rules"]} == {"min_characters", "max_characters"}


def test_two_stages_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="share a name"):
        Screen(stages=(Length(), Length(min_characters=9)))
