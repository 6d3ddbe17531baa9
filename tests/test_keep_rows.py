"""Keeping rows of any type, alone and as the end of the recipe that decontaminates a version."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from curation.decontaminate.recipe import decontaminate, search_step
from curation.dedup.exact import ExactDuplicates
from curation.ingest import Cut, Ingest
from curation.keep import Keep
from curation.keep_rows import KeepRows
from curation.normalize import Normalize
from curation.rows import RowLayers, kind_of, pieces, text_of
from curation.screen import Screen
from dataset_cards.adopt.adopt import Adopt
from dataset_cards.freeze import freeze
from dataset_cards.intake.source import Input
from dataset_cards.verify import verify
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import CONTENT, SCHEMAS, problems
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.table import Part, Table, write_parquet
from dataset_cards.versions.version import DatasetVersion
from tests.ops import Inline
from tests.test_decontaminate import OTHER, QUESTION, documents, row, table

TOOLS = (Inline(), Cut())
TEXTS = st.lists(st.text("aé \n", max_size=12), min_size=1, max_size=12)
MADE = {"name": "test", "function": "test:test", "parameters": {}}


def version(store: Store, place: Path, kind: str, ref: str, rows: Sequence[dict[str, Any]]) -> DatasetVersion:
    """Rows adopted as a version, with a license and a source."""
    file = place / f"{ref}.parquet"
    pq.write_table(_table(kind, rows), file)
    step = Step(f"adopt/{ref.split('@')[0]}", Adopt(input=Input.find(str(file)), kind=kind, license="MIT", source="me"))
    store.run(step, TOOLS)
    return freeze(store, step, ref, MADE)


def _table(kind: str, rows: Sequence[dict[str, Any]]) -> Any:
    (frame,) = table(kind, rows).frames()
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(SCHEMAS[kind])


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_version_comes_out_with_the_same_type_and_columns_less_what_is_contaminated(
    kind: str, store: Store, tmp_path: Path
) -> None:
    rows = [row(kind, "own", OTHER), row(kind, "leak", f"Well: {QUESTION}"), row(kind, "last", OTHER + " Again.")]
    data = version(store, tmp_path, kind, "data@1", rows)
    sets = version(store, tmp_path, "prompts", "eval@1", [row("prompts", "q", QUESTION)])
    step = decontaminate(data, [sets])
    store.run(step, TOOLS)
    clean = freeze(store, step, "clean@1", MADE)
    assert (clean.kind, clean.json["license"], clean.json["source"]) == (kind, "MIT", "me")
    assert clean.table.schema() == data.table.schema() == SCHEMAS[kind]
    assert_frame_equal(clean.table.collect(), data.table.collect().filter(pl.col("id") != "leak"))
    assert all(not problems(kind, one) for one in clean.table.collect().to_dicts())
    assert clean.json["ledger"] == {
        "read": 3,
        "kept": 2,
        "quarantined": 0,
        "dropped": {"decontaminate/evaluation-text": 1},
    }
    ledger = pl.read_parquet(clean.folder.read_bytes("ledger/rows.parquet"))
    assert ledger.select("id", "stage", "reason").rows() == [("leak", "decontaminate", "evaluation-text")]
    examples = pl.read_parquet(clean.folder.read_bytes("ledger/examples.parquet"))
    (shown,) = examples.filter(pl.col("role") == "dropped").to_dicts()
    assert (shown["id"], shown["value"], shown["limit"]) == ("leak", 1.0, 0.5)
    assert QUESTION in shown["text"]
    facts = clean.json["facts"]
    assert facts["gold"][0]["stage"] == "decontaminate"
    assert facts["decontamination"]["evaluations"][0]["evaluation"] == "eval@1"
    assert facts["text"]["characters"] == sum(text_of(clean.table.collect(), kind).str.len_chars())
    assert not verify(clean)
    assert "decontaminate" in clean.folder.read_bytes("README.md").decode()


def test_it_is_one_step_of_a_corpus(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "pages.jsonl"
    texts = [OTHER, f"{OTHER} {QUESTION}", OTHER, "Nothing here."]
    file.write_text("".join(json.dumps({"id": f"p{n}", "text": text}) + "\n" for n, text in enumerate(texts)))
    read = Step("corpus/read", Ingest(input=Input.find(str(file))))
    exact = Step("corpus/exact", ExactDuplicates(), (read,))
    sets = [version(store, tmp_path, "prompts", "eval@1", [row("prompts", "q", QUESTION)])]
    found = search_step("corpus/decontaminate", (read, exact), sets)
    screened = Step("corpus/screen", Screen(stages=(Normalize(),)), (read, exact, found))
    keep = Step("corpus/keep", Keep(license="MIT"), (read, exact, found, screened))
    assert store.run(keep, TOOLS).collect().get_column("id").to_list() == ["p0", "p3"]
    ledger = pl.read_parquet((store.folder(keep) / "ledger").read_bytes("rows.parquet"))
    assert ledger.select("id", "stage", "reason").rows() == [
        ("p1", "decontaminate", "evaluation-text"),
        ("p2", "exact-duplicates", "same-text"),
    ]
    facts = store.done(keep)["facts"]
    assert [entry["stage"] for entry in facts["gold"]] == ["decontaminate"]
    assert "decontaminate" in {entry["stage"] for entry in facts["signals"]}
    assert facts["decontamination"]["evaluations"][0]["rows_dropped"] == 1
    assert [entry["stage"] for entry in store.funnel(keep)][:3] == ["read", "exact-duplicates", "decontaminate"]
    assert freeze(store, keep, "corpus@1", MADE).json["ledger"]["read"] == 4


def test_nothing_to_look_for_and_the_data_itself_are_refused(store: Store, tmp_path: Path) -> None:
    rows = [{**row("prompts", "q", QUESTION), "source": "here"}]
    data, again = (version(store, tmp_path, "prompts", ref, rows) for ref in ("data@1", "again@1"))
    with pytest.raises(Misuse, match="no evaluation sets"):
        decontaminate(data, [])
    with pytest.raises(Misuse, match=r"again@1 has the rows of data@1 itself"):
        decontaminate(data, [again])


def test_a_version_without_rows_stays_one(store: Store, tmp_path: Path) -> None:
    data = version(store, tmp_path, "preferences", "data@1", [row("preferences", "leak", QUESTION)])
    sets = version(store, tmp_path, "prompts", "eval@1", [row("prompts", "q", QUESTION)])
    step = decontaminate(data, [sets])
    assert store.run(step, TOOLS).rows == 0
    empty = freeze(store, step, "empty@1", MADE)
    step = decontaminate(empty, [sets])
    assert store.run(step, TOOLS).rows == 0
    assert freeze(store, step, "empty@2", MADE).table.schema() == SCHEMAS["preferences"]


@settings(max_examples=25)
@given(
    texts=st.lists(st.text("aé \n", max_size=12), min_size=1, max_size=12), one=st.integers(1, 5), two=st.integers(1, 5)
)
def test_layers_over_rows_say_the_same_however_they_are_cut(texts: list[str], one: int, two: int) -> None:
    whole = None
    for cuts in ((one, two), (two, 1000)):
        layers = RowLayers((documents(texts, cuts),))
        frames = [
            frame for part in range(layers.parts) for frame in layers.batches(part, ("id", "text", "size", "url"))
        ]
        groups = [layers.batch(0, 0, ("id", "text", "size", "url"))]
        assert_frame_equal(frames[0], groups[0])
        found = pl.concat(frames)
        assert found.get_column("size").to_list() == [len(text.encode()) for text in texts]
        assert whole is None or found.equals(whole)
        whole = found


@pytest.mark.parametrize("kind", SCHEMAS)
def test_pieces_are_the_text_in_order_and_the_type_is_told_by_its_columns(kind: str) -> None:
    rows = table(kind, [row(kind, str(n), text) for n, text in enumerate([QUESTION, "", OTHER])]).collect()
    found = pieces(rows, kind, [name for name in CONTENT[kind] if name in ("text", "messages", "prompt", "chosen")])
    assert found.get_column("row").is_sorted()
    assert found.height == 0 or set(found.get_column("role").to_list()) <= {None, "system", "user", "assistant"}
    assert QUESTION in text_of(rows, kind)[0]
    assert kind_of(SCHEMAS[kind].names) == kind


def test_lists_that_are_empty_or_null_say_nothing() -> None:
    rows = table("preferences", [{**row("preferences", "1", "hi"), "chosen": [], "rejected": None}]).collect()
    assert text_of(rows, "preferences").to_list() == ["You help.\nhi\n"]
    assert pieces(rows, "preferences", ("prompt", "chosen", "rejected")).get_column("text").to_list() == [
        "You help.",
        "hi",
    ]


def test_a_kind_that_is_none_is_refused() -> None:
    with pytest.raises(Misuse, match="'pages' is no row type"):
        KeepRows(kind="pages")


def test_marks_of_duplicates_are_refused_rather_than_forgotten(store: Store, tmp_path: Path) -> None:
    data = version(store, tmp_path, "prompts", "data@1", [row("prompts", "q", QUESTION)])
    side = store.root / "side"
    write_parquet(side, "part-00000.parquet", [pl.DataFrame({"drop": ["x/y"], "duplicate_of": [0]})])
    side.write_json("done.json", {"facts": {}})
    job = Job((data.table, Table(side, (Part("part-00000.parquet", 1),))), store.root / "keep", (Inline(),))
    with pytest.raises(NotImplementedError, match="duplicate"):
        KeepRows(kind="prompts").run(job)
