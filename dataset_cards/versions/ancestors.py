"""Every version behind a version, told inside it: documents can be written when the others are no longer at hand."""

from collections.abc import Iterable, Mapping
from typing import Any

from .version import DatasetVersion

_TOLD = ("name", "version", "kind", "digest", "rows", "bytes", "created", "license", "source", "languages")


def ancestors(parents: Iterable[DatasetVersion]) -> list[dict[str, Any]]:
    """The parents and all that is behind them, each once, sorted by ref.

    Each has `name, version, kind, digest, rows, bytes, created, license, source, languages, recipe` (its name),
    `parents` (refs), and `licenses`, `sources`, `content` as far as its facts have them.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for parent in parents:
        for one in (*parent.json.get("ancestors", ()), _told(parent.json)):
            found[f"{one['name']}@{one['version']}", str(one["digest"])] = dict(one)
    return [found[key] for key in sorted(found)]


def _told(record: Mapping[str, Any]) -> dict[str, Any]:
    facts = record.get("facts") or {}
    content = facts.get("content") or {}
    return {
        **{key: record.get(key) for key in _TOLD},
        "recipe": (record.get("recipe") or {}).get("name"),
        "parents": [f"{one['name']}@{one['version']}" for one in record.get("parents") or ()],
        "licenses": facts.get("licenses") or {},
        "sources": facts.get("sources") or {},
        "content": {key: content[key] for key in ("origins", "domains", "dates", "modality") if key in content},
    }
