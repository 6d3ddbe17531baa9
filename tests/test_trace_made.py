"""Tracing rows that models wrote and people decided: by the ids of what they were made from, and by judgements."""

import json
import shutil
from pathlib import Path

import pytest

from annotation.decide.judgements import Judgements
from annotation.decide.prefer import Prefer
from dataset_cards.freeze import freeze
from dataset_cards.lineage.find import descended, links
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from tests.deciding import adopted, judgement, ranking, table
from tests.generating import fake, rule
from tests.tracing import learned, made, said, told
from tests.training import frozen, store_at


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """asked -> taught (a fake model) -> a model; ranked + votes -> preferred; ranked + votes -> told."""
    folder = tmp_path_factory.mktemp("made")
    store = store_at(folder / "store")
    frozen(store, "asked@1.0.0", "prompts", [{"id": f"q{n}", "prompt": f"Tell me of {n}"} for n in range(4)], folder)
    tools = [fake(rule("(?s).*", "A short answer."))]
    taught = made(store, "taught@draft", "teach", "rows=asked@1.0.0", "model=parrot", tools=tools)
    learned(store, "pupil@draft", {"data": taught}, held_out=1)
    (folder / "in").mkdir()
    rankings = adopted(folder / "in", "rankings", [ranking(f"r{n}", "yes", "no") for n in range(3)])
    votes = [judgement(f"r{n}", who, answer) for n in range(2) for who, answer in (("ada", "1"), ("ben", "2"))]
    votes += [judgement("r0", "cy", "2"), judgement("r1", "cy", "1")]
    people = adopted(folder / "in", "judgements", votes)
    for step, ref in ((rankings, "ranked@1.0.0"), (people, "votes@1.0.0")):
        store.run(step)
        freeze(store, step, ref, {"name": "adopt", "function": "adopt", "parameters": {}})
    both = (store.version("ranked@1.0.0"), store.version("votes@1.0.0"))
    for name, op in (("preferred", Prefer()), ("told", Judgements(task="comparisons"))):
        step = Step(f"decide/{name}", op, both)
        store.run(step)
        freeze(store, step, f"{name}@1.0.0", {"name": name, "function": name, "parameters": {}})
    return store


def test_an_answer_of_a_model_is_traced_to_the_prompt_it_answers(store: Store) -> None:
    row = store.version("taught@draft").table.collect().row(2, named=True)
    up = told(store, "trace", "taught@draft", row["id"])["up"]
    assert up["rows"][0]["made_from"] == ["q2"]
    assert up["rows"][0]["origin"] == "parrot"
    asked = up["made_from"][0]
    assert (asked["version"], asked["rows"][0]["id"]) == ("asked@1.0.0", "q2")


def test_a_prompt_is_traced_to_the_answers_and_to_the_model_that_may_have_learned_from_them(store: Store) -> None:
    taught, pupil = told(store, "trace", "asked@1.0.0", "q2")["down"]
    assert (taught["fate"], taught["made"]["count"], taught["same"]["count"]) == ("made-from", 1, 0)
    assert pupil["fate"] == "learned"
    assert "1 of 4 rows were kept aside" in pupil["why"], "which rows a model was measured by is not recorded"
    assert "1 row made from it" in said(store, "trace", "asked@1.0.0", "q2")


def test_a_model_that_began_with_or_was_taught_by_one_that_learned_from_a_row_learned_from_it_too(
    store: Store, tmp_path: Path
) -> None:
    copy = store_at(tmp_path / "store")
    shutil.copytree(store.root.path, copy.root.path)
    frozen(copy, "other@1.0.0", "prompts", [{"id": "o", "prompt": "Else?"}], tmp_path)
    pupil, other = copy.version("pupil@draft"), copy.version("other@1.0.0")
    begun = learned(copy, "begun@draft", {"model": pupil, "data": other})
    learned(copy, "third@draft", {"teacher": begun, "data": other})
    learned(copy, "ppo@draft", {"gold": pupil, "data": other})

    def fates() -> dict[str, str]:
        return {one["version"]: one["fate"] for one in told(copy, "trace", "asked@1.0.0", "q2")["down"]}

    below = {"begun@draft": "through", "third@draft": "through", "ppo@draft": "absent"}
    assert {name: fates()[name] for name in below} == below
    assert "learned from it through pupil@draft" in " ".join(said(copy, "trace", "asked@1.0.0", "q2").split())
    (Path(copy.root.path) / "versions" / "pupil").rename(tmp_path / "pupil")
    assert {name: fates()[name] for name in below} == below, "a model that is gone may have learned from it"
    words = ("asked@1.0.0", "--id", "q2", "--as", "asked@1.0.1", "--reason", "asked for")
    models = {
        one["where"]: one["holds"][0] for one in told(copy, "forget", *words)["holders"] if one["what"] == "model"
    }
    assert set(models) == {"begun@draft", "third@draft"}
    assert "through pupil@draft, which is gone from this store" in models["begun@draft"]


def test_a_preference_is_traced_to_the_answers_of_people_behind_it(store: Store) -> None:
    up = told(store, "trace", "preferred@1.0.0", "r0")["up"]
    answers = {(one["annotator"], one["answer"]) for one in up["judgements"]["first"]}
    assert answers == {("ada", "1"), ("ben", "2"), ("cy", "2")}
    assert {vote["annotator"]: vote["choice"] for vote in up["rows"][0]["votes"]}["ada"] == "rejected"
    assert {one["version"] for one in up["made_from"]} == {"ranked@1.0.0", "votes@1.0.0"}
    text = said(store, "trace", "preferred@1.0.0", "r0")
    assert "ada said 1" in text
    assert "ada rejected" in text


def test_a_row_that_nobody_judged_is_dropped_and_one_that_was_is_found_in_the_judgements(store: Store) -> None:
    down = {one["version"]: one for one in told(store, "trace", "ranked@1.0.0", "r2")["down"]}
    assert down["preferred@1.0.0"]["dropped"]["first"][0]["reason"] == "no-votes"
    down = {one["version"]: one for one in told(store, "trace", "ranked@1.0.0", "r1")["down"]}
    assert (down["told@1.0.0"]["fate"], down["told@1.0.0"]["made"]["count"]) == ("judged", 3)
    assert down["preferred@1.0.0"]["fate"] == "here"


def test_what_a_generator_noted_counts_where_rows_have_no_column_for_it_and_outside_metadata_does_not() -> None:
    noted = json.dumps({"generator": "evolve", "parents": ["a", 7], "root": "r"})
    assert links({"id": "x", "metadata": noted}) == ["a", "r"]
    assert links({"id": "x", "metadata": json.dumps({"parents": ["a"], "root": "r"})}) == []
    assert links({"id": "x", "metadata": '{"generator": '}) == []
    assert links({"id": "x", "parents": ["x", "b", "b"], "metadata": None}) == ["b"]


def test_rows_made_of_rows_made_of_a_row_are_found_however_their_ids_are_spelled(tmp_path: Path) -> None:
    store = Store.at(str(tmp_path))
    first, second = 'é"\n', "日\\本"
    rows = [{"id": first, "prompt": [{"role": "user", "content": "a"}], "source": None, "metadata": None}]
    for name, parent in ((second, first), ("third", second), ("other", "nobody")):
        told = json.dumps({"generator": "evolve", "parents": [parent]}, ensure_ascii=name == second)
        rows.append({**rows[0], "id": name, "metadata": told})
    found = descended(table(store, "prompts", rows[:2], rows[2:]), [first])
    assert found == {second: [first], "third": [second]}
