"""A folder at any fsspec address, written so that a reader never sees half a file."""

import json
import os
import posixpath
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from .errors import Damaged


def json_bytes(value: Any) -> bytes:
    """`value` as the bytes of a JSON file: the same value gives the same bytes."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Folder:
    """One folder of a filesystem. Cheap to build, safe to send to another process."""

    fs: fsspec.AbstractFileSystem
    path: str

    @classmethod
    def at(cls, address: str) -> "Folder":
        """The folder at a path or URL such as `./store`, `memory://store`, `s3://bucket/store`."""
        fs, path = fsspec.core.url_to_fs(address)
        return cls(fs, path.rstrip("/") or "/")

    @property
    def local(self) -> bool:
        return isinstance(self.fs, LocalFileSystem)

    @property
    def shared(self) -> bool:
        """Whether another process on this machine sees the same files (`memory://` is private to one)."""
        return "memory" not in (self.fs.protocol if isinstance(self.fs.protocol, tuple) else (self.fs.protocol,))

    def __truediv__(self, name: str) -> "Folder":
        return Folder(self.fs, posixpath.join(self.path, name))

    def __str__(self) -> str:
        return self.path if self.local else cast(str, self.fs.unstrip_protocol(self.path))

    def _full(self, name: str) -> str:
        return posixpath.join(self.path, name)

    def exists(self, name: str = "") -> bool:
        return cast(bool, self.fs.exists(self._full(name) if name else self.path))

    def names(self) -> list[str]:
        """Names directly inside, sorted; an absent folder is empty."""
        # A listing kept from before another process wrote would hide its parts.
        self.fs.invalidate_cache(self.path)
        try:
            found = self.fs.ls(self.path, detail=False)
        except FileNotFoundError:
            return []
        return sorted(posixpath.basename(str(name).rstrip("/")) for name in found if str(name).rstrip("/") != self.path)

    @contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        """Write `name` whole or not at all: it appears only when the block ends without an error."""
        path = self._full(name)
        parent = posixpath.dirname(path)
        self.fs.makedirs(parent, exist_ok=True)
        if not self.local:  # one put at close is atomic on object stores
            with self.fs.open(path, "wb") as file:
                yield cast(BinaryIO, file)
            return
        partial = posixpath.join(parent, f".{posixpath.basename(path)}.{uuid.uuid4().hex[:8]}.partial")
        try:
            with open(partial, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        except BaseException:
            if os.path.exists(partial):
                os.remove(partial)
            raise

    def open(self, name: str) -> BinaryIO:
        return cast(BinaryIO, self.fs.open(self._full(name), "rb"))

    def read_bytes(self, name: str) -> bytes:
        return cast(bytes, self.fs.cat_file(self._full(name)))

    def write_bytes(self, name: str, data: bytes) -> None:
        with self.create(name) as file:
            file.write(data)

    def read_json(self, name: str, kind: type = dict) -> Any:
        """What a JSON file holds.

        Raises:
            Damaged: the file is cut off, is no JSON, or holds something else than a `kind`.
        """
        data = self.read_bytes(name)
        try:
            value = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise Damaged(f"{self}/{name} is damaged ({error}); {self._mend(name)}") from error
        if not isinstance(value, kind):
            what = f"it holds a {type(value).__name__} and no {kind.__name__}"
            raise Damaged(f"{self}/{name} is damaged: {what}; {self._mend(name)}")
        return value

    def _mend(self, name: str) -> str:
        """What to do about a damaged file, by its place in a store."""
        if step := re.match(r".*/(?:steps|trial)/.+?-[0-9a-f]{16}(?=/|$)", str(self)):
            return f"it is part of a cache: delete the folder {step[0]} and run again"
        if (version := re.search(r"/versions/([^/]+)/([^/]+)$", str(self))) and name == "version.json":
            ref = "@".join(version.groups())
            return f"put it back from a copy; `gristmill verify {ref}` then checks every file of the version"
        return "put it back from a copy, or make it again"

    def write_json(self, name: str, value: Any) -> None:
        """Sorted, indented, UTF-8, newline at the end: the same value gives the same bytes."""
        self.write_bytes(name, json_bytes(value))

    def sweep(self) -> None:
        """Remove the halves that a killed process left, here and below."""
        if self.local:
            for directory, _, names in os.walk(self.path):
                for name in names:
                    if name.startswith(".") and name.endswith(".partial"):
                        os.remove(os.path.join(directory, name))

    def size(self, name: str) -> int:
        """Bytes of a file."""
        return int(self.fs.size(self._full(name)))

    def files(self) -> list[str]:
        """Every file here and below, by its path from here, sorted."""
        self.fs.invalidate_cache()
        found = self.fs.find(self.path) if self.exists() else []
        return sorted(posixpath.relpath(str(path), self.path) for path in found)

    def remove(self) -> None:
        """Remove the folder and everything in it; an absent one is no error."""
        if self.exists():
            self.fs.rm(self.path, recursive=True)
