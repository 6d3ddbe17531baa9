"""What becomes of rows is told in full: no excerpt shows what was masked, nothing depends on how rows are cut.

Examples and histograms are also tested in test_screen.py and test_signals.py, what a person sees in test_report*.py.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.dedup.near import NearDuplicates
from curation.ingest import Cut, Ingest
from curation.keep import Keep
from curation.moves import moved_limits
from curation.rule import Rule, above, below, flagged, outside
from curation.screen import Screen
from curation.stage import Docs, Stage, decides
from dataset_cards.freeze import freeze
from dataset_cards.intake.source import Input
from dataset_cards.versions.job import Job
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.ops import Inline

SPANS = pl.List(
    pl.Struct({"type": pl.String, "start": pl.Int64, "end": pl.Int64, "score": pl.Float64, "action": pl.String})
)
CODE = r"K\d{6}"


@dataclass(frozen=True, kw_only=True)
class Shape(Stage):
    """Counts words and letters, and names the first letter."""

    min_words: int = decides(3)
    max_words: int = decides(40)
    min_letters: float = decides(0.5)
    first: tuple[str, ...] = decides(("a", "b", "c", "w"))

    def score(self, docs: Docs) -> pl.DataFrame:
        letters = docs.text.str.count_matches("[a-z]") / docs.text.str.len_chars().clip(1)
        words = docs.text.str.count_matches(r"\S+").cast(pl.Int64)
        first = docs.text.str.slice(0, 1)
        return pl.DataFrame(
            {"words": words, "letters": letters, "first": first, "shouts": docs.text.str.contains("!!")}
        )

    def drop(self) -> Mapping[str, Rule]:
        return {
            "too-short": below("words", self.min_words),
            "too-long": above("words", self.max_words),
            "few-letters": below("letters", self.min_letters),
            "odd-start": outside("first", self.first),
            "shouting": flagged("shouts"),
        }


@dataclass(frozen=True, kw_only=True)
class Codes(Stage):
    """Masks codes such as K123456; a stage that drops for them leaves them in the text."""

    drops: bool = False

    def score(self, docs: Docs) -> pl.DataFrame:
        found = [
            [
                {"type": "code-number", "start": at, "end": at + 7, "score": 1.0, "action": self._action()}
                for at in range(len(text))
                if text[at : at + 1] == "K" and text[at + 1 : at + 7].isdigit() and len(text[at + 1 : at + 7]) == 6
            ]
            for text in docs.text
        ]
        masked = docs.text.str.replace_all(CODE, "[CODE_NUMBER]")
        text = pl.select(pl.when(masked != docs.text).then(masked)).to_series()
        return pl.DataFrame(
            {
                "text": pl.Series([None] * docs.text.len(), dtype=pl.String) if self.drops else text,
                "spans": pl.Series(found, dtype=SPANS),
                "wanted": pl.Series([not spans for spans in found], dtype=pl.Boolean),
                "unwanted": pl.Series([bool(spans) and self.drops for spans in found], dtype=pl.Boolean),
            }
        )

    def drop(self) -> Mapping[str, Rule]:
        return {"has-code": flagged("unwanted")} if self.drops else {}

    def gold(self) -> list[dict[str, Any]]:
        return [{"stage": "codes", "set": "three codes", "rows": 3, "unit": "span", "results": []}]

    def _action(self) -> str:
        return "drop" if self.drops else "mask"


@dataclass(frozen=True, kw_only=True)
class Pairs(NearDuplicates):
    """Near-duplicates with pairs among the facts: every row that was dropped beside the one that stays."""

    def run(self, job: Job) -> dict[str, Any]:
        facts = super().run(job)
        names = [part["name"] for one in job.facts() for part in one["parts"]]
        empty = pl.DataFrame(schema={"drop": pl.String, "duplicate_of": pl.Int64, "jaccard": pl.Float64})
        rows = pl.concat([empty, *(pl.read_parquet(f"{job.folder}/{name}") for name in names)])
        gone = rows.with_row_index("row").filter(pl.col("duplicate_of").is_not_null())
        facts["near_duplicates"]["pairs"] = [
            {"kept": row["duplicate_of"], "dropped": row["row"], "jaccard": row["jaccard"], "why": "large-cluster"}
            for row in gone.iter_rows(named=True)
        ]
        return facts


LONG = " ".join(f"word{n}" for n in range(30))
ROWS = {
    "short": "abcdefghijk K111111",
    "kept": f"a K222222 {LONG}",
    "copy": f"a K333333 {LONG}",
    "cut": f"b {'x' * 3990} {LONG} K444444 K555555 !!",
    "odd": "zebra crossing K666666 again",
    "fine": "come and see",
    "long": "word " * 41 + "K777777",
}


def corpus(path: str, *, veil: tuple[Stage, ...] = (Codes(),), masks: Stage | None = None) -> Step:
    read = Step("e/read", Ingest(input=Input.find(path)))
    screen = Step("e/screen", Screen(stages=(Shape(),)), (read,))
    near = Step("e/near", Pairs(ngram=2), (read, screen))
    safe = Step("e/safe", Screen(stages=(masks or Codes(),)), (read, screen, near))
    return Step("e/keep", Keep(veil=veil), (read, screen, near, safe))


def written(folder: Path, rows: Mapping[str, str]) -> str:
    path = folder / f"{uuid.uuid4().hex}.jsonl"
    path.write_text(
        "".join(json.dumps({"id": name, "text": text}) + "\n" for name, text in rows.items()) + '{"id": "K888888"'
    )
    return str(path)


def frozen(folder: Path, step: Step, cut: Cut | None = None) -> DatasetVersion:
    store = Store.at(str(folder / uuid.uuid4().hex))
    store.run(step, (Inline(), cut or Cut()))
    return freeze(store, step, "e@1.0.0", {"name": "e", "function": "e", "parameters": {}})


def ledger(version: DatasetVersion, name: str) -> pl.DataFrame:
    return pl.read_parquet(f"{version.folder}/ledger/{name}.parquet")


def everything(version: DatasetVersion) -> str:
    """All that a version shows of its rows but the rows themselves."""
    texts = [Path(f"{version.folder}/{name}").read_text() for name in ("README.md", "report.html", "version.json")]
    texts += [ledger(version, name).write_json() for name in ("examples", "pairs", "quarantine", "rows", "spans")]
    return "\n".join(texts)


def test_nothing_that_a_later_stage_masks_is_shown_of_any_row(tmp_path: Path) -> None:
    version = frozen(tmp_path, corpus(written(tmp_path, ROWS)))
    shown = everything(version)
    assert not [code for code in ("K" + str(n) * 6 for n in range(1, 9)) if code in shown]
    examples = dict(ledger(version, "examples").filter(pl.col("role") == "dropped").select("id", "text").iter_rows())
    assert examples["short"] == "abcdefghijk [CODE_NUMBER]"
    assert len(examples["cut"]) == 4000  # what is masked behind the cut is masked before it is cut
    (pair,) = ledger(version, "pairs").iter_rows(named=True)
    assert (pair["kept_id"], pair["dropped_id"]) == ("kept", "copy")
    assert pair["kept_text"] == pair["dropped_text"] == f"a [CODE_NUMBER] {LONG}"


def test_a_stage_that_drops_for_what_it_finds_does_not_show_it_either(tmp_path: Path) -> None:
    stage = Codes(drops=True)
    version = frozen(tmp_path, corpus(written(tmp_path, ROWS), veil=(stage,), masks=stage))
    assert version.json["ledger"]["dropped"]["codes/has-code"] == 1
    assert not [n for n in range(1, 9) if "K" + str(n) * 6 in everything(version)]


@pytest.mark.parametrize("masks", [Codes(), Codes(drops=True)])
def test_without_a_veil_rows_that_were_not_masked_are_not_shown(tmp_path: Path, masks: Codes) -> None:
    version = frozen(tmp_path, corpus(written(tmp_path, ROWS), veil=(), masks=masks))
    assert not [n for n in range(1, 9) if "K" + str(n) * 6 in everything(version)]
    examples = dict(ledger(version, "examples").select("id", "text").iter_rows())
    assert examples["short"].startswith("(not shown: codes never masked this text")
    assert examples["fine"] == "come and see"


def test_without_any_mask_texts_are_shown_as_they_are(tmp_path: Path) -> None:
    path = written(tmp_path, ROWS)
    read = Step("e/read", Ingest(input=Input.find(path)))
    step = Step("e/keep", Keep(), (read, Step("e/screen", Screen(stages=(Shape(),)), (read,))))
    version = frozen(tmp_path, step)
    assert "abcdefghijk K111111" in ledger(version, "examples").get_column("text").to_list()
    assert "spans" not in version.json["facts"]
    assert {file["path"] for file in version.json["files"]} >= {"ledger/rows.parquet", "ledger/examples.parquet"}
    assert not any(file["path"].endswith(("spans.parquet", "pairs.parquet")) for file in version.json["files"])


def test_spans_of_every_row_that_a_stage_read_are_in_the_ledger_and_counted(tmp_path: Path) -> None:
    rows = {
        "one": "bringing K111111 andthenalso K222222 alongside",
        "none": "come without any code",
        "two": "about K333333 once or twice",
        "gone": "K444444",
    }
    version = frozen(tmp_path, corpus(written(tmp_path, rows)))
    assert ledger(version, "spans").rows() == [
        ("one", "codes", "code-number", 9, 16, 1.0, "mask"),
        ("one", "codes", "code-number", 29, 36, 1.0, "mask"),
        ("two", "codes", "code-number", 6, 13, 1.0, "mask"),
    ]
    counted = {"codes": {"code-number": {"spans": 3, "rows": 2, "actions": {"mask": 3}}}}
    assert version.json["facts"]["spans"] == counted
    assert version.json["facts"]["edits"] == {"shape": 0, "near-duplicates": 0, "codes": 2}
    assert version.json["facts"]["gold"] == Codes().gold()


def test_yes_or_no_signals_are_counted(tmp_path: Path) -> None:
    version = frozen(tmp_path, corpus(written(tmp_path, ROWS)))
    counts = {one["signal"]: one["counts"] for one in version.json["facts"]["categories"] if one["stage"] == "shape"}
    assert counts["shouts"] == {"false": 6, "true": 1}


@settings(max_examples=8, deadline=None)
@given(
    texts=st.lists(st.text("abK1 !", max_size=30) | st.just(f"a {LONG} K123456"), max_size=25),
    group=st.integers(1, 400),
)
def test_the_ledger_does_not_depend_on_how_the_rows_are_cut(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], group: int
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    path = written(folder, {str(n): text for n, text in enumerate(texts)})
    whole, parts = (frozen(folder, corpus(path), cut) for cut in (Cut(), Cut(slice_bytes=group, part_bytes=group)))
    for key in ("facts", "files", "funnel"):
        assert whole.json[key] == parts.json[key]


@settings(max_examples=8, deadline=None)
@given(
    texts=st.lists(st.text("ab1 !", max_size=24), min_size=1, max_size=40),
    min_words=st.integers(0, 5),
    min_letters=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
)
def test_a_moved_limit_changes_what_a_run_with_that_limit_changes(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], min_words: int, min_letters: float
) -> None:
    folder = tmp_path_factory.mktemp("moves")
    path = written(folder, {str(n): text for n, text in enumerate(texts)})
    store = Store.at(str(folder / "store"))
    shape = Shape(min_words=min_words, min_letters=min_letters, max_words=4)

    def kept(stage: Shape) -> tuple[set[str], dict[str, Any]]:
        read = Step("m/read", Ingest(input=Input.find(path)))
        step = Step("m/keep", Keep(), (read, Step("m/screen", Screen(stages=(stage,)), (read,))))
        ids = set(store.run(step, (Inline(), Cut())).collect(["id"]).get_column("id"))
        return ids, store.done(step)["facts"]

    now, facts = kept(shape)
    for entry in facts["moves"]:
        assert entry["kept"], "nothing after this screening drops rows"
        assert [move["limit"] for move in entry["moved"]] == sorted(move["limit"] for move in entry["moved"])
        for limit in {move["limit"] for move in entry["moved"]}:
            (move, *_) = [move for move in entry["moved"] if move["limit"] == limit]
            value: Any = limit if entry["field"] == "min_letters" else int(limit)
            then, _ = kept(replace(shape, **{entry["field"]: value}))
            assert (move["fewer"], move["more"]) == (len(now - then), len(then - now)), entry


def test_rows_that_would_meet_a_later_stage_are_not_called_kept(tmp_path: Path) -> None:
    (entry, *_) = frozen(tmp_path, corpus(written(tmp_path, ROWS))).json["facts"]["moves"]
    assert (entry["reason"], entry["kept"]) == ("too-short", False)
    assert {move["limit"]: (move["fewer"], move["more"]) for move in entry["moved"]} == {2: (0, 1), 4: (1, 0)}


@pytest.mark.parametrize(
    ("limit", "whole", "expected"),
    [
        (50.0, True, [45, 47, 49, 51, 53, 55]),
        (2.0, True, [1, 1, 1, 3, 3, 3]),
        (0.0, True, [1, 1, 1]),
        (0.0, False, []),
        (0.2, False, [0.18, 0.19, 0.198, 0.202, 0.21, 0.22]),
        (0.99, False, [0.891, 0.9405, 0.9801, 0.9999, 1.0, 1.0]),
        (-10.0, False, [-11.0, -10.5, -10.1, -9.9, -9.5, -9.0]),
        (float("inf"), False, []),
    ],
)
def test_limits_move_by_a_share_and_whole_ones_to_the_neighbour(
    limit: float, whole: bool, expected: list[float]
) -> None:
    assert [moved for _, moved in moved_limits(limit, whole)] == expected
