"""The recipes evolve, rephrase, simulate, reason and safety: what they build, and what they complain about."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion
from synth.generator import Generator
from synth.recipes_conversations import evolve, reason, rephrase, safety, simulate
from synth.variety import Variety

RECIPES = {evolve: "prompts", rephrase: "documents", simulate: "prompts", reason: "verifiable", safety: "prompts"}


def version(kind: str) -> DatasetVersion:
    """A version without files: a recipe only looks at what it says of itself."""
    said = {"kind": kind, "license": "MIT", "source": "the web", "digest": "sha256:0"}
    return DatasetVersion(name="rows", version="1", folder=Folder.at("memory://none"), json=said)


def asking(measured: Step) -> Step:
    """The generator's step behind the one that measures what came of it."""
    (step,) = measured.inputs
    assert isinstance(step, Step)
    return step


@pytest.mark.parametrize("recipe", RECIPES)
def test_each_builds_a_step_that_says_where_its_rows_are_from_and_one_that_measures_them(
    recipe: Callable[..., Step],
) -> None:
    measured = recipe(version(RECIPES[recipe]), model="m")
    assert isinstance(measured.op, Variety)
    step = asking(measured)
    op: Any = step.op
    assert step.name.startswith(recipe.__name__ + "/")
    assert (op.license, op.source, op.sampling.model) == ("MIT", "the web", "m")
    assert step.json()["fields"]["sampling"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_another_model_or_prompt_is_another_step(recipe: Callable[..., Step], tmp_path: Path) -> None:
    rows = version(RECIPES[recipe])
    name = {evolve: "gain", rephrase: "same", simulate: "next", reason: "plain", safety: "check"}[recipe]
    shipped = Path(__file__).parent.parent / "synth" / "prompts" / recipe.__name__ / f"{name}.txt"
    (tmp_path / f"{name}.txt").write_text(shipped.read_text(encoding="utf-8") + "\nBe quick.", encoding="utf-8")
    steps = [recipe(rows, model="m"), recipe(rows, model="n"), recipe(rows, model="m", prompts=tmp_path)]
    assert len({step.fingerprint for step in steps}) == 3
    assert recipe(rows, model="m").fingerprint == steps[0].fingerprint


def test_every_generator_has_what_a_generator_needs() -> None:
    for recipe, kind in RECIPES.items():
        op: Generator = asking(recipe(version(kind), model="m")).op  # type: ignore[operator, assignment]
        assert op.name == recipe.__name__
        assert op.kind in ("prompts", "documents", "conversations", "verifiable")
        assert 0 <= op.max_unreadable <= 1


def test_wrong_parameters_are_named() -> None:
    with pytest.raises(Misuse, match="there are easy, medium, hard, qa"):
        rephrase(version("documents"), model="m", styles=["pirate"])
    with pytest.raises(Misuse, match="rows@1 holds rankings"):
        rephrase(version("rankings"), model="m")
    with pytest.raises(Misuse, match="verifier=x is none"):
        reason(version("verifiable"), model="m", verifier="x")
    with pytest.raises(Misuse, match="cannot be read"):
        simulate(version("prompts"), model="m", system=Path("none.txt"))
