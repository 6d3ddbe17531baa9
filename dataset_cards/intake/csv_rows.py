"""Rows of CSV and TSV: the first line names the columns."""

import csv
from collections.abc import Iterator
from typing import Any

from .limits import Limits
from .lines import Cut, TooLong, read_lines
from .parts import Part
from .quarantine import Quarantined, excerpt
from .stream import Damaged

BOM = "\ufeff"


class _Lines:
    """Decoded lines for the csv module, and what was wrong with those of the row being read."""

    def __init__(self, part: Part, limits: Limits) -> None:
        self._blocks = read_lines(part.stream, limits.max_line_bytes)
        self._limit = limits.max_line_bytes
        self.number = 0
        self.first = 1
        self.size = 0
        self.reason = ""
        self.damage: Damaged | None = None

    def begin(self) -> None:
        """A new row begins: forget what was wrong with the one before."""
        self.size, self.reason, self.first = 0, "", self.number + 1

    def __iter__(self) -> Iterator[str]:
        for block in self._blocks:
            for line in block:
                if isinstance(line, Cut):
                    self.damage = line.damage
                    return
                self.number += 1
                if isinstance(line, TooLong):
                    self.reason = "line-too-long"
                    yield "\n"
                    continue
                self.size += len(line)
                # A quote that is never closed would swallow the rest of the file into one field.
                if self.size > self._limit:
                    raise csv.Error("a quoted field has no end")
                try:
                    text = line.decode()
                except UnicodeDecodeError:
                    self.reason = "invalid-utf-8"
                    text = line.decode("utf-8", "replace")
                yield (text.removeprefix(BOM) if self.number == 1 else text) + "\n"


def csv_rows(part: Part, limits: Limits) -> Iterator[tuple[str, dict[str, Any]] | Quarantined]:
    """One row per record, all values strings; a record is placed by the line on which it ends.

    A repeated column name gives one entry, and the later columns are read as `name.2`, `name.3`. The separator of
    a .csv is whichever of comma, semicolon and tab its first line has most of.
    """
    lines = _Lines(part, limits)
    delimiter = "\t" if part.format == "tsv" else _delimiter(part.stream.peek(1 << 16))
    csv.field_size_limit(max(csv.field_size_limit(), limits.max_line_bytes))
    reader = csv.reader(iter(lines), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        lines.begin()
        try:
            values = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            detail = f"{error}; the record begins on line {lines.first}"
            yield Quarantined(part.name, f"line {max(lines.number, 1)}", "broken-csv", excerpt(detail))
            if lines.size > limits.max_line_bytes:
                return
            continue
        where = f"line {lines.number}"
        if lines.reason:
            yield Quarantined(part.name, where, lines.reason, excerpt(delimiter.join(values)))
            if header is None:
                return
        elif not values:
            continue
        elif header is None:
            header = _unique(values)
            if header != values:
                yield Quarantined(part.name, where, "duplicate-header", excerpt(delimiter.join(values)))
        elif len(values) != len(header):
            detail = f"{len(values)} fields for {len(header)} columns: {delimiter.join(values)}"
            yield Quarantined(part.name, where, "wrong-field-count", excerpt(detail))
        else:
            yield where, dict(zip(header, values, strict=True))
    if lines.damage:
        yield Quarantined(part.name, f"line {lines.number + 1}", lines.damage.reason, excerpt(lines.damage.detail))


def _delimiter(head: bytes) -> str:
    first = head.partition(b"\n")[0]
    return max(",;\t", key=lambda sign: first.count(sign.encode()))


def _unique(names: list[str]) -> list[str]:
    unique: list[str] = []
    for name in names:
        candidate, number = name, 1
        while candidate in unique:
            number += 1
            candidate = f"{name}.{number}"
        unique.append(candidate)
    return unique
