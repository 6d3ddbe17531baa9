"""Encoding: no row is lost or invented, the split follows the question alone, and what is wrong is named row by row."""

import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Refused
from dataset_cards.versions.schemas import SCHEMAS
from dataset_cards.versions.side_files import GONE
from dataset_cards.versions.table import Part, Table, from_arrow, write_parquet
from train.chat import question
from train.encode import HELD_OUT, LEFT_OUT, TRAIN, Encoded, Fault, Row, encode, encoded_rows
from train.inputs import Inputs
from train.preflight import CHECKS, Preflight

COLUMNS = pa.schema([("ids", pa.list_(pa.int32()))])
LONGEST = 12


def letters(row: Row) -> Encoded | Fault:
    """A tokenizer of letters: `!` is no token to learn from, `#` breaks the template, LONGEST letters are read."""
    text = str(row["text"])
    if "#" in text:
        return Fault("template-error", f"no {text}")
    ids = [ord(letter) for letter in text]
    kept = ids[:LONGEST]
    learned = sum(one != ord("!") for one in kept)
    if not learned:
        return Fault("no-trainable-token")
    return Encoded({"ids": kept}, len(kept), learned, len(ids) - len(kept))


def table(folder: Path, name: str, rows: Sequence[Mapping[str, Any]], cuts: Sequence[int] = ()) -> Table:
    """Rows as documents, cut into parts before the places in `cuts`."""
    bounds = [0, *sorted(cut for cut in set(cuts) if 0 < cut < len(rows)), len(rows)]
    schema, parts = SCHEMAS["documents"], []
    for number, (start, end) in enumerate(itertools.pairwise(bounds)):
        part = f"{name}-{number}.parquet"
        made = pa.Table.from_pylist([dict(row) for row in rows[start:end]], schema=schema)
        write_parquet(Folder.at(str(folder)), part, [from_arrow(made)], schema)
        parts.append(Part(part, end - start))
    return Table(Folder.at(str(folder)), tuple(parts))


def documents(texts: Sequence[str], prefix: str = "r") -> list[dict[str, Any]]:
    return [{"id": f"{prefix}{n}", "text": text, "source": f"s{n}"} for n, text in enumerate(texts)]


class Ran:
    """What one call of `encode` left."""

    def __init__(self, report: Preflight, out: Path) -> None:
        self.report = report
        self.train, self.held_out = (list(encoded_rows(out / name)) for name in (TRAIN, HELD_OUT))
        self.gone = pq.read_table(out / LEFT_OUT).to_pylist()
        self.names = sorted(path.name for path in out.iterdir())

    def ids(self) -> tuple[list[str], list[str], list[tuple[str, str]]]:
        return (
            [one["id"] for one in self.train],
            [one["id"] for one in self.held_out],
            [(one["id"], one["reason"]) for one in self.gone],
        )


def run(
    rows: Sequence[Mapping[str, Any]],
    cuts: Sequence[int] = (),
    share: float = 0.0,
    repair: bool = False,
    **roles: Sequence[Mapping[str, Any]],
) -> Ran:
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        tables = {"data": table(folder, "data", rows, cuts)}
        tables |= {role: table(folder, role, others) for role, others in roles.items()}
        report = encode(Inputs(tables, {}), COLUMNS, letters, question, folder / "out", held_out=share, repair=repair)
        return Ran(report, folder / "out")


TEXTS = st.lists(st.text("ab!# \n", max_size=18), max_size=30)
OTHERS = st.lists(st.text("ab!# \n", max_size=4), max_size=4)
SHARES = st.sampled_from([0.0, 0.3, 0.7, 1.0])


@settings(max_examples=60)
@given(TEXTS, OTHERS, OTHERS, SHARES, st.booleans(), st.booleans())
def test_what_was_read_is_what_was_kept_and_what_was_left_out(
    texts: list[str], measured: list[str], evaluation: list[str], share: float, repair: bool, given_rows: bool
) -> None:
    roles = {"held_out": documents(measured, "h")} if given_rows else {}
    rows = documents(texts)
    found = run(rows, (), share, repair, against=documents(evaluation, "e"), **roles)
    report = found.report
    expected = sorted(row["id"] for row in (*rows, *roles.get("held_out", ())))
    kept = [one["id"] for one in (*found.train, *found.held_out)]
    assert sorted([*kept, *(one["id"] for one in found.gone)]) == expected  # each row once, in one place
    assert report.read == len(expected)
    assert (report.train, report.held_out) == (len(found.train), len(found.held_out))
    assert report.dropped == Counter(one["reason"] for one in found.gone)
    funnel = report.funnel()
    assert funnel["read"] == funnel["kept"] + sum(funnel["dropped"].values())
    assert {one["stage"] for one in found.gone} <= {"preflight"}
    assert found.names == sorted([TRAIN, HELD_OUT, LEFT_OUT])
    assert report.tokens == sum(len(one["ids"]) for one in found.train)
    assert report.longest == max((len(one["ids"]) for one in (*found.train, *found.held_out)), default=0)
    if repair:
        assert not any(one.blocks for one in report.findings)
        read = [tuple(one["ids"]) for one in (*found.train, *found.held_out)]
        assert len(read) == len(set(read))
    else:
        left = {one["reason"] for one in found.gone}
        assert {one.check for one in report.findings if one.blocks} == {check for check in left if CHECKS[check][2]}


@settings(max_examples=40)
@given(TEXTS, OTHERS, SHARES, st.booleans())
def test_no_question_that_is_learned_from_is_also_measured_by_or_in_an_evaluation(
    texts: list[str], evaluation: list[str], share: float, given_rows: bool
) -> None:
    rows, others = documents(texts), documents(evaluation, "e")
    found = run(rows, (), share, **{"held_out" if given_rows else "against": others})
    asked = {row["id"]: question(row) for row in (*rows, *others)}
    learned = {asked[one["id"]] for one in found.train}
    assert learned.isdisjoint(asked[one["id"]] for one in found.held_out)
    assert learned.isdisjoint(question(row) for row in others)


@settings(max_examples=40)
@given(TEXTS, SHARES, st.randoms(use_true_random=False))
def test_the_split_depends_on_the_question_and_not_on_the_order_or_on_other_rows(
    texts: list[str], share: float, random: Any
) -> None:
    rows = [row for row in documents(texts) if len(row["text"]) <= LONGEST]
    mixed = random.sample(rows, len(rows))
    some = mixed[: len(mixed) // 2]
    whole, other, half = (run(one, (), share) for one in (rows, mixed, some))
    sides = dict.fromkeys(whole.ids()[0], "train") | dict.fromkeys(whole.ids()[1], "held out")
    for found in (other, half):
        again = dict.fromkeys(found.ids()[0], "train") | dict.fromkeys(found.ids()[1], "held out")
        assert {name: sides[name] for name in again} == again
    assert sorted(map(sorted, other.ids()[:2])) == sorted(map(sorted, whole.ids()[:2]))


@settings(max_examples=30)
@given(TEXTS, OTHERS, st.lists(st.integers(1, 29), max_size=4), SHARES, st.booleans())
def test_however_rows_are_cut_into_parts_the_result_is_the_same_and_the_same_twice(
    texts: list[str], evaluation: list[str], cuts: list[int], share: float, repair: bool
) -> None:
    others = documents(evaluation, "e")
    once, cut = (run(documents(texts), places, share, repair, against=others) for places in ((), cuts))
    assert cut.report == once.report
    assert (cut.train, cut.held_out, cut.gone) == (once.train, once.held_out, once.gone)


def test_a_larger_share_only_moves_questions_to_the_held_out_side() -> None:
    rows = documents([f"a{'b' * (n % 9)}{n}" for n in range(300)])
    sides = [set(run(rows, (), share).ids()[1]) for share in (0.05, 0.1, 0.5)]
    assert sides[0] < sides[1] < sides[2]
    assert 120 < len(sides[2]) < 180


@pytest.mark.parametrize("copy", ["a question", "A  QUESTION", "\ta question\n"])
def test_a_row_of_the_evaluation_is_found_whatever_its_case_and_white_space(copy: str) -> None:
    for role in ("against", "held_out"):
        found = run(documents(["another", copy, "a questioN!"]), **{role: documents(["A question"], "e")})
        assert found.ids()[2] == [("r1", "in-evaluation")]
        (finding,) = found.report.findings
        assert (finding.check, finding.rows, finding.blocks, finding.examples) == ("in-evaluation", 1, True, ("r1",))


def test_rows_that_truncation_makes_the_same_do_not_stand_on_both_sides() -> None:
    same = "abababababab"
    assert len(same) == LONGEST
    found = run(documents([same + "x"]), held_out=documents([same + "y"], "h"))
    assert found.ids() == (["r0"], [], [("h0", "in-evaluation")])
    with pytest.raises(Refused, match="rows to learn from and to measure by"):
        found.report.check("sft")


def test_rows_to_measure_by_that_stand_twice_are_counted_once_in_repair() -> None:
    doubled = documents(["same", "same", "other"], "h")
    plain, repaired = (run(documents(["x"]), repair=repair, held_out=doubled) for repair in (False, True))
    assert plain.ids() == (["r0"], ["h0", "h1", "h2"], [])
    assert repaired.ids() == (["r0"], ["h0", "h2"], [("h1", "duplicate-row")])
    assert [(one.check, one.blocks, one.left_out) for one in plain.report.findings] == [("duplicate-row", False, False)]


def test_every_row_that_is_left_out_is_in_the_ledger_with_its_source_and_reason() -> None:
    found = run(documents(["ok", "#", "!!", "ok", "ok2"]), repair=True)
    table_of_gone = [(one["id"], one["source"], one["reason"]) for one in found.gone]
    expected = [("r1", "s1", "template-error"), ("r2", "s2", "no-trainable-token"), ("r3", "s3", "duplicate-row")]
    assert table_of_gone == expected
    assert list(found.gone[0]) == GONE.names


def test_more_rows_than_a_batch_keep_their_order_and_their_reasons() -> None:
    texts = [("#" if n % 3 == 0 else "") + str(n) for n in range(3500)]
    found = run(documents(texts), (1700,))
    assert [one["id"] for one in found.gone] == [f"r{n}" for n in range(3500) if n % 3 == 0]
    assert [one["id"] for one in found.train] == [f"r{n}" for n in range(3500) if n % 3]


def test_what_is_cut_off_is_counted_and_the_rows_stay() -> None:
    found = run(documents(["a" * 20, "b" * 5]))
    assert (found.report.lost, found.report.tokens, found.report.longest) == (8, 17, 12)
    assert [(one.check, one.rows, one.blocks, one.left_out) for one in found.report.findings] == [
        ("truncated", 1, False, False)
    ]


def test_rows_made_by_the_trainer_take_the_place_of_those_of_the_version(tmp_path: Path) -> None:
    made = [{"id": "pair", "text": "one"}, {"id": "pair", "text": "two"}]
    inputs = Inputs({"data": table(tmp_path, "data", documents(["unused"]))}, {})
    report = encode(inputs, COLUMNS, letters, question, tmp_path / "out", held_out=0, repair=False, rows=iter(made))
    assert (report.read, report.train) == (2, 2)


def test_a_column_that_the_schema_has_not_is_an_error_and_not_lost(tmp_path: Path) -> None:
    inputs = Inputs({"data": table(tmp_path, "data", documents(["x"]))}, {})
    with pytest.raises(ValueError, match="typo"):
        encode(
            inputs,
            COLUMNS,
            lambda row: Encoded({"ids": [1], "typo": 2}, 1, 1),
            question,
            tmp_path / "out",
            held_out=0,
            repair=False,
        )


def test_a_fault_that_is_no_check_is_an_error() -> None:
    with pytest.raises(ValueError, match="'all-masked' is no check of preflight"):
        Fault("all-masked")


def test_a_version_without_rows_is_refused_in_words() -> None:
    with pytest.raises(Refused, match="of 0 rows none is left to learn from"):
        run([]).report.check("sft")


def test_a_share_that_leaves_nothing_to_measure_by_says_what_to_do() -> None:
    with pytest.raises(Refused, match="none is left to measure by; hold out a larger share, or name rows"):
        run(documents(["only"]), share=0.0).report.check("sft")


def test_the_report_comes_back_from_json_as_it_was() -> None:
    report = run(documents(["a" * 20, "#", "b"]), share=0.5).report
    assert Preflight.of(json.loads(json.dumps(report.json()))) == report
