"""Rows on their way to the task that needs them: written as they come, grouped so that a task reads only its own.

A task of one phase spills its rows into a few files; each file holds one Arrow record batch per group, and a task of
the next phase reads its group of every file. So a shuffle of any size needs one buffer in memory. A batch carries a
hash of its values, because a flipped bit in a row number would drop the wrong document without a word.
"""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from xxhash import xxh3_64

from dataset_cards.versions.errors import Damaged
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job

_HASH = b"xxh3_64"


def write_batches(folder: Folder, name: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
    """One file of record batches that `read_batch` can pick from by number."""
    with folder.create(name) as file, pa.ipc.new_file(file, schema) as writer:
        for batch in batches:
            writer.write_batch(batch, custom_metadata={_HASH: _digest(batch)})


def read_batch(folder: Folder, name: str, number: int) -> pa.RecordBatch:
    """Batch `number` of a file, without reading the others.

    Raises:
        Damaged: the file is missing, cut off, or the batch is not the one that was written.
    """
    mend = f"it is part of a cache: delete the folder {folder} and run again"
    try:
        with folder.open(name) as file:
            found = pa.ipc.open_file(file).get_batch_with_custom_metadata(number)
        found.batch.validate()
        whole = (found.custom_metadata or {}).get(_HASH) == _digest(found.batch)
    except FileNotFoundError as error:
        raise Damaged(f"{folder}/{name} is missing; {mend}") from error
    except (pa.ArrowException, ValueError, IndexError, OSError) as error:
        if getattr(error, "errno", None) is not None:  # the disk or the network speaks, not the file
            raise
        raise Damaged(f"{folder}/{name} is damaged ({error}); {mend}") from error
    if not whole:
        raise Damaged(f"{folder}/{name} is damaged: batch {number} is not what was written; {mend}")
    return found.batch


def _digest(batch: pa.RecordBatch) -> bytes:
    """A hash of the columns of a batch and of every value: numbers, and lists of numbers, none of them null."""
    hashed = xxh3_64(str(batch.schema).encode())
    for column in batch.columns:
        if column.null_count:
            raise ValueError(f"{column.null_count} values are null")
        if pa.types.is_large_list(column.type):
            bounds = column.offsets.to_numpy()
            hashed.update((bounds - bounds[0]).data)
        values = column.flatten() if pa.types.is_nested(column.type) else column
        hashed.update(values.to_numpy().data)
    return hashed.digest()


class Spill:
    """The rows that one task sends to the `groups` tasks of a later phase, in the order in which they were added."""

    def __init__(self, job: Job, task: int, schema: pa.Schema, groups: int, buffer_bytes: int) -> None:
        self._job, self._task, self._schema, self._groups, self._limit = job, task, schema, groups, buffer_bytes
        self._rows: list[pa.RecordBatch] = []
        self._to: list[npt.NDArray[np.int64]] = []
        self._held = 0
        self._blocks = 0

    def add(self, columns: Sequence[pa.Array | npt.NDArray[np.generic]], to: npt.NDArray[np.integer]) -> None:
        """Send rows, given column by column, to the groups `to`, shape (rows,)."""
        batch = pa.record_batch([pa.array(column) for column in columns], schema=self._schema)
        self._rows.append(batch)
        self._to.append(to.astype(np.int64))
        self._held += batch.nbytes
        if self._held >= self._limit:
            self._flush()

    def close(self) -> int:
        """Write what is left; returns the number of files."""
        self._flush()
        return self._blocks

    def _flush(self) -> None:
        to = np.concatenate(self._to) if self._to else np.zeros(0, np.int64)
        if len(to) == 0:
            return
        rows = pa.Table.from_batches(self._rows)
        if (to[1:] < to[:-1]).any():
            order = np.argsort(to, kind="stable")
            rows, to = rows.take(order), to[order]
        bounds = np.searchsorted(to, np.arange(self._groups + 1))
        rows = rows.combine_chunks().to_batches()[0]
        name = _name(self._task, self._blocks)
        pieces = (rows.slice(first, last - first) for first, last in itertools.pairwise(bounds))
        write_batches(self._job.folder, name, self._schema, pieces)
        self._rows, self._to, self._held = [], [], 0
        self._blocks += 1


def blocks(job: Job) -> tuple[int, ...]:
    """How many files each task of a finished phase spilled, as its facts say."""
    return tuple(facts["blocks"] for facts in job.facts())


def read_group(job: Job, written: Sequence[int], group: int, task: int | None = None) -> Iterator[pa.RecordBatch]:
    """The rows sent to `group`, in the order of tasks and of adding; `written` is `blocks(job)`."""
    for sender in range(len(written)) if task is None else (task,):
        for block in range(written[sender]):
            batch = read_batch(job.folder, _name(sender, block), group)
            if batch.num_rows:
                yield batch


def _name(task: int, block: int) -> str:
    return f"run-{task:05d}-{block:04d}.arrow"
