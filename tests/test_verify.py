"""Verifiers read a final answer by their rules, and never reward what they cannot read. Real data: test_verify_data."""

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synth.verify.final import statements
from synth.verify.number import Number
from synth.verify.verdict import shown
from synth.verify.verifiers import VERIFIERS

RIGHT, WRONG, CANNOT_TELL = "right", "wrong", "cannot-tell"


def outcome(name: str, answer: str, reference: str) -> str:
    return VERIFIERS[name].verify(answer, reference).outcome


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        # The forms of a final answer, and their order.
        ("She has 9 left, so 9 * 2.\n#### 18", "18", RIGHT),
        ("so $\\boxed{18}$.", "18", RIGHT),
        ("The answer is 18.", "18", RIGHT),
        ("**Answer:** $18", "18", RIGHT),
        ("The final answer is: $\\boxed{18}$. I hope it is correct.", "18", RIGHT),
        ("Answer:\n\n18 eggs", "18", RIGHT),
        ("The answer is:\n\\[\n18\n\\]", "18", RIGHT),
        ("18", "18", RIGHT),
        ("#### Step 1: count\nThree.\n#### 2. Double\n\\boxed{18}", "18", RIGHT),
        ("The answer is 9, so in all \\boxed{18}", "18", RIGHT),
        ("<think>The answer is 3.</think>The answer is 18.", "18", RIGHT),
        # Nothing is guessed.
        ("She has 18 left.\nThat is all.", "18", CANNOT_TELL),
        ("<think>\n#### 18", "18", CANNOT_TELL),
        ("", "18", CANNOT_TELL),
        ("\\boxed{18", "18", CANNOT_TELL),
        # Listing answers earns nothing.
        ("The answer is 17. The answer is 18.", "18", WRONG),
        ("\\boxed{18} or \\boxed{19}", "18", WRONG),
        ("#### 17\n#### 18", "18", WRONG),
        ("The answer is 17 or 18.", "18", CANNOT_TELL),
        ("The answer is 17, 18, 19", "18", CANNOT_TELL),
        ("The answer is 18. So again, the answer is 18.0.", "18", RIGHT),
        # How numbers are written.
        ("#### 1,234,567.50", "1234567.5", RIGHT),
        ("1\u202f234", "1234", RIGHT),
        ("1{,}234", "1234", RIGHT),
        ("12,34", "1234", CANNOT_TELL),
        ("1,5", "1.5", CANNOT_TELL),
        ("\u22125", "-5", RIGHT),
        ("-$5", "-5", RIGHT),
        ("5", "-5", WRONG),
        ("3/4", "0.75", RIGHT),
        ("1 1/2", "1.5", RIGHT),
        ("1½", "1.5", RIGHT),
        ("\\boxed{-\\frac{3}{4}}", "-0.75", RIGHT),
        ("\\boxed{1\\frac12}", "3/2", RIGHT),
        ("0.333", "1/3", WRONG),
        ("0.1", "1/10", RIGHT),
        ("1e3", "1000", RIGHT),
        ("2.5 \\times 10^{3}", "2500", RIGHT),
        ("1e999999999", "1", CANNOT_TELL),
        ("1/0", "0", CANNOT_TELL),
        ("\u0661\u0668", "18", RIGHT),
        ("9" * 5000, "9", CANNOT_TELL),
        # Units are read, and compared where both name one.
        ("18 dollars per day", "18", RIGHT),
        ("\\boxed{18\\text{ cm}^2}", "18", RIGHT),
        ("90^\\circ", "90", RIGHT),
        ("18 km", "18 miles", CANNOT_TELL),
        ("18 hours", "18 hour", RIGHT),
        ("50%", "50", RIGHT),
        ("50%", "0.5", CANNOT_TELL),
        ("2 million", "2,000,000", RIGHT),
        ("2 million", "2", CANNOT_TELL),
        ("3 dozen", "36", CANNOT_TELL),
        ("5x", "5", CANNOT_TELL),
        # What makes a number another one.
        ("The answer is not 18.", "18", CANNOT_TELL),
        ("less than 18", "18", CANNOT_TELL),
        ("x > 18", "18", CANNOT_TELL),
        ("18 and a half", "18", CANNOT_TELL),
        ("5 sixths", "5", CANNOT_TELL),
        ("#### 5!", "5", CANNOT_TELL),
        ("0,005", "5", CANNOT_TELL),
        ("The answer is 5!", "5", RIGHT),
        ("18 or so", "18", CANNOT_TELL),
        ("5:30", "5", CANNOT_TELL),
        ("The answer is 9 * 2 = 18", "18", RIGHT),
        ("The answer is 18, because 9 * 3 = 27.", "18", RIGHT),
        ("The answer is 5 because 9 * 2 = 18.", "18", WRONG),
        # References.
        ("18", "eighteen", CANNOT_TELL),
        ("18", "", CANNOT_TELL),
        ("18", "work\n#### 18", RIGHT),
        ("18", "\\boxed{18} \\boxed{19}", CANNOT_TELL),
    ],
)
def test_number_reads_one_final_number(answer: str, reference: str, expected: str) -> None:
    assert outcome("number", answer, reference) == expected


def test_gsm8k_reads_only_its_own_form() -> None:
    assert outcome("gsm8k", "#### 18", "18") == RIGHT
    assert outcome("gsm8k", "The answer is 18.", "18") == CANNOT_TELL
    assert outcome("gsm8k", "18", "18") == CANNOT_TELL


def test_a_tolerance_counts_only_when_asked_for() -> None:
    assert Number(tolerance=Fraction(1, 100)).verify("0.333", "1/3").outcome == RIGHT
    assert Number(tolerance=Fraction(1, 10000)).verify("0.333", "1/3").outcome == WRONG


CHEAP = ("number", "gsm8k", "exact", "choice")
PIECES = st.lists(
    st.sampled_from(
        [
            *(
                "The answer is ",
                "#### ",
                "\\boxed{",
                "}",
                "18",
                "1,234",
                "-",
                "/",
                "%",
                ".",
                "\n",
                " or ",
                "A",
                "(B)",
                "½",
            ),
            *("\\frac{1}{2}", "$", "=", " dollars", "<think>", "</think>", "**", "\u2212", "\0", "e9", "^", "{", "\\"),
        ]
    )
    | st.text(max_size=5),
    max_size=12,
).map("".join)


@given(answer=PIECES, reference=PIECES)
@example(answer="\\boxed{" * 50, reference="1")
def test_no_text_makes_a_verifier_raise_and_a_reason_is_one_printable_line(answer: str, reference: str) -> None:
    for name in CHEAP:
        verdict = VERIFIERS[name].verify(answer, reference)
        assert verdict.outcome in (RIGHT, WRONG, CANNOT_TELL)
        assert verdict.reason.isprintable()
        # A reference that the audit finds fault with rewards nobody.
        if VERIFIERS[name].problem(reference):
            assert verdict.outcome == CANNOT_TELL


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))
def test_number_is_right_exactly_where_the_numbers_are_equal(one: int, other: int) -> None:
    expected = RIGHT if one == other else WRONG
    for written in (f"#### {one:,}", f"\\boxed{{{one}.0}}", f"The answer is {one} eggs.", f"{one}"):
        assert outcome("number", written, str(other)) == expected
        assert outcome("number", written, f"{one:,}") == RIGHT


@given(st.lists(st.integers(-99, 99), min_size=2, max_size=5), st.sampled_from(["#### {}", "\\boxed{{{}}}"]))
def test_who_lists_several_different_answers_is_never_right(numbers: list[int], form: str) -> None:
    listed = "\n".join(form.format(number) for number in numbers)
    expected = RIGHT if len(set(numbers)) == 1 else WRONG
    assert outcome("number", listed, str(numbers[-1])) == expected
    assert outcome("math", listed, str(numbers[-1])) == expected


@given(st.text(max_size=200))
def test_a_boxed_text_is_read_back_whole(text: str) -> None:
    if text.count("{") == text.count("}") == 0 and "\\" not in text and "think>" not in text:
        assert statements(f"so \\boxed{{{text}}} it is", ("boxed",))[1][-1:] == [
            text.replace("**", "").replace("__", "").replace("`", "").strip().rstrip(".").strip()
        ]


def test_hostile_text_in_a_reason_is_one_short_line() -> None:
    assert shown("a\nb\x1b[31m" + "c" * 1000).isprintable()
    assert len(shown("c" * 1000)) < 100
