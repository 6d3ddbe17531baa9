"""What tests of the sandbox share: a program and its tests, and a way to say that attacks are refused."""

import pytest

from synth.verify.sandbox import Limits, examine
from synth.verify.verdict import Verdict

SQUARE = "def f(x):\n    return x * x\n"
TESTS = "assert f(2) == 4\nassert f(3) == 9\n"
SHORT = Limits(cpu_seconds=1, wall_seconds=20)


def run(code: str, tests: str = TESTS, landlock: bool = True, limits: Limits = SHORT) -> Verdict:
    return examine(code, tests, limits=limits, landlock=landlock)


def refused(attacks: list[str], landlock: bool = True, limits: Limits = SHORT) -> bool:
    """Whether each of the attacks ends in an error of the operating system, or lacks the module it needs."""
    code = """
def free(attacks):
    done = []
    for attack in attacks:
        try:
            exec(attack, {})
        except (OSError, RuntimeError, ImportError, MemoryError):
            continue
        done.append(attack)
    return done
"""
    if run(code, f"assert free({attacks!r}) == []", landlock, limits).outcome == "right":
        return True
    free = [
        attack
        for attack in attacks
        if run(code, f"assert free([{attack!r}]) == []", landlock, limits).outcome != "right"
    ]
    pytest.fail(f"not refused: {free}")
