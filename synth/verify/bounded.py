"""Checks that may hang or eat memory (LaTeX, regular expressions, schemas), each in a child process with limits.

math-verify stops itself with `signal.alarm`, which works only in the main thread, which a long integer power ignores,
and which it reports as a wrong answer. So it runs in the main thread of a child of its own. The child limits itself
in time and memory, and whoever asked kills it where it does not. A child that was not killed serves the next question,
since importing sympy takes longer than most answers.
"""

import atexit
import contextlib
import importlib.util
import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

from .verdict import Verdict, cannot_tell, shown

SECONDS = 5.0  # a question may take this long before it ends by itself ...
GRACE = 5.0  # ... and this much more before its process is killed
STARTING = 60.0  # importing sympy on a busy machine
LONGEST = 100_000  # characters of an answer
REPLY = 1 << 16  # bytes

_ROOT = str(Path(__file__).resolve().parents[2])
_START = f"import sys; sys.path.insert(0, {_ROOT!r}); from synth.verify.child.checker import main; main()"
_NEEDS = {"math": "math_verify", "json-schema": "jsonschema", "regex": "regex"}


def readable(pipe: IO[bytes], seconds: float) -> bool:
    """Whether a pipe has something to read, or ends, within `seconds`."""
    # Not select, which knows no file number above 1,023: a process that asks many endpoints has more.
    poll = select.poll()
    poll.register(pipe, select.POLLIN | select.POLLHUP)
    return bool(poll.poll(max(0, int(seconds * 1000))))


class Died(Exception):
    """The child ended, or had to be ended; the message says why."""


class _Child:
    """One process that answers questions, one at a time."""

    def __init__(self) -> None:
        environment = {name: value for name in ("PATH", "PYTHONPATH") if (value := os.environ.get(name)) is not None}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-B", "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment | {"PYTHONHASHSEED": "0"},
            start_new_session=True,
        )
        self._warm: set[str] = set()

    def ask(self, check: str, question: dict[str, Any], seconds: float) -> dict[str, str]:
        starting = 0.0 if check in self._warm else STARTING
        assert self._process.stdin is not None
        line = json.dumps({"check": check, "seconds": seconds, **question}).encode() + b"\n"
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
            reply: dict[str, str] = json.loads(self._line(starting + seconds + GRACE))
        except (OSError, ValueError) as error:
            raise Died("the checking process ended, perhaps for want of memory") from error
        self._warm.add(check)
        return reply

    def _line(self, seconds: float) -> bytes:
        assert self._process.stdout is not None
        end = time.monotonic() + seconds
        read = b""
        while not read.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not readable(self._process.stdout, left):
                raise Died(f"took longer than {seconds:g} seconds")
            block = os.read(self._process.stdout.fileno(), REPLY)
            if not block or len(read) > REPLY:
                raise Died("the checking process ended, perhaps for want of memory")
            read += block
        return read

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was left unsent to a dead process
                    pipe.close()


class Children:
    """At most as many children as there are cores, shared by all threads; a forked process starts its own."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._renew()
        os.register_at_fork(after_in_child=self._renew)
        atexit.register(self.end)

    def _renew(self) -> None:
        self._idle: list[_Child] = []
        self._free = threading.Semaphore(self._most)

    def ask(self, check: str, question: dict[str, Any], seconds: float) -> dict[str, str]:
        """The reply of a child to one question.

        Raises:
            Died: it took too long, or the child ended.
        """
        with self._free:
            child = self._idle.pop() if self._idle else _Child()
            try:
                reply = child.ask(check, question, seconds)
            except BaseException:
                child.end()
                raise
            self._idle.append(child)
            return reply

    def end(self) -> None:
        while self._idle:
            self._idle.pop().end()


# Processes are a resource of this process like its threads; they hold nothing that could change an outcome.
_CHILDREN = Children(os.cpu_count() or 1)


def ask(check: str, seconds: float, **question: str | bool | int) -> Verdict:
    """The verdict of one check in a child; what takes too long or dies is `cannot-tell`.

    Raises:
        ModuleNotFoundError: what the check needs is not installed.
    """
    if importlib.util.find_spec(_NEEDS[check]) is None:
        raise ModuleNotFoundError(f"{check} needs {_NEEDS[check]}: pip install 'gristmill[synth]'")
    if any(len(text) > LONGEST for text in question.values() if isinstance(text, str)):
        return cannot_tell(f"is longer than {LONGEST:,} characters")
    try:
        reply = _CHILDREN.ask(check, question, seconds)
    except Died as error:
        return cannot_tell(str(error))
    match reply:
        case {"outcome": "right" | "wrong" | "cannot-tell" as outcome, "reason": str(reason)}:
            return Verdict(outcome=outcome, reason=reason)
    return cannot_tell(f"the checking process said {shown(str(reply))}")
