"""The recipe that makes a student of a teacher."""

from typing import Literal

from dataset_cards.versions.errors import BadRecipe, Misuse
from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion

from .distill.distill import Distill
from .distill.roles import check_kinds
from .schedule import Schedule
from .trainer import training


def distill(
    *,
    data: DatasetVersion,
    model: DatasetVersion,
    teacher: DatasetVersion | None = None,
    method: Literal["text", "topk", "on-policy"] = "topk",
    held_out: DatasetVersion | None = None,
    against: DatasetVersion | None = None,
    harmful: DatasetVersion | None = None,
    harmless: DatasetVersion | None = None,
    temperature: float = 1.0,
    beta: float = 0.5,
    max_length: int = 1024,
    answer_tokens: int = 128,
    asked: int = 200,
    max_lost: float = 0.1,
    epochs: float = 1.0,
    max_steps: int = 0,
    batch_size: int = 16,
    learning_rate: float = 2e-4,
    seed: int = 0,
    held_out_share: float = 0.05,
    repair: bool = False,
    must_improve: bool = True,
) -> Step:
    """A student that says what its teacher would; the defaults suit a small student on one CPU.

    Args:
        data: what the teacher said: `teacher` rows for topk, these or conversations for text; prompts for on-policy.
        model: the student.
        teacher: the model that is asked with on-policy, and that the student is compared with.
        method: text learns from words, topk from stored log-probabilities, on-policy from a teacher that is asked.
        held_out: rows to measure by, in place of a share of data.
        against: rows whose prompts may not be learned from.
        harmful, harmless: prompts that both answer in the end; the run is refused if too many refusals are lost.
        temperature: of both distributions; on-policy also draws answers with it.
        beta: of on-policy: 0 forward KL, 1 reverse.
        max_length: of prompt and answer, in tokens.
        answer_tokens: longest answer that is drawn.
        asked: harmful and harmless prompts that are asked at most.
        max_lost: share of these prompts that may be answered the other way than by the teacher.
        held_out_share: of data, where there is no held_out.
    """
    given = {
        "data": data,
        "model": model,
        "teacher": teacher,
        "held_out": held_out,
        "against": against,
        "harmful": harmful,
        "harmless": harmless,
    }
    try:
        check_kinds(method, {role: one.kind for role, one in given.items() if one is not None})
    except Misuse as error:
        raise BadRecipe(str(error)) from error
    op = Distill(
        schedule=Schedule(epochs=epochs, max_steps=max_steps, batch_size=batch_size, learning_rate=learning_rate),
        seed=seed,
        held_out=held_out_share,
        repair=repair,
        must_improve=must_improve,
        method=method,
        temperature=temperature,
        beta=beta,
        max_length=max_length,
        answer_tokens=answer_tokens,
        asked=asked,
        max_lost=max_lost,
    )
    return training(op, **given)
