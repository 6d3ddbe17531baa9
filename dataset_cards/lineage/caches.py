"""Folders of the store beside its versions that hold rows which were forgotten, or what was made from them."""

import shlex
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..cards.plain import plural
from ..said import here
from ..versions.files import Folder
from ..versions.store import DONE, STARTED, Store
from ..versions.table import Part, Table
from .decisions import CACHES
from .find import columns, locate, made_from, matching
from .graph import learns, training
from .row import packed

_NAMING = ("id", "record", "duplicate_of", "kept_id", "dropped_id", "item")  # columns that name rows


def caches(store: Store, ids: Collection[str], refs: Collection[str]) -> list[dict[str, Any]]:
    """Steps whose files name one of `ids`, and those whose files name no rows and were made from such.

    Args:
        refs: versions and models that hold the rows.
    """
    found: dict[str, dict[str, Any]] = {}
    records = dict(_records(store))
    blind = {}  # steps that cannot tell, by what they were made from
    for folder, told in records.items():
        place = Folder(store.root.fs, folder)
        try:
            held = _held(place, told, ids) if told else ["unfinished work, of which nothing can be told"]
            blind[folder] = [] if held or not told or _names_rows(place, told) else _eaten(told)
        except (RuntimeError, OSError, KeyError, TypeError, pa.ArrowInvalid) as error:
            held = [f"cannot be told: {error}"]
        if held:
            found[folder] = _entry(place, held)
    sources = {*refs, *(_name(store, folder) for folder in found)}
    while more := {folder for folder in blind if folder not in found and sources.intersection(blind[folder])}:
        for folder in more:
            model = (records[folder].get("facts") or {}).get("kind") == "model"
            what = "a model that learned from them" if model else "what was made or measured of them"
            found[folder] = _entry(Folder(store.root.fs, folder), [what])
        sources |= {_name(store, folder) for folder in more}
    if store.root.exists("llm"):
        found["llm"] = _entry(store.root / "llm", ["what models were asked and answered, perhaps about these rows"])
    return [found[folder] for folder in sorted(found)]


def removal(folder: Folder) -> str:
    """The command that deletes a folder."""
    return f"rm -r {shlex.quote(here(folder))}" if folder.local else f"delete {folder}"


def _entry(place: Folder, held: list[str]) -> dict[str, Any]:
    return {"what": "cache", "where": here(place), "holds": held, "next": [removal(place)]}


def _records(store: Store) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every folder of a step with what its done.json says; of an unfinished or damaged one, nothing."""
    for cache in CACHES:
        root = store.root / cache
        names = root.files()
        whole = {path.rpartition("/")[0] for path in names if path.rpartition("/")[2] == DONE}
        begun = {path.rpartition("/")[0] for path in names if path.rpartition("/")[2] == STARTED}
        for name in sorted(whole | begun):
            folder = root / name
            try:
                told = folder.read_json(DONE) if name in whole else {}
            except RuntimeError:
                told = {}
            yield folder.path, told


def _name(store: Store, folder: str) -> str:
    for cache in CACHES:
        start = f"{(store.root / cache).path}/"
        if folder.startswith(start):
            return folder.removeprefix(start)
    return folder


def _rows(folder: Folder, told: Mapping[str, Any]) -> Table:
    return Table(folder, tuple(Part(**part) for part in told["parts"]))


def _names_rows(folder: Folder, told: Mapping[str, Any]) -> bool:
    """Whether what a step made says which rows it is of; sidecars, blocks of tokens and models do not."""
    return (
        bool(told["parts"])
        and "id" in columns(_rows(folder, told))
        and not packed({"recipe": {"steps": [told["step"]]}})
    )


def _eaten(told: Mapping[str, Any]) -> list[str]:
    """The steps and versions that something of a step's output was made from."""
    given = training(told).get("inputs")
    if given is not None:
        return [one["ref"] for one in given if learns(one["role"])]
    return [*told["inputs"], *told["step"]["inputs"]]


def _held(folder: Folder, told: Mapping[str, Any], ids: Collection[str]) -> list[str]:
    """What the files of a finished step have of these rows, in words."""
    parts = {part["name"] for part in told["parts"]}
    said, rows, lines = [], 0, 0
    for name in folder.files():
        if not name.endswith(".parquet"):
            continue
        with folder.open(name) as file:
            kinds = pq.read_schema(file)
        by = [
            one for one in _NAMING if one in kinds.names and kinds.field(one).type in (pa.string(), pa.large_string())
        ]
        if name in parts and "id" in by:
            rows += sum(map(len, locate(Table(folder, (Part(name, 0),)), ids).values()))
        elif by:
            lines += matching(Table(folder, (Part(name, 0),)), ids, *by, most=0)[0]
    if rows:
        said.append(f"{plural(rows, 'row')} of these ids")
    if parts and "id" in columns(_rows(folder, told)) and any(True for _ in made_from(_rows(folder, told), ids)):
        said.append("rows made from them")
    if lines:
        said.append(f"{plural(lines, 'line')} on them beside its rows")
    return said
