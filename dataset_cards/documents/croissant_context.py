"""The vocabularies of croissant.json, and names that are safe to be ids in it."""

import re
from collections.abc import Iterable
from typing import Any

from ..cards.plain import visible

CONFORMS_TO = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")

# Terms of Croissant that may be written without their prefix: the context of the specification, appendix 1, and the
# deprecated ones that mlcroissant asks for.
_TERMS = (
    *("annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "excludes", "extract"),
    *("field", "fileObject", "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath"),
    *("key", "md5", "parentField", "path", "readLines", "recordSet", "references", "regex", "repeated", "replace"),
    *("samplingRate", "sdVersion", "separator", "source", "subField", "transform", "unArchive"),
)

CONTEXT: dict[str, Any] = {
    "@language": "en",
    # The specification writes http:, mlcroissant reads https: alone; schema.org says that they are the same.
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS},
}

# An id is an IRI: of other characters, some would make another IRI of it, and mlcroissant refuses white space.
_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def identifiers(names: Iterable[str]) -> list[str]:
    """For each of some different names, one that can stand in an id: itself or, where it cannot, `~` and its place."""
    return [name if _SAFE.fullmatch(name) else f"~{place}" for place, name in enumerate(names)]


def as_said(text: str) -> str:
    """What a person wrote, on one line: about.yaml may be wrapped anywhere."""
    return visible(" ".join(text.split()))
