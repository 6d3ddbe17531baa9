"""Laws of facts on rows, for every kind: no cut into parts changes them, counts add up, no text makes them fail.

The autopsy of preferences has tests of its own.
"""

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset_cards.cards.content import limits, sentences, sheets, warnings
from dataset_cards.facts.batch import TEXTS
from dataset_cards.facts.instruments import Instruments
from dataset_cards.facts.measure import MEASURES, measure
from dataset_cards.versions.schemas import SCHEMAS
from dataset_cards.versions.table import Part, Table, write_parquet
from tests.measuring import counted, table
from tests.sample_version import HOSTILE, few_facts

LAWS = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])

TEXT = st.one_of(
    st.sampled_from(["", " ", "sorry", "key-a key-b", "<|im_start|>", "Human: hello there, dear people", *HOSTILE]),
    st.text(max_size=40),
)
SOME = st.one_of(st.none(), st.sampled_from(["a", "b", "en", "und", "2020-02-30", "2021-03-04", "https://a.co.uk/x"]))
ROLE = st.sampled_from(["system", "user", "assistant", "tool", "nobody"])
MESSAGES = st.lists(st.fixed_dictionaries({"role": ROLE, "content": TEXT}), max_size=4)
RESPONSES = st.lists(st.fixed_dictionaries({"id": st.just("r"), "content": TEXT, "origin": SOME}), max_size=4)
RANKS = st.lists(st.integers(-3, 3), max_size=4)
NUMBER = st.one_of(st.none(), st.floats(-5, 5), st.just(1e300))
PLAIN = {
    "messages": MESSAGES,
    "prompt": MESSAGES,
    "chosen": MESSAGES,
    "rejected": MESSAGES,
    "completion": MESSAGES,
    "responses": RESPONSES,
    "ranks": RANKS,
    "topk_ids": st.just([]),
    "topk_logprobs": st.lists(st.lists(st.floats(-20, 0, width=32), max_size=4), max_size=3),
    "parents": st.just([]),
    "votes": st.just([]),
    "seconds": NUMBER,
    "margin": NUMBER,
    "text": TEXT,
    "answer": TEXT,
}
KINDS = sorted(set(MEASURES) - {"preferences"})


def rows_of(kind: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    fields = {name: PLAIN.get(name, SOME) for name in SCHEMAS[kind].names}
    return st.lists(st.fixed_dictionaries({**fields, "id": st.sampled_from(["1", "2"])}), max_size=12)


@pytest.mark.parametrize("kind", KINDS)
def test_no_cut_into_parts_and_row_groups_changes_a_fact(kind: str) -> None:
    @LAWS
    @given(rows_of(kind), st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=3), max_size=3))
    def law(rows: list[dict[str, Any]], cuts: list[list[int]]) -> None:
        assert counted(kind, rows, cuts) == counted(kind, rows)

    law()


@pytest.mark.parametrize("kind", KINDS)
def test_every_count_adds_up_to_the_rows_and_is_plain_json(kind: str) -> None:
    @LAWS
    @given(rows_of(kind))
    def law(rows: list[dict[str, Any]]) -> None:
        facts = counted(kind, rows)
        assert json.loads(json.dumps(facts, allow_nan=False)) == facts
        for name in ("sources", "licenses", "languages", "domains", "modality"):
            if name in facts:
                one = facts[name]
                assert sum(one["counts"].values()) + one["others"] + one["missing"] == len(rows), name
        for one in facts["lengths"].values():
            assert sum(one["counts"]) == one["values"] == len(rows) - one["missing"]
            assert len(one["edges"]) == len(one["counts"]) + bool(one["counts"])
        for dates in facts.get("dates", {}).values():
            assert sum(dates["by_year"].values()) + dates["missing"] + dates["unreadable"] == len(rows)
        assert facts["duplicates"]["different"] + facts["duplicates"]["repeated"] == len(rows)
        for talk in (facts[name] for name in ("conversations", "prompts") if name in facts):
            assert sum(talk["turns"]["counts"].values()) + talk["turns"]["more"] == len(rows)
            assert sum(one["values"] for one in talk["roles"].values()) == talk["messages"]
        for one in facts.get("verifiable", {}).get("verifiers", {}).values():
            assert one["unchecked"] <= one["looked_at"] <= one["rows"]

    law()


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_rows_say_their_facts_can_be_shown(kind: str) -> None:
    @LAWS
    @given(rows_of(kind))
    def law(rows: list[dict[str, Any]]) -> None:
        version = {**few_facts(kind), "rows": len(rows), "facts": {"content": counted(kind, rows)}}
        told = [*sentences(version), *warnings(version), *limits(version)]
        assert all(isinstance(one, str) and one.strip() and "None" not in one for one in told)
        assert all(len(row) == len(sheet.header) for sheet in sheets(version) for row in sheet.rows)

    law()


@pytest.mark.parametrize("kind", KINDS)
def test_without_instruments_their_facts_are_left_out_and_no_others(kind: str) -> None:
    row: dict[str, Any] = {"id": "1", "answer": "x", "text": "x", "record": "r", "annotator": "a", "tokenizer": "t"}
    row |= {name: [] for name in (*TEXTS[kind], "ranks", "topk_ids", "topk_logprobs") if name not in row}
    with_, without = counted(kind, [row]), counted(kind, [row], instruments=Instruments())
    looked_for = {"secrets", *(() if kind in ("documents", "judgements") else ("languages",))}
    assert set(with_) - set(without) == looked_for
    assert limits({**few_facts(kind), "facts": {"content": without}}) != limits(
        {**few_facts(kind), "facts": {"content": with_}}
    )


@pytest.mark.parametrize("kind", sorted(MEASURES))
def test_a_column_that_is_not_there_or_has_no_type_is_missing_in_every_row(kind: str) -> None:
    whole = table(kind, [{"id": "1"}, {"id": "2"}])
    (frame,) = whole.frames()
    told = measure(kind, whole, Instruments())
    for n, less in enumerate((frame.select("id"), pl.DataFrame({name: [None, None] for name in frame.columns}))):
        part = Part(f"less-{n}.parquet", write_parquet(whole.folder, f"less-{n}.parquet", [less]))
        assert measure(kind, Table(whole.folder, (part,)), Instruments())["lengths"] == told["lengths"]
