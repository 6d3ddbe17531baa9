"""The process that runs the tests: confined too, it alone can give a verdict, and the code under test is not in it.

What the tests name and do not define is a stand-in for what the code defines (see `remote`). So the code can neither
end the tests, nor replace what they compare with, nor read what they expect.
"""

import ast
import builtins
import importlib
import json
import os
import sys
import types
from typing import Any

from synth.verify.verdict import Verdict, cannot_tell, right, shown, wrong

from .confine import Cage, confine
from .remote import Court, Named, Raised, Unsendable
from .wire import Broken, Line

MODULE = "solution"
ENDED = "the code's process ended"


def main() -> None:
    """Read tests from standard input, run them, write one verdict."""
    settings = json.loads(sys.argv[1])
    # Tests print; only a verdict may reach the other side.
    replies = os.dup(1)
    tests = sys.stdin.buffer.read().decode("utf-8", "replace")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    sys.path[:] = [path for path in sys.path if path != settings["root"]]
    sys.set_int_max_str_digits(0)
    try:
        confine(Cage(**settings["cage"]), settings["parent"])
    except OSError as error:
        verdict = _unguarded(str(error))
    else:
        verdict = _examined(tests, Line(settings["reading"], settings["writing"]), settings["fenced"])
    os.write(replies, json.dumps({"outcome": verdict.outcome, "reason": verdict.reason}).encode())
    os._exit(0)  # whatever the tests left running or registered


def _examined(tests: str, line: Line, fenced: bool) -> Verdict:
    try:
        tree = ast.parse(tests, "tests.py")
        program = compile(tree, "tests.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        return cannot_tell(f"the tests are not Python: {shown(str(error))}")
    if not _checks_anything(tree):
        return cannot_tell("the tests check nothing: no assert, no test function")
    try:
        match line.receive():
            case {"unguarded": reason}:
                return _unguarded(str(reason))
            case {"syntax": reason}:
                return (wrong if fenced else cannot_tell)(f"the code is not Python: {shown(str(reason))}")
            case {"missing": str(missing)} if missing.partition(".")[0] and not _standard(missing):
                return cannot_tell(f"the code imports {shown(missing)}, which is not in the sandbox")
            case {"raised": [*names], "message": message} if names:
                return wrong(f"the code ends with {shown(f'{names[0]}: {message}')}")
        court = Court(line)
        scope: dict[str, Any] = {"__name__": "tests", "__builtins__": builtins}
        modules, names = _wanted(tree)
        sys.modules[MODULE] = types.ModuleType(MODULE)  # for tests that import from it
        scope |= {name: importlib.import_module(name) for name in modules}
        for name in names:
            _bind(scope, court, name)
        return _ran(program, scope)
    except Broken as error:
        return wrong(f"{ENDED} or answers no question: {error}")


def _ran(program: types.CodeType, scope: dict[str, Any]) -> Verdict:
    try:
        exec(program, scope)
        for name, value in list(scope.items()):
            if name.startswith("test") and isinstance(value, types.FunctionType):
                value()
            elif "unittest" in sys.modules and isinstance(value, type):
                _case(value)
    except Broken:
        raise
    except Unsendable as error:
        return cannot_tell(str(error))
    except AssertionError as error:
        return wrong(f"a test fails: line {_line(error)} of the tests")
    except NameError as error:
        missing = f"the code defines no {shown(error.name)}" if error.name else f"NameError: {shown(str(error))}"
        return wrong(missing)
    except ImportError as error:
        return cannot_tell(f"something that is not in the sandbox is imported: {shown(str(error))}")
    except (SystemExit, KeyboardInterrupt):
        return cannot_tell("the tests end their own process")
    except BaseException as error:
        return wrong(f"line {_line(error)} of the tests ends with {shown(f'{type(error).__name__}: {error}')}")
    return right("passes every test")


def _case(case: type[Any]) -> None:
    import unittest  # by now the tests have paid for it

    if not issubclass(case, unittest.TestCase):
        return
    result = unittest.TestResult()
    result.failfast = True
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    if result.errors or result.failures or not result.testsRun:
        report = [text for _, text in (*result.failures, *result.errors)] or ["no test in it"]
        raise Raised(f"{case.__name__}: {report[0].strip().splitlines()[-1]}")


def _line(error: BaseException) -> int:
    """The last line of the tests that the error passed; 0 where it passed none."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "tests.py":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _checks_anything(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Assert | ast.Raise)
        or (isinstance(node, ast.FunctionDef) and node.name.startswith("test"))
        or (isinstance(node, ast.ClassDef) and any("TestCase" in ast.unparse(one) for one in node.bases))
        for node in ast.walk(tree)
    )


def _wanted(tree: ast.Module) -> tuple[list[str], list[str]]:
    """Standard modules that the tests use and do not import, and the names they take from the code, both sorted.

    A name is the code's if the tests read it and do not define it. Names of built-ins and of standard modules keep
    their meaning, so that code cannot hand the tests its own `all` or `math`; only tests that name nothing else take a
    function of a built-in's name (MBPP has one called `sum`).
    """
    read, defined, called, asked = set(), {MODULE}, set(), set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="solution"), attr=name):
                asked.add(name)
            case ast.Call(func=ast.Name(id=name)):
                called.add(name)
            case ast.Name(id=name, ctx=ast.Load()):
                read.add(name)
            case ast.Name(id=name) | ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                defined.add(name)
            case ast.ImportFrom(module="solution", names=names):
                asked |= {one.name for one in names}
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                defined |= {(one.asname or one.name).partition(".")[0] for one in names}
    free = read - defined
    modules = {name for name in free - called if _standard(name)}
    own = {name for name in free - modules if not hasattr(builtins, name) and not name.startswith("__")} | asked
    return sorted(modules), sorted(own or (free if len(free) == 1 else ()))


def _bind(scope: dict[str, Any], court: Court, name: str) -> None:
    try:
        value = court.ask("name", name)
    except KeyError:
        return  # perhaps the tests can do without it; if not, they end with a NameError
    if isinstance(value, Named):
        if not _standard(value.name):
            return
        value = importlib.import_module(value.name)
    scope[name] = value
    setattr(sys.modules[MODULE], name, value)


def _standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _unguarded(reason: str) -> Verdict:
    return cannot_tell(f"no code is run here, since it could not be guarded: {reason}")
