"""Words, letters, LaTeX, JSON and patterns are judged by their rules, and the audit finds what nobody can check."""

import multiprocessing
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest

from dataset_cards.versions.errors import Misuse
from synth.verify.audit import audit
from synth.verify.latex import Math
from synth.verify.pattern import Pattern
from synth.verify.verdict import Verdict
from synth.verify.verifiers import VERIFIERS, verifier

RIGHT, WRONG, CANNOT_TELL = "right", "wrong", "cannot-tell"


def outcome(name: str, answer: str, reference: str) -> str:
    return VERIFIERS[name].verify(answer, reference).outcome


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ("Paris", "Paris", RIGHT),
        ("The answer is **Paris**.", "Paris", RIGHT),
        ("  new \n york ", "new york", RIGHT),
        ("caf\u0065\u0301", "caf\u00e9", RIGHT),
        ("paris", "Paris", WRONG),
        ("It is Paris", "Paris", WRONG),
        ("The answer is Paris. The answer is Rome.", "Paris", WRONG),
        ("", "Paris", CANNOT_TELL),
        ("Paris", " ", CANNOT_TELL),
    ],
)
def test_exact_wants_the_words_of_the_reference(answer: str, reference: str, expected: str) -> None:
    assert outcome("exact", answer, reference) == expected


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ("The answer is (B).", "B", RIGHT),
        ("ANSWER:B", "B", RIGHT),
        ("Correct answer - B", "(B)", RIGHT),
        ("so it is\n\\boxed{\\text{(B)}}", "B", RIGHT),
        ("#### B", "B.", RIGHT),
        ("B", "b", RIGHT),
        ("B) 600", "B", RIGHT),
        ("Option A is tempting.\nHence option B", "B", RIGHT),
        ("The answer is (b)", "B", RIGHT),
        ("Therefore B is correct", "B", RIGHT),
        ("The answer is C.", "B", WRONG),
        ("The answer is A. Or the answer is B.", "B", WRONG),
        ("The answer is A or B.", "A", CANNOT_TELL),
        ("The answer is A and B", "A", CANNOT_TELL),
        ("The answer is A, B, C", "A", CANNOT_TELL),
        ("The answer is A train.", "A", CANNOT_TELL),
        ("A good question.", "A", CANNOT_TELL),
        ("600", "B", CANNOT_TELL),
        ("The answer is B", "AB", CANNOT_TELL),
        ("The answer is Z.", "B", CANNOT_TELL),
        ("Answer: B) Paris", "B", RIGHT),
        ("Answer: B) C) D)", "B", CANNOT_TELL),
        ("Answer: (B) (C)", "B", CANNOT_TELL),
        ("Answer: B; C", "B", CANNOT_TELL),
        ("Answer: B. C. D.", "B", CANNOT_TELL),
        ("Answer: B - C - D", "B", CANNOT_TELL),
        ("(B) is not correct", "B", CANNOT_TELL),
        ("Answer: B isn't right", "B", CANNOT_TELL),
        ("I rule out option B.", "B", CANNOT_TELL),
        ("It can't be option B", "B", CANNOT_TELL),
    ],
)
def test_choice_reads_one_letter(answer: str, reference: str, expected: str) -> None:
    assert outcome("choice", answer, reference) == expected


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ("\\boxed{2\\sqrt{3}}", "\\sqrt{12}", RIGHT),
        ("\\boxed{\\dfrac{1}{2}}", "\\frac12", RIGHT),
        ("\\boxed{x+1}", "1+x", RIGHT),
        ("\\boxed{1, 2}", "2, 1", RIGHT),
        ("\\boxed{\\text{east}}", "\\text{west}", WRONG),
        ("\\boxed{\\frac{1}{3}}", "0.333333", WRONG),
        ("\\boxed{\\pi}", "3.14159", WRONG),
        ("\\boxed{x=5}", "5", RIGHT),
        ("\\boxed{3}", "3, 4", WRONG),
        ("\\boxed{2^{10}}", "1024", CANNOT_TELL),
        ("\\boxed{(1,2)}", "\\{1,2\\}", CANNOT_TELL),
        ("\\boxed{1}\\boxed{2}", "1", WRONG),
        ("\\boxed{\\sqrt{12}}, that is \\boxed{2\\sqrt3}", "2\\sqrt{3}", RIGHT),
        ("the root is 2", "2", CANNOT_TELL),
        ("\\boxed{5}", "5!", WRONG),
        ("\\boxed{5!}", "5", WRONG),
        ("\\boxed{5!}", "120", CANNOT_TELL),
        ("\\boxed{12_8}", "12_{10}", CANNOT_TELL),
        ("\\boxed{12}", "12_8", CANNOT_TELL),
        ("\\boxed{12_8}", "12_{8}", RIGHT),
        ("\\boxed{\\max(5,3)}", "5", CANNOT_TELL),
        ("\\boxed{5 \\pm 0}", "5", CANNOT_TELL),
    ],
)
def test_boxed_compares_mathematics(answer: str, reference: str, expected: str) -> None:
    assert outcome("boxed", answer, reference) == expected


@pytest.mark.parametrize(
    "hostile",
    [
        "\\boxed{9^{9^{9^{9}}}}",
        "\\boxed{(x+y)^{30000}}",
        "\\boxed{" + "{" * 3000 + "}" * 3000 + "}",
        "\\boxed{" + "\\frac{1}{" * 500 + "x" + "}" * 500 + "}",
        "\\boxed{\\begin{pmatrix}}",
        "\\boxed{\0\ud800}",
        "\\boxed{" + "x+" * 60_000 + "x}",
        "\\boxed{__import__('os').system('true')}",
    ],
)
def test_hostile_latex_neither_hangs_nor_crashes_nor_wins(hostile: str) -> None:
    assert Math(seconds=1).verify(hostile, "x").outcome != RIGHT
    assert Math().verify("\\boxed{x+1}", "1+x").outcome == RIGHT  # and what comes next is judged again


def test_mathematics_is_compared_in_threads_and_in_forked_processes() -> None:
    def equal(n: int) -> str:
        return Math().verify(f"\\boxed{{x+{n}}}", f"{n}+x").outcome

    assert threading.current_thread() is threading.main_thread()
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(equal, range(6))) == [RIGHT] * 6
    with multiprocessing.get_context("fork").Pool(1) as processes:
        assert processes.apply(Math().verify, ("\\boxed{x+7}", "7+x")).outcome == RIGHT


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ('{"a": 1}', '{"type": "object", "required": ["a"]}', RIGHT),
        ('Here:\n```json\n{"a": 1}\n```', '{"required": ["a"]}', RIGHT),
        ('{"b": 1}', '{"type": "object", "required": ["a"]}', WRONG),
        ('Sure! {"a": 1}', "{}", WRONG),
        ('{"a": 1, "a": 2}', "{}", WRONG),
        ("NaN", "{}", WRONG),
        ("```\n1\n```\n```\n2\n```", "{}", WRONG),
        ("1", "no schema", CANNOT_TELL),
        ("1", '{"type": "nonsense"}', CANNOT_TELL),
        ("1", '{"$ref": "http://127.0.0.1:1/schema.json"}', CANNOT_TELL),
        ("1", '{"$ref": "#"}', CANNOT_TELL),
        ("[" * 10_000, "{}", CANNOT_TELL),
        ("", "{}", CANNOT_TELL),
    ],
)
def test_json_schema_wants_valid_json_and_nothing_else(answer: str, reference: str, expected: str) -> None:
    assert outcome("json-schema", answer, reference) == expected


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ("2024-01-31", r"\d{4}-\d\d-\d\d", RIGHT),
        ("on 2024-01-31", r"\d{4}-\d\d-\d\d", WRONG),
        ("abc", "(", CANNOT_TELL),
        ("abc", "", CANNOT_TELL),
        ("a" * 40 + "!", r"(a|aa)+$", CANNOT_TELL),
    ],
)
def test_regex_matches_all_of_the_answer_within_its_time(answer: str, reference: str, expected: str) -> None:
    assert outcome("regex", answer, reference) == expected
    assert Pattern(whole=False).verify("on 2024-01-31", r"\d{4}").outcome == RIGHT


def test_an_unknown_verifier_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(Misuse, match=r"'numbr' is no verifier; there are number, exact, gsm8k"):
        verifier("numbr")


def test_verifiers_need_no_extra_until_one_is_used_and_then_name_it() -> None:
    program = """
from synth.verify.verifiers import VERIFIERS
assert VERIFIERS["number"].verify("#### 18", "18").outcome == "right"
try:
    VERIFIERS["boxed"].verify("\\\\boxed{x+1}", "1+x")
except ModuleNotFoundError as error:
    print(error)
"""
    root = Path(__file__).resolve().parent.parent
    # -S: without what is installed beside the standard library.
    done = subprocess.run([sys.executable, "-S", "-c", program], cwd=root, capture_output=True, text=True)
    assert done.stdout == "math needs math_verify: pip install 'gristmill[synth]'\n", done.stderr


def test_a_verdict_has_a_reason() -> None:
    assert all(one.verify("", "").reason for one in VERIFIERS.values())
    assert Verdict(outcome="right", reason="x") == Verdict(outcome="right", reason="x")


def test_the_audit_finds_every_row_that_nobody_can_check() -> None:
    rows = pl.DataFrame(
        [
            ("good", "18", "number"),
            ("words", "eighteen", "number"),
            ("same words", "eighteen", "number"),
            ("letters", "AB", "choice"),
            ("pattern", "(", "regex"),
            ("anything", ".*", "regex"),
            ("schema", "{", "json-schema"),
            ("latex", "\\frac{", "math"),
            ("typo", "18", "numbr"),
            ("nobody", "18", None),
            ("tests", "assert f(1) == 2", "python-tests"),
            ("broken tests", "assert f(1 == 2", "python-tests"),
            ("no tests", "f(1)", "python-tests"),
            ("empty tests", "assert True", "python-tests"),
        ],
        schema=["id", "answer", "verifier"],
        orient="row",
    )
    found = audit(rows)
    assert found.rows == 14
    assert found.uncheckable["id"].to_list() == [name for name in rows["id"] if name not in ("good", "tests")]
    problems = dict(found.uncheckable.select("id", "problem").iter_rows())
    assert problems["nobody"] == "no verifier is named"
    assert problems["words"] == problems["same words"] == "the reference “eighteen” is not one number"
    assert problems["no tests"] == "the tests check nothing: no assert, no test function"
    assert problems["empty tests"] == "an empty program passes the tests"
    counts = {name: (rows, bad) for name, rows, bad in found.counts.iter_rows()}
    assert counts["number"] == (3, 2)
    assert counts[None] == (1, 1)
    assert sum(bad for _, bad in counts.values()) == found.uncheckable.height


def test_the_audit_of_no_rows_finds_none() -> None:
    empty = pl.DataFrame(schema={"id": pl.String, "answer": pl.String, "verifier": pl.String})
    assert audit(empty).uncheckable.height == 0
