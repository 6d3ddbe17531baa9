"""Every version behind a version, told inside it: documents can be written when the others are no longer at hand."""

from collections.abc import Iterable, Mapping
from typing import Any

from .version import DatasetVersion

# Roles in which a trainer reads what it measures by and does not learn from.
MEASURED_BY = ("held_out", "against", "task", "harmful", "harmless", "gold")
_TOLD = ("name", "version", "kind", "digest", "rows", "bytes", "created", "license", "source", "languages")


def ancestors(parents: Iterable[DatasetVersion], bare: bool = False) -> list[dict[str, Any]]:
    """The parents and all that is behind them, each once, sorted by ref.

    Each has `name, version, kind, digest, rows, bytes, created, license, source, languages, recipe` (its name),
    `parents` (refs), `only_read` (those of them of which nothing is inside), and `licenses`, `sources`, `text`,
    `content` as far as its facts have them; of `bare` ones `sources` and `content` are left empty, since the names of
    files and domains may be those of people who are not to be named.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for parent in parents:
        for one in (*parent.json.get("ancestors", ()), _told(parent.json)):
            found[f"{one['name']}@{one['version']}", str(one["digest"])] = dict(one) | (
                {"sources": {}, "content": {}} if bare else {}
            )
    return [found[key] for key in sorted(found)]


def only_read(record: Mapping[str, Any]) -> list[str]:
    """Refs of parents that were read and of which nothing is inside: held against, compared with, measured by."""
    facts = record.get("facts") or {}
    names = {one.get("evaluation") for one in (facts.get("decontamination") or {}).get("evaluations") or ()}
    own = ((record.get("recipe") or {}).get("parameters") or {}).get("rows")  # compared with its own source
    names |= {ref for one in (facts.get("variety") or {}).get("against") or () if (ref := one.get("version")) != own}
    eaten = (facts.get("training") or {}).get("inputs") or ()
    learned = {one["ref"] for one in eaten if one["role"] not in MEASURED_BY}
    names |= {one["ref"] for one in eaten} - learned
    return sorted(ref for one in record.get("parents") or () if (ref := f"{one['name']}@{one['version']}") in names)


def amounts(record: Mapping[str, Any]) -> dict[str, int]:
    """`characters`, `bytes` and `words` of all text in the rows, as far as they were counted."""
    facts = record.get("facts") or {}
    columns = ((facts.get("content") or {}).get("lengths") or {}).values()
    known = ("characters", "bytes", "words")
    found = {key: sum(one[key] for one in columns) for key in known if columns and all(key in one for one in columns)}
    text = facts.get("text") or {}
    return {**{key: text[key] for key in known if key in text}, **found}


def counted(record: Mapping[str, Any], key: str) -> dict[str, int]:
    """Rows by language, licence or source, wherever the version has it; of licences, rows without one are `unknown`."""
    facts = record.get("facts") or {}
    if known := record.get(key) or facts.get(key):
        return dict(known)
    content = (facts.get("content") or {}).get(key) or {}
    without = {"unknown": content["missing"]} if key == "licenses" and content.get("missing") else {}
    return {**(content.get("counts") or {}), **without}


def _told(record: Mapping[str, Any]) -> dict[str, Any]:
    facts = record.get("facts") or {}
    content = facts.get("content") or {}
    return {
        **{key: record.get(key) for key in _TOLD},
        "recipe": (record.get("recipe") or {}).get("name"),
        "parents": [f"{one['name']}@{one['version']}" for one in record.get("parents") or ()],
        "only_read": only_read(record),
        **{key: counted(record, key) for key in ("languages", "licenses", "sources")},
        "text": amounts(record),
        "content": {
            key: content[key] for key in ("origins", "licenses", "domains", "dates", "modality") if key in content
        },
    }
