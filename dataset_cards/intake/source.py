"""Input: files in a fixed order with an identity, cut into slices for the tasks of a step."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dataset_cards.versions.fingerprint import fingerprint

from .find import NoInput, find_files, shown
from .identity import Changed, InputFile

__all__ = ["Changed", "Input", "InputFile", "NoInput"]


@dataclass(frozen=True)
class Input:
    """Files in corpus order, and what lies in the same folder and is no input: `logo.png (no known format)`."""

    address: str
    files: tuple[InputFile, ...]
    skipped: tuple[str, ...] = ()

    @classmethod
    def find(cls, address: str) -> "Input":
        """The files at `address`: a file, a folder (searched to the bottom), a glob, or any fsspec address.

        In a folder, files are taken by name: known formats only, without hidden files (`.x`, `_x`), the files that
        describe a data set, and whole stores of gristmill; the rest is listed in `skipped`. A file that is named
        outright or matched by a glob is taken whatever its name. Of a local address nothing is read as a URL.

        Raises:
            NoInput: the address is empty, its kind is not known or its driver is not installed, nothing is there, it
                is a pipe or a device, or nothing is in a format that can be read.
        """
        files, left_out = find_files(address)
        return cls(address, tuple(files), tuple(sorted(f"{shown(name)} ({why})" for name, why in left_out.items())))

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
