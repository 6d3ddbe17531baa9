"""Which drops a near-duplicate search shows to people, against a plain statement; that cuts change none of it."""

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from curation.dedup.near import NearDuplicates
from curation.dedup.pairs import near_threshold, nearest, to_judge
from tests.test_near import families, search
from tests.test_shingles import mixed

# Finds pairs of every index, so that clusters are many and unlike.
OP = NearDuplicates(ngram=1, bands=40, rows=1, min_jaccard=0.5)


def lot(row: int) -> int:
    return mixed(row + 1)


def stated(drops: list[tuple[int, int, float]], least: float) -> list[dict[str, Any]]:
    """One pair of each of the 20 largest clusters, then 30 from the lowest steps of 0.05 that have any, by lot."""
    clusters = defaultdict(list)
    for row, kept, jaccard in drops:
        clusters[kept].append((jaccard, row))
    order = sorted(clusters, key=lambda kept: (-len(clusters[kept]), kept))[:20]
    shown = [(kept, *reversed(min(clusters[kept]))) for kept in order]
    seen = {row for _, row, _ in shown}
    low = [(int((j - least) / 0.05), lot(row), kept, row, j) for row, kept, j in drops if j < (1 + least) / 2]
    near = [(kept, row, j) for _, _, kept, row, j in sorted(low) if row not in seen][:30]
    return [
        {"kept": kept, "dropped": row, "jaccard": jaccard, "why": why}
        for why, pairs in (("large-cluster", shown), ("just-above-threshold", near))
        for kept, row, jaccard in pairs
    ]


@pytest.mark.parametrize("seed", range(4))
def test_pairs_are_those_of_the_plain_statement(seed: int) -> None:
    drops, facts, _ = search(OP, families(seed, 400), (90, 35))
    assert len(drops) > 150
    assert facts["pairs"] == stated(drops, OP.min_jaccard)
    assert len(facts["pairs"]) <= 50


def test_neither_cuts_nor_memory_change_a_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = families(3, 400)
    whole = search(OP, texts)[1]["pairs"]
    assert {pair["why"] for pair in whole} == {"large-cluster", "just-above-threshold"}
    for budget, cuts in ((256 << 20, (37, 9)), (100_000, (400, 400)), (100_000, (50, 11))):
        monkeypatch.setattr(NearDuplicates, "budget_bytes", budget)
        assert search(OP, texts, cuts)[1]["pairs"] == whole


def test_thirty_pairs_near_the_threshold_are_not_crowded_out_by_those_of_clusters() -> None:
    rows = np.arange(1000, 1400)
    near = nearest(near_threshold(rows - 1000, rows, np.full(400, 0.71), 0.7), 0.7)
    clusters: list[dict[str, Any]] = [
        {"kept": number, "size": 2, "least_alike": {"row": pair["dropped"], "jaccard": 0.71}}
        for number, pair in enumerate(near[:20])
    ]
    why = [pair["why"] for pair in to_judge(clusters, near, 0.7)]
    assert (why.count("large-cluster"), why.count("just-above-threshold")) == (20, 30)


def test_copies_are_not_called_near_the_threshold() -> None:
    _, facts, _ = search(NearDuplicates(), ["one two three four five six"] * 5)
    assert facts["pairs"] == [{"kept": 0, "dropped": 1, "jaccard": 1.0, "why": "large-cluster"}]
    assert search(NearDuplicates(), ["one", "two"])[1]["pairs"] == []


def test_the_curve_is_said_in_words() -> None:
    said = NearDuplicates().curve()
    for share in ("0.9 % at 0.4", "5.3 % at 0.5", "56.4 % at 0.7", "92.3 % at 0.8", "99.9 % at 0.9", "0.7 or more go"):
        assert share in said
    assert "below 0.1 % at 0.4" in NearDuplicates(bands=2, rows=20).curve()
    assert search(NearDuplicates(), [])[1]["s_curve_in_words"] == said
