"""Rank and Pairs on real tables: the ranks of people, every pair once, and what is not kept and why.

`deciding.Outcome` checks what always holds, of ledger, ids and rules of the row types.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.decide.pairs import Pairs
from annotation.decide.prefer import Prefer
from annotation.decide.rank import Rank
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.store import Store

from .deciding import Outcome, content, judgement, preference, ranking, said, table


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.at(str(tmp_path / "store"))


def test_ties_and_bad_pairs_are_kept_or_dropped_as_asked(store: Store) -> None:
    source = table(
        store, "preferences", [preference("t", "a", "b"), preference("v", "c", "d"), preference("w", "e", "f")]
    )
    people = table(store, "judgements", said("t", "1", "2") + said("v", "both-bad") + said("w", "1", "1", "2"))
    kept = Outcome(store, Prefer(both_bad="keep", min_margin=0.5), source, people)
    assert [(row["id"], row["margin"]) for row in kept.rows] == [("t", 0.0), ("v", 0.0)]
    assert json.loads(kept.rows[1]["metadata"])["outcome"] == "both-bad"
    assert kept.rows[1]["votes"][0]["choice"] == "tie"
    assert kept.reasons == {"w": "prefer/small-margin"}
    dropped = Outcome(store, Prefer(ties="drop"), source, people)
    assert dropped.reasons == {"t": "prefer/tie", "v": "prefer/both-bad"}


def ranks(record: str, *given: list[int], **notes: Any) -> list[dict[str, Any]]:
    return [judgement(record, f"a{n}", json.dumps(one), ranks=one, **notes) for n, one in enumerate(given, 1)]


def test_rankings_take_the_ranks_of_people_and_keep_ties(store: Store) -> None:
    source = [ranking("r1", "x", "y", "z", topic="birds"), ranking("r2", "u", "v"), ranking("r3", "never", "asked")]
    people = ranks("r1", [2, 1, 3], [3, 1, 2]) + ranks("r2", [1, 1], [1, 1])
    for by in ("mean", "bradley-terry"):
        made = Outcome(store, Rank(by=by), table(store, "rankings", source), table(store, "judgements", people))  # type: ignore[arg-type]
        assert [(row["id"], row["ranks"]) for row in made.rows] == [("r1", [2, 1, 2]), ("r2", [1, 1])]
        notes = json.loads(made.rows[0]["metadata"])
        assert notes["decided"] == ("mean" if by == "mean" else "weighted")
        assert (notes["mean_ranks"], notes["judges"], notes["topic"]) == ([2.5, 1.0, 2.5], 2, "birds")
        assert made.reasons == {"r3": "rank/no-votes"}
    with pytest.raises(Misuse, match="has 2 responses, but a1 ranked 3"):
        Outcome(store, Rank(), table(store, "rankings", source), table(store, "judgements", ranks("r2", [1, 2, 3])))


def test_a_ranking_gives_every_pair_once_with_its_gap(store: Store) -> None:
    row = {**ranking("r", "best", "middle", "worst"), "ranks": [1, 2, 3]}
    made = Outcome(store, Pairs(), table(store, "rankings", [row]))
    assert [(one["id"], content(one["chosen"]), content(one["rejected"]), one["margin"]) for one in made.rows] == [
        ("r/1-2", "best", "middle", 0.5),
        ("r/1-3", "best", "worst", 1.0),
        ("r/2-3", "middle", "worst", 0.5),
    ]
    assert all(one["parents"] == ["r"] and one["votes"] == [] for one in made.rows)
    assert json.loads(made.rows[1]["metadata"])["responses"] == ["m1", "m3"]
    assert "agreement" not in made.facts
    level = {**row, "ranks": [2, 1, 2]}
    kept = Outcome(store, Pairs(min_gap=1.0), table(store, "rankings", [level]))
    assert [(one["id"], one["margin"]) for one in kept.rows] == [("r/1-2", 0.75), ("r/1-3", 0.0), ("r/2-3", 0.75)]
    dropped = Outcome(store, Pairs(ties="drop", most=1), table(store, "rankings", [level]))
    assert dropped.reasons == {"r/1-3": "pairs/tie", "r/2-3": "pairs/over-limit"}


def test_pairs_of_judged_rankings_have_everybodys_vote(store: Store) -> None:
    source = table(store, "rankings", [ranking("r", "x", "y", "z"), ranking("s", "u", "v", "w")])
    people = table(store, "judgements", ranks("r", [3, 1, 1], [2, 1, 3], [1, 2, 3]))
    made = Outcome(store, Pairs(), source, people)
    votes = {row["id"]: ([one["choice"] for one in row["votes"]], row["margin"]) for row in made.rows}
    # Mean ranks are 2, 1.5 and 2.5: where two share a rank, each has the mean of their places.
    assert votes == {
        "r/1-2": (["chosen", "chosen", "rejected"], 0.25),
        "r/1-3": (["rejected", "chosen", "chosen"], 0.25),
        "r/2-3": (["tie", "chosen", "chosen"], 0.5),
    }
    assert content(made.rows[0]["chosen"]) == "y"
    assert {reason for name, reason in made.reasons.items() if name.startswith("s/")} == {"pairs/no-votes"}
    assert made.ledger.read == 6
    assert made.facts["agreement"]["decided"] == {"mean": 3}
    assert set(Outcome(store, Pairs(min_gap=0.75), source, people).reasons) >= {"r/1-2", "r/1-3"}


@settings(max_examples=25)
@given(
    given_ranks=st.lists(st.lists(st.integers(1, 4), min_size=2, max_size=4), min_size=1, max_size=3),
    gap=st.floats(0, 3),
    ties=st.sampled_from(("keep", "drop")),
    most=st.one_of(st.none(), st.integers(1, 3)),
)
def test_pairs_never_prefer_the_worse_and_none_goes_missing(
    given_ranks: list[list[int]], gap: float, ties: Any, most: int | None
) -> None:
    store = Store.at("memory://pairs-laws")
    store.root.remove()
    rows = [
        {**ranking(f"r{n}", *(f"t{k}" for k in range(len(one)))), "ranks": one} for n, one in enumerate(given_ranks)
    ]
    made = Outcome(store, Pairs(min_gap=gap, ties=ties, most=most), table(store, "rankings", rows))
    assert made.ledger.read == sum(len(one) * (len(one) - 1) // 2 for one in given_ranks)
    for row in made.rows:
        better, worse = json.loads(row["metadata"])["ranks"]
        assert better <= worse
        assert (row["margin"] == 0) == (better == worse)
    assert not most or all(sum(row["parents"] == [f"r{n}"] for row in made.rows) <= most for n in range(len(rows)))
    store.root.remove()
