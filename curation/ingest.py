"""Reading raw input into documents: the first step of every corpus, with extraction and normalisation on the way."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain, count, islice, takewhile
from typing import Any, ClassVar

import polars as pl
from fsspec import AbstractFileSystem

from dataset_cards.intake.quarantine import Quarantined
from dataset_cards.intake.source import Input, InputFile
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.table import GROUP_ROWS, Part, write_parquet

from .engine import Engine
from .layers import DROP, TEXT
from .marks import Funnel, mark
from .read.documents import batches, read_documents
from .screen import DOCUMENT
from .stage import Stage

# A task reads about this many input bytes; a part holds about this many bytes of text. Neither changes any row.
SLICE_BYTES = 64 << 20
PART_BYTES = 256 << 20

MOST_SKIPPED = 20  # names of left-out files that a step remembers

# Bytes of the text as ingested; later steps cut their work by it without reading text.
SIZE = "size"
QUARANTINE = pl.Schema({"file": pl.String, "position": pl.String, "reason": pl.String, "excerpt": pl.String})


@dataclass(frozen=True)
class Cut:
    """How a run cuts raw input into tasks; a tool, because it never changes what comes out."""

    slice_bytes: int = SLICE_BYTES
    part_bytes: int = PART_BYTES


@dataclass(frozen=True, kw_only=True)
class Ingest:
    """Every document of `input` in order, through `stages` that make text of it."""

    revision: ClassVar[int] = 1
    input: Input
    mapping: tuple[tuple[str, str], ...] = ()  # document field -> field of the input rows
    stages: tuple[Stage, ...] = ()

    def run(self, job: Job) -> dict[str, Any]:
        cut = job.tool(Cut)
        tasks = _write_slices(self.input, job.folder, cut.slice_bytes)
        # Work is sent along with every task: with the names of all files it would grow with their number squared.
        alone = replace(self, input=replace(self.input, files=(), skipped=()))
        fs = next((file.fs for file in self.input.files), None)
        work = partial(_ingest_slice, alone, fs, cut.part_bytes, job.bare())
        job.tool(Engine).run("read", job, work, job.unfinished(tasks))
        return {"rules": [entry for stage in self.stages for entry in stage.rules()], **_skipped(self.input)}


def _skipped(source: Input) -> dict[str, Any]:
    """What was left out of the input, for people to see: the first names and how many there are."""
    names = source.skipped
    return {"skipped": {"names": list(names[:MOST_SKIPPED]), "total": len(names)}} if names else {}


def _write_slices(source: Input, folder: Folder, slice_bytes: int) -> int:
    """Write `slice-00003.json` for every task, the files that it reads, and return how many tasks there are.

    A run that was interrupted has cut the input already, and its finished tasks must still fit. Where the files lie
    may have changed since.
    """
    there = set(folder.names())
    names = takewhile(there.__contains__, (_slice_name(task) for task in count()))
    before = [folder.read_json(name, list) for name in names]
    done = sum(len(entries) for entries in before)
    sizes = [len(entries) for entries in before]
    sizes += [len(files) for files in replace(source, files=source.files[done:]).slices(slice_bytes)]
    files = iter(source.files)
    for task, size in enumerate(sizes):
        entries = [file.record() for file in islice(files, size)]
        if task >= len(before) or entries != before[task]:
            folder.write_json(_slice_name(task), entries)
    return len(sizes)


def _slice_name(task: int) -> str:
    return f"slice-{task:05d}.json"


def _ingest_slice(op: Ingest, fs: AbstractFileSystem | None, part_bytes: int, job: Job, task: int) -> None:
    intake = _Intake(job.folder, task, op.stages)
    files = [InputFile(**entry, fs=fs) for entry in job.folder.read_json(_slice_name(task), list)]
    items = (item for file in files for item in read_documents(file, dict(op.mapping)))
    parts = _write_rolled(job.folder, task, intake.frames(items), part_bytes)
    intake.write_quarantine()
    job.finish(task, parts, funnel=intake.funnel())


def _write_rolled(folder: Folder, task: int, frames: Iterator[pl.DataFrame], part_bytes: int) -> list[Part]:
    """Write frames as parts of about `part_bytes` of text, so that later steps find work for every core."""
    parts: list[Part] = []
    for first in frames:
        name = f"part-{task:05d}-{len(parts):03d}.parquet"
        rows = write_parquet(folder, name, chain([first], _some(frames, part_bytes - _bytes(first))))
        parts.append(Part(name, rows))
    return parts


def _some(frames: Iterator[pl.DataFrame], budget: int) -> Iterator[pl.DataFrame]:
    """Frames from the front of `frames` until `budget` bytes of text are used up."""
    while budget > 0 and (frame := next(frames, None)) is not None:
        budget -= _bytes(frame)
        yield frame


def _bytes(frame: pl.DataFrame) -> int:
    return int(frame.get_column(SIZE).sum())


class _Intake:
    """What a task has seen so far: rows read, rows dropped on the way, and what was put in quarantine."""

    def __init__(self, folder: Folder, task: int, stages: tuple[Stage, ...]) -> None:
        self._folder, self._task, self._stages = folder, task, stages
        self._read = Funnel(["read"])
        self._marked = Funnel([stage.name() for stage in stages])
        self._bad: list[Quarantined] = []
        self._written = 0  # quarantine entries and files already on disk
        self._files = 0

    def frames(self, items: Iterable[Any]) -> Iterator[pl.DataFrame]:
        """Documents with `drop`, `size` and the signals of the stages."""
        for frame, bad in batches(items):
            self._bad += bad
            if len(self._bad) >= GROUP_ROWS:
                self.write_quarantine()
            if frame.height:
                yield self._through_stages(frame)

    def _through_stages(self, frame: pl.DataFrame) -> pl.DataFrame:
        drop = frame.get_column(DROP)
        self._read.add("read", frame.height, drop)
        marks = mark(self._stages, drop, lambda: frame, None, self._marked)
        edits = [marks.get_column(name) for name in marks.columns if name.endswith(f".{TEXT}")]
        text = pl.select(pl.coalesce(*reversed(edits), frame.get_column(TEXT)).alias(TEXT)).to_series()
        reason = pl.select(pl.coalesce(drop, marks.get_column(DROP)).alias(DROP)).to_series()
        signals = [column for column in marks if "." in column.name and not column.name.endswith(f".{TEXT}")]
        return frame.select(DOCUMENT).with_columns(text, reason, text.str.len_bytes().alias(SIZE), *signals)

    def write_quarantine(self) -> None:
        """Put what has gathered on disk, so that a file full of rubbish does not fill the memory."""
        if self._bad:
            frame = pl.DataFrame([asdict(item) for item in self._bad], schema=QUARANTINE)
            write_parquet(self._folder, f"quarantine-{self._task:05d}-{self._files:03d}.parquet", [frame])
            self._written += len(self._bad)
            self._files += 1
            self._bad = []

    def funnel(self) -> list[dict[str, object]]:
        """Ledgers of reading and of every stage, after the quarantine was written."""
        (read,) = self._read.json()
        read = {**read, "read": self._read.alive.get("read", 0) + self._written, "quarantined": self._written}
        return [read, *self._marked.json()]
