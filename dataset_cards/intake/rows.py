"""Rows of tabular files: JSON Lines, JSON, CSV, TSV, Parquet and Arrow, compressed or in archives."""

from collections.abc import Iterator
from typing import Any

from .arrow_rows import arrow_rows, parquet_rows
from .csv_rows import csv_rows
from .formats import TABULAR
from .identity import InputFile
from .json_rows import json_document, json_lines
from .limits import DEFAULTS, Limits
from .parts import Part, open_parts
from .quarantine import Quarantined, excerpt


def read_rows(file: InputFile, limits: Limits = DEFAULTS) -> Iterator[dict[str, Any] | Quarantined]:
    """The rows of one file in order, and an entry for each piece that gave none; nothing is raised for bad input.

    A file in another format than the tabular ones gives one entry, "not-tabular".

    Raises:
        Changed: the file changed since it was found.
    """
    for part in open_parts(file, limits):
        if isinstance(part, Quarantined):
            yield part
        elif part.format not in TABULAR:
            yield Quarantined(part.name, "file", "not-tabular", excerpt(f"this file holds {part.format}, not rows"))
        else:
            for item in part_rows(part, limits):
                yield item if isinstance(item, Quarantined) else item[1]


def part_rows(part: Part, limits: Limits) -> Iterator[tuple[str, dict[str, Any]] | Quarantined]:
    """The rows of one tabular part, each with its position: `("line 12", {...})`."""
    match part.format:
        case "jsonl":
            return json_lines(part, limits)
        case "json":
            return json_document(part, limits)
        case "csv" | "tsv":
            return csv_rows(part, limits)
        case "parquet":
            return parquet_rows(part, limits)
        case "arrow":
            return arrow_rows(part, limits)
        case other:
            raise ValueError(f"{other} is not a tabular format")
