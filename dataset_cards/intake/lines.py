"""Lines of a stream in blocks, with bounded memory however long a line is."""

from collections.abc import Iterator
from dataclasses import dataclass

from .limits import MIB
from .stream import Damaged, Stream


@dataclass(frozen=True)
class TooLong:
    """A line that is longer than allowed: its beginning and how many bytes it has."""

    start: bytes
    size: int


@dataclass(frozen=True)
class Cut:
    """The stream ended in damage inside this line: what is left of it."""

    start: bytes
    damage: Damaged


def read_lines(stream: Stream, max_bytes: int) -> Iterator[list[bytes | TooLong | Cut]]:
    """The lines without their "\\n", many at a time and all in order; a `Cut` can only be the very last."""
    held: list[bytes] = []  # the pieces of a line whose end is not read yet
    size = 0
    while True:
        try:
            block = stream.read(MIB)
        except Damaged as damage:
            yield [Cut(b"".join(held)[:max_bytes], damage)]
            return
        if not block:
            break
        pieces = block.split(b"\n")
        size += len(pieces[0])
        if len(pieces) == 1:
            if size <= max_bytes or not held:
                held.append(block)
            continue
        done: list[bytes | TooLong | Cut] = [*pieces[:-1]]
        if size > max_bytes:
            done[0] = TooLong(b"".join([*held[:1], pieces[0]])[:1000], size)
        elif held:
            done[0] = b"".join([*held, pieces[0]])
        if max_bytes < MIB:  # otherwise no line inside one block can be too long
            done = [TooLong(x[:1000], len(x)) if isinstance(x, bytes) and len(x) > max_bytes else x for x in done]
        yield done
        held, size = [pieces[-1]] if pieces[-1] else [], len(pieces[-1])
    if size > max_bytes:
        yield [TooLong(held[0][:1000], size)]
    elif size:
        yield [b"".join(held)]
