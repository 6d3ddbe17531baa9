"""Lines and exact lengths out of a stream, with a way back."""

from dataset_cards.intake.limits import MIB
from dataset_cards.intake.stream import Damaged, Stream

LINE = 64 << 10  # bytes; a longer line is given in pieces


class Cursor:
    """A place in a stream. Damage is raised only by a call that needs a byte behind it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._data = b""
        self._at = 0
        self._failure: Damaged | None = None

    def _fill(self, size: int) -> int:
        """Have `size` bytes ahead if there are so many, and return how many there are."""
        total = len(self._data) - self._at
        if total >= size or self._failure:
            return total
        pieces = [self._data[self._at :]]
        try:
            while total < size and (block := self._stream.read(max(MIB, size - total))):
                pieces.append(block)
                total += len(block)
        except Damaged as damage:
            self._failure = damage
        self._data, self._at = b"".join(pieces), 0
        return total

    def ahead(self, size: int) -> bytes:
        """The next `size` bytes or what there is of them, not taken; never raises."""
        self._fill(size)
        return self._data[self._at : self._at + size]

    def take(self, size: int) -> bytes:
        """The next `size` bytes, fewer at the end.

        Raises:
            Damaged: it comes before that many bytes.
        """
        if self._fill(size) < size and self._failure:
            raise self._failure
        data = self._data[self._at : self._at + size]
        self._at += len(data)
        return data

    def skip(self, size: int) -> int:
        """Pass over `size` bytes in bounded memory and return how many there were; raises as `take`."""
        left = size
        while left and (data := self.take(min(left, MIB))):
            left -= len(data)
        return size - left

    def line(self) -> bytes:
        """The next line with its end, at most 64 KiB; empty at the end; raises as `take`."""
        end = self._data.find(b"\n", self._at, self._at + LINE)
        if end < 0:
            self._fill(LINE)
            end = self._data.find(b"\n", self._at, self._at + LINE)
        if end >= 0:
            return self.take(end + 1 - self._at)
        there = len(self._data) - self._at
        return self.take(LINE if self._failure or there > LINE else there)

    def back(self, data: bytes) -> None:
        """Put bytes that were taken before the place again."""
        self._data, self._at = data + self._data[self._at :], 0

    def resync(self) -> bool:
        """After damage: go on at the next gzip member, and say whether there is one."""
        self._data, self._at, self._failure = b"", 0, None
        return self._stream.resync()
