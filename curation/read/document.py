"""A document as it is read."""

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Document:
    """One document.

    `metadata` is a JSON object with sorted keys, "{}" if there is none. `html` says that `text` is raw HTML, still to
    be extracted. `drop` is a reason such as "read/not-html" for what was read and counted but holds no text to keep.
    """

    id: str
    text: str
    source: str
    url: str | None = None
    license: str | None = None
    created: str | None = None
    language: str | None = None
    metadata: str = "{}"
    html: bool = False
    drop: str | None = None


def text_id(text: str) -> str:
    """The id of a document whose source gives none: `sha256:` and the first 32 hex digits of its text's SHA-256."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()[:32]


def to_json(value: dict[str, Any]) -> str:
    """`value` as JSON with sorted keys; dates become ISO 8601, and NaN becomes null because JSON has no word for it.

    Raises:
        TypeError: nested deeper than 254 levels, or a value without a JSON form.
    """
    if not value:
        return "{}"
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=_plain).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, dict | list | tuple | set):
        raise TypeError(f"cannot write {type(value).__name__}")
    return str(value)
