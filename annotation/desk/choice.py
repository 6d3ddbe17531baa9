"""The desk of a run: Argilla, found when a step first needs it, or scripted annotators in memory."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

from dataset_cards.versions.errors import Misuse

from .desk import Answer, Desk, Item, Queue
from .scripted import scripted

Kind = Literal["argilla", "memory"]


def desk_for(kind: Kind, people: Sequence[str], home: Path) -> Desk:
    """The desk that a run is given; nothing is connected to yet.

    Args:
        people: scripted annotators as `--scripted` writes them, for `memory`.
        home: where the desk of this machine lives, for `argilla`.

    Raises:
        Misuse: scripted annotators and a real desk, or a memory desk without any.
    """
    if kind == "memory":
        from .memory import MemoryDesk

        if not people:
            raise Misuse("--desk memory needs annotators: add --scripted a1=careful --scripted a2=noisy, and so on")
        return MemoryDesk([scripted(one) for one in people])
    if people:
        raise Misuse("--scripted is for --desk memory; on a real desk, people answer")
    return Argilla(home)


class Argilla:
    """The Argilla that the environment or the home folder names, looked for on first use: most steps need none."""

    taint: str | None = None

    def __init__(self, home: Path) -> None:
        self._home = home

    @cached_property
    def _desk(self) -> Desk:
        from .argilla import find_desk

        return find_desk(self._home)

    def put(self, queue: Queue, items: Sequence[Item]) -> None:
        """See `desk.Desk`."""
        self._desk.put(queue, items)

    def answers(self, queue: Queue) -> Iterator[Answer]:
        """See `desk.Desk`."""
        return self._desk.answers(queue)
