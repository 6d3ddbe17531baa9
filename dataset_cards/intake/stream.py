"""The decompressed bytes of a file, a bounded piece at a time, honest about where and why they end."""

import bz2
import lzma
import tarfile
import zipfile
import zlib
from typing import Any, BinaryIO

import zstandard

from .limits import MIB, Limits

GIVE = MIB  # bytes a decoder may give out at once
TAKE = MIB  # bytes fetched at once
# zstandard gives no way to bound its output; a block is at most 128 KiB and takes at least 4 bytes.
TAKE_ZSTD = 4096

GZIP_MEMBER = b"\x1f\x8b\x08"
MAGIC = {
    GZIP_MEMBER: "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    **{bytes([n]) + b"\x2a\x4d\x18": "zstd" for n in range(0x50, 0x60)},  # skippable frames, as pzstd writes first
}
BROKEN = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zstandard.ZstdError)


class Damaged(Exception):
    """The bytes stop making sense here; everything before was given out."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def codec_of(head: bytes) -> str:
    """`gzip`, `bzip2`, `xz`, `zstd`, or an empty string for bytes that are not compressed."""
    return next((codec for magic, codec in MAGIC.items() if head.startswith(magic)), "")


def _decoder(codec: str) -> Any:
    match codec:
        case "gzip":
            return zlib.decompressobj(wbits=31)
        case "bzip2":
            return bz2.BZ2Decompressor()
        case "xz":
            return lzma.LZMADecompressor(memlimit=256 * MIB)
        case _:
            # Dumps made with `zstd --long=31` need the full window.
            return zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()


class Stream:
    """Reads `file`, decompressing by its magic bytes whatever its name says; members are joined as one."""

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self._ready: list[bytes] = []
        self._held = 0
        self._taken = 0
        self.given = 0
        self._decoder: Any = None
        self._fresh = True
        self._ended = False
        self._failure: Damaged | None = None
        self._raw = b""
        self.codec = ""
        try:
            self._raw = self._fetch()
        except Damaged as failure:
            self._failure = failure
        self.codec = codec_of(self._raw)

    def read(self, size: int) -> bytes:
        """Up to `size` bytes (> 0), fewer only before the end or the damage; empty at the end.

        Raises:
            Damaged: once everything before the damage was given out.
        """
        while self._held < size and self._step():
            pass
        data = self._ready[0] if len(self._ready) == 1 else b"".join(self._ready)
        self._ready = [data[size:]] if len(data) > size else []
        self._held = max(0, len(data) - size)
        if not data and self._failure:
            raise self._failure
        return data[:size]

    def peek(self, size: int) -> bytes:
        """The next bytes without taking them; never raises."""
        while self._held < size and self._step():
            pass
        return b"".join(self._ready)[:size]

    def resync(self) -> bool:
        """After damage inside gzip data: go on at the next member, and say whether there is one."""
        if self.codec != "gzip" or self._failure is None or self._failure.reason != "damaged-gzip":
            return False
        self._failure, self._ready, self._held = None, [], 0
        searched = self._raw[1:] if self._fresh else self._raw
        while (at := searched.find(GZIP_MEMBER)) < 0:
            try:
                more = self._fetch()
            except Damaged as failure:
                self._failure = failure
                return False
            if not more:
                self._raw, self._ended = b"", True
                return False
            searched = searched[-2:] + more
        self._raw, self._decoder = searched[at:], None
        return True

    def _fetch(self) -> bytes:
        try:
            data = self._file.read(TAKE)
        except (zipfile.BadZipFile, zlib.error) as error:
            raise Damaged("damaged-zip", str(error)) from error
        except (tarfile.TarError, EOFError) as error:
            raise Damaged("truncated-archive", str(error)) from error
        except (OSError, NotImplementedError, RuntimeError) as error:
            raise Damaged("unreadable", str(error)) from error
        self._taken += len(data)
        return data

    def _step(self) -> bool:
        """Make more bytes ready; false at the end and at the damage."""
        if self._ended or self._failure:
            return False
        try:
            data = self._decode() if self.codec else self._raw or self._fetch()
        except Damaged as failure:
            self._failure = failure
            return False
        if not self.codec:
            self._raw = b""
            self._ended = not data
        if data:
            self._ready.append(data)
            self._held += len(data)
            self.given += len(data)
        return not self._ended

    def _decode(self) -> bytes:
        hungry = self._decoder is None or getattr(self._decoder, "needs_input", True)
        if hungry and not self._raw:
            self._raw = self._fetch()
            if not self._raw:
                self._ended = True
                if self._decoder is not None:
                    raise Damaged(f"truncated-{self.codec}", f"the file ends inside {self.codec} data")
                return b""
        if self._decoder is None:
            if codec_of(self._raw) != self.codec:
                return self._trailing()
            self._decoder, self._fresh = _decoder(self.codec), True
        take = TAKE_ZSTD if self.codec == "zstd" else TAKE
        piece, rest = (self._raw[:take], self._raw[take:]) if hungry else (b"", self._raw)
        try:
            if self.codec == "zstd":
                data: bytes = self._decoder.decompress(piece)
            else:
                data = self._decoder.decompress(piece, GIVE)
        except BROKEN as error:
            raise Damaged(f"damaged-{self.codec}", str(error)) from error
        self._fresh = False
        over = self._decoder.unused_data or getattr(self._decoder, "unconsumed_tail", b"")
        self._raw = over + rest if over else rest
        if self._decoder.eof:
            self._decoder = None
        given, taken = self.given + len(data), self._taken - len(self._raw)
        if given > max(self._limits.bomb_floor, self._limits.max_ratio * taken):
            raise Damaged("decompression-bomb", f"more than {given:,} bytes out of {taken:,}")
        return data

    def _trailing(self) -> bytes:
        """What follows the last member: zeros are padding, as tar and gzip write it; a member may come later."""
        padding = self._raw.lstrip(b"\x00")
        if not padding:
            self._raw = b""
            return b""
        if codec_of(padding) == self.codec:
            self._raw = padding
            return b""
        if len(padding) < 6 and (more := self._fetch()):  # a member's magic may be cut by the edge of a fetch
            self._raw = padding + more
            return b""
        raise Damaged(f"damaged-{self.codec}", f"other data follows the last {self.codec} member")
