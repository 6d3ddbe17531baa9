"""Checking that a version still is what was frozen: every byte, every count."""

from dataclasses import dataclass

import pyarrow.parquet as pq

from .versions.ledger import overall
from .versions.version import DatasetVersion, content_digest, seal, sha256


@dataclass(frozen=True)
class Problem:
    """One thing that is not as frozen, and the file it is about."""

    path: str
    what: str


def verify(version: DatasetVersion) -> list[Problem]:
    """Everything wrong with a version, all at once; an empty list means every byte and count is as frozen."""
    problems = []
    folder, record = version.folder, version.json
    if seal(record) != record.get("seal"):
        problems.append(Problem("version.json", "was changed after freezing: its seal does not fit what it says"))
    if content_digest(record["files"]) != record["digest"]:
        problems.append(Problem("version.json", "its digest is not that of the files it lists"))
    for path, expected in _sums(version).items():
        if not folder.exists(path):
            problems.append(Problem(path, "is missing"))
            continue
        with folder.open(path) as file:
            found = sha256(file)
        if found != expected:
            problems.append(Problem(path, f"is damaged: sha256 is {found[:12]}…, frozen as {expected[:12]}…"))
        elif path.endswith(".parquet"):
            with folder.open(path) as file:
                rows = pq.read_metadata(file).num_rows
            listed = next((entry["rows"] for entry in record["files"] if entry["path"] == path), rows)
            if rows != listed:
                problems.append(Problem(path, f"has {rows} rows, version.json says {listed}"))
    ledger = overall(record["funnel"])
    if ledger.json() != record["ledger"] or ledger.kept != record["rows"]:
        problems.append(Problem("version.json", "the ledger does not add up to the funnel and the rows"))
    return problems


def _sums(version: DatasetVersion) -> dict[str, str]:
    """Expected hashes: version.json's own list, and SHA256SUMS for the documents rendered from it."""
    sums = {}
    if version.folder.exists("SHA256SUMS"):
        for line in version.folder.read_bytes("SHA256SUMS").decode("utf-8", "replace").splitlines():
            digest, _, path = line.partition("  ")
            sums[path] = digest
    listed = {str(file["path"]): str(file["sha256"]) for file in version.json["files"]}
    return {**sums, **listed}
