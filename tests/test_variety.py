"""Measures of variety: their laws, their values on texts one can count by hand, the gate, and rows that pass."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job, Refused
from synth.alike import alike
from synth.grams import coded, grams, sets
from synth.novelty import words
from synth.overlap import runs
from synth.spread import compression, distinct, openings, topics
from synth.variety import Variety, texts
from tests.generating import assistant, table, user

WORDS = st.sampled_from(["sun", "moon", "rain", "snow", "wind", "fog", "storm", "hail", "cloud", "frost"])
TEXTS = st.lists(st.lists(WORDS, min_size=1, max_size=12).map(" ".join), min_size=1, max_size=12)
TALK = ["Write a poem about rain.", "Why is the sky blue?", "Plan a trip to the moon for two cats.", "Sum up chess."]


def prompt_rows(asked: list[str], **metadata: Any) -> list[dict[str, Any]]:
    told = {"metadata": json.dumps(metadata)} if metadata else {}
    return [{"id": f"p{n}", "prompt": [user(text)], **told} for n, text in enumerate(asked)]


def facts(
    folder: Path, rows: list[dict[str, Any]], kind: str = "prompts", op: Variety | None = None, **more: Any
) -> Any:
    source = table(folder / "source", kind, rows)
    others = tuple(
        table(folder / f"other-{n}", "prompts", prompt_rows(one)) for n, one in enumerate(more.pop("others", []))
    )
    job = Job((source, *others), Folder.at(str(folder / "step")))
    found = (op or Variety(**more)).run(job)
    json.dumps(found, allow_nan=False)
    return found


def near(asked: list[str], n: int = 2) -> list[bool]:
    found, _ = alike(sets(grams(coded(pl.Series(asked)), n, whole=True), len(asked)), 0.5)
    return [bool(one) for one in found]


def jaccard(one: str, other: str, n: int = 2) -> float:
    first, second = ({tuple(w[i : i + n]) for i in range(max(len(w) - n + 1, 1))} for w in (words(one), words(other)))
    return len(first & second) / len(first | second)


@given(TEXTS)
@settings(max_examples=60, deadline=None)
def test_near_duplicates_are_those_that_comparing_all_pairs_finds_and_none_else(asked: list[str]) -> None:
    best = [
        max((jaccard(one, two) for m, two in enumerate(asked) if m != n), default=0.0) for n, one in enumerate(asked)
    ]
    for found, index in zip(near(asked), best, strict=True):
        assert not found or index >= 0.5
        assert found or index < 0.8  # of pairs near the threshold a few are missed


@given(TEXTS)
@settings(max_examples=40, deadline=None)
def test_a_copy_of_every_text_makes_all_of_them_near_duplicates(asked: list[str]) -> None:
    assert all(near([*asked, *asked]))


@given(st.permutations(range(12)))
@settings(max_examples=3, deadline=None)
def test_the_order_of_the_rows_changes_nothing(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    rows = prompt_rows([TALK[n % 4] + " Now!" * (n // 4) for n in range(12)], round=1)
    first, second = (facts(tmp_path_factory.mktemp("order"), some) for some in (rows, [rows[place] for place in order]))
    assert first == second


def test_copies_raise_self_similarity_and_compression_and_lower_distinct_and_topics(tmp_path: Path) -> None:
    varied = facts(tmp_path / "a", prompt_rows(TALK))["variety"]["parts"]["prompts"]
    copied = facts(tmp_path / "b", prompt_rows(TALK * 10))["variety"]["parts"]["prompts"]
    same = facts(tmp_path / "c", prompt_rows(TALK[:1] * 40))["variety"]["parts"]["prompts"]
    assert varied["self_similar"][0] == 0.0
    assert copied["self_similar"][0] == same["self_similar"][0] == 1.0
    assert varied["compression"] < copied["compression"] < same["compression"]
    assert varied["distinct"]["2"] == 1.0 > copied["distinct"]["2"] > same["distinct"]["2"]
    assert varied["topics"] == pytest.approx(4, abs=0.3)
    assert copied["topics"] == varied["topics"]
    assert same["topics"] == 1.0
    assert same["openings"] == [["write a poem", 40]]
    assert same["pairs"] == [[TALK[0], TALK[0]]]


def test_one_word_changed_in_a_template_is_seen_as_near(tmp_path: Path) -> None:
    asked = [f"Write a short poem about {what} for my aunt." for what in ("rain", "snow", "ships", "doors", "bread")]
    found = facts(tmp_path, prompt_rows(asked))["variety"]["parts"]["prompts"]
    assert found["self_similar"][0] == 1.0
    assert found["openings"] == [["write a short", 5]]


def test_distinct_is_that_of_a_hand_count() -> None:
    found = coded(pl.Series(["a b a b", "a b"]))
    assert distinct(found, 1) == round(2 / 6, 4)
    assert distinct(found, 2) == round(2 / 4, 4)  # ab ba ab, ab
    assert distinct(found, 3) == 1.0
    assert distinct(coded(pl.Series(["one two"])), 3) is None


def test_distinct_of_more_text_of_the_same_sort_stays_what_it_is() -> None:
    draw = np.random.RandomState(1)
    some = [" ".join(f"w{n}" for n in draw.zipf(1.3, 50) % 5000) for _ in range(2000)]
    few, many = (distinct(coded(pl.Series(part)), 2) for part in (some[:400], some))
    assert few is not None
    assert many is not None
    assert abs(few - many) < 0.01


def test_topics_count_groups_that_share_no_words() -> None:
    groups = [[f"{group}{n}" for n in range(6)] for group in ("red", "blue", "green", "grey", "white")]
    some = pl.Series([" ".join(group) for group in groups for _ in range(20)])
    assert topics(coded(some)) == pytest.approx(5, abs=0.4)
    assert topics(coded(pl.Series(["", "?"]))) is None


def test_the_words_of_columns_are_those_of_the_novelty_filter() -> None:
    some = ["Don't STOP, l’été 12%!", "東京は広い city", "?!", "a_b"]
    found = coded(pl.Series(some))
    assert np.diff(found.offsets).tolist() == [len(words(text)) for text in some]


@given(st.lists(st.lists(WORDS, max_size=9).map(" ".join), max_size=8), st.integers(1, 5), st.booleans())
@settings(max_examples=60, deadline=None)
def test_n_grams_are_those_of_a_loop(some: list[str], n: int, whole: bool) -> None:
    found = grams(coded(pl.Series(some, dtype=pl.String)), n, whole)
    expected = []
    for number, text in enumerate(some):
        split = text.split()
        runs_of = [tuple(split[i : i + n]) for i in range(len(split) - n + 1)]
        expected += [(number, one) for one in (runs_of or ([tuple(split)] if whole and split else []))]
    assert found.texts.tolist() == [number for number, _ in expected]
    by_code = {code: gram for code, (_, gram) in zip(found.codes.tolist(), expected, strict=True)}
    assert len(set(by_code.values())) == len(by_code) == len({gram for _, gram in expected})


def test_empty_texts_are_none_of_the_rows_that_are_measured(tmp_path: Path) -> None:
    found = facts(tmp_path, [{"id": "d", "text": " "}, {"id": "e", "text": "A text."}], "documents")
    assert found["variety"]["parts"]["texts"]["rows"] == 1
    assert found["kind"] == "documents"
    assert facts(tmp_path / "none", [], "documents")["variety"]["parts"] == {}
    blank = facts(tmp_path / "blank", [{"id": "d", "text": "\n"}], "documents")["variety"]["parts"]["texts"]
    assert (blank["self_similar"], blank["topics"], blank["compression"]) == (None, None, None)
    assert compression(pl.Series([], dtype=pl.String)) is None
    assert openings(pl.Series([], dtype=pl.String)) == []


@pytest.mark.parametrize(
    ("kind", "row", "expected"),
    [
        ("conversations", {"messages": [user("q"), assistant("a"), user("r")]}, {"prompts": "q\nr", "answers": "a"}),
        ("prompts", {"prompt": [{"role": "system", "content": "s"}, user("q")]}, {"prompts": "q"}),
        ("verifiable", {"prompt": [user("q")], "answer": "4"}, {"prompts": "q", "answers": "4"}),
        ("documents", {"text": "t"}, {"texts": "t"}),
        (
            "preferences",
            {"prompt": [user("q")], "chosen": [assistant("c")], "rejected": [assistant("r")]},
            {"prompts": "q", "answers": "c"},
        ),
        (
            "rankings",
            {"prompt": [user("q")], "responses": [{"id": "1", "content": "x", "origin": None}] * 2, "ranks": [1, 2]},
            {"prompts": "q", "answers": "x\nx"},
        ),
    ],
)
def test_what_is_measured_of_each_type(
    kind: str, row: dict[str, Any], expected: dict[str, str], tmp_path: Path
) -> None:
    frame = table(tmp_path, kind, [{"id": "x", **row}]).collect()
    assert {name: one[0] for name, one in texts(frame).items()} == expected


def test_rounds_are_measured_one_by_one_so_that_collapse_is_seen(tmp_path: Path) -> None:
    rows = prompt_rows(TALK, round=1)
    later = [{**row, "id": f"q{row['id']}"} for row in prompt_rows(["Write a poem about snow."] * 4, round=2)]
    first, second = facts(tmp_path, rows + later)["variety"]["rounds"]
    assert (first["round"], first["rows"], first["self_similar"][0]) == (1, 4, 0.0)
    assert (second["round"], second["rows"], second["self_similar"][0], second["topics"]) == (2, 4, 1.0, 1.0)
    assert first["distinct"] > second["distinct"]


def test_runs_of_words_of_evaluations_are_found_in_any_part(tmp_path: Path) -> None:
    thirteen = "one two three four five six seven eight nine ten eleven twelve thirteen"
    eight = "uno due tre quattro cinque sei sette otto"
    rows = prompt_rows([f"Say: {thirteen}!", f"Say {eight.upper()} now", "Say one two three four five six seven"])
    found = facts(tmp_path, rows, others=[[thirteen, eight, "too short"]], against=("eval@1",))["variety"]["against"]
    assert found == [{"version": "eval@1", "texts": 3, "rows_13": 1, "texts_13": 1, "rows_8": 2, "texts_8": 2}]


def test_no_run_of_words_crosses_two_texts() -> None:
    known = runs([pl.Series(["a b c", "d e f"])], 4)
    assert (known.codes.size, known.texts) == (0, 0)
    assert known.held(pl.Series(["a b c d e f"])).tolist() == [False]


def test_the_gate_stops_what_is_too_much_alike_and_shows_three(tmp_path: Path) -> None:
    asked = [f"Write a short poem about {what} for my aunt." for what in ("rain", "snow", "ships", "doors")]
    with pytest.raises(
        Refused, match=r"100\.0% of the prompts have a near-duplicate.*max_self_similarity=0\.5"
    ) as error:
        facts(tmp_path / "a", prompt_rows(asked), max_self_similarity=0.5)
    assert "Write a short poem about" in str(error.value)
    with pytest.raises(Refused, match=r"distinct-2 of the prompts is 0\.\d+.*\"write a short\" \(4\)"):
        facts(tmp_path / "b", prompt_rows(asked), min_distinct=0.99)
    rows = [{"id": f"c{n}", "messages": [user(one), assistant("No.")]} for n, one in enumerate(TALK)]
    assert facts(tmp_path / "c", rows, "conversations", max_self_similarity=0.5, gate="prompts")["variety"]["rows"] == 4
    with pytest.raises(Refused, match="of the answers"):
        facts(tmp_path / "d", rows, "conversations", max_self_similarity=0.5)


def test_the_rows_pass_as_they_are_and_the_books_balance(tmp_path: Path) -> None:
    rows = prompt_rows(TALK)
    facts(tmp_path, rows)
    folder = Folder.at(str(tmp_path / "step"))
    assert pl.read_parquet(tmp_path / "step" / "part-00000.parquet").get_column("id").to_list() == [
        "p0",
        "p1",
        "p2",
        "p3",
    ]
    (fact,) = Job((), folder).facts()
    assert fact["funnel"] == [{"stage": "variety", "read": 4, "kept": 4, "quarantined": 0, "dropped": {}}]


def test_limits_that_are_no_shares_are_refused() -> None:
    with pytest.raises(ValueError, match="shares"):
        Variety(max_self_similarity=1.5)
    with pytest.raises(ValueError, match="shares"):
        Variety(min_distinct=-0.1)


def test_rows_of_no_known_type_are_refused(tmp_path: Path) -> None:
    pl.DataFrame({"id": ["a"], "word": ["b"]}).write_parquet(tmp_path / "rows.parquet")
    from dataset_cards.versions.table import Part, Table

    source = Table(Folder.at(str(tmp_path)), (Part("rows.parquet", 1),))
    with pytest.raises(Misuse, match="these have the columns id, word"):
        Variety().run(Job((source,), Folder.at(str(tmp_path / "step"))))
