"""Rows to documents: which field holds the text, the id and the rest."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson

from dataset_cards.intake.quarantine import Quarantined, excerpt
from dataset_cards.versions.errors import Misuse

from .document import Document, text_id, to_json

# The first name that a row has is used, so the order matters.
FIELDS: dict[str, tuple[str, ...]] = {
    "text": ("text", "content", "raw_content", "document", "body", "article", "passage", "articleBody", "page_content"),
    "id": ("id", "_id", "doc_id", "docid", "document_id", "uuid", "guid"),
    "source": ("source",),
    "url": ("url", "uri", "source_url", "target_uri", "link"),
    "license": ("license", "licence"),
    "created": (
        "created",
        "created_at",
        "date",
        "timestamp",
        "crawl_date",
        "date_download",
        "published",
        "published_at",
    ),
    "language": ("language", "lang"),
}
SURPLUS = "metadata"


class BadMapping(Misuse):
    """The mapping names something that is no field of a document."""


class Mapper:
    """Turns rows of one file into documents; `mapping` is such as {"text": "my_field"}.

    Raises:
        BadMapping: a key of `mapping` is not one of text, id, source, url, license, created, language.
    """

    def __init__(self, mapping: Mapping[str, str]) -> None:
        if unknown := sorted(set(mapping) - set(FIELDS)):
            raise BadMapping(f"a document has no field {unknown[0]!r}; map one of {', '.join(FIELDS)}")
        self._names = {field: (mapping[field],) if field in mapping else names for field, names in FIELDS.items()}
        # Rows of a file mostly have the same keys: find the fields once for each set of keys.
        self._plans: dict[tuple[str, ...], dict[str, str]] = {}

    def document(self, file: str, position: str, row: dict[str, Any]) -> Document | Quarantined:
        """The document in `row`, which is used up; fields without a place of their own go to its metadata."""
        keys = tuple(row)
        plan = self._plans.get(keys)
        if plan is None:
            plan = self._plan(row)
        if (name := plan.get("text")) is None:
            detail = f"fields: {', '.join(keys)}; none is {', '.join(self._names['text'])}"
            return Quarantined(file, position, "missing-text", excerpt(detail))
        text = row.pop(name)
        if isinstance(text, bytes):
            try:
                text = text.decode()
            except UnicodeDecodeError:
                return Quarantined(file, position, "invalid-utf-8", excerpt(text))
        if text is None:
            return Quarantined(file, position, "missing-text", excerpt(f"{name} is null"))
        if not isinstance(text, str):
            return Quarantined(file, position, "wrong-type", excerpt(f"{name} is not a string: {text!r:.100}"))
        if "\x00" in text:
            return Quarantined(file, position, "null-byte", excerpt(text))
        nested = _nested(row)
        values: dict[str, str | None] = {}
        for field, name in plan.items():
            if field == "text":
                continue
            if (given := row[name]) is None or (value := _plain(given)) is not None:
                values[field] = None if given is None else value
                del row[name]
        for field in ("url", "license", "created", "language"):
            if nested and values.get(field) is None:
                values[field] = next((v for n in self._names[field] if isinstance(v := nested.get(n), str)), None)
        try:
            metadata = to_json(_merged(row, nested))
        except TypeError as error:
            reason = "nested-too-deep" if "ecursion" in str(error) else "wrong-type"
            return Quarantined(file, position, reason, excerpt(f"metadata: {error}"))
        return Document(
            values.get("id") or text_id(text),
            text,
            values.get("source") or file,
            values.get("url"),
            values.get("license"),
            values.get("created"),
            values.get("language"),
            metadata,
        )

    def _plan(self, row: dict[str, Any]) -> dict[str, str]:
        plan = {}
        for field, names in self._names.items():
            found = next((name for name in names if name in row), None)
            if found is not None:
                plan[field] = found
        if len(self._plans) < 1000:  # rows with keys that are all different must not fill the memory
            self._plans[tuple(row)] = plan
        return plan


def _plain(value: Any) -> str | None:
    """A value that can stand in a column of strings, or None: then it stays in the metadata as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, date):  # and datetime
        return value.isoformat()
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value:
        return str(value)
    return None


def _nested(row: dict[str, Any]) -> dict[str, Any] | None:
    """The row's own metadata: an object, or a string that holds one."""
    value = row.get(SURPLUS)
    if isinstance(value, dict):
        return value
    if isinstance(value, str) and value[:1] == "{":
        try:
            parsed = orjson.loads(value)
        except orjson.JSONDecodeError:
            return None  # a string that is no object stays a string under its own name
        return parsed if isinstance(parsed, dict) else None
    return None


def _merged(row: dict[str, Any], nested: dict[str, Any] | None) -> dict[str, Any]:
    """The rest of the row with its metadata laid open, unless a name would then stand for two values."""
    if nested is None:
        return row
    own = {name: value for name, value in row.items() if name != SURPLUS}
    if any(name in own and own[name] != value for name, value in nested.items()):
        return {**own, SURPLUS: nested}
    return {**nested, **own}
