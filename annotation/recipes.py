"""The built-in recipes that people take part in: what is asked, of whom, and what their answers become."""

from pathlib import Path
from typing import Literal

from dataset_cards.versions.step import Op, Step
from dataset_cards.versions.version import DatasetVersion

from .campaign import First, Hidden, People, adjudicated, collected, cut, guided, raw, said, then
from .decide.converse import Converse
from .decide.decide import By
from .decide.orders import ByRank
from .decide.pairs import Pairs
from .decide.prefer import Prefer
from .decide.rank import Rank
from .decide.rate import Rate
from .settled import Until
from .tasks.comparisons import Comparisons
from .tasks.demonstrations import Demonstrations
from .tasks.rankings import Rankings
from .tasks.ratings import Ratings
from .tasks.review import Review

__all__ = ["comparisons", "decide", "demonstrations", "pairs", "rankings", "ratings", "review"]


def demonstrations(
    rows: DatasetVersion,
    annotators: list[str] | None = None,
    pool: str | None = None,
    overlap: int = 1,
    left: list[str] | None = None,
    joined: list[str] | None = None,
    enough: int | None = None,
    first: str | None = None,
    first_by: First = "highest",
    most: int | None = None,
    drafts: bool = True,
    guidelines: Path | None = None,
    seed: int = 0,
    give: Literal["conversations", "judgements"] = "conversations",
) -> Step:
    """People write the response to each prompt, or correct the last message of a conversation: conversations.

    Args:
        rows: a version of prompts or conversations.
        annotators, pool: who writes; pseudonyms as `gristmill desk user list` shows them, or the name of a pool.
        overlap: demonstrations of each prompt, each by somebody else.
        left, joined, enough, first, first_by, most: see `annotation.collect.Collect`.
        drafts: show the last message of a conversation as a draft to correct.
        guidelines: a text file instead of the guidelines that come with gristmill.
    """
    task = guided(Demonstrations(drafts=drafts), guidelines)
    people = People(annotators=annotators, pool=pool, overlap=overlap, left=left, joined=joined, enough=enough)
    found = collected(task, rows, people, first=first, first_by=first_by, most=most, seed=seed)
    if give == "judgements":
        return raw(task, rows, found, "nominal", seed)
    return then(task, rows, found, Converse(task="demonstrations", **said(rows)))


def comparisons(
    rows: DatasetVersion,
    annotators: list[str] | None = None,
    pool: str | None = None,
    overlap: int = 3,
    gold: DatasetVersion | None = None,
    gold_share: float = 0.1,
    calibration: int = 0,
    repeat: float = 0.0,
    left: list[str] | None = None,
    joined: list[str] | None = None,
    enough: int | None = None,
    first: str | None = None,
    first_by: First = "highest",
    most: int | None = None,
    adjudicators: list[str] | None = None,
    until: Until = "majority",
    show_first: bool = False,
    min_gold: float | None = None,
    by: By = "majority",
    ties: Literal["keep", "drop"] = "keep",
    both_bad: Literal["keep", "drop"] = "drop",
    margin: Literal["votes", "strength"] = "votes",
    strength: bool = True,
    reason: bool = True,
    markdown: bool = False,
    guidelines: Path | None = None,
    slices: list[str] | None = None,
    seed: int = 0,
    give: Literal["preferences", "judgements"] = "preferences",
) -> Step:
    """People say which of two responses is better, or that neither is: preferences.

    Args:
        rows: a version of rankings with two responses, or of preferences, whose own order is not shown.
        gold: a version of the same kind whose order is known to be right; `gold_share` of each queue is made of it.
        adjudicators: who decides where the first answers have no `until` answer, or where somebody who judged got less
            than `min_gold` of the gold items right; `show_first` shows them what was answered.
        by, ties, both_bad, margin: see `annotation.decide.prefer.Prefer`.
        strength, reason: ask by how much, and why.
        slices: columns or metadata of the rows by whose values agreement is reported.
        give: `judgements` makes a version of the raw answers instead; nothing is asked again for it.
    """
    task = guided(Comparisons(strength=strength, reason=reason, markdown=markdown), guidelines)
    people = People(annotators=annotators, pool=pool, overlap=overlap, left=left, joined=joined, enough=enough)
    hidden = Hidden(gold=gold, gold_share=gold_share, calibration=calibration, repeat=repeat)
    found = collected(task, rows, people, hidden, first=first, first_by=first_by, most=most, seed=seed)
    judged = adjudicated(task, rows, found, adjudicators, until, show_first, min_gold, seed)
    by_slice = cut(slices)
    if give == "judgements":
        return raw(task, rows, judged, "nominal", seed, by_slice)
    op = Prefer(by=by, ties=ties, both_bad=both_bad, margin=margin, slices=by_slice, seed=seed, **said(rows))
    return then(task, rows, judged, op)


def rankings(
    rows: DatasetVersion,
    annotators: list[str] | None = None,
    pool: str | None = None,
    overlap: int = 3,
    gold: DatasetVersion | None = None,
    gold_share: float = 0.1,
    calibration: int = 0,
    repeat: float = 0.0,
    left: list[str] | None = None,
    joined: list[str] | None = None,
    enough: int | None = None,
    first: str | None = None,
    first_by: First = "highest",
    most: int | None = None,
    adjudicators: list[str] | None = None,
    until: Until = "majority",
    show_first: bool = False,
    min_gold: float | None = None,
    by: ByRank = "mean",
    reason: bool = True,
    markdown: bool = False,
    guidelines: Path | None = None,
    slices: list[str] | None = None,
    seed: int = 0,
    give: Literal["rankings", "preferences", "judgements"] = "rankings",
) -> Step:
    """People put three to eight responses in order, with ties: rankings, or the pairs that follow from them.

    Args:
        rows: a version of rankings, whose own ranks are not shown.
        by: how several orders become one; see `annotation.decide.rank.Rank`.
        gold, gold_share, adjudicators, until, show_first, min_gold, slices, give: as in `comparisons`.
    """
    task = guided(Rankings(reason=reason, markdown=markdown), guidelines)
    people = People(annotators=annotators, pool=pool, overlap=overlap, left=left, joined=joined, enough=enough)
    hidden = Hidden(gold=gold, gold_share=gold_share, calibration=calibration, repeat=repeat)
    found = collected(task, rows, people, hidden, first=first, first_by=first_by, most=most, seed=seed)
    judged = adjudicated(task, rows, found, adjudicators, until, show_first, min_gold, seed)
    by_slice = cut(slices)
    if give == "judgements":
        return raw(task, rows, judged, "ranking", seed, by_slice)
    op: Op = Rank(by=by, slices=by_slice, seed=seed, **said(rows))
    if give == "preferences":
        op = Pairs(slices=by_slice, seed=seed, **said(rows))
    return then(task, rows, judged, op)


def ratings(
    rows: DatasetVersion,
    annotators: list[str] | None = None,
    pool: str | None = None,
    overlap: int = 3,
    gold: DatasetVersion | None = None,
    gold_share: float = 0.1,
    calibration: int = 0,
    repeat: float = 0.0,
    left: list[str] | None = None,
    joined: list[str] | None = None,
    enough: int | None = None,
    first: str | None = None,
    first_by: First = "highest",
    most: int | None = None,
    adjudicators: list[str] | None = None,
    until: Until = "majority",
    show_first: bool = False,
    min_gold: float | None = None,
    scales: tuple[str, ...] = ("helpful", "honest", "harmless"),
    points: int = 5,
    markdown: bool = False,
    guidelines: Path | None = None,
    slices: list[str] | None = None,
    seed: int = 0,
    give: Literal["conversations", "judgements"] = "conversations",
) -> Step:
    """People rate the last message of each conversation on scales: the conversations, with ratings in the metadata.

    Args:
        rows: a version of conversations.
        scales, points: what is rated, each from 1 to `points`.
        gold: conversations with known `ratings` in their metadata.
    """
    task = guided(Ratings(scales=scales, points=points, markdown=markdown), guidelines)
    people = People(annotators=annotators, pool=pool, overlap=overlap, left=left, joined=joined, enough=enough)
    hidden = Hidden(gold=gold, gold_share=gold_share, calibration=calibration, repeat=repeat)
    found = collected(task, rows, people, hidden, first=first, first_by=first_by, most=most, seed=seed)
    judged = adjudicated(task, rows, found, adjudicators, until, show_first, min_gold, seed)
    by_slice = cut(slices)
    if give == "judgements":
        return raw(task, rows, judged, "ordinal", seed, by_slice)
    return then(task, rows, judged, Rate(slices=by_slice, seed=seed, **said(rows)))


def review(
    rows: DatasetVersion,
    annotators: list[str] | None = None,
    pool: str | None = None,
    overlap: int = 1,
    left: list[str] | None = None,
    joined: list[str] | None = None,
    enough: int | None = None,
    first: str | None = None,
    first_by: First = "highest",
    most: int | None = None,
    adjudicators: list[str] | None = None,
    until: Until = "majority",
    show_first: bool = False,
    by: By = "majority",
    markdown: bool = False,
    guidelines: Path | None = None,
    slices: list[str] | None = None,
    seed: int = 0,
    give: Literal["conversations", "judgements"] = "conversations",
) -> Step:
    """People accept, mend or reject the last message of each conversation: the conversations that may stand.

    Args:
        rows: a version of conversations, such as a model made.
        adjudicators: who decides where no verdict has a majority.
    """
    task = guided(Review(markdown=markdown), guidelines)
    people = People(annotators=annotators, pool=pool, overlap=overlap, left=left, joined=joined, enough=enough)
    found = collected(task, rows, people, first=first, first_by=first_by, most=most, seed=seed)
    judged = adjudicated(task, rows, found, adjudicators, until, show_first, None, seed)
    by_slice = cut(slices)
    if give == "judgements":
        return raw(task, rows, judged, "nominal", seed, by_slice)
    return then(task, rows, judged, Converse(task="review", by=by, slices=by_slice, seed=seed, **said(rows)))


def pairs(
    rows: DatasetVersion,
    judgements: DatasetVersion | None = None,
    min_gap: float = 0.0,
    ties: Literal["keep", "drop"] = "keep",
    most: int | None = None,
) -> Step:
    """Rankings as pairs of a better and a worse response, with the vote of everybody where judgements are given.

    Args:
        rows: a version of rankings.
        min_gap, ties, most: see `annotation.decide.pairs.Pairs`.
    """
    inputs = (rows,) if judgements is None else (rows, judgements)
    return Step("pairs/pairs", Pairs(min_gap=min_gap, ties=ties, most=most, **said(rows)), inputs)


def decide(
    rows: DatasetVersion,
    judgements: DatasetVersion,
    by: By = "majority",
    ties: Literal["keep", "drop"] = "keep",
    both_bad: Literal["keep", "drop"] = "drop",
    slices: list[str] | None = None,
    seed: int = 0,
) -> Step:
    """One label for each pair from judgements that were made elsewhere: preferences, with agreement on the card.

    Args:
        rows: a version of preferences or of rankings with two responses.
        judgements: a version of judgements that answer `1`, `2`, `tie` or `both-bad` about the ids of `rows`.
    """
    op = Prefer(by=by, ties=ties, both_bad=both_bad, slices=cut(slices), seed=seed, **said(rows))
    return Step("decide/prefer", op, (rows, judgements))
