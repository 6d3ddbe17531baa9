"""Single facts on small rows, each with the number it must be. Laws over all kinds are in test_facts_laws.py."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_cards.facts import refusals, tally, verifiable
from dataset_cards.facts.batch import mixed
from dataset_cards.facts.lengths import words
from dataset_cards.facts.repeats import Repeats
from dataset_cards.facts.shares import wilson
from dataset_cards.facts.spread import Spread
from dataset_cards.facts.tally import Tally
from tests.measuring import counted, says


def documents(**columns: list[Any]) -> Any:
    many = len(next(iter(columns.values())))
    rows = [{"id": str(n), "text": "some text", **{k: v[n] for k, v in columns.items()}} for n in range(many)]
    return counted("documents", rows)


def talks(*conversations: list[dict[str, str]]) -> Any:
    rows = [{"id": str(n), "messages": one} for n, one in enumerate(conversations)]
    return counted("conversations", rows)["conversations"]


def problems(*rows: tuple[str, str, str | None]) -> Any:
    made = [
        {"id": str(n), "prompt": says(question, last="user"), "answer": answer, "verifier": verifier}
        for n, (question, answer, verifier) in enumerate(rows)
    ]
    return counted("verifiable", made)["verifiable"]


@settings(max_examples=50)
@given(st.lists(st.integers(0, 1 << 40), min_size=1, max_size=200), st.integers(1, 99))
def test_a_quantile_is_the_nearest_rank_to_one_percent(numbers: list[int], percent: int) -> None:
    spread = Spread()
    spread.add(np.array(numbers[:7], dtype=np.int64))
    spread.add(np.array(numbers[7:], dtype=np.int64))
    exact = sorted(numbers)[math.ceil(len(numbers) * percent / 100) - 1]
    assert exact * 0.99 <= spread.quantile(percent) <= exact * 1.01
    assert (spread.sum, spread.low, spread.high) == (sum(numbers), min(numbers), max(numbers))
    told = spread.histogram()
    for low, high, n in zip(told["edges"], told["edges"][1:], told["counts"], strict=False):
        assert n == sum(low <= one < high for one in numbers)


@given(st.lists(st.text(), max_size=20))
def test_words_are_what_white_space_separates(texts: list[str]) -> None:
    assert words(pl.Series(texts, dtype=pl.String)).tolist() == [len(text.encode().split()) for text in texts]


def test_a_slice_of_texts_has_the_words_of_its_own() -> None:
    assert words(pl.Series(["a b", "c", "", " d  e f"])[1:]).tolist() == [1, 0, 3]


def test_lengths_are_of_all_messages_of_a_row_together() -> None:
    facts = counted("conversations", [{"id": "1", "messages": says("ab c", "d\u00e9")}])["lengths"]["messages"]
    assert (facts["characters"], facts["bytes"], facts["words"], facts["longest"]) == (6, 7, 3, 6)


def test_values_beyond_what_is_held_are_let_go_alike_however_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "BLOCK", 64)
    values = pl.Series([f"v{n % (7 if n % 3 else 400)}" for n in range(3000)])
    told = []
    for size in (1, 50, 3000):
        one = Tally(most=40)
        for piece in values.to_frame().iter_slices(size):
            one.add(piece.to_series())
        told.append(one.json(5))
    assert told[0] == told[1] == told[2]
    true = dict(values.value_counts().iter_rows())
    assert all(true[value] - told[0]["slack"] <= n <= true[value] for value, n in told[0]["counts"].items())
    assert sum(told[0]["counts"].values()) + told[0]["others"] == 3000


def test_registered_domains_are_told_whatever_comes_before_and_after() -> None:
    urls = [
        *("https://user:pw@www.a.example.co.uk:8080/x?y=http://z.org#f", "http://EXAMPLE.co.uk.", "example.co.uk/page"),
        *("https://user.github.io/", "http://127.0.0.1/x", "http://[::1]:80/", "http://m\u00fcnchen.de"),
        *("not a url", "http://", "mailto:", None, "javascript:alert(1)"),
    ]
    facts = documents(url=urls)["domains"]
    assert facts["counts"] == {
        **{"example.co.uk": 3, "github.io": 1, "127.0.0.1": 1, "[::1]": 1, "m\u00fcnchen.de": 1},
    }
    assert (facts["missing"], facts["unreadable"]) == (5, 4)


def test_dates_are_as_exact_as_they_were_written() -> None:
    created = ["2020", "2019-12", "2020-02-29T10:00:00Z", "20210304", "2021-02-29", "May 2020", "0000-01-01", None, ""]
    facts = documents(created=created)["dates"]["created"]
    assert facts == {
        **{"earliest": "2019-12", "latest": "2021-03-04", "by_year": {"2019": 1, "2020": 2, "2021": 1}},
        **{"missing": 1, "unreadable": 4},
    }


def test_a_stated_language_is_believed_and_the_others_are_recognised() -> None:
    stated = ["de", "EN-us", "und", None, None, None]
    texts = ["text", "text", "here are enough letters", "here are enough letters", "no, not at all, not by any", "eeee"]
    facts = documents(language=stated, text=texts)["languages"]
    assert facts["counts"] == {"en": 3, "de": 1}
    assert (facts["missing"], facts["how"]) == (2, {"stated": 2, "recognised": 2})


def test_the_language_of_a_conversation_is_that_of_the_first_question() -> None:
    rows = [
        [{"role": "system", "content": "eeeeeeeeeeeeeeeeeeeeeeeeeee"}, *says("no, not by any way at all", "eeeeee")],
        says("here are enough letters", "no"),
        [{"role": "assistant", "content": "here are enough letters"}],
    ]
    facts = counted("conversations", [{"id": "x", "messages": one} for one in rows])["languages"]
    assert facts["counts"] == {"en": 1}
    assert facts["missing"] == 2


def test_rows_are_the_same_only_with_the_same_messages_in_the_same_order_and_roles() -> None:
    one, two = {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}
    swapped = [{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]
    rows = [[one, two], [two, one], swapped, [one], [one, one], [one, two], [one, two], []]
    facts = counted("conversations", [{"id": str(n), "messages": one} for n, one in enumerate(rows)])["duplicates"]
    assert (facts["different"], facts["repeated"], facts["groups"], facts["largest"]) == (6, 2, 1, 3)


def test_where_not_all_are_held_whole_contents_are_followed() -> None:
    contents = mixed(np.arange(40_000, dtype=np.uint64) // np.uint64(2))  # each twice
    repeats = Repeats(len(contents), most=10_000)
    repeats.add(contents)
    told = repeats.told()
    assert told["part"] == 0.25
    assert told["rows"] == 2 * told["different"]
    assert told["largest"] == 2
    assert 9_000 < told["rows"] < 11_000


def test_messages_are_counted_by_role_and_who_ends() -> None:
    system = {"role": "system", "content": "Be kind."}
    facts = talks([system, *says("hello", "hi")], [system, *says("hello", "hi", "more", last="user")], says("q", " "))
    assert facts["turns"]["counts"] == {"2": 1, "3": 1, "4": 1}
    assert {role: one["values"] for role, one in facts["roles"].items()} == {"system": 2, "user": 4, "assistant": 3}
    assert (facts["begins"], facts["ends"]) == ({"system": 2, "user": 1}, {"assistant": 2, "user": 1})
    assert facts["system"] == {
        **{"rows": 2, "share": 2 / 3, "different": 1, "most": [{"text": "Be kind.", "rows": 2}]},
    }
    assert facts["first_questions"]["repeated"] == 1
    assert (facts["answers"]["empty"], facts["answers"]["short"], facts["empty_messages"]) == (1, 2, 1)


def test_long_conversations_are_counted_together() -> None:
    facts = talks([{"role": "user", "content": "x"}] * 33, [{"role": "user", "content": "x"}] * 400)
    assert facts["turns"] == {"counts": {}, "more_than": 32, "more": 2}


def test_system_prompts_that_begin_alike_are_told_apart() -> None:
    prompts = ["x" * 400 + end for end in "aab"]
    facts = talks(*([{"role": "system", "content": one}] for one in prompts))["system"]
    assert facts["different"] == 2
    assert [one["rows"] for one in facts["most"]] == [2, 1]
    assert all(one["text"] == "x" * 300 for one in facts["most"])


def test_refusals_are_those_of_the_last_answer() -> None:
    facts = talks(says("a", "sorry", "b", "fine"), says("a", "fine", "b", "sorry"), says("sorry", last="user"))
    assert facts["refusals"] == {"looked_at": 2, "refusing": 1, "share": wilson(1, 2), "of": 3}


def test_of_many_answers_as_many_are_drawn_however_rows_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "LOOKED_AT", 200)
    rows = [{"id": str(n), "messages": says("a", "sorry" if n % 4 == 0 else "fine")} for n in range(2000)]
    told = [counted("conversations", rows, cuts)["conversations"]["refusals"] for cuts in ([], [[700, 1], [300]])]
    assert told[0] == told[1]
    assert 160 < told[0]["looked_at"] < 240
    assert told[0]["share"][1] < 0.25 < told[0]["share"][2]


def test_marks_of_templates_are_counted_by_row_and_speakers_only_at_the_beginning_of_a_line() -> None:
    facts = talks(
        says("<|im_start|>user\nHuman: x", "[INST] <|im_start|>"),
        says("they say Human: x", "ok"),
        says("a\n  Human: b", ""),
    )["templates"]
    assert facts == {"rows": 2, "traces": {"<|im_start|>": 1, "[INST]": 1, "Human:": 2}}


def test_documents_are_searched_for_tokens_of_templates_but_not_for_words() -> None:
    facts = documents(text=["Human: hello", "a<|endoftext|>b", " \n"])["documents"]
    assert facts == {"empty": 1, "templates": {"rows": 1, "traces": {"<|endoftext|>": 1}}}


def test_secrets_are_counted_by_kind_in_every_column_and_never_told() -> None:
    rows = [
        {"id": "1", "prompt": says("key-a key-a", last="user"), "answer": "key-b"},
        {"id": "2", "prompt": says("nothing", last="user"), "answer": "key-b"},
        {"id": "3", "prompt": says("nothing", last="user"), "answer": "nothing"},
    ]
    facts = counted("verifiable", rows)["secrets"]
    kinds = {"key-a": {"finds": 2, "rows": 1}, "key-b": {"finds": 2, "rows": 2}}
    assert facts == {"rows": 2, "looked_at": 3, "kinds": kinds}


def test_rankings_say_where_the_best_stands_and_whether_it_is_the_longest() -> None:
    def row(ranks: list[int], *texts: str) -> dict[str, Any]:
        responses = [{"id": str(n), "content": text, "origin": "m" if n else None} for n, text in enumerate(texts)]
        return {"id": "x", "prompt": says("q", last="user"), "responses": responses, "ranks": ranks}

    rows = [row([1, 2, 3], "aaa", "b", "c"), row([2, 1], "a", "bb"), row([1, 2], "a", "bb"), row([1, 1], "a", "a")]
    facts = counted("rankings", [*rows, row([1], "a", "bb")])
    assert facts["origins"]["counts"] == {"m": 6}
    assert facts["origins"]["missing"] == 5
    told = facts["rankings"]
    assert told["responses"] == {"2": 4, "3": 1}
    assert told["best_at"] == {"1": 2, "2": 1}
    assert (told["tied"], told["all_tied"], told["same"], told["unreadable"]) == (1, 1, 1, 1)
    assert told["longest_best"] == {"rows": 3, "share": wilson(2, 3)}


def test_problems_with_two_answers_are_found() -> None:
    facts = problems(
        ("q", "1", "number"), ("q", "2", "number"), ("r", "1", "number"), ("r", "1", "math"), ("s", "1", None)
    )
    told = facts["questions"]
    assert (told["different"], told["again"], told["disagreeing"], told["disagreeing_rows"]) == (3, 2, 1, 2)
    assert facts["answers"]["counts"] == {"1": 4, "2": 1}
    assert facts["answers"]["first_share"] == wilson(4, 5)


def test_answers_that_cannot_be_checked_are_told_with_an_example_and_those_not_looked_at_apart() -> None:
    facts = problems(
        ("q", "why?", "number"), ("q 2", "2", "number"), ("q", "how?", "number"), ("q", "?", "python-tests")
    )
    number, code = facts["verifiers"]["number"], facts["verifiers"]["python-tests"]
    assert (number["rows"], number["looked_at"], number["unchecked"]) == (3, 3, 2)
    assert number["problems"] == [{"problem": "a question", "rows": 2, "answer": "why?"}]
    assert number["in_prompt"] == {"rows": 1, "share": wilson(1, 3)}
    assert (code["rows"], code["looked_at"], code["unchecked"]) == (1, 0, 0)


def test_of_many_problems_some_are_drawn_for_the_verifier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifiable, "LOOKED_AT", 50)
    one = problems(*((f"q{n}", "?", "number") for n in range(500)))["verifiers"]["number"]
    assert one["rows"] == 500
    assert 25 < one["looked_at"] == one["unchecked"] < 80


def test_stored_distributions_say_what_is_left_out_and_how_sure_the_teacher_was() -> None:
    half = math.log(0.5)
    row = {
        **{"id": "1", "prompt": says("q", last="user"), "completion": says("sorry")[:1], "tokenizer": "t"},
        **{"topk_ids": [[1, 2], [1], []], "topk_logprobs": [[half, half], [half], []]},
    }
    facts = counted("teacher", [row])["teacher"]
    assert facts["positions"]["sum"] == 3
    assert facts["k"] == {"0": 1, "1": 1, "2": 1}
    assert facts["left_out"]["mean"] == 0.25
    assert facts["first"]["mean"] == 0.5
    assert facts["entropy"]["mean"] == pytest.approx(math.log(2), abs=1e-6)


def test_judgements_are_counted_by_record_and_person() -> None:
    rows = [
        {"id": str(n), "record": record, "annotator": who, "answer": "1", "seconds": seconds, "guidelines": "g"}
        for n, (record, who, seconds) in enumerate([("a", "p", 2.0), ("a", "q", 4.0), ("b", "p", None)])
    ]
    facts = counted("judgements", rows)["judgements"]
    assert facts["records"] == {"different": 2, "groups": 1, "largest": 2, "part": 1.0}
    assert facts["annotators"]["counts"] == {"p": 2, "q": 1}
    assert facts["seconds"]["mean"] == 3
    assert facts["seconds"]["missing"] == 1
    assert facts["guidelines"] == {"different": 1, "missing": 0}


def test_wilsons_interval_is_that_of_newcombe_1998_and_holds_its_share() -> None:
    for hits, of, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson(hits, of) == pytest.approx([hits / of, low, high], abs=5e-5)
    assert wilson(0, 0) is None
