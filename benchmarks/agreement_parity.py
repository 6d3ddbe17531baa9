"""Agreement against libraries, the literature and simulations: `python -m benchmarks.agreement_parity --data FOLDER`.

Prints the tables of docs/agreement.md: published values, real data beside krippendorff, scipy, and scikit-learn,
statsmodels and irrCAC where they are installed, how often intervals hold the truth, whether the planner's records make
the interval as wide as planned, how often honest people are flagged, and CPU seconds. Exits with 1 if a value differs.
"""

import argparse
import importlib
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
from scipy import stats

from annotation.agreement.facts import agreement
from annotation.agreement.flags import fast, monotonous, position, runs
from annotation.agreement.interval import RESAMPLES, Measured, mean_share
from annotation.agreement.labels import Level, fleiss_kappa, krippendorff_alpha, percent_agreement
from annotation.agreement.plan import planned
from annotation.agreement.rankings import kendall_tau, kendall_w
from annotation.agreement.two import Weights, cohen_kappa
from tests import test_agreement_published as published
from tests.test_agreement_real import hatecheck, pandalm, wide, xstest

Counts = np.ndarray
LEVELS: tuple[Level, ...] = ("nominal", "ordinal", "interval")
WEIGHTS: tuple[Weights, ...] = ("none", "linear", "quadratic")


def installed(name: str) -> Any:
    """A library that is only for comparison, or None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def from_literature() -> bool:
    tally = published.tally(published.OBSERVERS, 5)
    unfolded = published.unfolded
    levels: tuple[tuple[Level, float], ...] = (("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849))
    rows: list[tuple[str, float, Measured, float | None]] = [
        (f"Krippendorff 2011, example C, {level}", said, krippendorff_alpha(tally, level),
         krippendorff.alpha(value_counts=tally, level_of_measurement=level))
        for level, said in levels
    ]  # fmt: skip
    rows += [
        ("Fleiss 1971, kappa", 0.430, fleiss_kappa(published.PATIENTS), _fleiss_of_statsmodels(published.PATIENTS)),
        (
            "Cohen 1960, kappa",
            0.492,
            cohen_kappa(*unfolded(published.JUDGES), 3),
            _sklearn(*unfolded(published.JUDGES)),
        ),
        ("Cohen 1968, weighted", 0.348, cohen_kappa(*unfolded(published.JUDGES), 3, published.COHEN_WEIGHTS), None),
    ]
    for place, table, plain, linear in (
        ("Winnipeg", published.WINNIPEG, 0.2079, 0.3797), ("New Orleans", published.NEW_ORLEANS, 0.2965, 0.4773),
    ):  # fmt: skip
        both = unfolded(table)
        rows.append((f"Landis & Koch 1977, {place}", plain, cohen_kappa(*both, 4), _sklearn(*both)))
        rows.append(("the same, linear", linear, cohen_kappa(*both, 4, "linear"), _sklearn(*both, "linear")))
    people, responses = np.shape(published.THREE)
    friedman = stats.friedmanchisquare(*np.transpose(published.THREE)).statistic / (people * (responses - 1))
    people, responses = np.shape(published.ANXIETY)
    anxiety = stats.friedmanchisquare(*np.transpose(published.ANXIETY)).statistic / (people * (responses - 1))
    rows += [
        ("Kendall, W with ties", 0.828, kendall_w([published.THREE] * 2), friedman),
        ("irr, anxiety, W with ties", 0.54, kendall_w([published.ANXIETY] * 2), anxiety),
        ("Kendall, tau-b", 0.859, kendall_tau([published.TWO] * 2), stats.kendalltau(*published.TWO).statistic),
    ]
    print("| example | published | here | library |\n|---|---|---|---|")
    right = True
    for name, said, ours, library in rows:
        digits = len(str(said).split(".")[1])
        right &= ours.value is not None and round(ours.value, digits) == said
        right &= library is None or abs(library - (ours.value or 0)) < 1e-9
        print(f"| {name} | {said} | {ours.value:.9f} | {'' if library is None else f'{library:.9f}'} |")
    return right


def real_data(data: Path) -> bool:
    print("\n| data | measure | here (95 %) | library | difference |\n|---|---|---|---|---|")
    worst = 0.0
    for name, answers in (("PandaLM", wide(pandalm(data)[0])), ("XSTest", wide(xstest(data)))):
        counts = np.stack([(answers == label).sum(axis=0) for label in range(3)], axis=1)
        worst = max(worst, _compared(name, answers, counts))
    counts = hatecheck(data)
    worst = max(worst, _compared("HateCheck", None, counts))
    return worst < 1e-9


def _compared(name: str, answers: Counts | None, counts: Counts) -> float:
    gwet = installed("irrCAC.raw")
    rows: list[tuple[str, Measured, str, float | None]] = [
        ("percent", percent_agreement(counts), "", None),
        *((f"alpha, {level}", krippendorff_alpha(counts, level), "krippendorff",
           krippendorff.alpha(value_counts=counts, level_of_measurement=level))
          for level in LEVELS),
        ("Fleiss", fleiss_kappa(counts), "statsmodels", _fleiss_of_statsmodels(counts)),
    ]  # fmt: skip
    if gwet is not None and answers is not None:
        import pandas as pd

        found = gwet.CAC(pd.DataFrame(answers.T), digits=12).fleiss()["est"]["coefficient_value"]
        rows.append(("Fleiss", fleiss_kappa(counts), "irrCAC", float(found)))
    for a, b in itertools.combinations(range(0 if answers is None else len(answers)), 2):
        assert answers is not None
        for how in WEIGHTS:
            ours = cohen_kappa(answers[a], answers[b], 3, how)
            rows.append((f"Cohen {a + 1}-{b + 1}, {how}", ours, "scikit-learn", _sklearn(answers[a], answers[b], how)))
    worst = 0.0
    for what, ours, library, theirs in rows:
        apart = abs(theirs - (ours.value or 0)) if theirs is not None else 0.0
        worst = max(worst, apart)
        text = f"{ours.value:.6f} ({ours.low:.4f} to {ours.high:.4f})"
        print(f"| {name} | {what} | {text} | {library} | {'' if theirs is None else f'{apart:.0e}'} |")
    return worst


def _sklearn(first: Counts, second: Counts, weights: str = "none") -> float | None:
    library = installed("sklearn.metrics")
    if library is None:
        return None
    return float(library.cohen_kappa_score(first, second, weights=None if weights == "none" else weights))


def _fleiss_of_statsmodels(counts: Counts) -> float | None:
    library = installed("statsmodels.stats.inter_rater")
    return None if library is None else float(library.fleiss_kappa(counts))


def drawn(random: np.random.Generator, records: int, people: int, shares: list[float], clear: float) -> Counts:
    """A share `clear` of the records has one answer, on the others everybody guesses by `shares`: alpha is `clear`."""
    answers = random.choice(len(shares), (records, people), p=shares)
    known = random.random(records) < clear
    answers[known] = answers[known, :1]
    return np.stack([(answers == label).sum(axis=1) for label in range(len(shares))], axis=1)


def noisy(random: np.random.Generator, records: int, people: int, shares: list[float], clear: float) -> Counts:
    """Every answer is the record's own, or else a guess: mistakes are spread over all records; alpha is `clear`."""
    truth = random.choice(len(shares), (records, 1), p=shares)
    guesses = random.choice(len(shares), (records, people), p=shares)
    answers = np.where(random.random((records, people)) < clear**0.5, truth, guesses)
    return np.stack([(answers == label).sum(axis=1) for label in range(len(shares))], axis=1)


def percentiles(counts: Counts, random: np.random.Generator) -> tuple[float, float] | None:
    """The plain percentile interval of nominal alpha."""
    found = []
    for _ in range(300):
        sample = counts[random.integers(0, len(counts), len(counts))]
        people = sample.sum(axis=1)
        seen = ((people**2 - (sample**2).sum(axis=1)) / (people - 1)).sum() / people.sum()
        chance = (people.sum() ** 2 - (sample.sum(axis=0) ** 2).sum()) / (people.sum() * (people.sum() - 1))
        if chance:
            found.append(1 - seen / chance)
    return (float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975))) if found else None


def coverage(times: int) -> None:
    print(
        "\n| records | people | shares | alpha | held by BCa with Wilson | by percentiles |\n|---|---|---|---|---|---|"
    )
    settings = itertools.product((20, 50, 200), (2, 3), ([1 / 3] * 3, [0.9, 0.1]), (0.4, 0.8, 0.95))
    for records, people, shares, clear in settings:
        random, held, plain, of = np.random.default_rng(1), 0, 0, 0
        for seed in range(times):
            counts = drawn(random, records, people, shares, clear)
            found, other = krippendorff_alpha(counts, "nominal", seed=seed, resamples=500), percentiles(counts, random)
            if found.low is None or found.high is None or other is None:
                continue
            of += 1
            held += found.low <= clear <= found.high
            plain += other[0] <= clear <= other[1]
        text = ", ".join(f"{share:.2f}" for share in shares)
        print(f"| {records} | {people} | {text} | {clear} | {held / of:.3f} | {plain / of:.3f} |", flush=True)


def plans(times: int) -> None:
    print("\n| labels (shares) | percent | people | half width | records | mistakes gathered | mistakes spread |")
    print("|---|---|---|---|---|---|---|")
    cases = [([0.5, 0.5], 0.8), ([1 / 3] * 3, 0.8), ([0.25] * 4, 0.6), ([0.4, 0.5, 0.1], 0.9), ([0.9, 0.1], 0.9)]
    for (shares, share), people, half in itertools.product(cases, (2, 3, 5), (0.05, 0.1)):
        plan = planned(half_width=half, agreement=share, labels=len(shares), annotators=people, shares=shares)
        records, cells = plan.needs[-1].records, []
        for model in (drawn, noisy):
            random, held, widths = np.random.default_rng(2), 0, []
            for seed in range(times):
                found = krippendorff_alpha(model(random, records, people, shares, plan.alpha), "nominal", seed=seed)
                assert found.low is not None
                assert found.high is not None
                widths.append((found.high - found.low) / 2)
                held += found.low <= plan.alpha <= found.high
            cells.append(f"{np.mean(widths):.3f}, held {held / times:.3f}")
        text = ", ".join(f"{p:.2f}" for p in shares)
        print(f"| {text} | {share} | {people} | {half} | {records} | {cells[0]} | {cells[1]} |", flush=True)


FLAGS = ("fast", "runs", "monotonous", "position")


def people_and_flags(times: int) -> None:
    """How often an honest person is flagged, and how often one more who does not look."""
    print("\n| people | answers each |" + "".join(f" {name}: honest, found |" for name in FLAGS))
    print("|---|---|---|---|---|---|")
    for people, answers in itertools.product((2, 3, 10), (20, 200)):
        random, wrong, caught = np.random.default_rng(3), dict.fromkeys(FLAGS, 0), dict.fromkeys(FLAGS, 0)
        for _ in range(times):
            for name, honest, lazy, flag in _campaign(random, people, answers):
                wrong[name] += len(flag(honest))
                caught[name] += "lazy" in flag({**honest, "lazy": lazy})
        cells = (f" {wrong[name] / times / people:.2%}, {caught[name] / times:.0%} |" for name in FLAGS)
        print(f"| {people} | {answers} |" + "".join(cells), flush=True)


def _campaign(
    random: np.random.Generator, people: int, answers: int
) -> Iterator[tuple[str, dict[str, Any], Any, Callable[[Any], set[str]]]]:
    """Honest people, who differ in speed, in their use of labels and slightly in their taste for places; one lazy."""
    names = [f"a{number}" for number in range(people)]
    speeds = random.normal(3.4, 0.35, people)
    times = {name: np.exp(random.normal(speeds[n], 0.9, answers)).tolist() for n, name in enumerate(names)}
    yield "fast", times, np.exp(random.normal(3.4 - np.log(5), 0.9, answers)).tolist(), fast
    shares = random.dirichlet([25, 17, 8], people)
    given = {name: random.choice(3, answers, p=shares[n]).tolist() for n, name in enumerate(names)}
    lazy = random.choice(3, answers, p=[0.5, 0.34, 0.16])
    lazy[5 : 5 + answers // 7] = 0
    yield "runs", given, lazy.tolist(), runs
    yield "monotonous", given, np.where(random.random(answers) < 0.03, 1, 0).tolist(), monotonous
    tastes = random.normal(0.5, 0.02, people)
    places = {
        name: ((random.random(answers) > tastes[n]).astype(int).tolist(), [2] * answers) for n, name in enumerate(names)
    }
    yield "position", places, ((random.random(answers) > 0.75).astype(int).tolist(), [2] * answers), position


def speed(data: Path) -> None:
    random = np.random.default_rng(4)
    counts = drawn(random, 20_000, 3, [0.4, 0.4, 0.15, 0.05], 0.6)
    rankings = list(random.integers(1, 6, (20_000, 3, 5)))
    frame, models = pandalm(data)
    work: dict[str, Callable[[], Any]] = {
        "percent agreement": lambda: percent_agreement(counts),
        "Fleiss' kappa": lambda: fleiss_kappa(counts),
        **{f"alpha, {level}": partial(krippendorff_alpha, counts, level)
           for level in LEVELS},
        "tau-b of 5 responses": lambda: kendall_tau(rankings),
        "W of 5 responses": lambda: kendall_w(rankings),
        "a mean of 20,000 different numbers": lambda: mean_share(random.random(20_000)),
        "all facts of PandaLM": lambda: agreement(frame, task="comparisons", level="nominal", slices={"m": models}),
    }  # fmt: skip
    print(f"\n| 20,000 records, three people, {RESAMPLES:,} resamples | CPU seconds |\n|---|---|")
    for name, run in work.items():
        start = time.process_time()
        run()
        print(f"| {name} | {time.process_time() - start:.2f} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public test data")
    parser.add_argument("--times", type=int, default=500, help="simulations of each case")
    arguments = parser.parse_args()
    right = from_literature()
    right &= real_data(arguments.data)
    speed(arguments.data)
    people_and_flags(arguments.times)
    coverage(arguments.times)
    plans(max(arguments.times // 5, 1))
    print("\nevery value is the published one and the libraries'" if right else "\nDIFFERENT VALUES")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
