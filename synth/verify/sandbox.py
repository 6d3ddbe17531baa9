"""Code that nobody trusts, judged by tests: two confined processes, one for the code and one for its tests.

What is stopped, what is not, and what it needs of the machine: `docs/verify.md`.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

from .bounded import readable
from .child.confine import landlock_version
from .verdict import Verdict, cannot_tell, shown, wrong

MIB = 1 << 20
VERDICT = 1 << 16  # bytes; more is no verdict

_ROOT = str(Path(__file__).resolve().parents[2])
_START = "import sys; sys.path.insert(0, {root!r}); from synth.verify.child.{module} import main; main()"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`cpu_seconds` of code and tests each, `wall_seconds` of both together, `memory_mb` of address space of each.

    Reaching the first is the code's fault and wrong. The second is also reached on a machine that is too busy, so it
    is `cannot-tell`.
    """

    cpu_seconds: int = 5
    wall_seconds: float = 30.0
    memory_mb: int = 512


DEFAULT = Limits()


def examine(
    code: str, tests: str, *, fenced: bool = True, limits: Limits = DEFAULT, landlock: bool | None = None
) -> Verdict:
    """Run `tests` against `code`, neither of which can reach anything else.

    Code that is not Python is wrong where it was `fenced`, else `cannot-tell`: it may be prose. `landlock=False` does
    without Landlock, as on a kernel that lacks it.
    """
    if sys.platform != "linux":
        return cannot_tell(f"no code is run here: the sandbox needs Linux, not {sys.platform}")
    guarded = landlock_version() > 0 if landlock is None else landlock
    cage = {"cpu_seconds": limits.cpu_seconds, "memory": limits.memory_mb * MIB, "landlock": guarded}
    settings = {"cage": cage, "root": _ROOT, "parent": os.getpid(), "fenced": fenced}
    to_code, from_tests = os.pipe()[::-1]
    to_tests, from_code = os.pipe()[::-1]
    pipes = {to_code, from_tests, to_tests, from_code}
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with _file(code) as code_file, _file(tests) as tests_file:
            ends = (from_tests, to_tests)
            subject = _started("subject", code_file, ends, settings, subprocess.DEVNULL)
            processes.append(subject)
            examiner = _started("examiner", tests_file, (from_code, to_code), settings, subprocess.PIPE)
            processes.append(examiner)
        while pipes:  # or neither would see the other end
            os.close(pipes.pop())
        return _verdict(subject, examiner, limits)
    finally:
        while pipes:
            os.close(pipes.pop())
        for process in processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


@cache
def unguarded() -> str:
    """Why code cannot be run safely on this machine; empty where it can. Asked once."""
    tried = examine("", "assert True")
    return "" if tried.outcome == "right" else tried.reason


def _file(text: str) -> IO[bytes]:
    """A file without a name, so that no pipe can fill up."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by who asked
    file.write(text.encode("utf-8", "replace"))
    file.seek(0)
    return file


def _started(
    module: str, source: IO[bytes], ends: tuple[int, int], settings: dict[str, Any], output: int
) -> subprocess.Popen[bytes]:
    given = json.dumps(settings | {"reading": ends[0], "writing": ends[1]})
    # Like -I, but for PYTHONHASHSEED, which it ignores: the order of a set decides some tests, and not by chance.
    return subprocess.Popen(
        [sys.executable, "-P", "-s", "-S", "-B", "-c", _START.format(root=_ROOT, module=module), given],
        stdin=source,
        stdout=output,
        stderr=subprocess.DEVNULL,
        pass_fds=ends,
        cwd="/",
        env={"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"},
        start_new_session=True,
    )


def _verdict(subject: "subprocess.Popen[bytes]", examiner: "subprocess.Popen[bytes]", limits: Limits) -> Verdict:
    assert examiner.stdout is not None
    end = time.monotonic() + limits.wall_seconds
    said = b""
    while True:
        left = end - time.monotonic()
        if left <= 0 or not readable(examiner.stdout, left):
            return cannot_tell(f"took longer than {limits.wall_seconds:g} seconds")
        block = os.read(examiner.stdout.fileno(), VERDICT)
        said += block
        if not block or len(said) > VERDICT:
            break
    try:
        reply = json.loads(said)
    except ValueError:
        reply = {}
    match reply:
        case {"outcome": "right" | "cannot-tell" as outcome, "reason": str(reason)}:
            return Verdict(outcome=outcome, reason=reason)
        case {"outcome": "wrong", "reason": str(reason)}:
            return wrong(_killed(subject, limits) or reason)
    return cannot_tell(f"the tests gave no verdict: {_killed(examiner, limits) or shown(str(said[:200]))}")


def _killed(process: "subprocess.Popen[bytes]", limits: Limits) -> str:
    """Why the kernel ended a process; empty where it did not."""
    try:
        code = process.wait(timeout=0.05)  # its pipe closes a moment before it is gone
    except subprocess.TimeoutExpired:
        return ""
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"used more than {limits.cpu_seconds} seconds of CPU"
    return f"ended by {signal.Signals(-code).name}" if code < 0 else ""
