"""Opening a file: what it holds, decompressed and recognised, member by member where it is an archive."""

import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Self, cast

from .find import shown
from .formats import HEAD, bare, by_name, recognise
from .identity import InputFile
from .limits import MIB, Limits
from .quarantine import Quarantined, excerpt
from .stream import Damaged, Stream

# What zipfile raises for a directory or header that lies: bad offsets, unknown methods, impossible names.
BAD_ZIP = (zipfile.BadZipFile, OSError, RuntimeError, ValueError, EOFError)
SPOOL = 64 * MIB  # beyond this, what must be seekable goes to a temporary file


@dataclass(frozen=True)
class Part:
    """A file, or a member of an archive (`archive.zip/member.txt`), ready to be read once from front to back.

    `format` is one of the names in `formats`, or `other` for a member whose name promises no known format.
    """

    name: str
    format: str
    stream: Stream
    file: BinaryIO | None = None  # the file itself where it is not compressed

    @contextmanager
    def seekable(self) -> Iterator[BinaryIO]:
        """The bytes as a file that can be read in any order; compressed ones are spooled to the disk.

        Raises:
            Damaged: the stream ends in damage.
        """
        if self.file is not None and self.file.seekable():
            self.file.seek(0)
            yield self.file
            return
        with SpooledTemporaryFile(max_size=SPOOL) as spool:
            while block := self.stream.read(MIB):
                spool.write(block)
            spool.seek(0)
            yield cast(BinaryIO, spool)


def open_parts(file: InputFile, limits: Limits) -> Iterator[Part | Quarantined]:
    """The parts of one file: itself, or the members of a tar or zip archive (archives inside are not opened).

    A part must be read before the next one is asked for.

    Raises:
        Changed: the file was not what it had been when it was found, before or after it was read.
    """
    file.check_unchanged()
    yield from _parts(file, limits)
    file.check_unchanged()


def _parts(file: InputFile, limits: Limits) -> Iterator[Part | Quarantined]:
    try:
        opened = file.open()
    except (OSError, ValueError) as error:
        yield Quarantined(file.name, "file", "unreadable", excerpt(_message(error)))
        return
    with opened as source:
        stream = Stream(source, limits)
        kind = recognise(file.name, stream.peek(HEAD))
        part = Part(file.name, kind, stream, None if stream.codec else source)
        if kind == "tar":
            yield from _tar(part, limits)
        elif kind == "zip":
            yield from _zip(part, limits)
        else:
            yield from _checked(part)


def _checked(part: Part) -> Iterator[Part | Quarantined]:
    if part.format == "empty":
        try:
            part.stream.read(1)
        except Damaged as damage:
            yield Quarantined(part.name, "file", damage.reason, excerpt(damage.detail))
        else:
            yield Quarantined(part.name, "file", "empty-file", "")
    elif part.format == "unknown":
        yield Quarantined(part.name, "file", "unknown-format", excerpt(part.stream.peek(64)))
    else:
        yield part


def _member(archive: Part, name: str, source: BinaryIO, limits: Limits) -> Iterator[Part | Quarantined]:
    name = shown(name)  # tarfile gives bytes that are not UTF-8 as lone surrogates, which nothing can write
    full = f"{archive.name}/{name}"
    stream = Stream(source, limits)
    kind = recognise(name, stream.peek(HEAD))
    if kind in ("tar", "zip") and by_name(name) == kind:
        yield Quarantined(full, "file", "archive-in-archive", "")
        return
    # An archive of a web site holds scripts, styles and pictures too, which are no bad input.
    if kind in ("tar", "zip", "unknown") or (
        kind in ("text", "json", "jsonl") and not by_name(name) and not bare(name)
    ):
        kind = "other"
    yield from _checked(Part(full, kind, stream))


class _Strict(tarfile.TarInfo):
    """A header that tells when it is damaged: tarfile takes a bad one for the end of the archive."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tar)
        except tarfile.HeaderError as error:
            if type(error).__name__ in ("EOFHeaderError", "EmptyHeaderError"):  # the two sound ends of an archive
                raise
            raise Damaged("truncated-archive", f"the header of a member cannot be read: {error}") from error


def _tar(archive: Part, limits: Limits) -> Iterator[Part | Quarantined]:
    at = 0
    try:
        with tarfile.open(fileobj=cast(BinaryIO, archive.stream), mode="r|", tarinfo=_Strict) as tar:
            for info in tar:
                at = info.offset
                if info.isfile() and not _hidden(info.name):
                    source = tar.extractfile(info)
                    assert source is not None
                    yield from _member(archive, info.name.removeprefix("./"), cast(BinaryIO, source), limits)
    except Damaged as damage:
        yield Quarantined(archive.name, f"byte {at}", damage.reason, excerpt(damage.detail))
    except (tarfile.TarError, EOFError) as error:
        yield Quarantined(archive.name, f"byte {at}", "truncated-archive", excerpt(_message(error)))


def _zip(archive: Part, limits: Limits) -> Iterator[Part | Quarantined]:
    try:
        with archive.seekable() as file, zipfile.ZipFile(file) as opened:
            for info in opened.infolist():
                name = f"{archive.name}/{info.filename}"
                if info.filename.endswith("/") or _hidden(info.filename):
                    continue
                if info.flag_bits & 1:
                    yield Quarantined(name, "file", "encrypted", "unpack it with its password first")
                elif info.file_size > max(limits.bomb_floor, limits.max_ratio * info.compress_size):
                    detail = f"{info.file_size:,} bytes out of {info.compress_size:,}"
                    yield Quarantined(name, "file", "decompression-bomb", detail)
                else:
                    yield from _zip_member(archive, opened, info, limits)
    except Damaged as damage:
        yield Quarantined(archive.name, "file", damage.reason, excerpt(damage.detail))
    except BAD_ZIP as error:
        yield Quarantined(archive.name, "file", "damaged-zip", excerpt(_message(error)))


def _zip_member(
    archive: Part, opened: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits
) -> Iterator[Part | Quarantined]:
    try:
        source = opened.open(info)
    except BAD_ZIP as error:
        yield Quarantined(f"{archive.name}/{info.filename}", "file", "damaged-zip", excerpt(_message(error)))
        return
    with source:
        yield from _member(archive, info.filename, cast(BinaryIO, source), limits)


def _hidden(name: str) -> bool:
    """Files that archivers and systems add: `.DS_Store`, `__MACOSX/...`, `._x`."""
    return any(part.startswith((".", "__")) and part not in (".", "..") for part in name.split("/"))


def _message(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
