"""What the Citation File Format 1.2.0 asks of the fields that are written here, as a JSON schema of our own.

After its guide (https://doi.org/10.5281/zenodo.5171937): needed fields, their forms, and that no other may stand
there. Its list of licences is not repeated.
"""

from typing import Any

_TEXT = {"type": "string", "minLength": 1}
_DAY = {"type": "string", "pattern": r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"}
_URL = {"type": "string", "pattern": r"^(https?|s?ftp)://."}
_DOI = {"type": "string", "pattern": r"^10\.\d{4,9}(\.\d+)?/[A-Za-z0-9:/_;\-.()\[\]\\]+$"}
_EMAIL = {"type": "string", "pattern": r"^\S+@\S+\.\S{2,}$"}
_SPDX = {"type": "string", "pattern": r"^[A-Za-z0-9.+-]+$"}
_PERSON = {
    "type": "object",
    "properties": {
        "alias": _TEXT,
        "affiliation": _TEXT,
        "email": _EMAIL,
        "website": _URL,
        "orcid": {"type": "string", "pattern": r"^https://orcid\.org/\d{4}-\d{4}-\d{4}-\d{3}[\dX]$"},
    },
    "additionalProperties": False,
}
_ENTITY = {
    "type": "object",
    "properties": {"name": _TEXT, "alias": _TEXT, "email": _EMAIL, "website": _URL},
    "required": ["name"],
    "additionalProperties": False,
}
_PEOPLE = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"anyOf": [_ENTITY, _PERSON]}}

CFF: dict[str, Any] = {
    "type": "object",
    "properties": {
        "cff-version": {"const": "1.2.0"},
        "message": _TEXT,
        "type": {"const": "dataset"},
        "title": _TEXT,
        "version": _TEXT,
        "date-released": _DAY,
        "abstract": _TEXT,
        "authors": _PEOPLE,
        "contact": _PEOPLE,
        "keywords": {"type": "array", "minItems": 1, "uniqueItems": True, "items": _TEXT},
        "license": {"oneOf": [_SPDX, {"type": "array", "minItems": 1, "uniqueItems": True, "items": _SPDX}]},
        "doi": _DOI,
        "url": _URL,
        "identifiers": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"type": {"const": "other"}, "value": _TEXT, "description": _TEXT},
                "required": ["type", "value"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["authors", "cff-version", "message", "title"],
    "additionalProperties": False,
}
