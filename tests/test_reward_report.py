"""The numbers of the reward model's report against brute force, and what content-blind rules see."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from train.measure import interval
from train.reward.blind import SURFACE, Sides, baselines, right, surface
from train.reward.pairs import Pairs, from_ranking
from train.reward.report import BINS, accuracy, calibration, length, log_loss, report, share, slices, verdict


def sides(chosen: list[str], rejected: list[str], **more: object) -> Sides:
    none = [None] * len(chosen)
    given = {
        "shown_first": np.zeros(len(chosen)),
        "chosen_origin": none,
        "rejected_origin": none,
        **more,
    }
    return Sides(
        chosen=np.array([surface(text) for text in chosen]).reshape(-1, len(SURFACE)),
        rejected=np.array([surface(text) for text in rejected]).reshape(-1, len(SURFACE)),
        **given,  # type: ignore[arg-type]
    )


def pairs(chosen: list[str], rejected: list[str], group: list[int] | None = None, **more: object) -> Pairs:
    count = len(chosen)
    columns: dict[str, object] = {
        "turns": np.ones(count, dtype=np.int64),
        "source": ["a" if n % 2 else "b" for n in range(count)],
        "origin": [None] * count,
        "votes": [],
        **more,
    }
    numbers = np.array(range(count) if group is None else group, dtype=np.int64)
    return Pairs(sides=sides(chosen, rejected), group=numbers, **columns)  # type: ignore[arg-type]


differences = st.lists(st.floats(-20, 20).map(lambda value: round(value, 3)), min_size=1, max_size=30)


@settings(max_examples=25)
@given(differences, st.randoms(use_true_random=False))
def test_accuracy_and_log_loss_are_those_of_a_loop(ahead: list[float], chance: object) -> None:
    group = np.array([n // 2 for n in range(len(ahead))])
    before, after = np.zeros(len(ahead)), np.array(ahead)
    found = accuracy(before, after, group)
    assert found.after[0] == pytest.approx(sum(1.0 if d > 0 else 0.5 if d == 0 else 0.0 for d in ahead) / len(ahead))
    assert found.before is not None
    assert (found.before[0], found.rows) == (0.5, len(ahead))
    loss = log_loss(before, after, group)
    assert loss.after[0] == pytest.approx(sum(math.log1p(math.exp(-d)) for d in ahead) / len(ahead))
    assert loss.before is not None
    assert loss.before[0] == pytest.approx(math.log(2))


def test_answers_to_one_question_are_no_independent_evidence() -> None:
    values = np.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0] * 10)
    apart = share(values, np.arange(80))
    together = share(values, np.repeat(np.arange(20), 4))
    assert apart[0] == together[0] == 0.5
    assert together[2] - together[1] > 1.5 * (apart[2] - apart[1])
    assert apart == interval(values)


@settings(max_examples=25)
@given(differences)
def test_calibration_is_that_of_a_loop(ahead: list[float]) -> None:
    bins, error = calibration(np.array(ahead), np.arange(len(ahead)))
    by_hand: dict[int, list[tuple[float, float]]] = {}
    for one in ahead:
        sure = 1 / (1 + math.exp(-abs(one)))
        place = min(BINS - 1, int((sure - 0.5) * 2 * BINS))
        by_hand.setdefault(place, []).append((sure, float(right([one])[0])))
    assert [one["pairs"] for one in bins] == [len(by_hand[place]) for place in sorted(by_hand)]
    gaps = [abs(sum(hit - sure for sure, hit in cell)) for cell in by_hand.values()]
    assert error[0] == pytest.approx(sum(gaps) / len(ahead))
    assert error[1] <= error[0] <= error[2]


def test_differences_that_are_odds_are_calibrated_and_tenfold_ones_are_not() -> None:
    random = np.random.default_rng(0)
    odds = random.normal(0, 2, 4000)
    ahead = np.where(random.random(4000) < 1 / (1 + np.exp(-odds)), odds, -odds)
    assert calibration(ahead, np.arange(4000))[1][0] < 0.03
    assert calibration(10 * ahead, np.arange(4000))[1][1] > 0.1


def test_slices_of_a_sort_sum_to_all_pairs_and_average_to_all_of_accuracy() -> None:
    random = np.random.default_rng(1)
    texts = ["a" * size for size in random.integers(1, 60, 200)], ["b" * size for size in random.integers(1, 60, 200)]
    held, ahead = pairs(*texts, turns=random.integers(1, 4, 200)), random.normal(0.3, 1, 200)
    found = slices(ahead, held)
    for sort in ("length", "source", "conversation"):
        parts = [one for one in found if one["name"].startswith(f"{sort}:")]
        assert sum(one["pairs"] for one in parts) == 200
        mean = sum(one["pairs"] * one["accuracy"][0] for one in parts) / 200
        assert mean == pytest.approx(right(ahead).mean())


def test_a_person_is_agreed_with_by_their_own_votes() -> None:
    votes = [("ann", n, n < 20) for n in range(40)] + [("bob", n, True) for n in range(19)]
    held = pairs(["a"] * 40, ["b"] * 40, votes=votes)
    ahead = np.array([1.0] * 10 + [-1.0] * 30)
    [ann] = [one for one in slices(ahead, held) if one["name"].startswith("annotator")]
    assert (ann["name"], ann["pairs"], ann["accuracy"][0]) == ("annotator: ann", 40, 30 / 40)


def test_rewards_that_are_lengths_correlate_with_length_whichever_answer_is_chosen() -> None:
    chosen, rejected = ["a" * 3, "b" * 30, "c" * 7], ["d" * 9, "e" * 2, "f" * 7]
    held = pairs(chosen, rejected)
    ahead = np.log1p(held.sides.chosen[:, 0]) - np.log1p(held.sides.rejected[:, 0])
    assert length(ahead, held)["correlation"] == pytest.approx(1)
    assert length(-ahead, held)["correlation"] == pytest.approx(-1)
    assert length(ahead, held)["model_prefers_longer"][0] == 1
    assert length(ahead, held)["people_prefer_longer"][0] == 0.5


@pytest.mark.parametrize(
    ("name", "chosen", "rejected"),
    [
        ("longer wins", "a longer one", "short"),
        ("shorter wins", "short", "a longer one"),
        ("more lines wins", "a\nb", "a b"),
        ("fewer lines wins", "a b", "a\n\nb"),
        ("more markdown wins", "* a\n**b**", "a\nb and c"),
        ("more question marks wins", "Why?", "Why."),
        ("more refusing first words wins", "I\u2019m so sorry, no", "Here it goes"),
        ("fewer agreeable first words wins", "It is not", "You're absolutely right"),
    ],
)
def test_each_rule_sees_its_own_thing(name: str, chosen: str, rejected: str) -> None:
    both = sides([chosen], [rejected])
    assert baselines(both, both)[name].tolist() == [1.0]


def test_rules_take_their_direction_from_what_is_learned_from_and_not_from_what_is_held_out() -> None:
    long, short = ["a\n" * 9] * 30, ["b"] * 30
    found = baselines(sides(long, short), sides(short, long))
    assert "fewer lines wins" not in found
    assert found["more lines wins"].tolist() == [0.0] * 30
    assert found["all of these together"].mean() == 0.0


def test_place_and_origin_are_rules_where_they_are_known_and_no_rules_where_they_are_not() -> None:
    same = ["a"] * 10
    told = sides(same, same, shown_first=-np.ones(10), chosen_origin=["big"] * 10, rejected_origin=["small"] * 10)
    found = baselines(told, told)
    assert found["last shown wins"].mean() == found["origin that wins most"].mean() == 1.0
    assert found["all of these together"].mean() == 1.0
    assert baselines(sides(same, same), sides(same, same)) == {}


@settings(max_examples=25)
@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), min_size=1, max_size=12))
def test_no_rule_knows_which_answer_is_the_chosen_one(texts: list[tuple[str, str]]) -> None:
    train = sides(["long one", "b"], ["short", "longer"])
    first, second = [one for one, _ in texts], [other for _, other in texts]
    there, back = baselines(train, sides(first, second)), baselines(train, sides(second, first))
    assert there.keys() == back.keys()
    for name, found in there.items():
        np.testing.assert_array_equal(found, 1 - back[name])


def test_the_verdict_says_beats_only_where_every_interval_is_above_nothing() -> None:
    group = np.arange(400)
    good, poor, same = np.ones(400), np.repeat([0.0, 1.0], 200), np.ones(400)
    same[:3] = 0
    against = {"poor": {"accuracy": share(poor, group), "difference": share(good - poor, group)}}
    assert verdict(good, against, group).startswith("Beats every content-blind baseline: 100.0%")
    against["same"] = {"accuracy": share(same, group), "difference": share(same - good, group)}
    assert "does not beat the content-blind rule 'same'" in verdict(good, against, group)
    wide = np.repeat([1.0, 0.0], [10, 390])
    against["unsure"] = {"accuracy": share(wide, group), "difference": (0.01, -0.2, 0.2)}
    assert "rule 'same'" in verdict(good, against, group), "the one that is furthest ahead, not the widest"
    against["best"] = {"accuracy": share(good, group), "difference": share(poor - good, group)}
    assert "is worse than the content-blind rule 'best'" in verdict(poor, against, group)


def test_a_model_that_follows_length_more_than_people_do_is_told() -> None:
    chosen = ["a" * (20 if n % 2 else 5) for n in range(200)]
    rejected = ["a" * (5 if n % 2 else 20) for n in range(200)]
    held = pairs(chosen, rejected)
    rewards = held.sides.chosen[:, 0] / 10, held.sides.rejected[:, 0] / 10
    found = report(*rewards, np.zeros(200), held, held)
    assert any("prefers the longer answer in 100.0%" in note for note in found.notes)
    assert any("coin" in note for note in found.notes)


rankings = st.lists(st.integers(1, 4), min_size=2, max_size=5).map(
    lambda ranks: {
        "id": "r",
        "prompt": [],
        "responses": [{"id": f"a{n}", "content": f"text {n}", "origin": None} for n in range(len(ranks))],
        "ranks": [10 * rank for rank in ranks],
    }
)


@settings(max_examples=60)
@given(rankings, st.integers(0, 6))
def test_a_ranking_gives_every_pair_once_better_first_and_ties_marked(row: dict[str, list[int]], most: int) -> None:
    found, rank = list(from_ranking(row, most)), dict(zip("01234", row["ranks"], strict=False))
    decided = [one for one in found if one["margin"]]
    assert len({one["id"] for one in found}) == len(found)
    for one in found:
        better, worse = one["id"].removeprefix("r/").replace("a", "").split(">")
        between = [rank[better] < other <= rank[worse] for other in set(rank.values())]
        assert one["margin"] == sum(between)
        assert one["shown_first"] == (1 if better < worse else -1)
    count = len(row["ranks"])
    unequal = sum(a != b for n, a in enumerate(row["ranks"]) for b in row["ranks"][n + 1 :])
    assert len(found) - len(decided) == count * (count - 1) // 2 - unequal
    assert len(decided) == (min(most, unequal) if most else unequal)
    assert {one["id"] for one in decided} <= {one["id"] for one in from_ranking(row, 0)}
