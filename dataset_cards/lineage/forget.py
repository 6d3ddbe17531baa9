"""Taking rows out of a version for good: a new version without them, which does not say who they were.

The op knows the rows by their numbers in the version they are taken from, and of these it records one hash. Who has
that version can compare the two and see what is missing anyhow; to anybody else a row number says nothing. A hash of
ids would say more: ids can be guessed, and then it would confirm who was forgotten.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from ..cards.plain import one_line
from ..versions.errors import Misuse
from ..versions.examples import KEPT, as_text, example, write_examples
from ..versions.job import Job
from ..versions.schemas import schema
from ..versions.side_files import EXAMPLES_KEPT, GONE, QUARANTINE
from ..versions.table import Part, Table, write_parquet
from ..versions.version import DatasetVersion
from .find import MADE_FROM, Place, beside, columns, descended, links, locate, made_from
from .row import TOLD, packed

STAGE = "forget"
REASONS = ("forgotten", "made-from-forgotten")
JUDGEMENTS = TOLD["judgements"][0]
COUNTED = {"languages": "language", "licenses": "license", "sources": "source"}
MISSING = {"languages": "und", "licenses": "unknown"}  # as which rows count that state none where others do
MOST_SOURCES = 100


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """What is to go, as a tool of the run: it is part of no record.

    Attributes:
        ids: of the rows that are forgotten, those made from them included.
        rows, made: numbers, in the version, of the rows that were named, and of those that were made from them.
        sources: ids of the rows that these were made from.
        records: whose judgements go, because no other row rests on them.
    """

    ids: frozenset[str]
    rows: tuple[int, ...]
    made: tuple[int, ...]
    sources: frozenset[str] = frozenset()
    records: frozenset[str] = frozenset()

    @property
    def digest(self) -> str:
        """One hash of all the row numbers."""
        return hashlib.sha256(json.dumps([self.rows, self.made]).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Forget:
    """The rows of a version without those whose numbers hash to `digest`; a `Forgotten` of the run names them.

    Of what goes, the ledger holds the reason and nothing else: no id, no source, no text. `reason` is for people.
    """

    revision: ClassVar[int] = 1

    kind: str
    digest: str
    reason: str
    license: str = "unknown"
    source: str | None = None

    def run(self, job: Job) -> dict[str, Any]:
        """One part per part of the version, with the same row groups less what is forgotten.

        Raises:
            Misuse: the run was given other rows to forget than the step is about.
        """
        tool = job.tool(Forgotten)
        if tool.digest != self.digest:
            raise Misuse("forget: these are not the rows that this step is to forget")
        (table,) = job.inputs
        for task, first in enumerate(table.first_rows()):
            if task not in job.finished():
                _write(job, table, task, first, tool)
        gone = ({**dict.fromkeys(GONE.names), "stage": STAGE, "reason": why} for why in _reasons(job))
        ledger = job.folder / "ledger"
        write_parquet(ledger, "rows.parquet", _frames(gone), GONE)
        write_parquet(ledger, "quarantine.parquet", [], QUARANTINE)
        out = Table(job.folder, tuple(Part(**part) for fact in job.facts() for part in fact["parts"]))
        write_examples(job.folder, _examples(out))
        left = _judgements(job, table, tool.records)
        told = {"rows": len(tool.rows), "made_from": len(tool.made), "judgements": left, "reason": self.reason}
        return {
            **{"kind": self.kind, "license": self.license, "source": self.source, "forgotten": told},
            **_counts(out),
            "bare_ancestors": True,  # names of files and domains up there may be names of people
        }


def find(version: DatasetVersion, ids: Collection[str]) -> Forgotten:
    """The rows of a version that have one of `ids`, and all that were made from them.

    Raises:
        Misuse: naming those that are not there.
    """
    table = version.table
    if version.kind == "model" or packed(version.json) or "id" not in columns(table):
        what = "a model, which has no rows" if version.kind == "model" else "made of rows without ids of texts"
        raise Misuse(
            f"{version.ref} is {what}; forget rows in the versions it was made from (`gristmill trace {version.ref}` "
            "names them), and make it again"
        )
    named = locate(table, ids)
    if missing := [one for one in dict.fromkeys(ids) if one not in named]:
        shown = ", ".join(repr(one_line(one)) for one in missing[:5])
        more = f" and {len(missing) - 5:,} more" if len(missing) > 5 else ""
        raise Misuse(f"{version.ref} has no row {shown}{more}; nothing was forgotten (`gristmill trace` finds rows)")
    made = locate(table, descended(table, ids))
    places = [place for some in (*named.values(), *made.values()) for place in some]
    sources = _sources(table, places) - {*named, *made}
    records: set[str] = set()
    if beside(version, JUDGEMENTS) is not None:
        asked = {*named, *made, *sources}
        still = {one for place, _, own in made_from(table, asked) if place not in set(places) for one in own}
        records = asked - still
    return Forgotten(
        ids=frozenset({*named, *made}),
        rows=_numbers(table, named),
        made=_numbers(table, made),
        sources=frozenset(sources),
        records=frozenset(records),
    )


def _numbers(table: Table, found: dict[str, list[Place]]) -> tuple[int, ...]:
    """Row numbers over the whole version, in order."""
    first: dict[tuple[int, int], int] = {}
    at = 0
    for part, groups in enumerate(table.groups() if found else []):
        for group, rows in enumerate(groups):
            first[part, group] = at
            at += rows
    return tuple(sorted(first[one.part, one.group] + one.at for places in found.values() for one in places))


def _sources(table: Table, places: Sequence[Place]) -> set[str]:
    """What the rows at `places` were made from."""
    names = [name for name in ("id", *MADE_FROM) if name in columns(table)]
    by_group: dict[tuple[int, int], list[int]] = {}
    for one in places:
        by_group.setdefault((one.part, one.group), []).append(one.at)
    rows = (
        row for (part, group), at in by_group.items() for row in table.batch(part, group, names)[sorted(at)].to_dicts()
    )
    return {one for row in rows for one in links(row)}


def _write(job: Job, table: Table, task: int, first: int, tool: Forgotten) -> None:
    gone: Counter[str] = Counter()
    columns, rows = table.schema(), table.parts[task].rows
    numbers = [pl.Series(some, dtype=pl.Int64) for some in (tool.rows, tool.made)]

    def kept() -> Iterator[pl.DataFrame]:
        at = first
        for frame in table.batches(task):
            number = pl.int_range(at, at + frame.height, dtype=pl.Int64, eager=True)
            going = [number.is_in(some.implode()) for some in numbers]
            for reason, mask in zip(REASONS, going, strict=True):
                gone[reason] += int(mask.sum())
            at += frame.height
            yield frame.filter(~(going[0] | going[1]))

    # The rows that go are counted while the part is written.
    name = f"part-{task:05d}.parquet"
    there = write_parquet(job.folder, name, kept(), columns)
    dropped = {f"{STAGE}/{reason}": count for reason, count in sorted(gone.items()) if count}
    funnel = {"stage": STAGE, "read": rows, "kept": there, "quarantined": 0, "dropped": dropped}
    job.finish(task, [Part(name, there)], funnel=[funnel])


def _reasons(job: Job) -> Iterator[str]:
    for fact in job.facts():
        for reason, count in fact["funnel"][0]["dropped"].items():
            yield from [reason.partition("/")[2]] * count


def _frames(rows: Iterator[dict[str, Any]]) -> Iterator[pl.DataFrame]:
    yield pl.DataFrame(list(rows), schema=dict.fromkeys(GONE.names, pl.String))


def _examples(table: Table) -> Iterator[dict[str, Any]]:
    """The first rows that stay."""
    full = [part for part, one in enumerate(table.parts) if one.rows]
    for row in table.batch(full[0], 0).head(EXAMPLES_KEPT).to_dicts() if full else ():
        yield example(KEPT, row["id"], as_text(row), row.get("source"))


def _judgements(job: Job, table: Table, records: Collection[str]) -> int:
    """Carry the judgements behind the rows, less those behind forgotten rows alone; how many those are."""
    if not table.folder.exists(JUDGEMENTS):
        return 0
    left = 0
    going = pl.Series(sorted(records), dtype=pl.String).implode()

    def kept() -> Iterator[pl.DataFrame]:
        nonlocal left
        for frame in Table(table.folder, (Part(JUDGEMENTS, 0),)).batches(0):
            stays = frame.filter(~pl.col("record").is_in(going))
            left += frame.height - stays.height
            yield stays

    write_parquet(job.folder, JUDGEMENTS, kept(), schema("judgements"))
    return left


def _counts(table: Table) -> dict[str, dict[str, int]]:
    """Languages, licences and sources of the rows that stay, where rows have such a column."""
    there = set(columns(table))
    counts: dict[str, Counter[str]] = {fact: Counter() for fact, name in COUNTED.items() if name in there}
    missing: Counter[str] = Counter()
    for frame in table.frames([COUNTED[fact] for fact in counts]) if counts else ():
        for fact, count in counts.items():
            values = frame.get_column(COUNTED[fact]).cast(pl.String)
            count.update(dict(values.drop_nulls().value_counts().iter_rows()))
            missing[fact] += values.null_count()
    for fact, name in MISSING.items():
        if counts.get(fact) and missing[fact]:
            counts[fact][name] += missing[fact]
    return {
        fact: dict(sorted(count.items(), key=lambda one: (-one[1], one[0]))[:MOST_SOURCES])
        for fact, count in counts.items()
        if count
    }
