"""What the facts say of the detectors: how good they are on labelled rows, what they found, which did nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .account import facts
from .plain import count, figure, one_line, plural

IDLE_FROM = 1000  # rows that a stage must have read before having changed none is worth a remark
HEADER = ("label", "labelled", "precision", "recall", "F1", "AUC")  # the last only where labels have their own
INTERVALS = "Value, and the 95 % interval of it in brackets."


@dataclass(frozen=True, kw_only=True)
class Gold:
    """One set of labelled rows and how a stage did on it; `rows` holds cells under `header`, the label raw."""

    stage: str
    about: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]


def gold(version: Mapping[str, Any]) -> list[Gold]:
    """How good each detector is, set by set."""
    found = []
    for entry in facts(version).get("gold") or []:
        unit = f", counted by {one_line(entry['unit'], 40)}" if entry.get("unit") else ""
        rows = plural(entry.get("rows", 0), "labelled row")
        said = f"{rows} of {one_line(entry.get('set', 'a set without a name'))}{unit}."
        if entry.get("auc"):
            said += f" Area under the ROC curve: {interval(entry['auc'])}."
        if entry.get("threshold") is not None:
            said += f" Threshold: {figure(entry['threshold'])}."
        results = sorted(entry.get("results") or [], key=lambda one: one.get("label") != "all")
        keys = ("precision", "recall", "f1", *(("auc",) if any("auc" in one for one in results) else ()))
        cells = [
            (str(one.get("label", "")), count(one.get("support", 0)), *(interval(one.get(key)) for key in keys))
            for one in results
        ]
        found.append(Gold(stage=str(entry.get("stage", "")), about=said, header=HEADER[: 2 + len(keys)], rows=cells))
    return found


def interval(triple: Sequence[float] | None) -> str:
    """`0.98 (0.94 to 1)`; a dash where there was nothing to measure."""
    if triple is None:
        return "\u2013"
    value, low, high = (figure(round(float(number), 3)) for number in triple)
    return f"{value} ({low} to {high})"


SPAN_HEADER = ("stage", "type", "found", "in rows", "what was done")


def spans(version: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """What detectors found inside texts, most frequent first in each stage; cells under `SPAN_HEADER`, names raw."""
    found = []
    for stage, types in (facts(version).get("spans") or {}).items():
        for name, one in sorted(types.items(), key=lambda item: (-item[1]["spans"], item[0])):
            done = ", ".join(f"{one_line(action, 40)} {count(n)}" for action, n in one["actions"].items())
            found.append((str(stage), str(name), count(one["spans"]), count(one["rows"]), done))
    return found


def times(found: str, rows: str) -> str:
    """`1 time in 1 row`, of counts as `spans` tells them."""
    return f"{found} {'time' if found == '1' else 'times'} in {rows} {'row' if rows == '1' else 'rows'}"


def looked_in_vain(version: Mapping[str, Any]) -> list[str]:
    """Stages that looked for something inside texts and found nothing at all."""
    return [str(stage) for stage, types in (facts(version).get("spans") or {}).items() if not types]


EVALUATIONS = ("evaluation", "texts looked for", "rows without any", "found here", "rows dropped")


def evaluations(version: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """What was looked for of each evaluation set and what of it was found; cells under `EVALUATIONS`, names raw."""
    found = []
    for one in (facts(version).get("decontamination") or {}).get("evaluations") or []:
        fields = one.get("fields") or {}
        looked = ", ".join(f"{one_line(name, 40)} {count(of.get('looked_for', 0))}" for name, of in fields.items())
        without, here, gone = (one.get(key, 0) for key in ("rows_not_looked_for", "items_found", "rows_dropped"))
        found.append((str(one.get("evaluation", "")), looked, count(without), count(here), count(gone)))
    return found


def idle(version: Mapping[str, Any]) -> list[str]:
    """A remark for every stage that changed nothing although it read many rows."""
    edits = facts(version).get("edits") or {}
    return [
        f"{one_line(step['stage'])} read {plural(step['read'], 'row')} and changed none: is it needed, or broken?"
        for step in version.get("funnel") or []
        if step["read"] >= IDLE_FROM and not sum(step["dropped"].values()) and edits.get(step["stage"]) == 0
    ]
