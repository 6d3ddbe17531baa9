"""Agreement on real judgements (PandaLM, XSTest, HateCheck) equals what krippendorff, scipy and plain counting give."""

import io
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import polars as pl
import pytest
import zstandard
from scipy import stats

from annotation.agreement.facts import agreement
from annotation.agreement.labels import fleiss_kappa, krippendorff_alpha, percent_agreement
from annotation.agreement.two import cohen_kappa
from annotation.judged import SCHEMA

Rows = list[dict[str, Any]]
PANDALM = {0: "tie", 1: "1", 2: "2"}


def rows_of(path: Path) -> Rows:
    with zstandard.open(path, "rb") as file:
        return [json.loads(line) for line in io.TextIOWrapper(file, "utf-8")]


def pandalm(data: Path) -> tuple[pl.DataFrame, dict[str, str]]:
    """Three people's judgements of 687 pairs of responses, and which two models wrote each pair."""
    rows = rows_of(data / "preference" / "pandalm_human.jsonl.zst")
    said = [(str(row["idx"]), f"a{n}", PANDALM[row[f"annotator{n}"]]) for row in rows for n in (1, 2, 3)]
    return judgements(said), {str(row["idx"]): row["cmp_key"] for row in rows}


def xstest(data: Path) -> pl.DataFrame:
    """Two people's labels of 1,055 completions."""
    rows = rows_of(data / "safety" / "xstest_completions.jsonl.zst")
    said = [(f"{row['model']}/{row['id']}", f"a{n}", row[f"annotation_{n}"]) for row in rows for n in (1, 2)]
    return judgements(said)


def hatecheck(data: Path) -> np.ndarray:
    """How many of five people called each of 1,852 sentences hateful, and how many did not: (records, 2)."""
    votes = np.array([int(row["annot_hate_votes"]) for row in rows_of(data / "toxicity" / "hatecheck.jsonl.zst")])
    return np.stack([votes, 5 - votes], axis=1)


def judgements(said: list[tuple[str, str, str]]) -> pl.DataFrame:
    frame = pl.DataFrame(said, schema=["record", "annotator", "answer"], orient="row")
    given = {"batch": pl.lit("main"), "discarded": pl.lit(False)}
    more = [name for name in SCHEMA if name not in frame.columns]
    return frame.with_columns(given.get(name, pl.lit(None)).cast(SCHEMA[name]).alias(name) for name in more).select(
        list(SCHEMA)
    )


def wide(frame: pl.DataFrame) -> np.ndarray:
    """Label numbers (people, records)."""
    labels = sorted(frame["answer"].unique())
    table = frame.pivot("annotator", index="record", values="answer").drop("record")
    return np.array([[labels.index(answer) for answer in table[who]] for who in table.columns])


def kappa_of_table(first: np.ndarray, second: np.ndarray, distance: Callable[[Any, Any], Any]) -> float:
    """Cohen's kappa from the crossed table of scipy and its expected counts."""
    table = stats.contingency.crosstab(first, second, levels=(range(3), range(3))).count
    apart = distance(*np.indices(table.shape))
    return float(1 - (apart * table).sum() / (apart * stats.contingency.expected_freq(table)).sum())


@pytest.mark.parametrize("name", ["pandalm", "xstest"])
def test_every_measure_equals_independent_libraries(shared_data: Path, name: str) -> None:
    frame = pandalm(shared_data)[0] if name == "pandalm" else xstest(shared_data)
    answers = wide(frame)
    counts = np.stack([(answers == label).sum(axis=0) for label in range(3)], axis=1)
    for level in ("nominal", "ordinal", "interval"):
        theirs = krippendorff.alpha(reliability_data=answers, level_of_measurement=level)
        assert krippendorff_alpha(counts, level, resamples=1).value == pytest.approx(float(theirs), abs=1e-9)
    people = range(len(answers))
    agreeing = [np.mean(answers[a] == answers[b]) for a, b in itertools.combinations(people, 2)]
    assert percent_agreement(counts, resamples=1).value == pytest.approx(np.mean(agreeing), abs=1e-9)
    shares = np.bincount(answers.ravel()) / answers.size
    fleiss = (np.mean(agreeing) - np.sum(shares**2)) / (1 - np.sum(shares**2))
    assert fleiss_kappa(counts, resamples=1).value == pytest.approx(fleiss, abs=1e-9)
    distances: dict[Any, Callable[[Any, Any], Any]] = {
        "none": np.not_equal, "linear": lambda a, b: abs(a - b), "quadratic": lambda a, b: (a - b) ** 2,
    }  # fmt: skip
    for (a, b), (weights, distance) in itertools.product(itertools.combinations(people, 2), distances.items()):
        theirs = kappa_of_table(answers[a], answers[b], distance)
        ours = cohen_kappa(answers[a], answers[b], 3, weights, resamples=1)
        assert ours.value == pytest.approx(theirs, abs=1e-9)


def test_the_facts_of_pandalm_are_these(shared_data: Path) -> None:
    frame, models = pandalm(shared_data)
    facts = agreement(frame, task="comparisons", level="nominal", slices={"models": models})
    assert facts["labels"] == {"1": 810, "2": 1009, "tie": 242}
    assert {one["name"]: one["value"][0] for one in facts["measures"]} == {
        "percent agreement": 0.916545, "Krippendorff's alpha (nominal)": 0.859116, "Fleiss' kappa": 0.859048,
    }  # fmt: skip
    assert [one["kappa"][0] for one in facts["by_pair"]] == [0.847259, 0.879081, 0.850951]
    assert sum(one["records"] for one in facts["by_slice"]) == 687
    assert all(one["flags"] == [] for one in facts["by_annotator"])


def test_two_annotators_of_xstest_have_a_kappa(shared_data: Path) -> None:
    facts = agreement(xstest(shared_data), task="refusals", level="nominal")
    assert facts["measures"][-1]["name"] == "Cohen's kappa"
    assert facts["measures"][-1]["value"][0] == facts["by_pair"][0]["kappa"][0]


def test_five_votes_of_hatecheck_equal_krippendorff(shared_data: Path) -> None:
    counts = hatecheck(shared_data)
    theirs = krippendorff.alpha(value_counts=counts, level_of_measurement="nominal")
    assert krippendorff_alpha(counts, "nominal", resamples=1).value == pytest.approx(float(theirs), abs=1e-9)
