"""Rows of JSON: a line each, or the elements of one array."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from .limits import MIB, Limits
from .lines import Cut, TooLong, read_lines
from .parts import Part
from .quarantine import Quarantined, excerpt
from .stream import Damaged

Row = dict[str, Any]
BOM = b"\xef\xbb\xbf"
SPACE = re.compile(r"[ \t\r\n]*")
TAIL = 16  # an error this near the end of what is read may come from what is not read yet


def json_lines(part: Part, limits: Limits) -> Iterator[tuple[str, Row] | Quarantined]:
    """One object per line, with its position; blank lines are no rows."""
    number = 0
    loads = orjson.loads
    for block in read_lines(part.stream, limits.max_line_bytes):
        for line in block:
            number += 1
            try:
                row = loads(line)  # type: ignore[arg-type]
            except orjson.JSONDecodeError:
                if isinstance(line, TooLong):
                    yield Quarantined(part.name, f"line {number}", "line-too-long", excerpt(line.start))
                    continue
                if isinstance(line, Cut):
                    yield _cut(part, f"line {number}", line.start, line.damage)
                    return
                if not line.strip():
                    continue
                row = _again(line.removeprefix(BOM))
            if isinstance(row, dict):
                yield f"line {number}", row
            else:
                reason = row.reason if isinstance(row, Refused) else "not-an-object"
                yield Quarantined(
                    part.name, f"line {number}", reason, excerpt(line if isinstance(line, bytes) else b"")
                )


class Refused:
    """Why a piece of JSON gives no value."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def _again(line: bytes) -> Any:
    """Python's reader knows NaN and Infinity, which Python also writes; else the reason of the refusal."""
    try:
        value = json.loads(line.decode())
    except UnicodeDecodeError:
        return Refused("invalid-utf-8")
    except RecursionError:
        return Refused("nested-too-deep")
    except ValueError:
        return Refused("broken-json")
    return value if sound(value) else Refused("invalid-unicode")


def sound(value: Any) -> bool:
    """Whether the value has no lone surrogate, which no encoding of Unicode can write, and is not nested too deep."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


def _cut(part: Part, position: str, rest: bytes, damage: Damaged) -> Quarantined:
    return Quarantined(part.name, position, damage.reason, excerpt(rest) or excerpt(damage.detail))


def json_document(part: Part, limits: Limits) -> Iterator[tuple[str, Row] | Quarantined]:
    """A .json file: an array of objects, objects one after the other however they are laid out, or lines.

    An array that breaks gives one entry, because nothing tells where its next element begins.
    """
    start = part.stream.peek(MIB).removeprefix(BOM).lstrip()
    if start[:1] != b"[":
        first, newline, _ = start.partition(b"\n")
        if newline and first.rstrip().endswith(b"}") and not isinstance(_again(first), Refused):
            yield from json_lines(part, limits)
            return
    yield from _values(part, limits, in_array=start[:1] == b"[")


def _values(part: Part, limits: Limits, in_array: bool) -> Iterator[tuple[str, Row] | Quarantined]:
    scan = json.JSONDecoder().raw_decode
    # Surrogate escapes carry the broken bytes as far as the row that holds them.
    utf8 = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
    text, at, number, ended, needed = "", 0, 1, False, 0
    opened = not in_array
    while True:
        while len(text) - at <= needed and not ended:
            try:
                block = part.stream.read(MIB)
            except Damaged as damage:
                yield _cut(part, f"record {number}", text[at:].encode("utf-8", "replace")[:1000], damage)
                return
            ended = not block
            text, at = text[at:] + utf8.decode(block, ended), 0
        space = SPACE.match(text, at)
        at = space.end() if space else at
        if not opened and text[at : at + 1] == "[":
            at, opened = at + 1, True
            continue
        if at == len(text):
            if not ended:
                continue
            if in_array:
                yield Quarantined(part.name, f"record {number}", "broken-json", "the array has no end")
            return
        if in_array and text[at] in ",]":
            if text[at] == "]":
                if text[at + 1 :].strip() or not ended:
                    yield from _after_array(part, text[at + 1 :], number)
                return
            at += 1
            continue
        try:
            value, at = scan(text, at)
        except RecursionError:
            yield Quarantined(part.name, f"record {number}", "nested-too-deep", excerpt(text[at : at + 1000]))
            return
        except json.JSONDecodeError as error:
            whole = error.pos < len(text) - TAIL and not error.msg.startswith("Unterminated string")
            if not whole and len(text) - at > limits.max_line_bytes:
                yield Quarantined(part.name, f"record {number}", "line-too-long", excerpt(text[at : at + 1000]))
                return
            if whole or ended:
                yield Quarantined(part.name, f"record {number}", "broken-json", excerpt(text[at : at + 1000]))
                return
            needed = max(MIB, 2 * (len(text) - at))  # doubling keeps a long element from being scanned over and over
            continue
        needed = 0
        yield _row(part, number, value)
        number += 1


def _row(part: Part, number: int, value: Any) -> tuple[str, Row] | Quarantined:
    if not isinstance(value, dict):
        return Quarantined(part.name, f"record {number}", "not-an-object", excerpt(str(value)[:1000]))
    if sound(value):
        return f"record {number}", value
    shown = json.dumps(value)
    broken = any(f"\\udc{n:02x}" in shown for n in range(0x80, 0x100))
    return Quarantined(part.name, f"record {number}", "invalid-utf-8" if broken else "invalid-unicode", excerpt(shown))


def _after_array(part: Part, rest: str, number: int) -> Iterator[Quarantined]:
    try:
        while not rest.strip() and (block := part.stream.read(MIB)):
            rest = block.decode("utf-8", "replace")
    except Damaged as damage:
        yield _cut(part, f"record {number}", b"", damage)
        return
    if rest.strip():
        yield Quarantined(part.name, f"record {number}", "broken-json", excerpt(rest.strip()))
