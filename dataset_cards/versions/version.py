"""A dataset version: a name, a version, and the exact bytes they stand for."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from .errors import Damaged, Misuse
from .files import Folder
from .table import Part, Table

__all__ = [
    "DRAFT",
    "RECORD",
    "TRAINING",
    "Damaged",
    "DatasetVersion",
    "NoSuchVersion",
    "content_digest",
    "parse_ref",
    "seal",
    "sha256",
]

DRAFT = "draft"
TRAINING = "training.json"  # what a trainer says of a run, beside the model it left
# What version.json cannot do without.
RECORD = (
    *("name", "version", "kind", "created", "digest", "rows", "bytes", "license", "files", "parents", "recipe"),
    *("ledger", "funnel", "tainted", "seal"),
)
_NAME = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
_VERSION = re.compile(r"[A-Za-z0-9]+([._+-][A-Za-z0-9]+)*")


class NoSuchVersion(Misuse, LookupError):
    """The store has no version of that name."""


@dataclass(frozen=True, kw_only=True)
class DatasetVersion:
    """A frozen version as a recipe sees it: where its rows are and what its bytes hash to."""

    name: str
    version: str
    folder: Folder
    json: Mapping[str, Any]

    @property
    def ref(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def kind(self) -> str:
        """The row type, e.g. `documents`."""
        return str(self.json["kind"])

    @property
    def fingerprint(self) -> str:
        """By content: two versions with the same rows in the same files are the same input."""
        return str(self.json["digest"]).removeprefix("sha256:")[:16]

    @property
    def table(self) -> Table:
        data = [file for file in self.json["files"] if file["path"].startswith("data/")]
        return Table(self.folder, tuple(Part(file["path"], file["rows"]) for file in data))


def parse_ref(text: str) -> tuple[str, str]:
    """Split `name@version`.

    Raises:
        Misuse: when the version is missing (data is never read by its bare name) or either half is malformed.
    """
    name, at, version = text.partition("@")
    if not text:
        raise Misuse("the name of a version is empty; write NAME@VERSION, such as pages@1.0.0")
    if not at:
        raise Misuse(f"{text!r} names no version; write {text}@VERSION (`gristmill list` shows what there is)")
    if not _NAME.fullmatch(name):
        raise Misuse(f"{name!r} is no name for a dataset: use lower-case letters, digits, and - _ . between them")
    if not _VERSION.fullmatch(version):
        raise Misuse(f"{version!r} is no version: use something like 1.0.0, 2026.11.21 or draft")
    return name, version


def sha256(file: BinaryIO) -> str:
    """Hex digest of the rest of `file`, read in blocks."""
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def content_digest(files: Iterable[Mapping[str, Any]]) -> str:
    """The identity of a version: the hashes of its data files, in order; of a model, those of its files at the top.

    What only tells how a model came about has no part in it: the same weights are the same model.
    """
    listed = [(str(file["path"]), str(file["sha256"])) for file in files]
    data = [sha for path, sha in listed if path.startswith("data/")]
    top = sorted((path, sha) for path, sha in listed if "/" not in path and path != TRAINING)
    hashes = "".join(data or [f"{path} {sha} " for path, sha in top])
    return "sha256:" + hashlib.sha256(hashes.encode()).hexdigest()


def seal(version: Mapping[str, Any]) -> str:
    """A hash of everything version.json says, so that a change to the file itself is found."""
    body = {key: value for key, value in version.items() if key != "seal"}
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
