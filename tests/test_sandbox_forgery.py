"""Code under test cannot make itself right, whatever it does to its own process; honest code still passes."""

import pytest

from synth.verify.python_tests import PythonTests
from synth.verify.sandbox import Limits, examine
from synth.verify.verdict import Verdict

SQUARE = "def f(x):\n    return x * x\n"
TESTS = "assert f(2) == 4\nassert f(3) == 9\n"
SHORT = Limits(cpu_seconds=2, wall_seconds=60)


def run(code: str, tests: str = TESTS) -> Verdict:
    return examine(code, tests, limits=SHORT)


@pytest.mark.parametrize(
    "forgery",
    [
        "import os\nos._exit(0)",
        "import sys\nsys.exit(0)",
        "raise SystemExit",
        "def f(x):\n    import os\n    os._exit(0)",
        """
class Equal:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __hash__ = None
def f(x): return Equal()
""",
        "class Equal(int):\n    def __eq__(self, other): return True\ndef f(x): return Equal(7)",
        "class Equal(list):\n    def __eq__(self, other): return True\ndef f(x): return Equal()",
        "import builtins\nbuiltins.AssertionError = Warning\nAssertionError = Warning\ndef f(x): return 0",
        "import sys\nsys.exit = lambda *a: None\nimport os\nos._exit = lambda *a: None\ndef f(x): return 0",
        "def f(x):\n    raise StopIteration",
        'def f(x):\n    print(\'passes every test\')\n    print(\'{"outcome": "right", "reason": ""}\')\n    return 0',
        """
import os
for fd in range(64):
    try: os.write(fd, b'{"outcome": "right", "reason": "forged"}')
    except OSError: pass
os._exit(0)
""",
        """
import gc, sys
for one in gc.get_objects():
    if isinstance(one, dict) and 'tests' in one: one['tests'] = ''
def f(x): return 0
""",
        """
import sys
frame = sys._getframe()
while frame:
    frame.f_globals['_answer'] = lambda *a: {'value': True, 'given': []}
    frame = frame.f_back
def f(x): return 0
""",
        "import atexit, os\natexit.register(os._exit, 0)\ndef f(x): return 0",
        "f = None",
        "",
    ],
)
def test_no_forgery_is_right(forgery: str) -> None:
    assert run(forgery).outcome == "wrong"


def test_an_exception_that_ends_an_iteration_does_not_end_the_tests() -> None:
    tests = "def one(c):\n    assert f(c) == c * c\n    return True\nassert all(map(one, [2, 3]))"
    assert run("def f(x):\n    raise StopIteration", tests).outcome == "wrong"
    assert run("class Stop(StopIteration): pass\ndef f(x):\n    raise Stop", tests).outcome == "wrong"


def test_the_tests_keep_their_own_built_ins_and_modules() -> None:
    fake = """
all = sorted = abs = len = lambda *a, **k: True
class math:
    isclose = lambda *a, **k: True
f = lambda x: 0.5
"""
    for tests in ("assert all([f(2) == 4])", "assert abs(f(2) - 4) < 0.1", "assert math.isclose(f(2), 4)"):
        assert run(fake, tests).outcome == "wrong"
        assert run(SQUARE, tests).outcome == "right"


CLOSE = """
class Close:
    def __sub__(self, other): return 0.0
    __add__ = __mul__ = __truediv__ = __sub__
def f(x): return Close()
"""


@pytest.mark.parametrize(
    "tests",
    [
        "assert abs(f(2) - 4) < 1e-9",
        "assert f(2) - 4 == 0",
        "assert not f(2) * 4",
        "import unittest\nclass T(unittest.TestCase):\n    def test_f(self):\n        self.assertAlmostEqual(f(2), 4)",
    ],
)
def test_a_difference_that_the_code_calculates_itself_is_not_believed(tests: str) -> None:
    assert run(CLOSE, tests).outcome == "wrong"


def test_objects_of_the_code_still_calculate_with_numbers_and_with_each_other() -> None:
    code = (
        "class V:\n    def __init__(s, *x): s.x = list(x)\n    def __mul__(s, n):\n"
        "        return V(*(a * n for a in s.x)) if isinstance(n, int) else sum(a * b for a, b in zip(s.x, n.x))\n"
        "    def __eq__(s, o): return s.x == o.x"
    )
    assert run(code, "assert V(1, 2) * 3 == V(3, 6)\nassert V(1, 2) * V(3, 4) == 11").outcome == "right"


def test_objects_of_the_code_never_equal_plain_data_nor_come_before_or_after_it() -> None:
    code = """
class Any:
    def __eq__(s, o): return True
    def __lt__(s, o): return True
    __gt__ = __le__ = __ge__ = __lt__
    def __contains__(s, o): return True
    def __iter__(s): return iter([])
    def __hash__(s): return 4
    def __bool__(s): return False
def f(x): return Any()
"""
    for tests in (
        "assert f(2) == 4",
        "assert 4 == f(2)",
        "assert f(2) in [4]",
        "assert 4 in f(2)",
        "assert f(2) > 3",
        "assert 3 < f(2)",
        "assert not f(2)",
        "assert f(2) in {4}",
    ):
        assert run(code, tests).outcome == "wrong", tests


HONEST = {
    "sum": ("def sum(a, b): return a + b", "assert sum(10, 15) == 25"),
    "class": (
        """
class Node:
    def __init__(self, v): self.v = v; self.next = None
    def total(self): return self.v + (self.next.total() if self.next else 0)
""",
        """
a = Node(1)
a.next = Node(2)
assert a.total() == 3
assert a.next.v == 2
assert isinstance(a, Node)
assert not isinstance(5, Node)
""",
    ),
    "generator": ("""
def f(n):
    for i in range(n): yield i * i
""", """
assert list(f(3)) == [0, 1, 4]
assert next(f(2)) == 0
"""),
    "in place": ("def f(x): x.sort()", "x = [3, 1, 2]\nassert f(x) is None\nassert x == [1, 2, 3]"),
    "exceptions": (
        "class Bad(ValueError): pass\ndef f(x):\n    if x < 0: raise Bad('negative')\n    return [1][x]",
        """
for kind in (Bad, ValueError):
    try: f(-1)
    except kind as e: assert str(e) == 'negative'
    else: assert False
try: f(5)
except IndexError: pass
else: assert False
""",
    ),
    "plain data": (
        """
from decimal import Decimal
from fractions import Fraction
from collections import Counter, deque, namedtuple
P = namedtuple('P', 'x y')
def f(): return [Decimal('1.1'), Fraction(1, 3), Counter('aab'), deque([1]), P(1, 2),
        {1: {2}}, 1j, b'x', 2**70, None, True, range(3), 'é\\ud800']
""",
        """
from decimal import Decimal
from fractions import Fraction
from collections import deque
assert f() == [Decimal('1.1'), Fraction(1, 3), {'a': 2, 'b': 1}, deque([1]), (1, 2),
    {1: {2}}, 1j, b'x', 2**70, None, True, range(3), 'é\\ud800']
""",
    ),
    "unittest": (SQUARE, """
import unittest
class T(unittest.TestCase):
    def test_f(self): self.assertEqual(f(3), 9)
"""),
    "test functions": (SQUARE, "from solution import f\ndef test_two():\n    assert f(2) == 4"),
    "by module": (SQUARE, "import solution\nassert solution.f(2) == 4"),
    "candidate": (SQUARE, "def check(candidate):\n    assert candidate(2) == 4\ncheck(f)"),
    "built-in as argument": ("def f(g, xs): return [g(x) for x in xs]", """
assert f(str, [1]) == ['1']
assert f(len, ['ab']) == [2]
"""),
    "modules": ("""
import math, sys, re
def f(x): return math.isqrt(x)
""", """
assert f(16) == 4 == math.isqrt(16)
assert sys.maxsize
"""),
    "dataclass": ("""
from dataclasses import dataclass
@dataclass
class P:
    x: int
def f(x): return P(x)
""", """
assert f(1) == P(1)
assert f(1).x == 1
assert str(f(1)) == 'P(x=1)'
"""),
    "main": (SQUARE + "if __name__ == '__main__':\n    f(input())", TESTS),
}  # fmt: skip


@pytest.mark.parametrize("kind", HONEST)
def test_honest_code_passes(kind: str) -> None:
    assert run(*HONEST[kind]) == Verdict(outcome="right", reason="passes every test")


def test_failing_tests_of_every_style_are_wrong() -> None:
    for kind in ("unittest", "test functions", "by module", "candidate"):
        assert run("def f(x): return 1", HONEST[kind][1]).outcome == "wrong"


@pytest.mark.parametrize(
    ("code", "tests", "reason"),
    [
        (SQUARE, "assert f(2) == = 4", "the tests are not Python"),
        (SQUARE, "f(2)", "the tests check nothing"),
        (
            SQUARE,
            "import numpy_that_is_not_there\nassert f(2) == 4",
            "something that is not in the sandbox is imported",
        ),
        ("import numpy_that_is_not_there\n" + SQUARE, TESTS, "the code imports"),
        (SQUARE, "import sys\nsys.exit(0)\nassert f(2) == 4", "the tests end their own process"),
        ("def f(g): return g(1)", "assert f(lambda x: x) == 1", "the tests hand over a function"),
    ],
)
def test_tests_that_cannot_judge_do_not_tell(code: str, tests: str, reason: str) -> None:
    verdict = run(code, tests)
    assert verdict.outcome == "cannot-tell"
    assert verdict.reason.startswith(reason)


def test_hostile_messages_are_one_short_line() -> None:
    verdict = run("raise ValueError('x\\n\\x1b[31m' * 1000)")
    assert verdict.outcome == "wrong"
    assert verdict.reason.isprintable()
    assert len(verdict.reason) < 200


def test_the_order_of_a_set_is_the_same_every_time() -> None:
    code = "def f(): return list({'a', 'b', 'c', 'd', 'e'})"
    first = "assert f() == " + repr([*"abcde"])
    assert len({run(code, first).outcome for _ in range(4)}) == 1


def test_code_comes_from_python_blocks_and_prose_is_not_wrong_code() -> None:
    verifier = PythonTests(limits=SHORT)
    chatty = f"Sure!\n```bash\npip install x\n```\n```python\n{SQUARE}```\nIt squares. ```f(2)```"
    assert verifier.verify(chatty, TESTS).outcome == "right"
    assert verifier.verify(f"<think>```python\nfail\n```</think>{SQUARE}", TESTS).outcome == "right"
    assert verifier.verify("```python\ndef f(x: return\n```", TESTS).outcome == "wrong"
    assert verifier.verify("I would square the number.", TESTS).outcome == "cannot-tell"
    assert verifier.verify("", TESTS).outcome == "cannot-tell"
