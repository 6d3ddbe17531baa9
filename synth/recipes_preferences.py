"""Recipes by which a model criticises, compares, ranks and teaches."""

from pathlib import Path
from typing import Literal

from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion

from .best_of_n import BestOfN
from .constitution import Constitution
from .constitutional import Constitutional
from .drawing import drawn
from .judge import By, Judge
from .prompt import prompts as read_prompts
from .teach import Teach
from .variety import gated


def constitutional(
    rows: DatasetVersion,
    model: str,
    constitution: Path | None = None,
    rounds: int = 2,
    pick: Literal["drawn", "all"] = "drawn",
    give: Literal["conversations", "preferences"] = "conversations",
    model_revision: str | None = None,
    temperature: float = 0.7,
    top_p: float = 1.0,
    max_tokens: int = 2048,
    extra: str | None = None,
    prompts: Path | None = None,
    max_unreadable: float = 0.05,
    against: list[DatasetVersion] | None = None,
    max_self_similarity: float = 1.0,
    seed: int = 0,
) -> Step:
    """A model criticises answers by the principles of a constitution and revises them: conversations, or preferences.

    Args:
        rows: a version of prompts, whose answers are drafted first, or of conversations, which end with the draft.
        constitution: a Markdown file with a line `## id: Title` above each principle; without one, the shipped one.
        rounds: principles that each answer is held to; with pick=all, how often it goes through all of them.
        pick: drawn takes principles by hash of the row and the seed.
        give: preferences hold the last revision as chosen and the draft as rejected.
        model_revision, temperature, top_p, max_tokens, extra: how the model draws; see `synth.llm.llm.Sampling`.
        prompts: a folder with a critique.txt or a revise.txt to use instead of the shipped ones.
        max_unreadable: the share of answers of no use that is put up with.
        against, max_self_similarity: see `variety`.
    """
    found = read_prompts(prompts, "constitutional", "critique", "revise")
    op = Constitutional(
        sampling=drawn(model, model_revision, temperature, top_p, max_tokens, extra),
        constitution=Constitution.at(constitution),
        critique=found["critique"],
        revise=found["revise"],
        rounds=rounds,
        pick=pick,
        give=give,
        seed=seed,
        max_unreadable=max_unreadable,
        license=rows.json["license"],
        source=rows.json.get("source"),
    )
    return gated("constitutional", Step("constitutional/revise", op, (rows,)), against, 0.0, max_self_similarity)


def judge(
    rows: DatasetVersion,
    model: str,
    by: By = "verdict",
    constitution: Path | None = None,
    give: Literal["preferences", "rankings", "judgements"] = "preferences",
    ties: Literal["keep", "drop"] = "keep",
    model_revision: str | None = None,
    temperature: float = 0.0,
    top_p: float = 1.0,
    max_tokens: int | None = None,
    extra: str | None = None,
    prompts: Path | None = None,
    max_unreadable: float = 0.05,
) -> Step:
    """A model says which answers are better, each pair shown in both orders: preferences, rankings or judgements.

    Args:
        rows: a version of preferences, whose own labels are only compared with, or of rankings.
        by: verdict thinks and then decides; scores gives each answer a grade from 1 to 10 by itself; logprobs weighs
            the probabilities of the letters A and B, which takes a model that tells them.
        constitution: the criteria; without one, the shipped constitution.
        give: judgements can be decided together with people's.
        ties: kept, they have margin 0.
        max_tokens: without one, 2048, and 4 with logprobs.
        prompts: a folder with a pair.txt (verdict), token.txt (logprobs) or score.txt (scores).
        model_revision, temperature, top_p, extra, max_unreadable: as in `constitutional`.
    """
    found = read_prompts(prompts, "judge", "pair", "token", "score")
    most = max_tokens if max_tokens is not None else 4 if by == "logprobs" else 2048
    op = Judge(
        sampling=drawn(model, model_revision, temperature, top_p, most, extra),
        constitution=Constitution.at(constitution),
        prompt=found[{"verdict": "pair", "logprobs": "token", "scores": "score"}[by]],
        by=by,
        give=give,
        ties=ties,
        max_unreadable=max_unreadable,
        license=rows.json["license"],
        source=rows.json.get("source"),
    )
    return Step("judge/judge", op, (rows,))


def best_of_n(
    rows: DatasetVersion,
    model: str,
    n: int = 4,
    judge_model: str | None = None,
    constitution: Path | None = None,
    give: Literal["rankings", "preferences", "conversations"] = "rankings",
    model_revision: str | None = None,
    temperature: float = 1.0,
    top_p: float = 1.0,
    max_tokens: int = 2048,
    seed: int | None = None,
    judge_max_tokens: int = 2048,
    extra: str | None = None,
    prompts: Path | None = None,
    max_unreadable: float = 0.05,
    against: list[DatasetVersion] | None = None,
    max_self_similarity: float = 1.0,
) -> Step:
    """A model answers each prompt n times and a judge grades the answers: rankings, preferences, or the best alone.

    Args:
        rows: a version of prompts, or of conversations, whose last answer is not used.
        judge_model: who grades, at temperature 0; without one, the model itself. Both are asked at the same address.
        seed: sent with each request, another for each of the n; without one the server draws as it likes.
        constitution: the criteria; without one, the shipped constitution.
        prompts: a folder with a score.txt, as for `judge`.
        model_revision, temperature, top_p, max_tokens, extra, max_unreadable: as in `constitutional`.
    """
    op = BestOfN(
        sampling=drawn(model, model_revision, temperature, top_p, max_tokens, extra, seed),
        judge=drawn(judge_model or model, None if judge_model else model_revision, 0.0, 1.0, judge_max_tokens, extra),
        constitution=Constitution.at(constitution),
        prompt=read_prompts(prompts, "judge", "score")["score"],
        n=n,
        give=give,
        max_unreadable=max_unreadable,
        license=rows.json["license"],
        source=rows.json.get("source"),
    )
    return gated("best-of-n", Step("best-of-n/best-of-n", op, (rows,)), against, 0.0, max_self_similarity)


def teach(
    rows: DatasetVersion,
    model: str,
    give: Literal["conversations", "teacher"] = "conversations",
    n: int = 1,
    top_k: int = 20,
    thinking: Literal["drop", "keep"] = "drop",
    model_revision: str | None = None,
    temperature: float = 1.0,
    top_p: float = 1.0,
    max_tokens: int = 2048,
    seed: int | None = None,
    extra: str | None = None,
    max_unreadable: float = 0.05,
    against: list[DatasetVersion] | None = None,
    max_self_similarity: float = 1.0,
) -> Step:
    """A teacher answers prompts as they are: conversations, or teacher rows with its likeliest tokens at every place.

    Args:
        rows: a version of prompts, or of conversations, whose last answer is not used.
        give: teacher takes --llm local:MODEL, which tells the ids of tokens.
        n: answers to each prompt.
        top_k: tokens at each place.
        thinking: keep leaves in the text what the model thinks before it answers.
        seed: as in `best_of_n`.
        model_revision, temperature, top_p, max_tokens, extra, max_unreadable: as in `constitutional`.
    """
    op = Teach(
        sampling=drawn(model, model_revision, temperature, top_p, max_tokens, extra, seed),
        give=give,
        n=n,
        top_k=top_k,
        thinking=thinking,
        max_unreadable=max_unreadable,
        license=rows.json["license"],
        source=rows.json.get("source"),
    )
    return gated("teach", Step("teach/teach", op, (rows,)), against, 0.0, max_self_similarity)
