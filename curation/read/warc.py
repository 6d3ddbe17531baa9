"""Records of WARC, WET and ARC files, read so that a damaged record costs itself and not its neighbours."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dataset_cards.intake.limits import Limits
from dataset_cards.intake.parts import Part
from dataset_cards.intake.quarantine import Quarantined, excerpt
from dataset_cards.intake.stream import Damaged

from .cursor import LINE, Cursor
from .http import header_fields

PAGES = {"response", "resource", "conversion", "revisit"}
HEAD_LINES = 1000
WARC_MARK = re.compile(rb"WARC/\d")
# URL, address, date, type, (five more in version 2,) length
ARC_MARK = re.compile(rb"\S.* [0-9A-Fa-f.:]+ \d{8,20} \S+ (?:.* )?\S+\s*$")


@dataclass(frozen=True)
class Record:
    """One record: its number from 1, header fields by lower-case name, and its block.

    A block larger than a document may be is cut to its first 64 KiB; `size` is what the header promises.
    """

    number: int
    kind: str
    headers: Mapping[str, str]
    block: bytes
    size: int


class _Broken(Exception):
    """This record cannot be read."""


def read_records(part: Part, limits: Limits) -> Iterator[Record | Quarantined]:
    """Every record in order, of any kind; an entry for each piece that is no record."""
    source = Cursor(part.stream)
    one, mark = (_arc_record, ARC_MARK) if part.format == "arc" else (_warc_record, WARC_MARK)
    number = 0
    while True:
        number += 1
        try:
            record = one(source, number, limits)
            if record is None:
                return
            yield record
        except Damaged as damage:
            yield Quarantined(part.name, f"record {number}", damage.reason, excerpt(damage.detail))
            if not source.resync():
                return
        except _Broken as broken:
            yield Quarantined(part.name, f"record {number}", "damaged-warc-record", excerpt(str(broken)))
            try:
                _seek(source, mark)
            except Damaged as damage:
                yield Quarantined(part.name, f"record {number}", damage.reason, excerpt(damage.detail))
                if not source.resync():
                    return


def _seek(source: Cursor, mark: re.Pattern[bytes]) -> None:
    """Pass over everything before the next line that looks like the beginning of a record."""
    while line := source.line():
        if mark.match(line):
            source.back(line)
            return


def _first_line(source: Cursor) -> bytes:
    """The next line that is not blank; empty at the end."""
    while line := source.line():
        if line.strip():
            return line
    return b""


def _warc_record(source: Cursor, number: int, limits: Limits) -> Record | None:
    first = _first_line(source)
    if not first:
        return None
    if not WARC_MARK.match(first):
        raise _Broken(f"a record should begin here: {first[:100]!r}")
    lines: list[bytes] = []
    while (line := source.line()).strip():
        if WARC_MARK.match(line) or len(lines) >= HEAD_LINES:
            source.back(line)
            raise _Broken("the header of the record has no end")
        lines.append(line.rstrip(b"\r\n"))
    headers = header_fields(lines)
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        raise _Broken(f"Content-Length is {length!r}; header: {headers}")
    record = _with_block(source, number, headers.get("warc-type", "").lower(), headers, int(length), limits)
    ahead = source.ahead(64)
    # Two empty lines end a record, whatever follows; some writers leave them out.
    if not ahead.startswith((b"\r\n\r\n", b"\n\n")) and (rest := ahead.lstrip(b"\r\n")) and not WARC_MARK.match(rest):
        if len(record.block) == record.size:
            source.back(record.block)  # a length that is too large has swallowed the beginning of the next record
        raise _Broken(f"Content-Length {length} does not lead to the next record; header: {headers}")
    return record


def _arc_record(source: Cursor, number: int, limits: Limits) -> Record | None:
    first = _first_line(source)
    if not first:
        return None
    words = first.decode("utf-8", "replace").split()
    if not ARC_MARK.match(first) or not words[-1].isdigit():
        raise _Broken(f"this is no header of an ARC record: {first[:100]!r}")
    after = 9 if len(words) >= 10 and words[-8].isdigit() and len(words[-8]) == 14 else 4  # words after the URL
    ip, date, kind = words[-after : len(words) - after + 3]
    headers = {
        "warc-target-uri": " ".join(words[:-after]),
        "warc-ip-address": ip,
        "warc-date": _iso(date),
        "content-type": kind,
    }
    what = "warcinfo" if first.startswith(b"filedesc:") else "response"
    return _with_block(source, number, what, headers, int(words[-1]), limits)


def _iso(date: str) -> str:
    """`20140301000000` -> `2014-03-01T00:00:00Z`; anything else as it is."""
    if len(date) != 14:
        return date
    return f"{date[:4]}-{date[4:6]}-{date[6:8]}T{date[8:10]}:{date[10:12]}:{date[12:]}Z"


def _with_block(
    source: Cursor, number: int, kind: str, headers: Mapping[str, str], size: int, limits: Limits
) -> Record:
    """The record with its block; only the beginning where nobody will ask for the rest."""
    whole = kind in PAGES and size <= limits.max_document_bytes
    block = source.take(size if whole else min(size, LINE))
    got = len(block) + (0 if whole else source.skip(size - len(block)))
    if got < size:
        if got == len(block):
            source.back(block)
        raise _Broken(f"{got:,} of {size:,} bytes are there; header: {dict(headers)}")
    return Record(number, kind, headers, block, size)
