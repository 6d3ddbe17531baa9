"""Is this data many things, or one thing many times? Measures on what was generated, and a gate."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job, Refused
from dataset_cards.versions.schemas import SCHEMAS
from dataset_cards.versions.step import Step
from dataset_cards.versions.table import Part, Table, write_parquet
from dataset_cards.versions.version import DatasetVersion

from .alike import alike
from .carry import before, carry
from .evidence import ASIDE, aside_name, gather
from .grams import coded, grams, sets
from .overlap import LONG, SHORT, Runs, either, runs
from .share import share
from .spread import compression, distinct, drawn_by, openings, topics

SAMPLE = 50_000  # rows
MOST_CHARACTERS = 4000  # of a text, where texts are compared with one another
MOST_ROUNDS = 50
SHOWN = 200  # characters of an example
NEAR = 0.5  # the Jaccard index from which two texts are near-duplicates
# Words per n-gram of near-duplicates. Instructions are so short that one other word would change most 5-grams.
SHINGLE: Mapping[str, int] = {"prompts": 2, "answers": 5, "texts": 5}


@dataclass(frozen=True, kw_only=True)
class Variety:
    """Passes rows of any type on as they are, with `variety` in the facts; inputs are the rows, then `against`.

    Measured are `prompts` (what users say), `answers` (what the assistant says; of preferences the chosen one) and
    `texts` (of documents), whichever the rows have, on SAMPLE rows drawn by hash of their id: distinct-n, the share of
    rows with a near-duplicate in the sample, compression, openings, and topics; see `synth.spread` and `synth.alike`.
    Self-BLEU (Zhu et al. 2018, arXiv 1802.01886) compares everything with everything and is left out: it would take
    hours where this takes seconds. Overlap is looked for in all rows.

    Attributes:
        min_distinct: distinct-2 below which the step fails; 0 never does.
        max_self_similarity: share of rows with a near-duplicate above which it fails; 1 never does.
        gate: which of prompts and answers the two limits are about.
        against: what the versions behind the rows are called, in their order.
        license, source: for the card, where the step before says nothing of them.
    """

    revision: ClassVar[int] = 1

    min_distinct: float = 0.0
    max_self_similarity: float = 1.0
    gate: Literal["all", "prompts", "answers"] = "all"
    against: tuple[str, ...] = ()
    license: str = "unknown"
    source: str | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.min_distinct <= 1 and 0 <= self.max_self_similarity <= 1):
            raise ValueError("min_distinct and max_self_similarity are shares, from 0 to 1")

    def run(self, job: Job) -> dict[str, Any]:
        """The facts of the step before, and `variety`.

        Raises:
            Refused: the rows are too much alike; the message shows three.
        """
        rows, *others = job.inputs
        facts = before(rows)
        found = {
            **{"rows": rows.rows, **_measured(rows)},
            "against": [self._held(ref, rows, other) for ref, other in zip(self.against, others, strict=True)],
            "prompt_examples": _echoes(rows, facts.get("prompts") or {}),
            "limits": {"min_distinct": self.min_distinct, "max_self_similarity": self.max_self_similarity},
        }
        self._check(found["parts"])
        for task in job.unfinished(max(len(rows.parts), 1)):
            _pass_on(job, rows, task)
        gather(job)
        carry(job, rows)
        return {
            "kind": facts.get("kind") or _kind(rows),
            "license": self.license,
            "source": self.source,
            **facts,
            "variety": found,
        }

    def _check(self, parts: Mapping[str, Mapping[str, Any]]) -> None:
        for part, found in parts.items():
            if self.gate != "all" and part not in (self.gate, "texts"):
                continue
            alike = found["self_similar"]
            if alike and alike[0] > self.max_self_similarity:
                pairs = "".join(f"  {json.dumps(one)}\n  {json.dumps(other)}\n\n" for one, other in found["pairs"])
                raise Refused(
                    f"variety: {alike[0]:.1%} of the {part} have a near-duplicate among the others, more than "
                    f"max_self_similarity={self.max_self_similarity:g} allows. Such as:\n{pairs}{_MEND}"
                )
            if found["distinct"]["2"] is not None and found["distinct"]["2"] < self.min_distinct:
                begins = ", ".join(f"{json.dumps(words)} ({rows:,})" for words, rows in found["openings"][:3])
                raise Refused(
                    f"variety: distinct-2 of the {part} is {found['distinct']['2']:.3f}, less than "
                    f"min_distinct={self.min_distinct:g} asks for. The most frequent openings: {begins}. {_MEND}"
                )

    def _held(self, ref: str, rows: Table, other: Table) -> dict[str, Any]:
        """Rows that share a run of words with a version, and how many of its texts are long enough to tell."""
        found: dict[str, Any] = {"version": ref, "texts": other.rows}
        for size in (LONG, SHORT):
            known = runs((one for frame in other.frames() for one in texts(frame).values()), size)
            found[f"rows_{size}"], found[f"texts_{size}"] = _hits(rows, known), known.texts
        return found


_MEND = (
    "Raise the temperature, ask for fewer at a time, start from more seeds, or allow it; what was answered is in the "
    "cache and will not be paid for again"
)


def gated(
    prefix: str,
    made: Step,
    against: list[DatasetVersion] | None = None,
    min_distinct: float = 0.0,
    max_self_similarity: float = 1.0,
    gate: Literal["all", "prompts", "answers"] = "prompts",
) -> Step:
    """The rows of a generator's step, measured: `<prefix>/variety`. Short answers may well be the same, so the gate is
    about prompts unless it is told otherwise.
    """
    op = Variety(
        min_distinct=min_distinct,
        max_self_similarity=max_self_similarity,
        gate=gate,
        against=tuple(one.ref for one in against or []),
    )
    return Step(f"{prefix}/variety", op, (made, *(against or [])))


def texts(frame: pl.DataFrame) -> dict[str, pl.Series]:
    """What is measured of rows of any type, by part; a row that has nothing there has an empty text."""
    columns = frame.columns
    picked: dict[str, pl.Expr] = {}
    for name, turns, role in _TURNS:
        if turns in columns and name not in picked:
            said = pl.element().struct.field("content")
            said = said.filter(pl.element().struct.field("role") == role) if role else said
            picked[name] = pl.col(turns).list.eval(said).list.join("\n")
    if "answers" not in picked and "answer" in columns and "record" not in columns:
        picked["answers"] = pl.col("answer")
    if "text" in columns:
        picked["texts"] = pl.col("text")
    found = frame.select(one.fill_null("").alias(name) for name, one in picked.items())
    return {one.name: one for one in found.get_columns()}


_TURNS = (
    ("prompts", "messages", "user"),
    ("prompts", "prompt", "user"),
    ("answers", "messages", "assistant"),
    ("answers", "completion", "assistant"),
    ("answers", "chosen", "assistant"),
    ("answers", "responses", None),
)


def _measured(rows: Table) -> dict[str, Any]:
    sample = _sample(rows)
    names = [name for name in SHINGLE if name in sample.columns]
    found: dict[str, Any] = {"sample": sample.height, "parts": {name: _part(sample, name) for name in names}}
    turns = sample.get_column("round").drop_nulls().unique().sort().head(MOST_ROUNDS).to_list() if names else []
    found["rounds"] = []
    for turn in turns if len(turns) > 1 else []:
        part = _part(sample.filter(pl.col("round") == turn), names[0])
        kept = {key: part[key] for key in ("rows", "self_similar", "topics", "opening_share")}
        found["rounds"].append({"round": turn, "part": names[0], "distinct": part["distinct"]["2"], **kept})
    return found


def _sample(rows: Table) -> pl.DataFrame:
    """Columns of `texts` and `round`, in an order that the order of the rows has no part in."""
    order = [pl.Series("at", [drawn_by(name) for name in f.get_column("id")], pl.UInt64) for f in rows.frames(["id"])]
    places = pl.concat(order) if order else pl.Series("at", [], pl.UInt64)
    last = places.sort()[SAMPLE - 1] if len(places) > SAMPLE else None
    drawn = []
    for at, frame in zip(order, rows.frames(), strict=True):
        keep = frame.with_columns(at)
        keep = keep.filter(pl.col("at") <= last) if last is not None else keep
        cut = [one.str.slice(0, MOST_CHARACTERS).alias(name) for name, one in texts(keep).items()]
        drawn.append(pl.DataFrame([keep.get_column("at"), _rounds(keep), *cut]))
    if not drawn:
        return pl.DataFrame(schema={"at": pl.UInt64, "round": pl.Int64})
    return pl.concat(drawn).pipe(lambda one: one.sort(one.columns)).head(SAMPLE)


def _rounds(frame: pl.DataFrame) -> pl.Series:
    if "metadata" not in frame.columns:
        return pl.Series("round", [None] * frame.height, pl.Int64)
    told = frame.get_column("metadata").str.json_path_match("$.round")
    return told.cast(pl.Int64, strict=False).alias("round")


def _part(sample: pl.DataFrame, name: str) -> dict[str, Any]:
    """Every measure of one part of the rows that have it."""
    some = sample.filter(pl.col(name).str.strip_chars() != "").get_column(name)
    words = coded(some)
    near, pairs = alike(sets(grams(words, SHINGLE[name], whole=True), len(some)), NEAR)
    first = openings(some)
    return {
        **{"rows": len(some), "words": int(words.codes.size)},
        "distinct": {str(n): distinct(words, n) for n in (1, 2, 3)},
        "self_similar": share(int(near.sum()), len(some)),
        "near": {"jaccard": NEAR, "words": SHINGLE[name]},
        "pairs": _shown(some, pairs),
        "compression": compression(some),
        "topics": topics(words),
        "openings": [list(one) for one in first],
        "opening_share": share(sum(many for _, many in first), len(some)),
    }


def _shown(some: pl.Series, pairs: np.ndarray[Any, np.dtype[np.int64]]) -> list[list[str]]:
    """Three pairs of near-duplicates, of different texts as far as there are such."""
    told = dict.fromkeys(tuple(sorted((some[int(one)][:SHOWN], some[int(two)][:SHOWN]))) for one, two in pairs[:2000])
    return [list(pair) for pair in sorted(told, key=lambda pair: (pair[0] == pair[1], pair))[:3]]


def _hits(rows: Table, known: Runs) -> int:
    return sum(either([known.held(one) for one in texts(frame).values()]) for frame in rows.frames())


def _echoes(rows: Table, prompts: Mapping[str, Mapping[str, str]]) -> dict[str, Any] | None:
    """Rows that hold a run of words of the prompts themselves, of which the examples in them are a part."""
    if not prompts:
        return None
    known = runs([pl.Series([one["text"] for one in prompts.values()])], SHORT)
    return {"words": SHORT, "rows": _hits(rows, known)}


def _pass_on(job: Job, rows: Table, task: int) -> None:
    """One part of the input as it is."""
    frames: Iterator[pl.DataFrame] = rows.batches(task) if rows.parts else iter(())
    write_parquet(job.folder, aside_name(task), [], ASIDE)
    name = f"part-{task:05d}.parquet"
    kept = write_parquet(job.folder, name, frames, rows.schema())
    funnel = {"stage": "variety", "read": kept, "kept": kept, "quarantined": 0, "dropped": {}}
    job.finish(task, [Part(name, kept)], funnel=[funnel])


def _kind(rows: Table) -> str:
    """The type of rows that no step tells the type of, by their columns."""
    names = set(rows.schema().names)
    found = next((kind for kind, columns in SCHEMAS.items() if set(columns.names) == names), None)
    if found is None:
        raise Misuse(f"variety works on rows of a known type; these have the columns {', '.join(sorted(names))}")
    return found
