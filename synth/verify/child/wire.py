"""Values between two processes that do not trust each other: plain data as JSON, all else as a numbered handle.

What arrives is built from exact built-in types, so it cannot carry an `__eq__` of its own.
"""

import builtins
import json
import os
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from types import BuiltinFunctionType
from typing import Any

LONGEST = 16 << 20  # bytes of one message

_PLAIN: tuple[tuple[str, type], ...] = (
    ("list", list),
    ("tuple", tuple),
    ("set", set),
    ("frozenset", frozenset),
    ("deque", deque),
)
_SPELLED: tuple[tuple[str, type], ...] = (("decimal", Decimal), ("fraction", Fraction))


class Broken(Exception):
    """The other side ended, or sent what is no message."""


def encode(value: Any, handle: Callable[[Any], list[Any]]) -> Any:
    """A value as JSON; subclasses of plain types lose what they add. `handle` names what is not plain."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return ["int", hex(int.__index__(value))]
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes | bytearray):
        return ["bytearray" if isinstance(value, bytearray) else "bytes", bytes(value).hex()]
    if isinstance(value, complex):
        return ["complex", value.real, value.imag]
    if isinstance(value, range):
        return ["range", value.start, value.stop, value.step]
    if isinstance(value, dict):
        return ["dict", [[encode(key, handle), encode(one, handle)] for key, one in dict.items(value)]]
    for name, kind in _PLAIN:
        if isinstance(value, kind):
            return [name, [encode(one, handle) for one in kind.__iter__(value)]]  # type: ignore[attr-defined]
    for name, kind in _SPELLED:
        if isinstance(value, kind):
            return [name, str(value)]
    if isinstance(value, type) and issubclass(value, Exception) and value.__module__ != "builtins":
        return ["exception", exception_names(value)]
    if isinstance(value, type | BuiltinFunctionType):
        called: str = value.__name__
        if getattr(builtins, called, None) is value:
            return ["builtin", called]
    return handle(value)


def decode(sent: Any, handle: Callable[[list[Any]], Any]) -> Any:
    """The value that `encode` made this of.

    Raises:
        Broken: it made no such thing.
    """
    if not isinstance(sent, list):
        if isinstance(sent, dict):
            raise Broken("an object where a value belongs")
        return sent
    kinds: dict[str, Callable[..., Any]] = {**dict(_PLAIN), **dict(_SPELLED)}
    match sent:
        case ["int", str(digits)]:
            return int(digits, 16)
        case ["bytes", str(digits)]:
            return bytes.fromhex(digits)
        case ["bytearray", str(digits)]:
            return bytearray.fromhex(digits)
        case ["complex", float(real), float(imaginary)]:
            return complex(real, imaginary)
        case ["range", int(start), int(stop), int(step)]:
            return range(start, stop, step)
        case ["dict", list(pairs)]:
            return {decode(key, handle): decode(value, handle) for key, value in pairs}
        case [("list" | "tuple" | "set" | "frozenset" | "deque") as kind, list(items)]:
            return kinds[kind](decode(item, handle) for item in items)
        case [("decimal" | "fraction") as kind, str(text)]:
            return kinds[kind](text)
    return handle(sent)


def exception_names(kind: type) -> list[str]:
    """The classes of an exception, itself first, up to `Exception`."""
    return [one.__name__ for one in kind.__mro__ if issubclass(one, Exception)]


class Line:
    """Messages over a pair of pipes, each a JSON value after its length."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing

    def send(self, message: Any) -> None:
        data = json.dumps(message).encode()
        if len(data) > LONGEST:
            raise ValueError(f"a message of {len(data):,} bytes; the most is {LONGEST:,}")
        data = len(data).to_bytes(4, "big") + data
        while data:
            data = data[os.write(self._writing, data) :]

    def receive(self) -> Any:
        size = int.from_bytes(self._exactly(4), "big")
        if size > LONGEST:
            raise Broken(f"a message of {size:,} bytes")
        try:
            return json.loads(self._exactly(size))
        except (ValueError, RecursionError) as error:
            raise Broken("not JSON") from error

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            block = os.read(self._reading, min(size - len(data), 1 << 16))
            if not block:
                raise Broken("it ended")
            data += block
        return bytes(data)
