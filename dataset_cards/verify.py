"""Checking that a version still is what was frozen: every byte, every count."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from .versions.ledger import overall
from .versions.version import DatasetVersion, content_digest, seal, sha256

SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Problem:
    """One thing that is not as frozen, and the file it is about."""

    path: str
    what: str


def verify(version: DatasetVersion) -> list[Problem]:
    """Everything wrong with a version, all at once; an empty list means every byte and count is as frozen."""
    record = version.json
    found = []
    if seal(record) != record["seal"]:
        found.append(Problem("version.json", "was changed after freezing: its seal does not fit what it says"))
    if (record["name"], record["version"]) != (version.name, version.version):
        found.append(Problem("version.json", f"is that of {record['name']}@{record['version']}, not of this folder"))
    if content_digest(record["files"]) != record["digest"]:
        found.append(Problem("version.json", "gives a digest that is not that of the files it lists"))
    ledger = overall(record["funnel"])
    if ledger.json() != record["ledger"] or ledger.kept != record["rows"]:
        found.append(Problem("version.json", "has a ledger that does not add up to its funnel and rows"))
    return [*found, *_files(version)]


def _files(version: DatasetVersion) -> list[Problem]:
    """Files that are missing, changed, or not part of the version."""
    listed = {str(file["path"]): str(file["sha256"]) for file in version.json["files"]}
    rows = {str(file["path"]): int(file["rows"]) for file in version.json["files"] if "rows" in file}
    there = set(version.folder.files())
    if SUMS not in there:
        return [Problem(SUMS, "is missing: README.md and report.html cannot be checked without it")]
    sums = _read_sums(version)
    expected = {**sums, **listed}
    found = [Problem(path, "is not part of the version") for path in sorted(there - expected.keys() - {SUMS})]
    for path in sorted({"README.md", "report.html", "version.json", *listed} - sums.keys()):
        found.append(Problem(SUMS, f"does not list {path}"))
    for path in sorted(expected):
        found += (
            _file(version, path, expected[path], rows.get(path)) if path in there else [Problem(path, "is missing")]
        )
    return found


def _read_sums(version: DatasetVersion) -> dict[str, str]:
    lines = version.folder.read_bytes(SUMS).decode("utf-8", "replace").splitlines()
    pairs = [line.partition("  ") for line in lines]
    return {path: digest for digest, _, path in pairs}


def _file(version: DatasetVersion, path: str, expected: str, rows: int | None) -> list[Problem]:
    try:
        with version.folder.open(path) as file:
            digest = sha256(file)
        if digest != expected:
            return [Problem(path, f"is damaged: its sha256 is {digest[:12]}…, frozen as {expected[:12]}…")]
        if rows is not None:
            with version.folder.open(path) as file:
                counted = pq.read_metadata(file).num_rows
            if counted != rows:
                return [Problem(path, f"has {counted} rows, version.json says {rows}")]
    except (OSError, pa.ArrowInvalid) as error:
        return [Problem(path, f"cannot be read: {error}")]
    return []
