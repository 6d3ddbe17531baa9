"""Freezing: give the rows of a finished step a name for ever, with the documents that go with them."""

import os
import platform
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from .cards.card import render_card
from .cards.report import render_report
from .versions.files import Folder
from .versions.job import Refused
from .versions.ledger import overall
from .versions.lock import locked
from .versions.step import Step, in_order, parents
from .versions.store import Store
from .versions.table import Table
from .versions.version import DRAFT, DatasetVersion, content_digest, parse_ref, seal, sha256

EXAMPLES = "ledger/examples.parquet"
# What decides the bytes of rows; recorded so that a difference years later can be explained.
_PACKAGES = ("datasets", "datatrove", "numba", "numpy", "polars", "pyarrow", "spacy", "trafilatura")


def freeze(store: Store, step: Step, ref: str, recipe: Mapping[str, Any]) -> DatasetVersion:
    """The rows of a finished `step` as the version `ref`, with card, report and ledger.

    The same rows again under the same name are a no-op. A draft is replaced.

    Args:
        recipe: `name`, `function` and `parameters` of the call that built the step.

    Raises:
        FileExistsError: `ref` is frozen with other rows.
        Refused: the rows are tainted and `ref` is not a draft.
    """
    name, label = parse_ref(ref)
    done = store.done(step)
    if done["tainted"] and label != DRAFT:
        raise Refused(f"{ref}: {'; '.join(done['tainted'])}; such rows can only become {name}@{DRAFT}")
    folder = store.root / "versions" / name / label
    with locked(store.root / "versions" / name, lambda: None):
        files = _data_files(store.table(step))
        if folder.exists("version.json"):
            frozen = store.version(ref)
            if frozen.json["digest"] == content_digest(files):
                return frozen
            if label != DRAFT:
                raise FileExistsError(
                    f"{ref} is frozen with other rows ({frozen.json['rows']:,} rows, {frozen.json['digest'][:23]}); "
                    f"choose another version, or look at the difference with `gristmill diff`"
                )
        folder.remove()
        _copy_data(store.table(step), folder, files)
        files += _copy_side_files(store.folder(step), folder)
        record = _record(store, step, ref, recipe, files)
        folder.write_bytes("README.md", render_card(record, _examples(folder)).encode())
        folder.write_bytes("report.html", render_report(record, _examples(folder)).encode())
        folder.write_json("version.json", record)
        write_sums(folder, files)
    return store.version(ref)


def _data_files(table: Table) -> list[dict[str, Any]]:
    parts = [part for part in table.parts if part.rows] or list(table.parts[:1])
    files = []
    for number, part in enumerate(parts):
        with table.folder.open(part.name) as file:
            digest = sha256(file)
        path = f"data/train-{number:05d}-of-{len(parts):05d}.parquet"
        size = int(table.folder.fs.size(f"{table.folder.path}/{part.name}"))
        files.append({"path": path, "rows": part.rows, "bytes": size, "sha256": digest, "part": part.name})
    return files


def _copy_data(table: Table, folder: Folder, files: Sequence[dict[str, Any]]) -> None:
    for entry in files:
        _copy(table.folder, entry.pop("part"), folder, entry["path"])


def _copy(source: Folder, name: str, target: Folder, path: str) -> None:
    with source.open(name) as file, target.create(path) as out:
        while block := file.read(1 << 22):
            out.write(block)


def _copy_side_files(source: Folder, folder: Folder) -> list[dict[str, Any]]:
    """What the step wrote about its rows: the `ledger` folder."""
    files = []
    for name in (source / "ledger").names():
        path = f"ledger/{name}"
        _copy(source / "ledger", name, folder, path)
        with folder.open(path) as file:
            digest = sha256(file)
        size = int(folder.fs.size(f"{folder.path}/{path}"))
        files.append({"path": path, "rows": _rows(folder, path), "bytes": size, "sha256": digest})
    return files


def _rows(folder: Folder, path: str) -> int:
    with folder.open(path) as file:
        return int(pq.read_metadata(file).num_rows) if path.endswith(".parquet") else 0


def _record(
    store: Store, step: Step, ref: str, recipe: Mapping[str, Any], files: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Everything version.json says."""
    name, label = parse_ref(ref)
    done = store.done(step)
    facts = dict(done["facts"])
    table = store.table(step)
    funnel = store.funnel(step)
    data = [file for file in files if file["path"].startswith("data/")]
    record: dict[str, Any] = {
        "gristmill": version("gristmill"),
        "name": name,
        "version": label,
        "kind": facts.pop("kind"),
        "created": time.strftime(
            "%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
        ),
        "digest": content_digest(files),
        "rows": sum(file["rows"] for file in data),
        "bytes": sum(file["bytes"] for file in data),
        "license": facts.pop("license", "unknown"),
        "source": facts.pop("source", None),
        "languages": facts.pop("languages", {}),
        "schema": [{"name": field.name, "type": str(field.type)} for field in table.schema()],
        "files": list(files),
        "parents": [
            {"name": parent.name, "version": parent.version, "digest": parent.json["digest"]}
            for parent in parents(step)
        ],
        "recipe": {**recipe, "steps": [one.json() for one in in_order(step)]},
        "ledger": overall(funnel).check(ref).json(),
        "funnel": funnel,
        "facts": facts,
        "environment": environment(),
        "tainted": done["tainted"],
    }
    if record["ledger"]["kept"] != record["rows"]:
        raise RuntimeError(
            f"{ref}: the funnel keeps {record['ledger']['kept']} rows, but {record['rows']} were written"
        )
    return {**record, "seal": seal(record)}


def environment() -> dict[str, Any]:
    """What ran: Python, platform and the packages whose release can change rows."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": found,
    }


def _examples(folder: Folder) -> pl.DataFrame:
    if not folder.exists(EXAMPLES):
        return pl.DataFrame()
    with folder.open(EXAMPLES) as file:
        return pl.read_parquet(file)


def write_sums(folder: Folder, files: Sequence[Mapping[str, Any]]) -> None:
    """SHA256SUMS over every file of the version, in the form `sha256sum -c` reads."""
    sums = {str(file["path"]): str(file["sha256"]) for file in files}
    for name in ("README.md", "report.html", "version.json"):
        with folder.open(name) as file:
            sums[name] = sha256(file)
    lines = [f"{sums[path]}  {path}\n" for path in sorted(sums)]
    folder.write_bytes("SHA256SUMS", "".join(lines).encode())
