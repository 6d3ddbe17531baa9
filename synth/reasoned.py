"""What came of the solutions that were sampled, for the card."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import polars as pl

from dataset_cards.versions.job import Job

from .evidence import aside
from .outcome import outcomes
from .share import share

RIGHT = ("same-solution", "enough")  # left, though right


def reasoned(job: Job, give: str) -> dict[str, Any]:
    """Problems, solutions by outcome, the mean pass rate over problems with its 95 % interval, and problems solved.

    A problem counts where at least one of its samples could be read; a sample of which the verifier cannot tell is not
    a pass. Solutions made with a hint count nowhere.
    """
    found = list(_measured(job) if give == "verifiable" else _sampled(job))
    totals = [sum(one[n] for one in found) for n in range(3)]
    solved = sum(one[0] > 0 for one in found)
    return {
        "problems": len(found),
        "right": totals[0],
        "wrong": totals[1],
        "cannot_tell": totals[2],
        "pass_rate": share(sum(one[0] / sum(one) for one in found), len(found)),
        "solved": solved,
        "solved_share": share(solved, len(found)),
    }


def _measured(job: Job) -> Iterator[tuple[int, int, int]]:
    for told in outcomes(job, "reason/too-hard", "reason/too-easy"):
        one = told["reason"]
        yield one["right"], one["wrong"], one["cannot_tell"]


def _sampled(job: Job) -> Iterator[tuple[int, int, int]]:
    """Right, wrong and undecided samples of each problem. The rows of a problem are all of one task."""
    for task, frame in zip(sorted(job.finished()), aside(job), strict=True):
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        with job.folder.open(f"part-{task:05d}.parquet") as file:
            rows = pl.read_parquet(file, columns=["parents", "metadata"])
        for parents, hinted in rows.select(
            "parents", pl.col("metadata").str.json_path_match("$.hinted") == "true"
        ).iter_rows():
            if not hinted:
                counts[parents[0]]["right"] += 1
        for problem, reason in frame.select("id", pl.col("reason").str.strip_prefix("reason/")).iter_rows():
            name = "right" if reason in RIGHT else reason
            if name in ("right", "wrong", "cannot-tell"):
                counts[problem][name] += 1
        yield from ((one["right"], one["wrong"], one["cannot-tell"]) for one in counts.values())
