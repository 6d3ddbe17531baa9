"""Finding input: a file, folder, glob or any fsspec address, as files in a fixed order with an identity."""

import os
import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from dataset_cards.versions.fingerprint import fingerprint

from .formats import SUFFIXES, TABULAR, by_name

# Files that describe a data set and lie beside its data.
SIDECARS = {
    "dataset_info.json",
    "dataset_infos.json",
    "dataset_dict.json",
    "state.json",
    "version.json",
    "croissant.json",
}
CARD = "README.md"
STAMPS = ("etag", "ETag", "checksum", "md5Hash", "content_md5", "generation", "version_id", "mtime", "LastModified")


class NoInput(ValueError):
    """There is nothing to read at an address; the message says what was found instead."""


@dataclass(frozen=True)
class InputFile:
    """One file of the input.

    `name` is its path below the input's root, `url` the full fsspec address to open, `size` in bytes; `stamp` changes
    when the file does (the time of change in nanoseconds of a local file, the store's own checksum of a remote one).
    """

    name: str
    url: str
    size: int
    stamp: str


@dataclass(frozen=True)
class Input:
    """Files in corpus order, and the names of those in the same folder that are not input."""

    address: str
    files: tuple[InputFile, ...]
    skipped: tuple[str, ...] = ()

    @classmethod
    def find(cls, address: str) -> "Input":
        """The files at `address`: a file, a folder (searched to the bottom), a glob, or any fsspec address.

        In a folder, files are taken by name: known formats only, without hidden files (`.x`, `_x`) and without the
        files that describe a data set; the rest is listed in `skipped`. A file that is named outright or matched by a
        glob is taken whatever its name.

        Raises:
            NoInput: the kind of address is not known or its driver is not installed, nothing is there, or nothing is
                in a format that can be read.
        """
        try:
            fs, path = fsspec.core.url_to_fs(address)
        except (ValueError, ImportError) as error:
            raise NoInput(f"the address {address} cannot be opened: {error}") from error
        local = isinstance(fs, LocalFileSystem)
        fs.invalidate_cache()
        if fs.isfile(path):
            return cls(address, (_input_file(fs, path, posixpath.basename(path), fs.info(path), local),))
        if fs.isdir(path):
            root, found = path.rstrip("/"), fs.find(path, detail=True)
            chosen, skipped = _choose({name: posixpath.relpath(name, root or "/") for name in found})
            if not chosen:
                raise NoInput(_nothing_in(address, skipped))
        elif any(sign in path for sign in "*?["):
            root = posixpath.dirname(path[: min(path.index(sign) for sign in "*?[" if sign in path)])
            found = {name: info for name, info in fs.glob(path, detail=True).items() if info["type"] == "file"}
            chosen, skipped = {name: posixpath.relpath(name, root or "/") for name in found}, []
            if not chosen:
                raise NoInput(f"no file matches {address}; check the pattern, and quote it so that no shell expands it")
        else:
            raise NoInput(
                f"there is nothing at {address}; give a file, a folder, a glob or a URL such as s3://bucket/x"
            )
        files = (_input_file(fs, full, name, found[full], local) for full, name in chosen.items())
        return cls(address, tuple(sorted(files, key=lambda file: file.name)), tuple(sorted(skipped)))

    @property
    def fingerprint(self) -> str:
        """Identity of the content by names, sizes and stamps; a folder that moves keeps it."""
        return fingerprint([[file.name, file.size, file.stamp] for file in self.files])

    def json_field(self) -> dict[str, object]:
        """The input as a version's recipe records it: a corpus may have a million files."""
        return {"address": self.address, "files": len(self.files), "bytes": self.size, "fingerprint": self.fingerprint}

    @property
    def size(self) -> int:
        """Bytes of all files as they are stored."""
        return sum(file.size for file in self.files)

    def slices(self, slice_bytes: int) -> list[tuple[InputFile, ...]]:
        """Consecutive files in groups of about `slice_bytes`; a file of that size or more is alone."""
        return list(_slices(self.files, slice_bytes))


def _slices(files: Iterable[InputFile], slice_bytes: int) -> Iterator[tuple[InputFile, ...]]:
    held: list[InputFile] = []
    total = 0
    for file in files:
        if held and total + file.size > slice_bytes:
            yield tuple(held)
            held, total = [], 0
        held.append(file)
        total += file.size
    if held:
        yield tuple(held)


def _choose(names: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Which files of a folder are input: {full path: name below the folder}, and the names that are not."""
    tabular = {posixpath.dirname(name) for name in names.values() if by_name(name) in TABULAR}
    chosen, skipped = {}, []
    for full, name in names.items():
        if _hidden(name):
            continue
        if not by_name(name) or _describes(name, tabular):
            skipped.append(name)
        else:
            chosen[full] = name
    return chosen, skipped


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in name.split("/"))


def _describes(name: str, tabular: set[str]) -> bool:
    """Whether a file only describes data beside it: a card, a schema, or a cache that `datasets` left."""
    folder, base = posixpath.split(name)
    if base in SIDECARS or (base.startswith("cache-") and base.endswith(".arrow")):
        return True
    return base == CARD and (folder in tabular or posixpath.join(folder, "data") in tabular)


def _input_file(fs: Any, path: str, name: str, info: dict[str, Any], local: bool) -> InputFile:
    if local:
        try:
            stat = os.stat(path)
        except OSError:  # a dangling link: reading it says so
            return InputFile(name, path, 0, "")
        return InputFile(name, path, stat.st_size, str(stat.st_mtime_ns))
    stamp = next((str(info[key]) for key in STAMPS if info.get(key)), "") or str(info.get("created") or fs.ukey(path))
    return InputFile(name, str(fs.unstrip_protocol(path)), int(info.get("size") or 0), stamp)


def _nothing_in(address: str, skipped: list[str]) -> str:
    known = ", ".join(sorted(suffix for suffixes in SUFFIXES.values() for suffix in suffixes))
    if not skipped:
        return f"the folder {address} holds no files; known formats are {known}"
    kinds = Counter(posixpath.splitext(name)[1] or posixpath.basename(name) for name in skipped)
    seen = ", ".join(f"{kind} ({count})" for kind, count in kinds.most_common(8))
    return f"the folder {address} holds no file in a known format; it holds {seen}; known formats are {known}"
