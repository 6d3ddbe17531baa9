"""Whether estimated reliabilities are the true ones, and whether other libraries compute the same.

Usage: python -m benchmarks.reliability_recovery [--data DATA_FOLDER]

1. Simulated annotators of known reliability: the correlation of estimated with true ones, and how many labels come
   out right by majority, weights and Dawid-Skene; many campaigns each, medians and the worst.
2. Simulated annotators of known eta who compare items of known strength, with ties.
3. Against crowd-kit and choix, if they are installed (`pip install crowd-kit==1.4.2 choix==0.4.1`, best in an
   environment of their own: they bring pandas, scikit-learn and scipy), on the same answers; with DATA_FOLDER also on
   `preference/pandalm_human.jsonl.zst`.
4. CPU seconds of a fit to 20,000 records with 3 answers each.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import polars as pl
import zstandard

from annotation.decide.decide import decide
from annotation.judged import SCHEMA
from annotation.reliability.bradley_terry import Compared, bradley_terry
from annotation.reliability.coded import coded
from annotation.reliability.dawid_skene import dawid_skene, intervals, vote_weights

LABELS = ("1", "2", "both-bad", "tie")
FREQUENT = (0.42, 0.38, 0.05, 0.15)


def campaign(random: np.random.Generator, records: int, people: int, each: int, worst: float) -> tuple:
    """Answers, true labels and true reliabilities; errors go to the other labels alike."""
    right = random.uniform(worst, 0.95, people)
    truth = random.choice(len(LABELS), records, p=FREQUENT)
    record = np.repeat(np.arange(records), each)
    person = np.concatenate([random.choice(people, each, replace=False) for _ in range(records)])
    wrong = (truth[record] + random.integers(1, len(LABELS), record.size)) % len(LABELS)
    said = np.where(random.random(record.size) < right[person], truth[record], wrong)
    frame = pl.DataFrame(
        {
            "record": [f"r{n:05d}" for n in record],
            "annotator": [f"a{n:03d}" for n in person],
            "answer": [LABELS[n] for n in said],
        }
    )
    return frame, truth, right


def as_judgements(frame: pl.DataFrame) -> pl.DataFrame:
    """The answers under `judged.SCHEMA`."""
    own = frame.with_columns(pl.lit("main").alias("batch"), pl.lit(False).alias("discarded"))
    missing = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in SCHEMA.items() if name not in own.columns]
    return own.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())


def recovery(campaigns: int = 20) -> None:
    print(
        "| records | people | answers each | worst person | model | correlation, median (least) | mean error |", end=""
    )
    print(" inside 95 % | majority right | weighted right | dawid-skene right |\n|" + "---|" * 11)
    for records, people, each, worst in ((500, 5, 3, 0.5), (500, 10, 3, 0.3), (2000, 10, 3, 0.3), (2000, 20, 5, 0.3)):
        random = np.random.default_rng(0)
        made = [campaign(random, records, people, each, worst) for _ in range(campaigns)]
        for model in ("one-coin", "confusion"):
            found, errors, inside, shares = [], [], [], {}
            for frame, truth, right in made:
                answers = coded(frame)
                fitted = dawid_skene(answers, model=model)
                found.append(np.corrcoef(fitted.reliability, right)[0, 1])
                errors.append(np.abs(fitted.reliability - right).mean())
                ends = intervals(answers, fitted, model=model)
                inside.append(((ends[:, 0] <= right) & (right <= ends[:, 1])).mean())
                if model == "confusion":
                    for by in ("majority", "weighted", "dawid-skene"):
                        labels = decide(as_judgements(frame), by=by).get_column("label").to_list()
                        hit = np.mean([label == LABELS[true] for label, true in zip(labels, truth, strict=True)])
                        shares.setdefault(by, []).append(hit)
            hits = [f"{np.mean(share):.3f}" for share in shares.values()] or ["", "", ""]
            print(
                f"| {records} | {people} | {each} | {worst} | {model} | {np.median(found):.3f} ({min(found):.3f}) "
                f"| {np.mean(errors):.3f} | {np.mean(inside):.2f} | {' | '.join(hits)} |",
                flush=True,
            )


def comparisons(random: np.random.Generator, items: int, people: int, size: int) -> tuple:
    """Comparisons under Davidson's model with nu 0.6, by people of known eta."""
    strength, eta = random.normal(0, 1, items), random.uniform(0.55, 0.98, people)
    person, a = random.integers(0, people, size), random.integers(0, items, size)
    b = (a + random.integers(1, items, size)) % items
    p, q = np.exp(strength[a]), np.exp(strength[b])
    level = 0.6 * np.sqrt(p * q)
    tie = random.random(size) < level / (p + q + level)
    won = (random.random(size) < p / (p + q)) == (random.random(size) < eta[person])
    first, second = np.where(won, a, b), np.where(won, b, a)
    compared = Compared(items=items, annotators=people, first=first, second=second, annotator=person, tie=tie)
    return compared, strength, eta


def strengths(campaigns: int = 20) -> None:
    print("\n| items | people | comparisons | strengths, median (least) | without weights | eta, median (least) |")
    print("|---|---|---|---|---|---|")
    for items, people, size in ((20, 5, 1000), (40, 8, 3000), (40, 8, 10000)):
        random = np.random.default_rng(0)
        found, plain, trusted = [], [], []
        for _ in range(campaigns):
            compared, strength, eta = comparisons(random, items, people, size)
            fitted = bradley_terry(compared)
            found.append(np.corrcoef(fitted.strength, strength)[0, 1])
            plain.append(np.corrcoef(bradley_terry(compared, weigh=False).strength, strength)[0, 1])
            trusted.append(np.corrcoef(fitted.eta, eta)[0, 1])
        print(
            f"| {items} | {people} | {size} | {np.median(found):.3f} ({min(found):.3f}) | {np.median(plain):.3f} "
            f"| {np.median(trusted):.3f} ({min(trusted):.3f}) |",
            flush=True,
        )


def pandalm(folder: Path) -> pl.DataFrame:
    path = folder / "preference" / "pandalm_human.jsonl.zst"
    with zstandard.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    names = {0: "tie", 1: "1", 2: "2"}
    said = [(f"{row['idx']:04d}", f"a{n}", names[row[f"annotator{n}"]]) for row in rows for n in (1, 2, 3)]
    return pl.DataFrame(said, schema=["record", "annotator", "answer"], orient="row")


def others(data: Path | None) -> None:
    """Our estimates without imagined answers beside those of crowd-kit, and ours without weights beside choix."""
    try:
        import choix
        import pandas as pd
        from crowdkit.aggregation import DawidSkene, OneCoinDawidSkene
    except ImportError as error:
        print(f"\ncrowd-kit and choix are not compared: {error}")
        return
    sets = {"simulated": campaign(np.random.default_rng(1), 1000, 8, 3, 0.4)[0]}
    if data is not None:
        sets["pandalm"] = pandalm(data)
    print("\n| answers | model | labels that differ | largest difference of a probability | of an error rate |")
    print("|---|---|---|---|---|")
    for name, frame in sets.items():
        answers = coded(frame)
        table = pd.DataFrame(
            dict(zip(("task", "worker", "label"), [frame[column].to_list() for column in frame.columns], strict=True))
        )
        for model, other in (("confusion", DawidSkene), ("one-coin", OneCoinDawidSkene)):
            theirs = other(n_iter=500, tol=-1.0).fit(table)  # it would stop when rounding stirs its loss
            ours = dawid_skene(answers, model=model, smoothing=0.0, rounds=500, tolerance=-1.0)
            likely = theirs.probas_.loc[list(answers.records), list(answers.labels)].to_numpy()
            rates = np.array(
                [
                    [[theirs.errors_.at[(person, said), true] for said in answers.labels] for true in answers.labels]
                    for person in answers.annotators
                ]
            )
            differ = (likely.argmax(axis=1) != ours.posterior.argmax(axis=1)).sum()
            apart, rate = np.abs(likely - ours.posterior).max(), np.abs(rates - ours.confusion).max()
            print(f"| {name} | {model} | {differ} of {len(answers.records)} | {apart:.1e} | {rate:.1e} |")
    compared = comparisons(np.random.default_rng(2), 12, 1, 2000)[0]
    won = Compared(
        items=12,
        annotators=1,
        first=compared.first[~compared.tie],
        second=compared.second[~compared.tie],
        annotator=compared.annotator[~compared.tie],
        tie=compared.tie[~compared.tie],
    )
    theirs = choix.opt_pairwise(12, list(zip(won.first.tolist(), won.second.tolist(), strict=True)), alpha=0, tol=1e-10)
    ours = bradley_terry(won, weigh=False, prior=0.0, rounds=5000, tolerance=1e-15).strength
    print(f"\nchoix, 12 items, {won.first.size} comparisons: largest difference {np.abs(theirs - ours).max():.1e}")
    print("choix strengths:", np.round(theirs, 6).tolist())


def speed() -> None:
    frame = campaign(np.random.default_rng(3), 20_000, 10, 3, 0.4)[0]
    print("\n| 20,000 records, 3 answers each | CPU s |\n|---|---|")
    for model in ("one-coin", "confusion"):
        start = time.process_time()
        answers = coded(frame)
        fitted = dawid_skene(answers, model=model)
        print(f"| {model}, {len(fitted.objective)} rounds | {time.process_time() - start:.2f} |")
        start = time.process_time()
        intervals(answers, fitted, model=model)
        vote_weights(answers, fitted)
        print(f"| its intervals, 100 fits | {time.process_time() - start:.2f} |")
    start = time.process_time()
    decide(as_judgements(frame), by="majority")
    print(f"| majority | {time.process_time() - start:.2f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    parser.add_argument("--campaigns", type=int, default=20)
    given = parser.parse_args()
    recovery(given.campaigns)
    strengths(given.campaigns)
    others(given.data)
    speed()
