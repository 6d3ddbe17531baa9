"""Versions as plain text for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from .cards.plain import one_line


def table(header: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[int] = ()) -> str:
    """Columns padded to their widest cell; the columns numbered in `right` are set to the right."""
    cells = [[f"{cell:,}" if isinstance(cell, int) else one_line(cell) for cell in row] for row in rows]
    widths = [max(len(line[n]) for line in [list(header), *cells]) for n in range(len(header))]
    lines = []
    for line in [list(header), *cells]:
        padded = [
            cell.rjust(w) if n in right else cell.ljust(w) for n, (cell, w) in enumerate(zip(line, widths, strict=True))
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def funnel(stages: Sequence[Mapping[str, Any]]) -> str:
    """One line per stage, and under it one per reason with its count."""
    rows: list[Sequence[object]] = []
    for entry in stages:
        rows.append((entry["stage"], entry["read"], entry["kept"], ""))
        if entry["quarantined"]:
            rows.append(("", "", "", f"{entry['quarantined']:>9,}  quarantined (could not be read)"))
        for reason, count in sorted(entry["dropped"].items(), key=lambda item: (-item[1], item[0])):
            if not count:
                continue
            rows.append(("", "", "", f"{count:>9,}  {reason}"))
    return table(("stage", "rows in", "rows out", "of which did not go on"), rows, right=(1, 2))


def ledger(counts: Mapping[str, Any]) -> str:
    """`read = kept + dropped + quarantined`, written out."""
    gone = sum(counts["dropped"].values())
    return (
        f"{counts['read']:,} read = {counts['kept']:,} kept + {gone:,} dropped + {counts['quarantined']:,} quarantined"
    )
