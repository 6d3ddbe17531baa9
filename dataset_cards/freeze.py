"""Freezing: give the rows of a finished step a name for ever, with the documents that go with them."""

import hashlib
import os
import platform
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from .documents.render import rendered
from .facts.instruments import Instruments
from .facts.measure import measure
from .versions.ancestors import ancestors
from .versions.files import Folder, json_bytes
from .versions.job import Refused
from .versions.ledger import overall
from .versions.lock import locked
from .versions.step import Step, in_order, parents
from .versions.store import Store
from .versions.table import Table
from .versions.version import DRAFT, Damaged, DatasetVersion, content_digest, parse_ref, seal, sha256

EXAMPLES = "ledger/examples.parquet"
MODEL = "model/"  # where a step puts what it made besides rows; its facts list these files under `files`
PAIRS = "ledger/pairs.parquet"
JUDGEMENTS = "ledger/judgements.parquet"  # every raw answer behind rows that people decided
SIDE_FILES = ("ledger/rows.parquet", "ledger/quarantine.parquet", EXAMPLES, PAIRS, "ledger/spans.parquet", JUDGEMENTS)
# What decides the bytes of rows; recorded so that a difference years later can be explained.
_PACKAGES = (
    *("datasets", "datatrove", "lxml", "numba", "numpy", "phonenumbers", "polars", "presidio-analyzer", "pyarrow"),
    *("spacy", "tldextract", "trafilatura"),
)


def freeze(
    store: Store, step: Step, ref: str, recipe: Mapping[str, Any], instruments: Instruments | None = None
) -> DatasetVersion:
    """The rows of a finished `step` as the version `ref`, with card, report and ledger.

    The same rows again under the same name are a no-op. A draft is replaced.

    Args:
        recipe: `name`, `function` and `parameters` of the call that built the step.
        instruments: what tells of a text what only other packages can; without, fewer facts are measured.

    Raises:
        FileExistsError: `ref` is frozen with other rows, or with something else said about them.
        Refused: the rows are tainted and `ref` is not a draft.
    """
    name, label = parse_ref(ref)
    taints = store.taints(step)
    if taints and label != DRAFT:
        raise Refused(f"{ref}: {'; '.join(taints)}; such rows can only become {name}@{DRAFT}")
    store.open()
    folder = store.root / "versions" / name / label
    with locked(store.root / "locks", f"versions.{name}", lambda: None):
        files = _data_files(store.table(step))
        side_files = [*_side_files(store.folder(step)), *_model_files(store, step)]
        record = _record(store, step, ref, recipe, [*files, *side_files])
        if folder.exists("version.json") and label != DRAFT:
            frozen = store.version(ref)
            _same(frozen, record)
            return frozen
        record = _measured(store, step, ref, record, instruments or Instruments())  # a draft stays whole if this fails
        folder.remove()
        for file in record["files"]:
            _copy(store.folder(step), file.pop("from"), folder, file["path"])
        record = {**record, "seal": seal(record)}
        documents = rendered(record, _shown(folder, EXAMPLES), _shown(folder, PAIRS))
        for path, text in documents.items():
            folder.write_bytes(path, text.encode())
        _write_sums(folder, record, documents)
        folder.write_json("version.json", record)
    return store.version(ref)


def _measured(store: Store, step: Step, ref: str, record: dict[str, Any], instruments: Instruments) -> dict[str, Any]:
    """The record with the facts about its rows; where any language was not stated, all are as they were measured."""
    try:
        content = measure(record["kind"], store.table(step), instruments)
    except Exception as error:
        error.add_note(
            f"{ref} was not frozen: its rows could not be measured; they are whole in {store.folder(step)}, and the "
            "same command goes on from there"
        )
        raise
    if not content:
        return record
    stated, measured = record["languages"], (content.get("languages") or {}).get("counts") or {}
    silent = "und" in stated or sum(stated.values()) < record["rows"]
    looked = instruments.language is not None and silent
    languages = measured if measured and (looked or not stated) else stated
    return {**record, "languages": languages, "facts": {**record["facts"], "content": content}}


def _same(frozen: DatasetVersion, record: Mapping[str, Any]) -> None:
    """Complain if a version is frozen with anything else than what is to be frozen now."""
    if frozen.json["digest"] != record["digest"]:
        if frozen.kind == "model":
            raise FileExistsError(
                f"{frozen.ref} is frozen with another model ({frozen.json['digest'][:23]}); choose another version"
            )
        rows = f"{frozen.json['rows']:,} rows, {frozen.json['digest'][:23]}"
        raise FileExistsError(
            f"{frozen.ref} is frozen with other rows ({rows}); choose another version; "
            "`gristmill diff` then shows the difference"
        )
    models = [
        {f["path"]: f["sha256"] for f in r["files"] if f["path"].startswith(MODEL)} for r in (frozen.json, record)
    ]
    if models[0] != models[1]:
        raise FileExistsError(
            f"{frozen.ref} is frozen with the same rows, but with another model; choose another version"
        )
    for key in ("kind", "license", "source", "ledger"):
        if frozen.json[key] != record[key]:
            raise FileExistsError(
                f"{frozen.ref} is frozen with the same rows, but its {key} is {frozen.json[key]!r}, "
                f"not {record[key]!r}; choose another version"
            )


def _data_files(table: Table) -> list[dict[str, Any]]:
    """The parts with rows as version.json lists them, and where each comes `from`; of no rows, one empty part."""
    parts = [part for part in table.parts if part.rows] or list(table.parts[:1])
    paths = [f"data/train-{number:05d}-of-{len(parts):05d}.parquet" for number in range(len(parts))]
    return [_file(table.folder, part.name, path, part.rows) for part, path in zip(parts, paths, strict=True)]


def _side_files(source: Folder) -> list[dict[str, Any]]:
    """What the step wrote about its rows."""
    found = []
    for path in SIDE_FILES:
        if source.exists(path):
            with source.open(path) as file:
                rows = int(pq.read_metadata(file).num_rows)
            found.append(_file(source, path, path, rows))
    return found


def _model_files(store: Store, step: Step) -> list[dict[str, Any]]:
    """What the step made besides rows; none of these files is counted in rows.

    Raises:
        Damaged: a file of the step's cache is gone.
    """
    source, found = store.folder(step), []
    facts = store.done(step)["facts"]
    kind = facts["kind"]
    for path in facts.get("files", ()):
        if not path.startswith(MODEL) or ".." in path.split("/"):
            raise ValueError(f"{step.name}: a step may add files under {MODEL} and not {path!r}")
        if not source.exists(path):
            raise Damaged(f"{source}/{path} is missing; delete the folder {source} and run again")
        # A version of kind `model` is the model: its files lie at the top, where `from_pretrained` looks for them.
        found.append(_file(source, path, path.removeprefix(MODEL) if kind == "model" else path))
    return found


def _file(source: Folder, name: str, path: str, rows: int | None = None) -> dict[str, Any]:
    with source.open(name) as file:
        digest = sha256(file)
    counted = {} if rows is None else {"rows": rows}
    return {"from": name, "path": path, **counted, "bytes": source.size(name), "sha256": digest}


def _copy(source: Folder, name: str, target: Folder, path: str) -> None:
    with source.open(name) as file, target.create(path) as out:
        while block := file.read(1 << 22):
            out.write(block)


def _record(
    store: Store, step: Step, ref: str, recipe: Mapping[str, Any], files: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Everything version.json says but its seal; each file with the place it comes `from`."""
    name, label = parse_ref(ref)
    done = store.done(step)
    facts = {key: value for key, value in done["facts"].items() if key != "files"}
    table = store.table(step)
    funnel = store.funnel(step)
    data = [file for file in files if file["path"].startswith("data/")]
    book = overall(funnel).check(ref)
    # Of a model, the rows it was trained on and measured by, and the bytes of all its files.
    learned = facts["kind"] == "model"
    record: dict[str, Any] = {
        "gristmill": version("gristmill"),
        "name": name,
        "version": label,
        "kind": facts.pop("kind"),
        "created": time.strftime(
            "%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
        ),
        "digest": content_digest(files),
        "rows": book.kept if learned else sum(file["rows"] for file in data),
        "bytes": sum(file["bytes"] for file in (files if learned else data)),
        "license": facts.pop("license", "unknown"),
        "source": facts.pop("source", None),
        "languages": facts.pop("languages", {}),
        "schema": [{"name": field.name, "type": str(field.type)} for field in table.schema()],
        "files": list(files),
        "parents": [
            {"name": parent.name, "version": parent.version, "digest": parent.json["digest"]}
            for parent in parents(step)
        ],
        "ancestors": ancestors(parents(step), bare=bool(facts.pop("bare_ancestors", False))),
        "recipe": {**recipe, "steps": [one.json() for one in in_order(step)]},
        "ledger": book.json(),
        "funnel": funnel,
        "facts": facts,
        "environment": environment(),
        "tainted": store.taints(step),
    }
    if record["ledger"]["kept"] != record["rows"]:
        raise RuntimeError(
            f"{ref}: the funnel keeps {record['ledger']['kept']} rows, but {record['rows']} were written"
        )
    return record


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


def _shown(folder: Folder, path: str) -> pl.DataFrame:
    if not folder.exists(path):
        return pl.DataFrame()
    with folder.open(path) as file:
        return pl.read_parquet(file)


def _write_sums(folder: Folder, record: Mapping[str, Any], documents: Mapping[str, str]) -> None:
    """SHA256SUMS over every file of the version, in the form `sha256sum -c` reads."""
    sums = {str(file["path"]): str(file["sha256"]) for file in record["files"]}
    sums |= {path: hashlib.sha256(text.encode()).hexdigest() for path, text in documents.items()}
    sums["version.json"] = hashlib.sha256(json_bytes(record)).hexdigest()
    folder.write_bytes("SHA256SUMS", "".join(f"{sums[path]}  {path}\n" for path in sorted(sums)).encode())
