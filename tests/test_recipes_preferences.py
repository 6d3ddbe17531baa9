"""The recipes of critique, judging, best of n and teaching: from a version to a version, with the fake model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataset_cards.adopt.adopt import Adopt
from dataset_cards.freeze import freeze
from dataset_cards.intake.source import Input
from dataset_cards.versions.errors import BadRecipe, Misuse
from dataset_cards.versions.job import Refused
from dataset_cards.versions.recipe import Recipe
from dataset_cards.versions.schemas import problems
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from synth.recipes_preferences import best_of_n, constitutional, judge, teach
from tests.generating import assistant, fake, rule, table, user

ASKS = [{"id": f"q{n}", "prompt": [user(f"Question {n}?")], "source": "web"} for n in range(5)]
PAIRS = [
    {"id": f"p{n}", "prompt": [user(f"Question {n}?")], "chosen": [assistant("GOOD")], "rejected": [assistant("BAD")]}
    for n in range(5)
]
RULES = (
    rule("findings in <critique>", "<critique>Rude.</critique><change>yes</change>"),
    rule(r"Question (\d)(?s:.)*<revision>", "<revision>Gladly, {1}.</revision>"),
    rule(r"answer A\]\nGOOD(?s:.)*<verdict>", "<verdict>A</verdict>"),
    rule("<verdict>", "<verdict>B</verdict>"),
    rule(r"answer\]\nanswer (\d)\n(?s:.)*<score>", "<score>{1}</score>"),
    rule("Question", "answer 1", "answer 2", "answer 3", "answer 4"),
)


@pytest.fixture
def shelf(tmp_path: Path) -> Store:
    store = Store.at(str(tmp_path / "store"))
    for kind, rows in (("prompts", ASKS), ("preferences", PAIRS)):
        table(tmp_path / kind, kind, rows)
        op = Adopt(input=Input.find(str(tmp_path / kind / "rows.parquet")), kind=kind, license="MIT", source="a test")
        step = Step(f"given/{kind}", op)
        store.run(step)
        freeze(store, step, f"{kind}@1.0.0", {"name": "adopt", "function": "none", "parameters": {}})
    return store


@pytest.mark.parametrize(
    ("recipe", "words", "kind", "rows"),
    [
        (constitutional, ["rows=prompts@1.0.0", "rounds=3"], "conversations", 5),
        (constitutional, ["rows=prompts@1.0.0", "give=preferences", "pick=all", "rounds=1"], "preferences", 5),
        (judge, ["rows=preferences@1.0.0"], "preferences", 5),
        (judge, ["rows=preferences@1.0.0", "give=judgements"], "judgements", 10),
        (best_of_n, ["rows=prompts@1.0.0"], "rankings", 5),
        (best_of_n, ["rows=prompts@1.0.0", "give=preferences", "n=2", "judge_model=j"], "preferences", 5),
        (best_of_n, ["rows=prompts@1.0.0", "give=conversations"], "conversations", 5),
        (teach, ["rows=prompts@1.0.0", "n=2"], "conversations", 10),
    ],
)
def test_a_recipe_makes_rows_that_can_be_frozen_as_a_draft_with_their_prompts_on_record(
    recipe: Callable[..., Step], words: list[str], kind: str, rows: int, shelf: Store
) -> None:
    step, record = Recipe(recipe.__name__, recipe).bind([*words, "model=m"], shelf)
    made = shelf.run(step, [fake(*RULES)]).collect().to_dicts()
    assert len(made) == rows
    assert [found for row in made for found in problems(kind, row)] == []
    with pytest.raises(Refused, match="fake model"):
        freeze(shelf, step, "made@1.0.0", record)
    frozen = freeze(shelf, step, "made@draft", record)
    assert (frozen.json["kind"], frozen.json["license"], frozen.json["source"]) == (kind, "MIT", "a test")
    assert frozen.json["ledger"]["kept"] == rows
    asked = next(one for one in frozen.json["recipe"]["steps"] if "sampling" in one["fields"])
    fields = asked["fields"]
    assert fields["sampling"]["Sampling"]["model"] == "m"
    if recipe is not teach:
        assert "## over-refusal:" in fields["constitution"]["text"]
        assert all("=== user" in prompt["text"] for prompt in frozen.json["facts"]["prompts"].values())


def test_a_constitution_of_ones_own_is_used_and_makes_another_step(shelf: Store, tmp_path: Path) -> None:
    (tmp_path / "own.md").write_text("## brief: Be brief\nThree words at most.\n")
    own, _ = Recipe("judge", judge).bind(
        ["rows=preferences@1.0.0", "model=m", f"constitution={tmp_path / 'own.md'}"], shelf
    )
    shipped, _ = Recipe("judge", judge).bind(["rows=preferences@1.0.0", "model=m"], shelf)
    assert own.id != shipped.id
    assert "Three words at most" in own.json()["fields"]["constitution"]["text"]


@pytest.mark.parametrize(
    ("recipe", "words", "complaint"),
    [
        (judge, ["rows=preferences@1.0.0", "by=dice"], "write one of verdict, scores, logprobs"),
        (constitutional, ["rows=prompts@1.0.0", "rounds=0"], "rounds=0: at least one"),
        (best_of_n, ["rows=prompts@1.0.0", "temperature=0"], "the same answer 4 times"),
        (constitutional, ["rows=prompts@1.0.0", "constitution=none.md"], r"constitution none\.md cannot be read"),
        (constitutional, ["rows=prompts@1.0.0", "prompts=nowhere"], "prompts=nowhere is no folder"),
    ],
)
def test_a_mistake_is_a_sentence_before_anything_runs(
    recipe: Callable[..., Step], words: list[str], complaint: str, shelf: Store
) -> None:
    with pytest.raises((BadRecipe, Misuse), match=complaint):
        Recipe(recipe.__name__, recipe).bind([*words, "model=m"], shelf)


def test_a_prompt_of_ones_own_must_have_the_same_gaps(shelf: Store, tmp_path: Path) -> None:
    words: Any = ["rows=prompts@1.0.0", "model=m", f"prompts={tmp_path / 'own'}"]
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "critique.txt").write_text("=== user\nWhat is wrong with {{conversation}}?\n")
    with pytest.raises(Misuse, match=r"critique\.txt must have exactly the gaps conversation, mark, principle, title"):
        Recipe("constitutional", constitutional).bind(words, shelf)
