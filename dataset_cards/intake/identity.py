"""One file of the input, what tells its states apart, and whether it is still the file that was found."""

import hashlib
import os
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from fsspec import AbstractFileSystem

from dataset_cards.versions.errors import Damaged

from .limits import MIB

# blake2b takes about a second per GiB, and every `plan` and `run` looks at the whole input anew.
WHOLE_FILE = MIB  # a file of at most this size is known by all of its bytes
WHOLE_INPUT = 256 * MIB  # in an input of at most this size, every file is
SAMPLE = 64 << 10
SAMPLES = 5  # of a larger file: spread evenly from its first byte to its last

# What stores call the state of an object; the first that is given is used.
STAMPS = ("etag", "ETag", "checksum", "md5Hash", "content_md5", "generation", "version_id", "mtime", "LastModified")


class Changed(Damaged):
    """A file is no longer the one that was found, so its rows would stand under the identity of others."""


@dataclass(frozen=True)
class InputFile:
    """One file of the input.

    `name` is its path below the input's root and `path` the full one in `fs` (None for this machine's own files), to
    be opened as it stands; `size` in bytes. `stamp` changes when the file does. `mtime_ns` is no part of the identity:
    it tells whether a local file changes during a run, and is None for a link that leads nowhere and for remote files.
    """

    name: str
    path: str
    size: int
    stamp: str
    mtime_ns: int | None = None
    fs: AbstractFileSystem | None = field(default=None, repr=False, compare=False)

    def open(self) -> BinaryIO:
        """The stored bytes. No sign of the path has a meaning: `a::b`, `100%` and `x?` are names.

        Raises:
            OSError: it cannot be opened.
        """
        return open(self.path, "rb") if self.fs is None else cast(BinaryIO, self.fs.open(self.path, "rb"))

    def check_unchanged(self) -> None:
        """Compare size and time of change of a local file with what they were when it was found.

        Raises:
            Changed: they differ, or the file is gone.
        """
        if self.fs is not None:
            return
        try:
            now = os.stat(self.path)
            same = (now.st_size, now.st_mtime_ns) == (self.size, self.mtime_ns)
        except OSError:
            same = self.mtime_ns is None
        if not same:
            raise Changed(f"{self.name} changed while it was read, or is gone ({self.path}); run again to read it anew")

    def record(self) -> dict[str, Any]:
        """The fields as JSON holds them, without the filesystem."""
        return {key: getattr(self, key) for key in ("name", "path", "size", "stamp", "mtime_ns")}


def local_stamp(path: str, size: int, mtime_ns: int, whole: bool) -> str:
    """A hash of all bytes if `whole`; else of samples, together with the time of change."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        # Should a pipe have taken the file's place, this must not wait for somebody to write to it.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as file:
            if whole:
                while block := file.read(MIB):
                    digest.update(block)
                return f"content:{digest.hexdigest()}"
            for number in range(SAMPLES):
                file.seek(number * (size - SAMPLE) // (SAMPLES - 1))
                digest.update(file.read(SAMPLE) or b"")
    except OSError:
        return f"unreadable:{mtime_ns}"  # reading it puts it aside with the message of the system
    return f"samples:{digest.hexdigest()}:{mtime_ns}"


def remote_stamp(fs: Any, path: str, info: dict[str, Any]) -> str:
    """The store's own word for the state of an object, else what the filesystem makes of all it knows."""
    return next((str(info[key]) for key in STAMPS if info.get(key)), "") or str(info.get("created") or fs.ukey(path))
