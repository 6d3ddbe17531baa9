"""Code under test gets so much time, memory and output, and no more, with Landlock and without."""

import time

import pytest

from synth.verify.sandbox import Limits
from synth.verify.verdict import Verdict
from tests.sandboxed import SQUARE, refused, run


def test_an_endless_loop_ends_as_wrong(landlock: bool) -> None:
    assert run("while True: pass", landlock=landlock).reason == "used more than 1 seconds of CPU"


def test_an_endless_call_ends_as_wrong() -> None:
    verdict = run("def f(x):\n    while True: pass")
    assert verdict == Verdict(outcome="wrong", reason="used more than 1 seconds of CPU")


def test_code_that_catches_every_signal_ends_all_the_same() -> None:
    code = """
import signal
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    pass
"""
    assert run(code).reason == "used more than 1 seconds of CPU"


def test_code_that_sleeps_is_given_up() -> None:
    start = time.monotonic()
    verdict = run("import time\ntime.sleep(1000)", limits=Limits(cpu_seconds=1, wall_seconds=2))
    assert verdict == Verdict(outcome="cannot-tell", reason="took longer than 2 seconds")
    assert time.monotonic() - start < 60


def test_a_memory_hog_is_refused(landlock: bool) -> None:
    hogs = [
        "x = [0] * 10**10",
        "x = bytearray(10**11)",
        "x = []\nwhile True: x.append(bytearray(10**7))",
        "import mmap\nx = mmap.mmap(-1, 10**11)",
    ]
    assert refused(hogs, landlock, Limits(cpu_seconds=10))


def test_a_flood_of_output_goes_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    flood = """
import os, sys
for _ in range(2000):
    print('x' * 10000)
    sys.stderr.write('y' * 10000)
    os.write(1, b'z' * 10000)
"""
    assert run(flood + SQUARE, limits=Limits(cpu_seconds=5)).outcome == "right"
    assert capfd.readouterr() == ("", "")


def test_a_flood_over_the_channel_of_the_tests_is_wrong() -> None:
    flood = """
import os
for fd in range(3, 64):
    try:
        while True: os.write(fd, b'\\xff' * 65536)
    except OSError: pass
"""
    assert run(flood).outcome == "wrong"
