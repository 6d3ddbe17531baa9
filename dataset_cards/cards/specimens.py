"""Real examples for each reason: what was dropped beside what was only just kept."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from .account import Reason, bare, qualified
from .page import code, folded, line, name, passage
from .plain import count, figure, plural, share

MOST = 8  # of one role and reason
MOST_TOGETHER = 600  # in one report
FIRST = 420  # characters that are shown unfolded
LONGEST = 1500  # characters of one text in a report; the ledger has more

Row = Mapping[str, Any]


def by_reason(
    examples: pl.DataFrame, reasons: Sequence[Reason], read: int, moved: Mapping[str, str] | None = None
) -> str:
    """One fold per reason, those that took the most rows first.

    Args:
        moved: ready-made HTML on what the limit of a reason moved a little would change, by the reason's full name.
    """
    groups = _groups(examples)
    known = {reason.full: reason for reason in reasons}
    strangers = [
        Reason(stage=full.rpartition("/")[0], name=full.rpartition("/")[2], dropped=0)
        for full in groups
        if full not in known
    ]
    shown = [reason for reason in [*reasons, *strangers] if reason.full in groups or reason.dropped]
    shown.sort(key=lambda reason: -reason.dropped)
    listed = shown[: MOST_TOGETHER // 2]
    most = max(1, min(MOST, MOST_TOGETHER // max(1, 2 * len(listed))))
    # One fold stands open to show what is in them: the first that has two sides to compare.
    opened = next((reason for reason in listed if len(groups.get(reason.full, {})) == 2), None)
    folds = "".join(
        _fold(reason, groups.get(reason.full, {}), most, read, reason is opened, (moved or {}).get(reason.full, ""))
        for reason in listed
    )
    if len(shown) > len(listed):
        folds += (
            f"<p>{plural(len(shown) - len(listed), 'smaller reason')} left out here; version.json has them all.</p>"
        )
    return folds


def kept(examples: pl.DataFrame) -> str:
    """Some of the rows that stayed."""
    if examples.is_empty():
        return ""
    rows = examples.filter(pl.col("role") == "kept").head(MOST).rows(named=True)
    return f'<div class="pair">{"".join(_specimen(row, None) for row in rows)}</div>' if rows else ""


def _groups(examples: pl.DataFrame) -> dict[str, dict[str, list[Row]]]:
    groups: dict[str, dict[str, list[Row]]] = {}
    if examples.is_empty():
        return groups
    for row in examples.filter(pl.col("role").is_in(["dropped", "just-kept"])).iter_rows(named=True):
        full = qualified(row["stage"] or "", row["reason"] or "")
        groups.setdefault(full, {}).setdefault(row["role"], []).append(row)
    return groups


def _fold(reason: Reason, rows: Mapping[str, list[Row]], most: int, read: int, opened: bool, moved: str) -> str:
    rule = f" {code(reason.rule)}" if reason.rule else ""
    summary = (
        f'<span class="reason"><b>{line(reason.name)}</b> <small>{line(reason.stage)}</small></span>{rule} '
        f'<span class="number">{plural(reason.dropped, "row")} <small>{share(reason.dropped, read)}</small></span>'
    )
    columns = []
    for role, heading in (("dropped", "Dropped"), ("just-kept", "Only just kept")):
        if found := rows.get(role, [])[:most]:
            inside = "".join(_specimen(row, reason) for row in found)
            if len(rows) == 1:
                inside = f'<div class="pair">{inside}</div>'
            columns.append(f'<div class="{role}"><h4>{heading}</h4>{inside}</div>')
    inside = f'<div class="pair">{"".join(columns)}</div>' if columns else "<p>No examples were recorded.</p>"
    return folded(summary, moved + inside, opened)


def _specimen(row: Row, reason: Reason | None) -> str:
    text = row.get("text") or ""
    shown, rest = (text, "") if len(text) <= FIRST else (text[:FIRST], text[FIRST:LONGEST])
    more = folded(f"{count(len(rest))} more characters", passage(rest)) if rest else ""
    end = '<p class="quiet">The text goes on.</p>' if row.get("cut") or len(text) > LONGEST else ""
    about = [("id", row.get("id")), ("from", row.get("source")), ("address", row.get("url"))]
    meta = "".join(f"<dt>{label}</dt><dd>{name(value, 300)}</dd>" for label, value in about if value)
    return f"<article>{_measured(row, reason)}{passage(shown)}{more}{end}<dl>{meta}</dl></article>"


def _measured(row: Row, reason: Reason | None) -> str:
    value, limit = row.get("value"), row.get("limit")
    if reason is None or value is None:
        return ""
    signal = bare(row.get("stage") or "", row.get("signal") or "") or "measured"
    against = f", limit {figure(limit)}" if limit is not None else ""
    return f'<p class="measured">{line(signal)} <b>{figure(value)}</b>{against}</p>'
