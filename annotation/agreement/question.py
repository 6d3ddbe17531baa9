"""One question, measured: over all records, by person, by pair of people, and by slice."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from .answers import Level, as_numbers, coded, number
from .interval import Floats, Measured, mean_share
from .labels import fleiss_kappa, krippendorff_alpha, percent_agreement
from .pairs import by_annotator, by_pair, by_record, compared, natural, pairs, repeated
from .rankings import kendall_tau, kendall_w, order_agreement
from .two import Weights, cohen_kappa

VALUES = 50  # of a slice that are shown

PERCENT = "pairs of people, averaged over records"
ALPHA = "Krippendorff 2011, Computing Krippendorff's Alpha-Reliability"


def measured(
    parts: Sequence[pl.DataFrame], level: Level, slices: Mapping[str, Mapping[str, str]], seed: int, prefix: str,
    notes: list[str],
) -> dict[str, Any]:  # fmt: skip
    """Everything about one question. `parts` are the first answers, the answers to gold, and the repeated ones."""
    _complete(parts, "ranks" if level == "ranking" else "answer")
    first, gold, repeats = map(as_numbers, parts) if level == "ordinal" else parts
    labels: list[str] = []
    if level != "ranking":
        first, labels = coded(first, level)
    found = pairs(first.select("record", "annotator", "ranks" if level == "ranking" else "code"))
    weights: Weights | Floats = _apart(labels) ** 2 if level == "ordinal" else "none"
    facts: dict[str, Any] = {"records": first["record"].n_unique(), "judgements": first.height}
    if level == "ranking":
        measures = _of_rankings(first, found, seed, prefix, notes)
    else:
        given = first["answer"].value_counts()
        facts["labels"] = {
            label: int(n) for label, n in sorted(given.iter_rows(), key=lambda one: labels.index(one[0]))
        }
        measures = _of_labels(first, labels, found, level, seed)
    facts["measures"] = [_entry(*one) for one in measures]
    with_others = by_annotator(found, seed)
    rightly, again = _right(gold, level), _again(first, repeats, level)
    counts = dict(first.group_by("annotator").len().iter_rows())
    facts["by_annotator"] = [
        {
            "annotator": who,
            "judgements": counts.get(who, 0),
            "agreement": with_others[who].triple() if who in with_others else None,
            "gold": repeated(rightly.get(who, []), seed).triple(),
            "gold_items": len(rightly.get(who, [])),
            "repeat": repeated(again.get(who, []), seed).triple(),
        }
        for who in sorted(counts.keys() | rightly.keys() | again.keys(), key=natural)
    ]
    facts["by_pair"], more = by_pair(found, len(labels), weights, seed)
    if more:
        notes.append(f"{prefix}{more:,} further pairs of people, with fewer records in common, are not shown")
    facts["by_slice"] = []
    for name, values in slices.items():
        facts["by_slice"] += _by_slice(name, values, first, labels, found, level, seed, prefix, notes)
    return facts


def _complete(parts: Sequence[pl.DataFrame], column: str) -> None:
    for part in parts:
        for record, who in part.filter(pl.col(column).is_null()).select("record", "annotator").head(1).iter_rows():
            raise ValueError(
                f"the answer of {who} about {record} has no {column}; "
                "mark what was not answered as discarded, and measure answers at the level that they have"
            )


def _of_labels(
    first: pl.DataFrame, labels: Sequence[str], found: pl.DataFrame, level: Level, seed: int
) -> list[tuple[str, Measured, str]]:
    counts = _counts(first, len(labels))
    measures = [("percent agreement", percent_agreement(counts, seed=seed), PERCENT)]
    if level == "nominal":
        measures += [
            ("Krippendorff's alpha (nominal)", krippendorff_alpha(counts, "nominal", seed=seed), ALPHA),
            ("Fleiss' kappa", fleiss_kappa(counts, seed=seed), "Fleiss 1971; means over records where overlap varies"),
        ]
    else:
        values = [number(label) for label in labels] or [0.0]
        measures += [
            ("Krippendorff's alpha (ordinal)", krippendorff_alpha(counts, "ordinal", seed=seed), ALPHA),
            ("Krippendorff's alpha (interval)", krippendorff_alpha(counts, "interval", values, seed=seed), ALPHA),
        ]
    if found.select("a", "b").n_unique() == 1:
        kinds: list[tuple[str, Weights | Floats, str]] = [("Cohen's kappa", "none", "Cohen 1960")]
        if level == "ordinal":
            apart = _apart(labels)
            kinds = [
                ("Cohen's kappa (linear weights)", apart, "Cohen 1968"),
                ("Cohen's kappa (quadratic weights)", apart**2, "Cohen 1968"),
            ]
        for name, weights, how in kinds:
            measure = cohen_kappa(found["first"], found["second"], len(labels), weights, seed=seed)
            measures.append((name, measure, how))
    return measures


def _apart(labels: Sequence[str]) -> Floats:
    """How far ordinal labels lie apart: 2 and 5 by three, whether or not anybody gave a 3."""
    values = np.array([number(label) for label in labels])
    far: Floats = np.abs(np.subtract.outer(values, values))
    return far


def _of_rankings(
    first: pl.DataFrame, found: pl.DataFrame, seed: int, prefix: str, notes: list[str]
) -> list[tuple[str, Measured, str]]:
    rankings = first.group_by("record", maintain_order=True).agg("ranks")["ranks"].to_list()
    none = found["tau"].null_count()
    if none:
        notes.append(
            f"{prefix}{none:,} of {found.height:,} pairs of rankings have no tau: one of the two is a single tie"
        )
    return [
        ("percent agreement", order_agreement(rankings, seed=seed), "order of two responses (first, second, tie)"),
        ("Kendall's tau-b", kendall_tau(rankings, seed=seed), "Kendall 1945; mean over pairs of people and records"),
        ("Kendall's W", kendall_w(rankings, seed=seed), "corrected for ties, Legendre 2005; mean over records"),
    ]


def _by_slice(
    name: str, values: Mapping[str, str], first: pl.DataFrame, labels: Sequence[str], found: pl.DataFrame, level: Level,
    seed: int, prefix: str, notes: list[str],
) -> list[dict[str, Any]]:  # fmt: skip
    inside = pl.DataFrame(
        {"record": list(values), "value": list(values.values())}, schema={"record": pl.String, "value": pl.String}
    )
    sizes = first.select(pl.col("record").unique()).join(inside, on="record").group_by("value").len()
    shown = sizes.sort(["len", "value"], descending=[True, False]).head(VALUES)
    if sizes.height > VALUES:
        notes.append(f"{prefix}{name} has {sizes.height:,} values; the {VALUES} with the most records are shown")
    agreeing, taus = by_record(found, "same"), by_record(found, "tau")
    entries = []
    for value, records in shown.iter_rows():
        mine = inside.filter(pl.col("value") == value)["record"]
        part = first.filter(pl.col("record").is_in(mine.implode()))
        ids = part["record"].unique().sort()
        entry: dict[str, Any] = {"slice": name, "value": value, "records": records}
        entry["agreement"] = mean_share(
            [agreeing[one] for one in ids if one in agreeing], seed=seed, resamples=1000
        ).triple()
        if level == "ranking":
            measure = mean_share([taus[one] for one in ids if one in taus], seed=seed, resamples=1000, lowest=-1.0)
        else:
            measure = krippendorff_alpha(_counts(part, len(labels)), level, seed=seed, resamples=1000)
        entry["tau" if level == "ranking" else "alpha"] = measure.triple()
        entries.append({**entry, **({"why": measure.why} if measure.why else {})})
    return entries


def _counts(first: pl.DataFrame, labels: int) -> Any:
    """How often each label was given, (records, labels)."""
    rows = first["record"].rank("dense").to_numpy().astype(np.int64) - 1
    cells = np.bincount(rows * max(labels, 1) + first["code"].to_numpy(), minlength=0) if first.height else np.zeros(0)
    full = np.zeros((rows.max(initial=-1) + 1) * max(labels, 1), dtype=np.int64)
    full[: len(cells)] = cells
    return full.reshape(-1, max(labels, 1))


def _right(gold: pl.DataFrame, level: Level) -> dict[str, list[float]]:
    """By person, how right each answer to a gold item is: 1, 0, or of a ranking the share of pairs in order."""
    known = gold.filter(pl.col("gold").is_not_null())
    if level != "ranking":
        return _shares(known["annotator"], (known["answer"] == known["gold"]).cast(pl.Float64))
    truths = known["gold"].str.json_decode(pl.List(pl.Int64)) if known.height else known["ranks"]
    return _ranked(known["annotator"], known["ranks"], truths)


def _again(first: pl.DataFrame, repeats: pl.DataFrame, level: Level) -> dict[str, list[float]]:
    """By person, how far each repeated answer is the first one."""
    both = repeats.join(first, on=["record", "annotator"], suffix="_first", maintain_order="left")
    if level != "ranking":
        return _shares(both["annotator"], (both["answer"] == both["answer_first"]).cast(pl.Float64))
    return _ranked(both["annotator"], both["ranks"], both["ranks_first"])


def _ranked(people: pl.Series, one: pl.Series, other: pl.Series) -> dict[str, list[float]]:
    places = np.arange(len(one))
    same, _ = compared([*one.to_list(), *other.to_list()], places, places + len(one))
    return _shares(people, pl.Series(same))


def _shares(people: pl.Series, shares: pl.Series) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for who, share in zip(people, shares, strict=True):
        found.setdefault(who, []).append(share)
    return found


def _entry(name: str, measure: Measured, how: str) -> dict[str, Any]:
    entry = {"name": name, "value": measure.triple(), "records": measure.records, "how": how}
    return {**entry, **({"why": measure.why} if measure.why else {})}
