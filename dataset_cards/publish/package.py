"""What goes when a version is published: files as frozen, documents rendered anew, and sums over all of them."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import polars as pl

from ..documents.load import load
from ..documents.render import rendered
from ..freeze import EXAMPLES, PAIRS
from ..verify import SUMS
from ..versions.errors import Damaged
from ..versions.files import Folder, json_bytes
from ..versions.version import DatasetVersion, seal

ABOUT = "about.yaml"
RECORD = "version.json"
NOTE = "accepted.json"  # what the publisher let pass with a reason


@dataclass(frozen=True, kw_only=True)
class Item:
    """One file that goes.

    Attributes:
        path: from the folder of the version.
        origin: `frozen`, as it lies in the store; `written`, made now of version.json and about.yaml; `given`.
        content: its bytes, of everything that is not frozen.
    """

    path: str
    size: int
    sha256: str
    origin: str
    content: bytes | None = field(default=None, repr=False)

    def json(self) -> dict[str, Any]:
        return {"path": self.path, "bytes": self.size, "sha256": self.sha256, "origin": self.origin}


@dataclass(frozen=True, kw_only=True)
class Package:
    """Everything that goes, in the order in which it goes: rows first, version.json and SHA256SUMS last.

    The same version and the same about.yaml are the same bytes, whenever and wherever they are put together.
    """

    version: DatasetVersion
    items: tuple[Item, ...]

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(item.path for item in self.items)

    @property
    def size(self) -> int:
        return sum(item.size for item in self.items)

    def open(self, item: Item) -> BinaryIO:
        """The bytes of an item, to be closed by who asks."""
        return io.BytesIO(item.content) if item.content is not None else self.version.folder.open(item.path)

    def read(self, item: Item) -> bytes:
        with self.open(item) as file:
            return file.read()


def documents_of(version: DatasetVersion, about: bytes, name: str = ABOUT) -> dict[str, bytes]:
    """Every document by its name in the folder, with about.yaml itself.

    Args:
        about: what about.yaml holds.
        name: what messages call it.

    Raises:
        Gaps: about.yaml cannot be read or says too little.
        Damaged: the examples in the ledger cannot be read.
    """
    said = load(about, name)
    texts = rendered(version.json, _frame(version.folder, EXAMPLES), _frame(version.folder, PAIRS), said)
    documents = {path: text.encode() for path, text in texts.items()}
    return {**documents, ABOUT: about}


def collect(version: DatasetVersion, documents: Mapping[str, bytes], note: Mapping[str, Any] | None = None) -> Package:
    """The version with `documents`, and with a `note` on what was let pass.

    Raises:
        Damaged: version.json was changed, or lists a file that cannot be part of a version.
    """
    record = sealed(version)
    frozen = [
        Item(path=_inside(version, file["path"]), size=file["bytes"], sha256=file["sha256"], origin="frozen")
        for file in record["files"]
    ]
    written = {**documents, **({NOTE: json_bytes(note)} if note else {})}
    if twice := sorted(written.keys() & {item.path for item in frozen}):
        raise Damaged(f"{version.folder}: {', '.join(twice)} is a file of the version and a document too")
    made = [_item(path, written[path], "given" if path == ABOUT else "written") for path in sorted(written)]
    last = _item(RECORD, version.folder.read_bytes(RECORD), "frozen")
    items = (*frozen, *made, last)
    return Package(version=version, items=(*items, _item(SUMS, sums(items), "written")))


def sums(items: tuple[Item, ...]) -> bytes:
    """SHA256SUMS over all of them, in the form `sha256sum -c` reads."""
    return "".join(f"{item.sha256}  {item.path}\n" for item in sorted(items, key=lambda one: one.path)).encode()


def sealed(version: DatasetVersion) -> Mapping[str, Any]:
    """What version.json says.

    Raises:
        Damaged: it was changed after freezing, so nothing may be written from it.
    """
    if seal(version.json) != version.json["seal"]:
        raise Damaged(
            f"{version.folder}/{RECORD} was changed after freezing: its seal does not fit what it says; "
            f"put it back from a copy, and see `gristmill verify {version.ref}`"
        )
    return version.json


def _inside(version: DatasetVersion, path: str) -> str:
    parts = path.split("/")
    if path.startswith("/") or "\\" in path or not {"", ".", "..", ".git"}.isdisjoint(parts):
        raise Damaged(
            f"{version.folder}/{RECORD} lists {path!r}, which would lie outside the folder; do not publish it"
        )
    return path


def _item(path: str, content: bytes, origin: str) -> Item:
    digest = hashlib.sha256(content).hexdigest()
    return Item(path=path, size=len(content), sha256=digest, origin=origin, content=content)


def _frame(folder: Folder, path: str) -> pl.DataFrame:
    if not folder.exists(path):
        return pl.DataFrame()
    try:
        with folder.open(path) as file:
            return pl.read_parquet(file)
    except pl.exceptions.PolarsError as error:
        raise Damaged(f"{folder}/{path} cannot be read ({error}); put it back from a copy") from error
