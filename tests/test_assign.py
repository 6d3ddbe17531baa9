"""Who judges what: the laws of the plan, on plans of every size, and what is refused; and what is asked about first."""

import itertools
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
import zstandard
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from annotation.assign import Slot, assign, assign_pool, item_id
from annotation.deal import deal, draw
from annotation.priorities import LAST, priorities, unscored
from dataset_cards.versions.errors import Misuse

PEOPLE = ["ada", "bo", "cy", "dee", "eve", "fay", "gus"]
ROWS = st.integers(0, 120)
SEEDS = st.integers(0, 10_000)


def ids(many: int, prefix: str = "r") -> list[str]:
    return [f"{prefix}{number}" for number in range(many)]


def queues(slots: list[Slot]) -> dict[str, list[Slot]]:
    found: dict[str, list[Slot]] = {}
    for slot in slots:
        found.setdefault(slot.place, []).append(slot)
    return found


@st.composite
def plans(draws: st.DrawFn) -> tuple[list[str], dict]:
    people = PEOPLE[: draws(st.integers(1, len(PEOPLE)))]
    overlap = draws(st.integers(1, len(people)))
    records = ids(draws(ROWS))
    room = len(people) // overlap
    # Keys as often as can be dealt, in any places: some rows show the same pair.
    keys = draws(
        st.permutations(
            [f"k{number // 3 // room}" if number % 3 == 0 else f"u{number}" for number, _ in enumerate(records)]
        )
    )
    assume(max(Counter(keys).values(), default=0) <= room)
    alone = sum(times == 1 for times in Counter(keys).values())
    return records, {
        "people": people,
        "overlap": overlap,
        "pairs": keys,
        "seed": draws(SEEDS),
        "calibration": draws(st.integers(0, min(alone, 12))),
        "gold": ids(draws(st.integers(0, 30)), "g"),
        "gold_share": draws(st.sampled_from([0.0, 0.05, 0.1, 0.3, 0.5])),
        "repeat": draws(st.sampled_from([0.0, 0.05, 0.2, 0.5])),
    }


@given(plans())
def test_every_record_gets_exactly_its_overlap_of_different_people_and_calibration_rows_everybody(plan):
    records, how = plan
    slots = assign(records, **how)
    of: dict[str, list[str]] = {record: [] for record in records}
    for slot in slots:
        if slot.batch in ("main", "calibration"):
            of[slot.record].append(slot.place)
    shared = {slot.record for slot in slots if slot.batch == "calibration"}
    assert len(shared) == how["calibration"]
    for record, places in of.items():
        assert len(places) == len(set(places)) == (len(how["people"]) if record in shared else how["overlap"])


@given(plans())
def test_loads_differ_by_at_most_one_row(plan):
    records, how = plan
    load = Counter(dict.fromkeys(how["people"], 0))
    load.update(slot.place for slot in assign(records, **how) if slot.batch == "main")
    assert max(load.values()) - min(load.values()) <= 1


@given(plans())
def test_nobody_gets_a_pair_twice_unless_as_a_repeat(plan):
    records, how = plan
    pair = dict(zip(records, how["pairs"], strict=True))
    for queue in queues(assign(records, **how)).values():
        seen = [pair.get(slot.record, slot.record) for slot in queue if slot.batch != "repeat"]
        assert len(seen) == len(set(seen))


@given(plans())
def test_positions_count_from_0_and_calibration_comes_first_in_one_order_for_all(plan):
    records, how = plan
    fronts = set()
    for queue in queues(assign(records, **how)).values():
        assert [slot.position for slot in queue] == list(range(len(queue)))
        front = queue[: how["calibration"]]
        assert all((slot.batch == "calibration") == (slot in front) for slot in queue)
        fronts.add(tuple(slot.record for slot in front))
    assert len(fronts) <= 1


@given(plans())
def test_repeats_are_the_asked_share_swapped_and_far_from_the_first_time(plan):
    records, how = plan
    for queue in queues(assign(records, **how)).values():
        first = {slot.record: slot.position for slot in queue if slot.batch in ("main", "calibration")}
        again = [slot for slot in queue if slot.batch == "repeat"]
        assert all(slot.swapped == (slot.batch == "repeat") for slot in queue)
        assert len(again) == len({slot.record for slot in again}) == round(how["repeat"] * len(first))
        assert all(slot.position - first[slot.record] >= min(20, len(first) // 2) for slot in again)


@given(plans())
def test_gold_is_the_asked_share_as_far_as_there_is_gold_never_first_and_not_at_one_distance(plan):
    records, how = plan
    share = how["gold_share"]
    for queue in queues(assign(records, **how)).values():
        places = [slot.position for slot in queue if slot.batch == "gold"]
        golds = [slot.record for slot in queue if slot.batch == "gold"]
        others = len(queue) - len(places)
        wanted = round(others * share / (1 - share))
        assert len(golds) == len(set(golds)) == min(wanted, len(how["gold"]), others - how["calibration"])
        assert 0 not in places
        if len(places) >= 3:
            assert len({after - before for before, after in itertools.pairwise(places)}) > 1


@given(plans())
def test_neither_the_order_of_names_nor_another_process_changes_the_plan(plan):
    records, how = plan
    assert assign(records, **how) == assign(records, **{**how, "people": how["people"][::-1]})


def test_another_process_with_other_hash_seeds_makes_the_same_plan():
    code = (
        "from annotation.assign import assign\n"
        "r = [f'r{n}' for n in range(60)]\n"
        "print(assign(r, people=['b', 'a', 'c'], overlap=2, pairs=r, calibration=5, gold=['g1', 'g2'], repeat=0.1))"
    )
    root = Path(__file__).resolve().parent.parent
    said = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=root, env={"PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


@settings(max_examples=30)
@given(st.integers(2, 9), st.data())
def test_every_two_people_meet_about_equally_often(many, data):
    people = ids(many, "p")
    overlap = data.draw(st.integers(2, many))
    rows = ids(data.draw(st.integers(50, 400)))
    blocks = deal(rows, rows, people, overlap, data.draw(SEEDS))
    met = Counter(pair for block in blocks for pair in itertools.combinations(sorted(block), 2))
    counts = [met[pair] for pair in itertools.combinations(range(many), 2)]
    assert max(counts) - min(counts) <= 4


def test_twenty_thousand_rows_for_three_of_twenty_people_are_dealt_evenly():
    rows = ids(20_000)
    slots = assign(rows, people=ids(20, "a"), overlap=3, pairs=rows)
    assert set(Counter(slot.place for slot in slots).values()) == {3000}
    of: dict[str, list[str]] = {}
    for slot in slots:
        of.setdefault(slot.record, []).append(slot.place)
    met = Counter(pair for places in of.values() for pair in itertools.combinations(sorted(places), 2))
    assert len(met) == 190
    assert max(met.values()) - min(met.values()) <= 4  # 315.8 each on average


@given(plans())
def test_a_row_at_the_end_moves_no_other_unless_it_is_drawn_for_calibration(plan):
    records, how = plan

    def who(slots: list[Slot]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for slot in slots:
            if slot.batch in ("main", "calibration"):
                found.setdefault(slot.record, set()).add(slot.place)
        return found

    after = assign([*records, "new"], **{**how, "pairs": [*how["pairs"], "new"]})
    assume(not any(slot.record == "new" and slot.batch == "calibration" for slot in after))
    before = who(assign(records, **how))
    assert {record: places for record, places in who(after).items() if record != "new"} == before


def test_the_most_urgent_come_first_and_the_rest_in_orders_of_their_own():
    rows = ids(60)
    urgent = [5.0 if number == 7 else 3.0 if number == 11 else LAST if number == 3 else 0.0 for number in range(60)]
    found = queues(assign(rows, people=["a", "b"], overlap=2, pairs=rows, priority=urgent))
    orders = [[slot.record for slot in queue] for queue in found.values()]
    for order in orders:
        assert order[:2] == ["r7", "r11"]
        assert order[-1] == "r3"
    assert orders[0] != orders[1]
    assert sorted(orders[0]) != orders[0]


def test_priorities_never_change_who_gets_a_row():
    rows = ids(90)
    how = {"people": PEOPLE, "overlap": 3, "pairs": rows, "calibration": 4}
    plain = {(slot.place, slot.record) for slot in assign(rows, **how)}
    assert {(slot.place, slot.record) for slot in assign(rows, **how, priority=[float(n) for n in range(90)])} == plain


def test_gold_that_shows_a_pair_of_somebodys_rows_is_kept_from_them():
    rows, gold = ids(40), ids(10, "g")
    pairs_of_gold = [*rows[:5], *gold[5:]]
    found = queues(
        assign(rows, people=PEOPLE, overlap=2, pairs=rows, gold=gold, gold_pairs=pairs_of_gold, gold_share=0.5)
    )
    pair = dict(zip(gold, pairs_of_gold, strict=True))
    for queue in found.values():
        seen = [pair.get(slot.record, slot.record) for slot in queue]
        assert len(seen) == len(set(seen))
    assert {slot.record for queue in found.values() for slot in queue} >= set(gold[:5])


@given(plans(), st.data())
def test_rows_of_those_who_left_go_to_others_at_the_end_and_nothing_else_moves(plan, data):
    records, how = plan
    assume(len(how["people"]) > how["overlap"] and len(set(how["pairs"])) == len(records))
    gone = data.draw(st.sampled_from(how["people"]))
    before = queues(assign(records, **how))
    own = [slot.record for slot in before.get(gone, []) if slot.batch == "main"]
    judged = set(own[: data.draw(st.integers(0, len(own)))])
    after = queues(assign(records, **how, left={gone: judged}))
    assert after.get(gone) == before.get(gone)
    counted = Counter(judged)
    for person in how["people"]:
        queue = before.get(person, [])
        if person != gone:
            assert after.get(person, [])[: len(queue)] == queue
            mine = [slot.record for slot in after.get(person, []) if slot.batch == "main"]
            assert len(mine) == len(set(mine))
            counted.update(mine)
    shared = {slot.record for queue in before.values() for slot in queue if slot.batch == "calibration"}
    assert counted == Counter({record: how["overlap"] for record in records if record not in shared})


@given(plans(), st.data())
def test_somebody_who_joins_takes_over_and_still_nobody_sees_a_pair_twice(plan, data):
    records, how = plan
    gone, *stay = data.draw(st.permutations(how["people"]))
    # Some gold shows what a row shows: whoever takes the row over may not have had that gold.
    pairs_of_gold = [*how["pairs"][:5], *how["gold"]][: len(how["gold"])]
    how |= {"gold_pairs": pairs_of_gold}
    slots = assign(records, **how, left={gone: ()}, joined=["new"])
    pair = dict(zip(records, how["pairs"], strict=True)) | dict(zip(how["gold"], pairs_of_gold, strict=True))
    found = queues(slots)
    for person in [*stay, "new"]:
        seen = [pair[slot.record] for slot in found.get(person, []) if slot.batch != "repeat"]
        assert len(seen) == len(set(seen))
        front = [slot for slot in found.get(person, []) if slot.batch == "calibration"]
        assert len(front) == how["calibration"]
    counted = Counter(slot.record for slot in slots if slot.batch == "main" and slot.place != gone)
    assert set(counted.values()) <= {how["overlap"]}


def test_a_row_goes_to_nobody_who_had_its_pair_as_gold():
    rows, gold = ids(60), ids(60, "g")
    how = {"people": PEOPLE, "overlap": 1, "pairs": rows, "gold": gold, "gold_pairs": rows, "gold_share": 0.4}
    pair = dict(zip(gold, rows, strict=True))
    for gone in PEOPLE:
        for queue in queues(assign(rows, **how, left={gone: ()})).values():
            seen = [pair.get(slot.record, slot.record) for slot in queue]
            assert len(seen) == len(set(seen))


def test_rows_that_nobody_can_take_over_are_counted_unless_fewer_answers_will_do():
    rows = ids(10)
    how = {"people": ["a", "b"], "overlap": 2, "pairs": rows, "left": {"b": rows[:2]}}
    with pytest.raises(Misuse, match=r"^b left, and 8 of their rows can go to nobody who has not seen the pair"):
        assign(rows, **how)
    assert queues(assign(rows, **how, least=1)) == queues(assign(rows, **(how | {"left": {}})))
    new = {slot.record for slot in assign(rows, **how, joined=["c"]) if slot.place == "c"}
    assert new == set(rows[2:])


def test_a_pair_in_too_many_rows_says_how_many_and_what_would_help():
    with pytest.raises(Misuse) as error:
        assign(ids(10), people=["a", "b", "c", "d"], overlap=2, pairs=["x"] * 4 + ids(6))
    assert str(error.value) == (
        "4 rows hold pairs that up to 4 rows hold; with 4 people and overlap=2 only 2 rows can hold the same pair "
        "before somebody sees it twice: drop duplicates first, name 8 annotators, or lower the overlap to 1"
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"overlap": 4}, r"overlap=4 asks for 4 different people per row, and 3 are named"),
        ({"overlap": 0}, r"overlap=0: each row needs 1 person"),
        ({"people": []}, r"overlap=2 asks for 2 different people per row, and 0 are named"),
        ({"people": ["a", "b", "a"]}, r"annotator 'a' is named twice"),
        ({"calibration": 11}, r"calibration=11, but only 10 of 10 rows"),
        ({"calibration": -1}, r"calibration=-1"),
        ({"gold_share": 0.7}, r"gold_share=0.7: a share of a queue is from 0 to 0.5"),
        ({"repeat": -0.1}, r"repeat=-0.1"),
        ({"priority": [1.0]}, r"priority has 1 entries for 10 rows"),
        ({"priority": [float("nan")] * 10}, r"priority: a row has NaN"),
        ({"pairs": ids(9)}, r"pairs has 9 entries for 10 rows"),
        ({"gold": ["g", "g"]}, r"1 ids stand for several gold rows, such as 'g'"),
        ({"joined": ["d"]}, r"d joined, but nobody left whose rows they could take"),
        ({"joined": ["a"], "left": {"b": ()}}, r"annotator 'a' is named twice"),
        ({"left": {"zoe": ()}}, r"zoe left, but was never among the annotators a, b, c"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(change, says):
    how = {"people": ["a", "b", "c"], "overlap": 2, "pairs": ids(10)}
    with pytest.raises(Misuse, match=says):
        assign(ids(10), **(how | change))


def test_calibration_rows_are_never_rows_whose_pair_comes_again():
    pairs = ["same", "same", *ids(4)]
    for seed in range(20):
        slots = assign(ids(6), people=["a", "b"], overlap=1, pairs=pairs, calibration=4, seed=seed)
        assert {slot.record for slot in slots if slot.batch == "calibration"} == {"r2", "r3", "r4", "r5"}


@given(st.integers(0, 200), SEEDS, st.integers(0, 30))
def test_a_pool_has_every_row_once_in_one_queue_with_gold_among_them(many, seed, golds):
    rows = ids(many)
    slots = assign_pool(rows, pool="crowd", pairs=rows, seed=seed, gold=ids(golds, "g"))
    assert {slot.place for slot in slots} <= {"crowd"}
    assert [slot.position for slot in slots] == list(range(len(slots)))
    assert sorted(slot.record for slot in slots if slot.batch == "main") == sorted(rows)
    assert sum(slot.batch == "gold" for slot in slots) == min(round(many / 9), golds)


def test_a_pool_refuses_rows_that_somebody_could_see_twice():
    with pytest.raises(Misuse, match=r"2 rows hold a pair that an earlier row holds too"):
        assign_pool(ids(5), pool="crowd", pairs=["a", "a", "b", "a", "c"])


def test_an_item_id_is_opaque_and_tells_items_apart():
    different = [
        item_id(campaign, record, batch, swapped)
        for campaign in ("c", "d")
        for record in ("r1", 'r"1', "ré\udc80")
        for batch in ("main", "gold", "repeat")
        for swapped in (False, True)
    ]
    assert len(set(different)) == len(different)
    assert all(len(one) == 18 and one.startswith("r-") and int(one[2:], 16) >= 0 for one in different)


def test_draws_of_names_that_run_together_differ():
    assert draw("order", 1, "a/b", "c") != draw("order", 1, "a", "b/c")


def test_real_pairs_are_dealt_so_that_no_annotator_meets_one_twice_in_either_order(shared_data):
    with zstandard.open(shared_data / "preference" / "pandalm_human.jsonl.zst", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    records = [str(row["idx"]) for row in rows]
    pairs = [
        json.dumps([row["instruction"], row["input"], *sorted(map(str, (row["response1"], row["response2"])))])
        for row in rows
    ]
    most = max(Counter(pairs).values())
    people = ids(3 * most, "a")
    pair = dict(zip(records, pairs, strict=True))
    for queue in queues(assign(records, people=people, overlap=3, pairs=pairs)).values():
        assert len({pair[slot.record] for slot in queue}) == len(queue)


def row(number: int, **metadata: object) -> dict[str, object]:
    return {"id": f"r{number}", "metadata": json.dumps(metadata)}


def test_numbers_are_asked_about_highest_or_lowest_first_and_rows_without_come_last():
    rows = [row(0, score=0.2), row(1, score=0.9), {"id": "r2", "metadata": None}, row(3, score=None), row(4, score=-1)]
    assert priorities(rows, "score", "highest") == [0.2, 0.9, LAST, LAST, -1.0]
    assert priorities(rows, "score", "lowest") == [-0.2, -0.9, LAST, LAST, 1.0]
    assert unscored(priorities(rows, "score", "highest")) == 2


def test_closest_is_the_smallest_gap_between_the_best_two_and_highest_of_lists_the_largest_variance():
    rows = [row(0, rm=[0.1, 0.9]), row(1, rm=[0.5, 0.45, -3.0]), row(2, rm=[1, 1])]
    closest = priorities(rows, "rm", "closest")
    assert sorted(range(3), key=lambda n: -closest[n]) == [2, 1, 0]
    widest = priorities(rows, "rm", "highest")
    assert sorted(range(3), key=lambda n: -widest[n]) == [1, 0, 2]
    assert priorities(rows, "rm", "lowest") == [-one for one in widest]


def test_a_column_of_the_rows_is_read_like_a_key_of_their_metadata():
    frame = pl.DataFrame({"id": ["a", "b"], "margin": [0.5, None], "metadata": ['{"margin": 9}', None]})
    assert priorities(frame.iter_rows(named=True), "margin", "lowest") == [-0.5, LAST]


@pytest.mark.parametrize(
    ("rows", "by", "says"),
    [
        ([row(0, s="high")], "highest", r"row 'r0': s is \"high\"; a score is a finite number"),
        ([row(0, s=True)], "highest", r"row 'r0': s is true"),
        ([row(0, s=float("nan"))], "highest", r"row 'r0': s is NaN"),
        ([row(0, s=[0.5, "x"])], "closest", r"row 'r0': s\[1\] is \"x\""),
        ([row(0, s=[0.5])], "closest", r"row 'r0': s is a list of 1"),
        ([row(0, s=0.5)], "closest", r"row 'r0': s is one number; `closest` needs a list"),
        ([row(0, s=0.5), row(1, s=[1, 2])], "highest", r"row 'r1': s is a list, and a number in the rows before"),
        ([row(0, other=1)], "highest", r"no row has a score called 's'; rows and their metadata have id, other"),
        ([{"id": "r0", "metadata": "{"}], "highest", r"row 'r0': its metadata is no JSON"),
        ([{"id": "r0", "metadata": "[]"}], "highest", r"row 'r0': its metadata is no JSON object"),
        ([row(0, s=1)], "best", r"first_by=best: it is highest, lowest or closest"),
    ],
)
def test_scores_that_cannot_order_rows_are_refused_with_the_row(rows, by, says):
    with pytest.raises(Misuse, match=says):
        priorities(rows, "s", by)
