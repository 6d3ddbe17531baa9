"""Facts on real public rows, taken in as a user would, and what card and report show of them; real instruments."""

import io
import json
import re
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import zstandard

from curation.instruments import language, secrets
from dataset_cards.cards.content import limits, sentences, sheets, warnings
from dataset_cards.cards.content_shown import content_paragraphs, content_section
from dataset_cards.facts.instruments import Instruments
from dataset_cards.facts.measure import measure
from synth.instruments import refused, unchecked
from tests.measuring import says
from tests.sample_version import HOSTILE, few_facts
from tests.training import frozen, store_at

ALL = Instruments(refused=refused, language=language, secrets=secrets, unchecked=unchecked)
Row = dict[str, Any]


def rows(path: Path, most: int) -> list[Row]:
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        return [json.loads(line) for line in islice(io.TextIOWrapper(stream, "utf-8"), most)]


def version(tmp_path: Path, kind: str, made: list[Row]) -> Row:
    """version.json of the rows as frozen, with the facts on them."""
    found = frozen(store_at(tmp_path / "store"), "rows@1.0.0", kind, made, tmp_path)
    return {**found.json, "facts": {**found.json["facts"], "content": measure(kind, found.table, ALL)}}


def threads(messages: list[Row]) -> list[Row]:
    """Every path of a tree of messages that ends with an answer, as a conversation."""
    known = {one["user_message_id"] or str(n): one for n, one in enumerate(messages)}
    parents = {one["parent_message_id"] for one in messages}
    made = []
    for name, one in known.items():
        if one["role"] == "assistant" and name not in parents:
            path: list[Row] = []
            at: Row | None = one
            while at is not None:
                path.insert(0, {"role": "user" if at["role"] == "prompter" else at["role"], "content": at["text"]})
                at = known.get(at["parent_message_id"]) if at["parent_message_id"] else None
            made.append({"id": name, "messages": path, "origin": "human"})
    return made


def test_python_peps_are_long_english_without_secrets(shared_data: Path, tmp_path: Path) -> None:
    told = rows(shared_data / "quality" / "python_peps.jsonl.zst", 150)
    record = version(tmp_path, "documents", told)
    facts = record["facts"]["content"]
    text = facts["lengths"]["text"]
    assert text["characters"] == sum(len(row["text"]) for row in told)
    assert text["words"] == sum(len(row["text"].encode().split()) for row in told)
    assert facts["languages"]["counts"]["en"] > 140
    assert facts["duplicates"]["repeated"] == 0
    assert facts["secrets"] == {"rows": 0, "looked_at": 150, "kinds": {}}
    assert "The language of the rows is not known." not in limits(record)


def test_gpteacher_is_questions_with_one_answer_and_hardly_a_refusal(shared_data: Path, tmp_path: Path) -> None:
    told = rows(shared_data / "sft" / "gpteacher.jsonl.zst", 300)
    told = [{"instruction": f"{row['instruction']}\n{row['input']}".strip(), "output": row["response"]} for row in told]
    record = version(tmp_path, "conversations", told)
    talk = record["facts"]["content"]["conversations"]
    assert talk["turns"]["counts"] == {"2": record["rows"]}
    assert talk["ends"] == {"assistant": record["rows"]}
    assert talk["refusals"]["looked_at"] == record["rows"]
    assert talk["refusals"]["share"][2] < 0.05
    assert any("No system prompt" in one for one in sentences(record))


def test_open_assistant_goes_on_for_several_messages(shared_data: Path, tmp_path: Path) -> None:
    told = threads(rows(shared_data / "sft" / "open_assistant_human_threads.jsonl.zst", 444))
    record = version(tmp_path, "conversations", told)
    facts = record["facts"]["content"]
    lengths = [len(row["messages"]) for row in told]
    assert facts["conversations"]["turns"]["counts"] == {str(n): lengths.count(n) for n in sorted(set(lengths))}
    assert len(set(lengths)) > 1
    assert facts["origins"]["counts"] == {"human": len(told)}
    assert facts["conversations"]["first_questions"]["repeated"] > 0  # one question has several answers
    assert facts["conversations"]["begins"] == {"user": len(told)}


def test_every_answer_of_gsm8k_can_be_checked_and_none_is_known_beforehand(shared_data: Path, tmp_path: Path) -> None:
    record = version(tmp_path, "verifiable", rows(shared_data / "reasoning" / "gsm8k_train.jsonl.zst", 300))
    solved = record["facts"]["content"]["verifiable"]
    (verifier,) = solved["verifiers"].values()
    assert (verifier["looked_at"], verifier["unchecked"]) == (300, 0)
    assert solved["answers"]["first_share"][2] < 0.1
    assert solved["questions"]["disagreeing"] == 0
    assert warnings(record) == []


def test_a_real_key_is_found_in_the_message_where_it_stands_and_warned_of(tmp_path: Path) -> None:
    key = "AKIA" + "Q3EGXUS7PDLNR4HZ"  # in two parts, so that nobody takes this file for one that leaks
    made = [says("How do I log in?", "Ask them."), says("It says", f"aws {key} and {key}"), says("Thanks.", "No.")]
    record = version(tmp_path, "conversations", [{"id": str(n), "messages": one} for n, one in enumerate(made)])
    kinds = {"aws-access-key-id": {"finds": 2, "rows": 1}}
    assert record["facts"]["content"]["secrets"] == {"rows": 1, "looked_at": 3, "kinds": kinds}
    assert any("1 of 3 rows" in one and "aws-access-key-id" in one for one in warnings(record))
    assert key not in json.dumps(record)


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_row_says_nothing_of_it_comes_alive_in_card_and_report(text: str) -> None:
    system = {"rows": 3, "share": 1.0, "different": 1, "most": [{"text": text, "rows": 3}]}
    again = {"rows": 3, "different": 2, "repeated": 1, "groups": 1, "largest": 2, "part": 0.25}
    long = {"values": 3, "mean": 2.0, "shortest": 1, "longest": 3, "quantiles": {"5": 1, "50": 2, "95": 3}}
    counts = {"counts": {text: 2}, "different": 2, "others": 1, "missing": 1, "slack": 1}
    problems = [{"problem": text, "rows": 1, "answer": text}]
    content = {
        "lengths": {text: {"characters": 9, "words": 4, **long, "edges": [1, 2, 3, 4], "counts": [1, 1, 1]}},
        **dict.fromkeys(("sources", "licenses", "origins"), counts),
        "domains": {**counts, "unreadable": 2},
        "languages": {**counts, "counts": {text: 2, "en": 1}, "how": {"stated": 1, "recognised": 1}},
        "dates": {text: {"earliest": text, "latest": text, "by_year": {"2020": 3}, "missing": 1, "unreadable": 1}},
        "duplicates": {**again, "fields": [text]},
        "secrets": {"rows": 1, "looked_at": 3, "kinds": {text: {"finds": 1, "rows": 1}}},
        "conversations": {
            **{"turns": {"counts": {"1": 1, "2": 1, "9": 1}, "more_than": 32, "more": 1}, "messages": 9},
            **{"empty_messages": 1, "roles": {text: {"characters": 9, **long}}, "begins": {text: 1}, "ends": {}},
            **{"system": system, "first_questions": again, "templates": {"rows": 1, "traces": {text: 1}}},
            "refusals": {"looked_at": 2, "refusing": 1, "share": [0.5, 0.1, 0.9], "of": 3},
            "answers": {"answers": 3, "empty": 1, "short": 1, "short_under": 16},
        },
        "verifiable": {
            "verifiers": {
                text: {
                    **{"rows": 3, "looked_at": 2, "unchecked": 1, "problems": problems, "answer_length": long},
                    "in_prompt": {"rows": 1, "share": [0.3, 0.1, 0.8]},
                }
            },
            "answers": {**counts, "first_share": [0.5, 0.1, 0.9]},
            "questions": {"again": 1, "disagreeing": 1, "disagreeing_rows": 2},
        },
        "judgements": {
            "records": {"different": 2, "groups": 1, "largest": 2, "part": 1.0},
            "annotators": counts,
            "seconds": {**long, "missing": 0},
        },
    }
    record = {**few_facts("conversations"), "facts": {"content": content}}
    page = content_section(record)
    assert not re.search(r"<(script|img|iframe|style|body|h1)\b", page, re.IGNORECASE)
    assert not re.search(r"<[^>]*\son\w+=", page)
    card = "\n\n".join(content_paragraphs(record))
    assert "\n---\n" not in card
    assert "\x1b" not in card + page
    for said in (*sentences(record), *warnings(record), *limits(record)):
        assert "\n" not in said
    titles = [sheet.title for sheet in sheets(record)]
    assert len(set(titles)) == len(titles) > 12
