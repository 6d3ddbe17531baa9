"""Stand-ins for what the code under test defines: they pass calls on, and trust only plain data that comes back."""

import builtins
from typing import Any, TypeVar

from .wire import Broken, Line, decode, encode

T = TypeVar("T")


class Unsendable(BaseException):
    """The tests hand over what cannot cross; not an Exception, since tests may catch those."""


class Raised(Exception):
    """An exception of the code under test that has no built-in class; `missing` is a module that it lacks."""


# An exception that stops an iteration would make `all(map(test, cases))` end early, and pass.
_NEVER = ("StopIteration", "StopAsyncIteration")


class Court:
    """One code under test: what it holds, under the numbers it gave."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._exceptions: dict[str, type[Exception]] = {}

    def ask(self, operation: str, *given: Any, **named: Any) -> Any:
        """What an operation gives.

        Raises:
            Exception: what the code raised, in a class of that name.
            Broken: the code's process ended or does not keep to the protocol.
            Unsendable: an argument is no plain data and not of the code under test.
        """
        sent = [encode(one, self._hand) for one in given]
        handed = {name: encode(one, self._hand) for name, one in named.items()}
        try:
            self._line.send({"operation": operation, "given": sent, "named": handed})
        except OSError as error:
            raise Broken("it ended") from error
        reply = self._line.receive()
        match reply:
            case {"absent": True} if operation == "name":
                raise KeyError(given[0])
            case {"stop": True} if operation == "next":
                raise StopIteration
            case {"raised": [*names], "message": str(message)} if names:
                raise self.exception([str(name) for name in names])(message)
            case {"value": value, "given": list(after)} if len(after) == len(sent):
                for one, before, now in zip(given, sent, after, strict=True):
                    if now != before:
                        self._change(one, now)
                return self._taken(value)
        raise Broken("it answered no question")

    def exception(self, names: list[str]) -> type[Exception]:
        """A class to raise and to catch: the built-in one of that name, or one made for it."""
        known = getattr(builtins, names[0], None)
        if isinstance(known, type) and issubclass(known, Exception):
            # UnicodeDecodeError and such cannot be made of a message alone.
            return known if names[0] not in _NEVER and not names[0].startswith("Unicode") else Raised
        if names[0] not in self._exceptions:
            parent = self.exception(names[1:]) if len(names) > 1 else Raised
            self._exceptions[names[0]] = type(names[0], (parent,), {})
        return self._exceptions[names[0]]

    def _taken(self, value: Any) -> Any:
        try:
            return decode(value, self._handle)
        except (TypeError, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
            raise Broken(f"it answered {type(error).__name__}") from error

    def _handle(self, sent: list[Any]) -> Any:
        match sent:
            case ["handle", int(number)]:
                return Remote(self, number)
            case ["exception", [*names]] if names:
                return self.exception([str(name) for name in names])
            case ["builtin", str(name)] if isinstance(getattr(builtins, name, None), type):
                return getattr(builtins, name)
            case ["module", str(name)]:
                return Named(name)
        raise Broken("it answered no value")

    def _hand(self, value: Any) -> list[Any]:
        if isinstance(value, Remote):
            return ["handle", value._number]
        raise Unsendable(f"the tests hand over a {type(value).__name__}, which cannot be sent to the code")

    def _change(self, value: Any, now: Any) -> None:
        if isinstance(value, list | bytearray):
            value[:] = self._taken(now)
        elif isinstance(value, dict | set):
            after = self._taken(now)
            value.clear()
            value.update(after)


class Named:
    """A module that the code has imported, by its name."""

    def __init__(self, name: str) -> None:
        self.name = name


class Remote:
    """An object of the code under test.

    Against plain data it is never equal and never ordered, and no number comes of calculating with it, whatever its own
    methods say. Two such objects are compared by their own `__eq__`.
    """

    _court: Court
    _number: int

    def __init__(self, court: Court, number: int) -> None:
        object.__setattr__(self, "_court", court)
        object.__setattr__(self, "_number", number)

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._court.ask("call", self, *given, **named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in ("__name__", "__doc__"):
            raise AttributeError(name)
        return self._court.ask("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._court.ask("set", self, name, value)

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, Remote) and self._court.ask("isinstance", value, self) is True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Remote):
            return False
        return self._number == other._number or self._court.ask("eq", self, other) is True

    def __hash__(self) -> int:
        return hash(self._number)

    def __iter__(self) -> "Remote":
        iterator = self._court.ask("iter", self)
        if not isinstance(iterator, Remote):
            raise Broken("its iterator is none")
        return iterator

    def __next__(self) -> Any:
        return self._court.ask("next", self)

    def __contains__(self, value: Any) -> bool:
        return any(one == value for one in iter(self))

    def __len__(self) -> int:
        return _sure(self._court.ask("len", self), int)

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        return _sure(self._court.ask("str", self), str)

    def __repr__(self) -> str:
        return _sure(self._court.ask("repr", self), str)

    def __int__(self) -> int:
        return _sure(self._court.ask("int", self), int)

    def __float__(self) -> float:
        return _sure(self._court.ask("float", self), float)

    def __getitem__(self, key: Any) -> Any:
        return self._court.ask("getitem", self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._court.ask("setitem", self, key, value)

    def __delitem__(self, key: Any) -> None:
        self._court.ask("delitem", self, key)

    def __lt__(self, other: Any) -> bool:
        return _ordered(self, "lt", other)

    def __le__(self, other: Any) -> bool:
        return _ordered(self, "le", other)

    def __gt__(self, other: Any) -> bool:
        return _ordered(self, "gt", other)

    def __ge__(self, other: Any) -> bool:
        return _ordered(self, "ge", other)

    def __add__(self, other: Any) -> Any:
        return _calculated(self, "add", other)

    def __sub__(self, other: Any) -> Any:
        return _calculated(self, "sub", other)

    def __mul__(self, other: Any) -> Any:
        return _calculated(self, "mul", other)

    def __truediv__(self, other: Any) -> Any:
        return _calculated(self, "truediv", other)

    def __neg__(self) -> Any:
        return self._court.ask("neg", self)


def _ordered(one: Remote, operation: str, other: Any) -> bool:
    if not isinstance(other, Remote):
        raise TypeError("an object of the code under test is compared with plain data")
    return one._court.ask(operation, one, other) is True


def _calculated(one: Remote, operation: str, other: Any) -> Any:
    """What two operands make; with plain data, an object of the code.

    Else `abs(f(2) - 4) < 1e-9` would tell the code what is expected, and believe what it makes of that.
    """
    found = one._court.ask(operation, one, other)
    if not isinstance(other, Remote) and not isinstance(found, Remote):
        raise TypeError("an object of the code under test makes plain data of plain data")
    return found


def _sure(value: Any, kind: type[T]) -> T:
    if type(value) is not kind:
        raise Broken(f"it answered a {type(value).__name__} for {kind.__name__}")
    return value
