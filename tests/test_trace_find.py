"""Finding rows in tables: the same wherever row groups end, in every kind of row, on disk and in memory."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_cards.adopt.adopt import Adopt
from dataset_cards.freeze import freeze
from dataset_cards.intake.source import Input
from dataset_cards.lineage.fate import fates
from dataset_cards.lineage.find import Place, descended, holding, like, locate, matching, row_at
from dataset_cards.lineage.graph import Graph
from dataset_cards.lineage.outline import Twig, drawn
from dataset_cards.lineage.row import origin
from dataset_cards.lineage.tree import lineage, twigs
from dataset_cards.versions.errors import Damaged
from dataset_cards.versions.files import Folder
from dataset_cards.versions.schemas import SCHEMAS
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.table import Part, Table, from_arrow, write_parquet
from tests.ops import Rows, Upper
from tests.test_decontaminate import row
from tests.tracing import command
from tests.training import store_at

# Ids are short and near each other, so that they often meet and often lie at the edges of row groups.
NAMES = st.text(alphabet="aAé\x00\n", max_size=2)


def cut(rows: list[list[list[dict[str, Any]]]], columns: pa.Schema) -> Table:
    """Rows as parts of row groups."""
    folder = Folder.at("memory://trace-find")
    parts = []
    for number, groups in enumerate(rows):
        frames = [from_arrow(pa.Table.from_pylist(group, schema=columns)) for group in groups]
        name = f"{number}.parquet"
        parts.append(Part(name, write_parquet(folder, name, frames, columns)))
    return Table(folder, tuple(parts))


@given(
    parts=st.lists(st.lists(st.lists(NAMES, max_size=5), max_size=3), max_size=3),
    wanted=st.sets(NAMES, max_size=4),
)
def test_every_row_of_an_id_is_found_whatever_the_cut(parts: list[list[list[str]]], wanted: set[str]) -> None:
    columns = pa.schema([("id", pa.string()), ("n", pa.int64())])
    table = cut([[[{"id": one, "n": 1} for one in group] for group in groups] for groups in parts], columns)
    found = [[(part, one) for group in groups for one in group] for part, groups in enumerate(parts)]
    expected = sorted((part, one) for some in found for part, one in some if one in wanted)
    places = locate(table, wanted)
    assert sorted((place.part, one) for one, some in places.items() for place in some) == expected
    assert all(row_at(table, place)["id"] == one for one, some in places.items() for place in some)
    count, rows = matching(table, wanted, "id", most=3)
    assert (count, len(rows)) == (len(expected), min(3, len(expected)))


@given(parents=st.lists(st.lists(st.integers(0, 9), max_size=2), min_size=1, max_size=8), first=st.integers(0, 9))
def test_what_was_made_from_a_row_is_all_that_can_be_reached_from_it(parents: list[list[int]], first: int) -> None:
    columns = SCHEMAS["conversations"]
    blank = dict.fromkeys(columns.names)
    rows = [{**blank, "id": str(n), "parents": [str(one) for one in own]} for n, own in enumerate(parents)]
    reached = {str(first)}
    while more := {str(n) for n, own in enumerate(parents) if reached & {str(one) for one in own}} - reached:
        reached |= more
    assert set(descended(cut([[rows[:3]], [rows[3:]]], columns), [str(first)])) == reached - {str(first)}


@pytest.mark.parametrize("kind", list(SCHEMAS))
def test_a_text_is_found_in_every_kind_of_row_and_only_as_it_is_written(kind: str) -> None:
    rows = [row(kind, "one", "nothing of it"), row(kind, "two", "before it (a+b)*c? 日本 and after")]
    table = cut([[rows[:1], rows[1:]]], SCHEMAS[kind])
    if kind == "verifiable":
        assert [name for _, name, _ in holding(table, kind, "52")] == ["one", "two"], "the answer counts too"
    found = list(holding(table, kind, "(a+b)*c? 日本"))
    assert [(place, name) for place, name, _ in found] == [(Place(0, 1, 0), "two")]
    assert "before it (a+b)*c? 日本 and" in found[0][2]
    assert list(holding(table, kind, "(A+B)*C?")) == []


def test_ids_like_one_that_was_typed_are_found_by_a_piece_of_them() -> None:
    columns = pa.schema([("id", pa.string())])
    table = cut([[[{"id": f"sha256:{n:03d}ab"} for n in range(30)]]], columns)
    assert like(table, "SHA256:007") == ["sha256:007ab"]
    assert len(like(table, "ab")) == 5
    assert like(table, "(") == like(table, " ") == []


def test_a_file_that_is_cut_off_or_lacks_the_column_is_named() -> None:
    table = cut([[[{"id": "a"}]]], pa.schema([("id", pa.string())]))
    with pytest.raises(Damaged, match=r"0\.parquet has no column record"):
        locate(table, ["a"], "record")
    table.folder.write_bytes("0.parquet", b"PAR1")
    with pytest.raises(Damaged, match=r"0\.parquet cannot be read"):
        locate(table, ["a"])


def test_a_store_in_memory_is_traced_like_one_on_disk(store: Store) -> None:
    read = Step("read", Rows(parts=(("one", "two"), ("three",))))
    store.run(read)
    rows = freeze(store, read, "rows@1.0.0", {"name": "read", "function": "read", "parameters": {}})
    upper = Step("upper", Upper(), (rows,))
    store.run(upper)
    freeze(store, upper, "upper@1.0.0", {"name": "upper", "function": "upper", "parameters": {"rows": "rows@1.0.0"}})
    graph = Graph.of(store)
    up = origin(store, graph, store.version("upper@1.0.0"), ["1-0"])
    assert up["rows"][0]["text"] == "THREE"
    assert up["made_from"][0]["rows"][0]["text"] == "three"
    assert [one["fate"] for one in fates(graph, rows, ["1-0"])] == ["here"]
    json.dumps(up)


def test_versions_are_ordered_by_parents_though_clocks_went_backwards(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Step("read", Rows(parts=(("one",),)))
    store.run(source)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    made = [freeze(store, source, "z@1.0.0", {"name": "read", "function": "read", "parameters": {}})]
    for n, ref in enumerate(("m@1.0.0", "a@1.0.0")):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(1600000000 - n))
        step = Step("upper", Upper(suffix=str(n)), (made[-1],))
        store.run(step)
        made.append(freeze(store, step, ref, {"name": "upper", "function": "upper", "parameters": {}}))
    graph = Graph.of(store)
    assert [node.ref for node in graph.below([graph.node(made[0]).key])] == ["m@1.0.0", "a@1.0.0"]
    assert [node.ref for node in graph.above([graph.node(made[2]).key])] == ["z@1.0.0", "m@1.0.0"]
    assert "made from it" in drawn(twigs(lineage(graph, made[0])))


@given(st.lists(st.text(max_size=300), max_size=5))
def test_no_line_of_an_outline_is_wider_than_a_terminal_or_leaves_it(texts: list[str]) -> None:
    deep = Twig("end")
    for text in texts:
        deep = Twig(text, (deep, Twig(text)))
    for line in drawn([deep]).split("\n"):
        assert len(line) <= 80
        assert not any(ord(sign) < 32 or 0x7F <= ord(sign) < 0xA0 for sign in line)


def test_a_table_without_rows_has_the_columns_that_were_asked_for_and_no_others() -> None:
    table = cut([[]], SCHEMAS["documents"])
    assert table.collect(["id", "text"]).columns == ["id", "text"]
    assert table.collect().columns == SCHEMAS["documents"].names


def test_who_looks_for_a_row_that_could_not_be_read_is_told_where_such_are(tmp_path: Path) -> None:
    store = store_at(tmp_path / "store")
    path = tmp_path / "in.jsonl"
    path.write_text('{"id": "a", "text": "whole"}\n{"id": "b", "te')
    step = Step("adopt", Adopt(input=Input.find(str(path)), kind="documents", license="MIT", source="a test"))
    store.run(step)
    freeze(store, step, "x@1", {"name": "adopt", "function": "adopt", "parameters": {}})
    _, _, error = command(store, "trace", "x@1", "b")
    assert str(error).endswith("1 input could not be read and got no id, see ledger/quarantine.parquet")
