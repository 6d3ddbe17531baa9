"""Whether the verifiers agree with public gold answers and reject wrong ones, all of them, and at what speed.

    python -m benchmarks.verify_reference --data FOLDER [--programs N]

FOLDER holds the public test data (`reasoning/`). Gold answers are the data's own solutions. Wrong ones are made of them
with a fixed seed. `--programs` is how many MBPP programs are run (all of them by default), each as it is and broken.
Speeds are CPU seconds of this process and of the processes it started.
"""

import argparse
import io
import json
import random
import re
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import zstandard

from synth.verify.final import boxes
from synth.verify.verdict import Verdict
from synth.verify.verifiers import VERIFIERS

SEED = 5
WRONG = 1000

Case = tuple[str, str]  # answer, reference
Row = dict[str, Any]


def lines(data: Path, name: str) -> list[Row]:
    """The rows of one file of `reasoning/`."""
    with (data / "reasoning" / f"{name}.jsonl.zst").open("rb") as file:
        text = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        return [json.loads(line) for line in text]


def gsm8k(data: Path) -> list[Case]:
    return [(row["answer"], row["answer"].rpartition("####")[2].strip()) for row in lines(data, "gsm8k_train")]


def svamp(data: Path) -> list[Case]:
    return [(f"The answer is {row['Answer']:,.0f}.", str(row["Answer"])) for row in lines(data, "svamp")]


def aqua(data: Path) -> list[Case]:
    return [
        (f"{row['rationale']}\nThe answer is ({row['correct']}).", row["correct"]) for row in lines(data, "aqua_dev")
    ]


def competition(data: Path) -> list[Case]:
    """The reference is the last box, as Hendrycks et al. 2021 (arXiv 2103.03874) take it."""
    return [(row["solution"], boxes(row["solution"])[-1]) for row in lines(data, "math_competition")]


def mbpp(data: Path) -> list[Case]:
    rows = lines(data, "mbpp")
    return [(row["code"], "\n".join([row["test_setup_code"], *row["test_list"]])) for row in rows]


def wrong_numbers(cases: list[Case], count: int = WRONG) -> Iterator[tuple[str, Case]]:
    """Cases with another final number, and how it was made; every kind as often as every other.

    The number is one that differs in value, and is written in each of the forms of a final answer.
    """
    chance = random.Random(SEED)
    kinds: dict[str, Callable[[str], str]] = {
        "one more": lambda number: str(int(number) + 1),
        "one less": lambda number: str(int(number) - 1),
        "other sign": lambda number: str(-int(number)),
        "two digits swapped": lambda number: _swapped(number, chance),
        "one digit changed": lambda number: number[:-1] + str((int(number[-1]) + chance.randint(1, 9)) % 10),
        "ten times": lambda number: number + "0",
        "a tenth": lambda number: f"{number[:-1] or 0}.{number[-1]}",
        "a digit lost": lambda number: number[:-1],
        "a half more": lambda number: number + ".5",
        "another row's": lambda number: chance.choice(cases)[1].replace(",", ""),
        "a hair off": lambda number: number + ".000001",
        "its inverse": lambda number: f"1/{number}",
    }
    forms = (
        "#### {}",
        "\\boxed{{{}}}",
        "The answer is {}.",
        "{}",
        "**Answer:** {} dollars",
        "\\boxed{{\\text{{{} m}}}}",
    )
    made = 0
    while made < count:
        answer, reference = chance.choice(cases)
        name = list(kinds)[made % len(kinds)]
        number = reference.replace(",", "").removesuffix(".0")
        other = kinds[name](number)
        if other in ("", "-") or _value(other) == _value(number):
            continue
        form = chance.choice(forms)
        # A bare number after reasoning is no final answer; alone it is one.
        reasoning = answer.rpartition("####")[0] if form != "{}" and chance.random() < 0.5 else ""
        made += 1
        yield name, (reasoning + form.format(other), reference)


def _swapped(number: str, chance: random.Random) -> str:
    at = chance.randrange(max(1, len(number) - 1))
    return number[:at] + number[at : at + 2][::-1] + number[at + 2 :]


def _value(number: str) -> float:
    above, _, below = number.partition("/")
    return float(above) / float(below) if below and float(below) else float(above)


def wrong_letters(cases: list[Case]) -> Iterator[tuple[str, Case]]:
    chance = random.Random(SEED)
    for _, reference in cases:
        for other in sorted(set("ABCDE") - {reference}):
            written = chance.choice(["({}).", "{}", "**{}**", "{}) 12", "\\boxed{{{}}}"]).format(other)
            yield "another letter", (f"The answer is {written}", reference)


def wrong_boxes(cases: list[Case], count: int = WRONG) -> Iterator[tuple[str, Case]]:
    """Solutions whose box holds another row's answer, the answer and one, or its opposite."""
    chance = random.Random(SEED)
    for n in range(count):
        _, reference = chance.choice(cases)
        name = ("another row's", "and one", "its opposite")[n % 3]
        other = chance.choice(cases)[1] if n % 3 == 0 else f"{reference}+1" if n % 3 == 1 else f"-({reference})"
        if other != reference and re.fullmatch(r"[-\d.]*[1-9][\d.]*", reference):
            yield name, (f"So it is $\\boxed{{{other}}}$.", reference)


def wrong_programs(cases: list[Case]) -> Iterator[tuple[str, Case]]:
    """Programs whose functions return what they should not: wrapped, emptied, or ended early."""
    breaks = {
        "returns something else": lambda code: re.sub(r"\breturn\b[^\n]*", "return ('broken',)", code),
        "ends the process first": lambda code: "import os\nos._exit(0)\n" + code,
        "defines nothing": lambda code: "pass",
        "is no Python": lambda code: "def broken(:\n" + code,
    }
    for n, (code, tests) in enumerate(cases):
        name = list(breaks)[n % len(breaks)]
        broken = breaks[name](code)
        if broken != code:
            yield name, (f"```python\n{broken}\n```", tests)


def tally(name: str, cases: Iterable[Case]) -> tuple[Counter[str], list[tuple[Case, Verdict]], float]:
    """Verdicts counted, those that are not `right` with their case, and CPU seconds."""
    counts: Counter[str] = Counter()
    others = []
    before = _cpu()
    for case in cases:
        verdict = VERIFIERS[name].verify(*case)
        counts[verdict.outcome] += 1
        if verdict.outcome != "right":
            others.append((case, verdict))
    return counts, others, _cpu() - before


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _report(title: str, name: str, cases: list[Case], gold: bool) -> None:
    counts, others, seconds = tally(name, cases)
    shown = ", ".join(f"{outcome} {count:,}" for outcome, count in sorted(counts.items()))
    print(f"{title:34} {name:13} {len(cases):6,}: {shown}; {len(cases) / max(seconds, 1e-9):,.0f} per CPU second")
    for (answer, reference), verdict in others[:12] if gold else []:
        print(f"    {verdict.outcome}: {verdict.reason}; reference {reference[:60]!r}; answer ...{answer[-60:]!r}")


def main() -> None:
    """Print one line per data set, gold and wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--programs", type=int)
    arguments = parser.parse_args()
    numbers = gsm8k(arguments.data)
    wrong = list(wrong_numbers(numbers))
    for name in ("number", "gsm8k"):
        _report("GSM8K, gold", name, numbers, gold=True)
    for name in ("number", "gsm8k", "math", "exact"):
        _report("GSM8K, wrong", name, [case for _, case in wrong], gold=False)
    _report("SVAMP, gold", "number", svamp(arguments.data), gold=True)
    _report("SVAMP, wrong", "number", [case for _, case in wrong_numbers(svamp(arguments.data))], gold=False)
    _report("AQuA, gold", "choice", aqua(arguments.data), gold=True)
    rationales = [(row["rationale"], row["correct"]) for row in lines(arguments.data, "aqua_dev")]
    _report("AQuA, rationales as they are", "choice", rationales, gold=False)
    _report("AQuA, wrong", "choice", [case for _, case in wrong_letters(aqua(arguments.data))], gold=False)
    _report("MATH, gold", "boxed", competition(arguments.data), gold=True)
    _report("MATH, wrong", "boxed", [case for _, case in wrong_boxes(competition(arguments.data))], gold=False)
    programs = mbpp(arguments.data)[: arguments.programs]
    _report("MBPP, gold", "python-tests", programs, gold=True)
    _report("MBPP, wrong", "python-tests", [case for _, case in wrong_programs(programs)], gold=True)


if __name__ == "__main__":
    main()
