"""Who is flagged as fast, straight-lining or drawn to one place, and that honest people are not."""

import numpy as np
import pytest

from annotation.agreement.flags import fast, first_place, flat, monotonous, position, runs

RANDOM = np.random.default_rng


def honest(seed: int, people: int = 8, answers: int = 200) -> dict[str, list[str]]:
    """People who answer by chance, each with label shares of their own around 50, 35 and 15 %."""
    random = RANDOM(seed)
    shares = random.dirichlet([25, 17, 8], size=people)
    return {f"a{who}": random.choice(["1", "2", "tie"], answers, p=shares[who]).tolist() for who in range(people)}


def times(seed: int, people: int = 8, answers: int = 100, middle: float = 30.0) -> dict[str, list[float]]:
    """Log-normal times, of people who differ."""
    random = RANDOM(seed)
    return {
        f"a{who}": (middle * np.exp(random.normal(random.normal(0, 0.25), 0.8, answers))).tolist()
        for who in range(people)
    }


def test_three_times_as_fast_as_the_others_is_fast() -> None:
    hasty = {**times(1), "hasty": [4.0, 5.0, 6.0] * 10}
    assert fast(hasty) == {"hasty"}
    assert fast({**times(1), "hasty": [4.0] * 19}) == set()
    assert fast({"alone": [1.0] * 50}) == set()
    assert fast({"a1": [30.0] * 20, "a2": [10.1] * 20}) == set()
    assert fast({"a1": [30.0] * 20, "a2": [9.9] * 20}) == {"a2"}


def test_a_long_run_is_told_from_chance() -> None:
    for seed in range(20):
        assert runs(honest(seed)) == set()
    lazy = honest(1)
    lazy["a3"][50:75] = ["1"] * 25
    assert runs(lazy) == {"a3"}
    assert monotonous(lazy) == set()


def test_one_answer_throughout_is_told_from_chance_and_from_what_all_others_say() -> None:
    for seed in range(20):
        assert monotonous(honest(seed)) == set()
    lazy = {**honest(2), "lazy": ["2"] * 60, "nearly": ["1"] * 196 + ["2"] * 4}
    assert monotonous(lazy) == {"lazy", "nearly"}
    assert monotonous({who: ["accept"] * 100 for who in "abc"}) == set()
    assert monotonous({"alone": ["1"] * 100}) == set()
    assert monotonous({**honest(2), "few": ["2"] * 19}) == set()


def test_ratings_that_are_all_equal_are_told_from_the_others() -> None:
    some = {who: [place % 5 == 0 for place in range(100)] for who in ("a1", "a2", "a3")}
    assert flat({**some, "a4": [True] * 100}) == {"a4"}
    assert flat({**some, "a4": [False] * 100}) == set()


def test_the_first_place_too_often_or_too_seldom_is_flagged() -> None:
    fair = {f"a{who}": (RANDOM(who).integers(0, 2, 200).tolist(), [2] * 200) for who in range(8)}
    assert position(fair) == set()
    drawn = {**fair, "first": ([0] * 150 + [1] * 50, [2] * 200), "last": ([0] * 50 + [1] * 150, [2] * 200)}
    assert position(drawn) == {"first", "last"}
    assert position({"few": ([0] * 19, [2] * 19)}) == set()
    slightly = ([0] * 53_000 + [1] * 47_000, [2] * 100_000)
    assert position({"sure but slight": slightly}) == set()


def test_the_share_to_be_expected_follows_from_the_number_of_places() -> None:
    share, expected = first_place([0, 1, 2, 0], [3, 3, 4, 2])
    assert share.value == 0.5
    assert expected == pytest.approx((1 / 3 + 1 / 3 + 1 / 4 + 1 / 2) / 4)
    assert first_place([], [])[0].value is None


def test_honest_people_are_rarely_flagged() -> None:
    for seed in range(30):
        assert fast(times(seed)) == set()
        fair = {f"a{who}": (RANDOM([seed, who]).integers(0, 2, 60).tolist(), [2] * 60) for who in range(8)}
        assert position(fair) == set()
