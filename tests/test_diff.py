"""What changed between two versions: every row of both is accounted for, and each has the rule that decided."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_cards.cards.changes import Change, compare
from dataset_cards.cards.diff import EXAMPLES, NOT_READ, Diff, Group, diff
from dataset_cards.cards.diff_text import render_diff
from dataset_cards.versions.files import Folder
from dataset_cards.versions.table import write_parquet
from tests.sample_version import few_facts, full

Row = tuple[str, str]
Gone = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Made:
    """A version folder as far as it is compared."""

    ref: str
    folder: Folder
    json: dict[str, Any] = field(default_factory=dict)


def made(folder: Path, ref: str, rows: Sequence[Row], gone: Sequence[Gone] = (), cut: int = 3, **facts: Any) -> Made:
    """Write a version of `rows` (id, text) in parts and row groups of `cut` rows, and its ledger of `gone` rows."""
    place = Folder.at(str(folder / ref.replace("@", "-")))
    frame = pl.DataFrame(list(rows), schema={"id": pl.String, "text": pl.String}, orient="row")
    files = []
    for part, start in enumerate(range(0, max(len(rows), 1), 2 * cut)):
        path = f"data/train-{part:05d}.parquet"
        groups = [frame.slice(at, cut) for at in range(start, min(start + 2 * cut, len(rows)), cut)]
        count = write_parquet(place, path, groups or [frame])
        files.append({"path": path, "rows": count, "bytes": 1, "sha256": ""})
    columns = dict.fromkeys(("id", "source", "stage", "reason", "duplicate_of"), pl.String)
    ledger = pl.DataFrame([(one, None, stage, why, None) for one, stage, why in gone], schema=columns, orient="row")
    write_parquet(place, "ledger/rows.parquet", [ledger[at : at + cut] for at in range(0, len(gone), cut)] or [ledger])
    return Made(ref=ref, folder=place, json=few_facts() | {"files": files, "rows": len(rows)} | facts)


def test_rows_are_told_apart_with_the_rule_that_decided(tmp_path: Path) -> None:
    a = made(
        tmp_path, "x@1", [("1", "one"), ("2", "two"), ("3", "three"), ("4", "four")], [("5", "gopher", "too-short")]
    )
    gone = [("2", "gopher", "too-long"), ("9", "gopher", "too-long")]
    b = made(tmp_path, "x@2", [("1", "one"), ("3", "THREE"), ("5", "five"), ("6", "six")], gone)
    found = diff(a, b)
    assert found.removed == (
        Group(rule="gopher/too-long", rows=1, ids=("2",)),
        Group(rule=NOT_READ, rows=1, ids=("4",)),
    )
    assert found.added == (
        Group(rule="gopher/too-short", rows=1, ids=("5",)),
        Group(rule=NOT_READ, rows=1, ids=("6",)),
    )
    assert found.changed == (Group(rule="other content", rows=1, ids=("3",)),)
    assert (found.rows_a, found.rows_b, found.unchanged) == (4, 4, 1)


def test_a_version_does_not_differ_from_itself_however_it_is_cut(tmp_path: Path) -> None:
    rows = [(str(n % 7), f"text {n}") for n in range(40)]
    found = diff(made(tmp_path, "x@1", rows, cut=2), made(tmp_path, "x@2", rows, cut=7))
    assert (found.added, found.removed, found.changed, found.unchanged) == ((), (), (), 40)


def test_the_answer_does_not_depend_on_how_many_rows_are_joined_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = [(str(n % 29), "s", f"r{n % 3}") for n in range(45)]
    a = made(tmp_path, "x@1", [(str(n % 29), f"text {n % 31}") for n in range(60)], gone)
    b = made(tmp_path, "x@2", [(str(n % 23), f"text {n % 37}") for n in range(50)], gone)
    at_once = diff(a, b)
    monkeypatch.setattr("dataset_cards.cards.diff.TOGETHER", 7)
    assert diff(a, b) == at_once
    assert len(at_once.removed) > 1


def test_rows_with_one_id_are_paired_in_order(tmp_path: Path) -> None:
    a = made(tmp_path, "x@1", [("1", "first"), ("1", "second"), ("1", "third")])
    b = made(tmp_path, "x@2", [("1", "first"), ("1", "other")], [("1", "near", "copy")])
    found = diff(a, b)
    assert found.unchanged == 1
    assert found.changed == (Group(rule="other content", rows=1, ids=("1",)),)
    assert found.removed == (Group(rule="near/copy", rows=1, ids=("1",)),)


def test_one_entry_of_a_ledger_explains_one_row(tmp_path: Path) -> None:
    a = made(tmp_path, "x@1", [("1", "a"), ("1", "b"), ("1", "c")])
    b = made(tmp_path, "x@2", [], [("1", "near", "copy"), ("1", "near", "short")])
    assert {group.rule: group.rows for group in diff(a, b).removed} == {"near/copy": 1, "near/short": 1, NOT_READ: 1}


def test_a_version_without_a_ledger_of_rows_is_compared(tmp_path: Path) -> None:
    a, b = made(tmp_path, "x@1", [("1", "a")]), made(tmp_path, "x@2", [("2", "b")])
    for version in (a, b):
        version.folder.fs.rm(f"{version.folder.path}/ledger", recursive=True)
    found = diff(a, b)
    assert [group.rule for group in (*found.added, *found.removed)] == [NOT_READ, NOT_READ]


def test_columns_of_one_side_are_named_and_not_compared(tmp_path: Path) -> None:
    a, b = made(tmp_path, "x@1", [("1", "a")]), made(tmp_path, "x@2", [("1", "a")])
    path = b.json["files"][0]["path"]
    write_parquet(b.folder, path, [pl.DataFrame({"score": [0.5], "text": ["a"], "id": ["1"]})])
    found = diff(a, b)
    assert found.unchanged == 1
    assert found.columns == (Change("score", None, "double"),)


def test_nested_columns_are_compared_by_their_content(tmp_path: Path) -> None:
    a, b = made(tmp_path, "x@1", [("1", "")]), made(tmp_path, "x@2", [("1", "")])
    for version, word in ((a, "yes"), (b, "no")):
        rows = pl.DataFrame({"id": ["1", "2"], "messages": [[{"role": "user", "content": word}], []]})
        write_parquet(version.folder, version.json["files"][0]["path"], [rows])
        version.json["files"][0]["rows"] = 2
    found = diff(a, b)
    assert (found.unchanged, found.changed[0].ids) == (1, ("1",))


def test_rows_without_ids_are_refused(tmp_path: Path) -> None:
    a, b = made(tmp_path, "x@1", [("1", "a")]), made(tmp_path, "x@2", [("1", "a")])
    write_parquet(a.folder, a.json["files"][0]["path"], [pl.DataFrame({"text": ["a"]})])
    with pytest.raises(ValueError, match="x@1 has no column `id`"):
        diff(a, b)


def test_only_the_first_ids_of_a_rule_are_kept_in_row_order(tmp_path: Path) -> None:
    rows = [(str(n), "x") for n in range(50)]
    found = diff(made(tmp_path, "x@1", rows), made(tmp_path, "x@2", []))
    (group,) = found.removed
    assert group.rows == 50
    assert group.ids == tuple(str(n) for n in range(EXAMPLES))
    assert "and 40 more" in render_diff(found)


ROWS = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["x", "y", ""])), max_size=14)


@settings(deadline=None, max_examples=40)
@given(rows_a=ROWS, rows_b=ROWS, cut=st.integers(1, 5), data=st.data())
def test_every_row_of_both_sides_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, rows_a: list[Row], rows_b: list[Row], cut: int, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("versions")
    gone = data.draw(st.lists(st.tuples(st.sampled_from("abcdef"), st.just("s"), st.sampled_from("pq")), max_size=8))
    a, b = made(folder, "x@1", rows_a, gone, cut), made(folder, "x@2", rows_b, gone, cut + 1)
    found = diff(a, b)
    added, removed, changed = (_total(groups) for groups in (found.added, found.removed, found.changed))
    assert removed + changed + found.unchanged == len(rows_a)
    assert added + changed + found.unchanged == len(rows_b)
    ids_a, ids_b = Counter(row for row, _ in rows_a), Counter(row for row, _ in rows_b)
    assert removed == (ids_a - ids_b).total()
    assert added == (ids_b - ids_a).total()
    turned = diff(b, a)
    assert (turned.added, turned.removed, _total(turned.changed)) == (found.removed, found.added, changed)


def _total(groups: tuple[Group, ...]) -> int:
    return sum(group.rows for group in groups)


def test_recipes_are_compared_by_parameter_and_by_field(tmp_path: Path) -> None:
    a, b = made(tmp_path, "x@1", []), made(tmp_path, "x@2", [])
    a.json["recipe"], b.json["recipe"] = full()["recipe"], full()["recipe"]
    stages = b.json["recipe"]["steps"][0]["fields"]["Screen"]
    stages[0] = {"GopherQuality": {"min_words": 80, "max_words": 100000}}
    stages.insert(0, {"Toxicity": {}})
    b.json["recipe"]["parameters"]["language"] = "de"
    assert diff(a, b).recipe == (
        Change("parameters.language", "en", "de"),
        Change("steps.web-text/screen.Screen.GopherQuality.min_words", 50, 80),
        Change("steps.web-text/screen.Screen.Toxicity.present", None, True),
    )


def test_facts_are_compared_by_count(tmp_path: Path) -> None:
    a = made(tmp_path, "x@1", [], languages={"en": 5, "de": 1})
    b = made(tmp_path, "x@2", [], languages={"en": 7}, license="MIT")
    found = {change.path: (change.a, change.b) for change in diff(a, b).facts}
    assert found == {"languages.en": (5, 7), "languages.de": (1, None), "license": ("unknown", "MIT")}


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3), lambda inner: st.dictionaries(
    st.text("ab", min_size=1, max_size=2), inner, max_size=3) | st.lists(inner, max_size=3), max_leaves=8))  # fmt: skip
def test_equal_values_have_no_changes(value: Any) -> None:
    assert compare(value, json.loads(json.dumps(value))) == []


def test_numbers_and_truth_are_different_things() -> None:
    assert compare({"x": 1}, {"x": True}) == [Change("x", 1, True)]
    assert compare({"x": 1}, {"x": 1.0}) == [Change("x", 1, 1.0)]


def test_the_text_says_the_sum_first_and_spells_out_hidden_characters(tmp_path: Path) -> None:
    a = made(tmp_path, "x@1", [("1", "a"), ("2\x1b[31m\n", "b")])
    b = made(tmp_path, "x@2", [("1", "A")], [("2\x1b[31m\n", "stage", "why")], license="MIT")
    expected = """x@1 -> x@2
  2 rows -> 1 row
  0 added, 1 removed, 1 changed, 0 unchanged

Removed: only in x@1, by what x@2 did with them
  1  stage/why
       2\u241b[31m\u240a

Changed: the same id, other content
  1  other content
       1

Facts
  license: unknown -> MIT
  rows: 2 -> 1
"""
    assert render_diff(diff(a, b)) == expected


def test_no_difference_is_said(tmp_path: Path) -> None:
    rows = [("1", "a")]
    text = render_diff(diff(made(tmp_path, "x@1", rows), made(tmp_path, "x@2", rows)))
    assert text == "x@1 -> x@2\n  1 row -> 1 row\n  the rows are the same\n"


def test_a_difference_can_be_written_as_json(tmp_path: Path) -> None:
    found: Diff = diff(made(tmp_path, "x@1", [("1", "a")]), made(tmp_path, "x@2", [("2", "b")]))
    value = json.loads(json.dumps(found.json()))
    assert value["removed"] == [{"rule": NOT_READ, "rows": 1, "ids": ["1"]}]
    assert value["a"] == "x@1"
