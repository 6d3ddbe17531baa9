"""The process of the code under test: confined, it executes the code and then serves calls to what that defines.

Nothing that happens here is believed: the code may do what it likes with this process, and can only ever answer the
questions of `examiner`, in plain data.
"""

import builtins
import json
import operator
import os
import sys
import types
from collections.abc import Callable, Iterable
from typing import Any

from .confine import Cage, confine
from .wire import Broken, Line, decode, encode, exception_names

MODULE = "solution"
OPERATORS = ("eq", "lt", "le", "gt", "ge", "add", "sub", "mul", "truediv", "neg", "getitem", "setitem", "delitem")


class Absent(Exception):
    """The code defines no such name."""


class Desk:
    """Objects that cannot travel, by number, and what can be done with them."""

    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names
        self._held: list[Any] = []
        self._numbers: dict[int, int] = {}

    def name(self, name: str) -> Any:
        if name not in self._names:
            raise Absent(name)
        return self._names[name]

    def put(self, value: Any) -> list[Any]:
        if isinstance(value, types.ModuleType):
            return ["module", value.__name__]
        number = self._numbers.setdefault(id(value), len(self._held))
        if number == len(self._held):
            self._held.append(value)  # held for good, so that no other object gets its id
        return ["handle", number]

    def take(self, sent: list[Any]) -> Any:
        return getattr(builtins, sent[1]) if sent[0] == "builtin" else self._held[sent[1]]


def main() -> None:
    """Read code from standard input, run it, answer until nobody asks."""
    settings = json.loads(sys.argv[1])
    line = Line(settings["reading"], settings["writing"])
    code = sys.stdin.buffer.read().decode("utf-8", "replace")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.path[:] = [path for path in sys.path if path != settings["root"]]
    sys.set_int_max_str_digits(0)
    try:
        confine(Cage(**settings["cage"]), settings["parent"])
    except OSError as error:
        line.send({"unguarded": str(error)})
        return
    module = types.ModuleType(MODULE)
    sys.modules[MODULE] = module
    try:
        program = compile(code, f"{MODULE}.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        line.send({"syntax": f"{type(error).__name__}: {error}"})
        return
    try:
        exec(program, module.__dict__)
    except BaseException as error:
        line.send(_raised(error))
        return
    line.send({"value": None})
    desk = Desk(module.__dict__)
    operations: dict[str, Callable[..., Any]] = {
        "name": desk.name,
        "call": lambda function, *args, **named: function(*args, **named),
        "get": getattr,
        "set": setattr,
        "len": len,
        "iter": iter,
        "next": next,
        "str": str,
        "repr": repr,
        "isinstance": isinstance,
        "int": int,
        "float": float,
    }
    operations |= {name: getattr(operator, name) for name in OPERATORS}
    while True:
        try:
            question = line.receive()
        except Broken:
            return
        line.send(_answer(desk, operations, question))


def _answer(desk: Desk, operations: dict[str, Callable[..., Any]], question: dict[str, Any]) -> dict[str, Any]:
    operation = question["operation"]
    try:
        given = [decode(one, desk.take) for one in question["given"]]
        named = {name: decode(one, desk.take) for name, one in question["named"].items()}
        value = operations[operation](*given, **named)
        # Functions may change the lists they are given; the tests must see that.
        return {"value": encode(value, desk.put), "given": [encode(one, desk.put) for one in given]}
    except Absent:
        return {"absent": True}
    except StopIteration:
        if operation == "next":
            return {"stop": True}
        return {"raised": ["RuntimeError", "Exception"], "message": "StopIteration"}
    except BaseException as error:
        return _raised(error)


def _raised(error: BaseException) -> dict[str, Any]:
    names: Iterable[str] = exception_names(type(error)) or [type(error).__name__, "Exception"]
    try:
        message = str(error)[:1000]
    except BaseException:  # its __str__ belongs to the code under test
        message = ""
    missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    return {"raised": list(names), "message": message, "missing": missing if isinstance(missing, str) else ""}
