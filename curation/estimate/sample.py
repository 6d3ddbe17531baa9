"""A small copy of what a recipe reads: pieces of some of its files, and rows of versions."""

import dataclasses
import glob
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from dataset_cards.intake.formats import HEAD, recognise
from dataset_cards.intake.limits import Limits
from dataset_cards.intake.source import Input, InputFile
from dataset_cards.intake.stream import Damaged, Stream, codec_of
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.step import Step, in_order
from dataset_cards.versions.version import DatasetVersion

LEAST_FILES, MOST_FILES = 64, 512  # of one input, where it has as many; spread evenly over it
WHOLE_BYTES = 32 << 20  # of an input of which no part can be taken; three runs over it take a minute
PLACES = 16  # of one file, where its form allows to begin in the middle
# Formats that mean nothing without their end: taken whole, or not at all.
_WHOLE = ("zip", "arrow", "json")
_BY_LINES = ("jsonl", "csv", "tsv", "text")


class NoSample(Misuse):
    """No part of an input can be read by itself."""


@dataclass(frozen=True)
class Sample:
    """A recipe over a part of its input: `bytes` of it, as stored, of `of_bytes`; `left_out` names what has no part."""

    step: Step
    bytes: int
    of_bytes: int
    left_out: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        return self.bytes / self.of_bytes if self.of_bytes else 1.0


def smaller(target: Step, size: int, folder: Path) -> Sample:
    """`target` over about `size` bytes of its input, which are copied below `folder`; the same share of each source.

    Raises:
        NoSample: some input can only be read whole, and is too large for that.
    """
    leaves = list(_leaves(target))
    whole = sum(_size(leaf) for leaf in leaves)
    share = min(1.0, size / whole) if whole else 1.0
    copies: dict[int, Any] = {}
    taken, left_out = 0, []
    for number, leaf in enumerate(leaves):
        place = folder / f"{number:03d}"
        place.mkdir(parents=True)
        if isinstance(leaf, Input):
            copied, missing = _copy_input(leaf, share, place)
            if any(place.iterdir()):
                # By a glob, under which a file is read whatever its name, as it is where it was named outright.
                copies[id(leaf)] = Input.find(f"{glob.escape(str(place))}/*")
            elif leaf.size <= WHOLE_BYTES:
                copies[id(leaf)], copied, missing = leaf, leaf.size, []
            else:
                raise NoSample(
                    f"{leaf.address} has no part that can be read by itself, and is too large to be read whole"
                )
            taken += copied
            left_out += missing
        else:
            copies[id(leaf)], copied = _copy_version(leaf, share, place)
            taken += copied
    return Sample(_rebuilt(target, copies, {}), taken, whole, tuple(left_out))


def _leaves(target: Step) -> Iterator[Input | DatasetVersion]:
    """What is read from outside, each once."""
    seen: set[int] = set()
    for step in in_order(target):
        fields = (getattr(step.op, f.name) for f in dataclasses.fields(step.op))  # type: ignore[arg-type]
        for leaf in (*fields, *step.inputs):
            if isinstance(leaf, Input | DatasetVersion) and id(leaf) not in seen:
                seen.add(id(leaf))
                yield leaf


def _size(leaf: Input | DatasetVersion) -> int:
    return leaf.size if isinstance(leaf, Input) else int(leaf.json["bytes"])


def _rebuilt(node: Any, copies: dict[int, Any], done: dict[str, Step]) -> Any:
    if not isinstance(node, Step):
        return copies.get(id(node), node)
    if node.id not in done:
        named = {f.name: getattr(node.op, f.name) for f in dataclasses.fields(node.op)}  # type: ignore[arg-type]
        changed = {name: copies[id(value)] for name, value in named.items() if id(value) in copies}
        op = dataclasses.replace(node.op, **changed) if changed else node.op  # type: ignore[type-var]
        done[node.id] = Step(node.name, op, tuple(_rebuilt(source, copies, done) for source in node.inputs))
    return done[node.id]


def _copy_input(source: Input, share: float, place: Path) -> tuple[int, list[str]]:
    """Bytes copied, and the files that no part could be taken of."""
    wanted_files = min(max(round(share * len(source.files)), LEAST_FILES), MOST_FILES)
    step = -(-len(source.files) // wanted_files)
    chosen = source.files[::step]
    wanted = share * source.size / max(1, sum(file.size for file in chosen))  # of the chosen ones
    copied, left_out = 0, []
    for number, file in enumerate(chosen):
        part = _copy_file(file, max(1, round(file.size * min(1.0, wanted))), place, number)
        copied += part
        if file.size and not part:
            left_out.append(file.name)
    return copied, left_out


def _copy_file(file: InputFile, size: int, place: Path, number: int) -> int:
    path = place / f"{number:05d}-{file.name.rsplit('/', 1)[-1]}"
    with file.open() as stream:
        head = stream.read(HEAD)
        stream.seek(0)
        packed = codec_of(head)
        kind = recognise(file.name, head if not packed else _beginning(stream))
        stream.seek(0)
        if kind == "parquet" and not packed and file.size:
            try:
                return _copy_groups(stream, file.size, size / file.size, path)
            except (pa.ArrowException, OSError):  # damaged: a copy of the beginning is as damaged, and read as such
                stream.seek(0)
        if kind in _WHOLE or size >= file.size:
            if kind in _WHOLE and size * 8 < file.size:
                return 0
            size = file.size
        data = _lines(stream, file.size, size) if not packed and kind in _BY_LINES else stream.read(size)
        path.write_bytes(data)
    return len(data)


def _beginning(stream: BinaryIO) -> bytes:
    """The first bytes of what is compressed; of a damaged file none, it is for the run to say so."""
    try:
        return bytes(Stream(stream, Limits()).read(HEAD))
    except Damaged:
        return b""


def _lines(stream: Any, of: int, size: int) -> bytes:
    """About `size` bytes of whole lines, from places spread evenly over the file: its beginning is rarely typical."""
    if size >= of:
        return bytes(stream.read())
    pieces = []
    each = size // PLACES
    for number in range(PLACES):
        stream.seek(number * (of - each) // PLACES)
        piece = stream.read(each) if number == 0 else stream.read(each).partition(b"\n")[2]
        pieces.append(piece[: piece.rfind(b"\n") + 1])
    if not any(pieces):  # lines are longer than that: the beginning of the file, to the end of a line if it is near
        stream.seek(0)
        pieces = [stream.read(size), stream.readline(size)]
    return b"".join(pieces)


def _copy_groups(stream: Any, size: int, share: float, path: Path) -> int:
    """Rows of a Parquet file of `size` bytes, from every row group; returns how many of those bytes they stand for."""
    reader = pq.ParquetFile(stream)
    whole = reader.metadata.num_rows
    groups = range(0, reader.num_row_groups, -(-reader.num_row_groups // PLACES) or 1)
    each = max(1, round(whole * share / max(1, len(groups))))
    written = 0
    with pq.ParquetWriter(path, reader.schema_arrow, compression="zstd") as writer:
        for group in groups:
            for batch in reader.iter_batches(each, [group], use_threads=False):
                writer.write_batch(batch)
                written += batch.num_rows
                if share < 1:
                    break
    return int(size * written / max(1, whole))


def _copy_version(version: DatasetVersion, share: float, place: Path) -> tuple[DatasetVersion, int]:
    """The first rows of a version's data files as a version of its own, and how many stored bytes they stand for."""
    files, copied = [], 0
    (place / "data").mkdir()
    for file in version.json["files"]:
        if str(file["path"]).startswith("data/"):
            path = place / file["path"]
            with version.folder.open(file["path"]) as stream:
                copied += _copy_groups(stream, int(file["bytes"]), share, path)
            rows = pq.read_metadata(path).num_rows
            files.append({**file, "rows": rows, "sha256": f"sample-{share}-{file['sha256']}"})
    record = {**version.json, "files": files, "digest": f"sha256:{share:.9f}-{version.json['digest']}"[:71]}
    return dataclasses.replace(version, folder=Folder.at(str(place)), json=record), copied
