"""Paragraphs and tables of what was measured, as Markdown, for the card and the datasheet alike."""

from collections.abc import Iterator, Mapping
from typing import Any

from . import mixture
from .account import dropped, facts, ledger, near_duplicates, reasons, s_curve
from .detectors import EVALUATIONS, INTERVALS, SPAN_HEADER, evaluations, gold, idle, looked_in_vain, spans
from .markdown import code, prose, table
from .plain import count, figure, plural, share, size, top

MOST_ROWS = 30  # of any table; version.json has them all


def rows_in_rows_out(version: Mapping[str, Any]) -> Iterator[str]:
    book = ledger(version)
    yield (
        f"{count(book['read'])} read = {count(book['kept'])} kept + {count(dropped(version))} dropped + "
        f"{count(book['quarantined'])} quarantined"
    )
    if funnel := version.get("funnel"):
        rows = [
            (code(step["stage"]), *(count(number) for number in _amounts(step)), share(step["kept"], book["read"]))
            for step in funnel
        ]
        header = ("stage", "read", "dropped", "quarantined", "kept", "kept of all read")
        yield table(header, rows, right=range(1, 6))
    if found := [reason for reason in reasons(version) if reason.dropped]:
        shown = sorted(found, key=lambda reason: -reason.dropped)[:MOST_ROWS]
        yield table(
            ("reason", "dropped when", "rows", "of all read"),
            [
                (code(r.full), code(r.rule) if r.rule else "", count(r.dropped), share(r.dropped, book["read"]))
                for r in shown
            ],
            right=(2, 3),
        )
        if len(found) > len(shown):
            yield f"{plural(len(found) - len(shown), 'smaller reason')} left out here; version.json has them all."
    if quarantine := facts(version).get("quarantine"):
        yield table(("quarantined because", "inputs"), _counted(quarantine), right=(1,))
    if remarks := idle(version):
        yield "\n".join(f"- {prose(text)}" for text in remarks)
    if book["read"] != book["kept"]:
        measured = facts(version).get("signals") or facts(version).get("categories")
        beside = " `report.html` shows the thresholds over the measurements, with examples." if measured else ""
        yield (
            "Every row that was read and not kept is in `ledger/rows.parquet` with its reason, unreadable input in "
            f"`ledger/quarantine.parquet`.{beside}"
        )


def _amounts(step: Mapping[str, Any]) -> tuple[int, int, int, int]:
    return step["read"], sum(step["dropped"].values()), step["quarantined"], step["kept"]


def _counted(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(code(name), count(number)) for name, number in top(counts, MOST_ROWS)]


def mixed(version: Mapping[str, Any]) -> Iterator[str]:
    yield from (prose(text) for text in mixture.about(version))
    if rows := mixture.sources(version):
        yield table(mixture.HEADER, [(code(name), *rest) for name, *rest in rows[:MOST_ROWS]], right=range(1, 8))


def near(version: Mapping[str, Any]) -> Iterator[str]:
    found = near_duplicates(version)
    if found.get("threshold") is not None:
        yield (
            "A document is dropped if its Jaccard index with an earlier one that stays is at least "
            f"{figure(found['threshold'])}."
        )
    if found.get("s_curve_in_words"):
        yield prose(found["s_curve_in_words"])
    if points := s_curve(version):
        rows = [(figure(index), share(round(10_000 * chance), 10_000)) for index, chance in points]
        yield table(("Jaccard index of a pair", "chance that it is compared"), rows, right=(0, 1))
    if (verified := found.get("pairs_verified")) is not None:
        shown = " `report.html` shows some side by side." if verified else ""
        yield f"Compared word by word: {plural(verified, 'pair')}.{shown}"
    if capped := found.get("capped"):
        yield f"{plural(capped, 'document')} had more candidates than were compared."


def found_inside(version: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{code(stage)} found nothing." for stage in looked_in_vain(version))
    if rows := spans(version):
        cells = [(code(stage), code(kind), found, many, prose(done)) for stage, kind, found, many, done in rows]
        yield table(SPAN_HEADER, cells[:MOST_ROWS], right=(2, 3))
        if len(rows) > MOST_ROWS:
            yield f"{plural(len(rows) - MOST_ROWS, 'more type')} left out here; version.json has them all."
        yield "Their places, without what stands there, are in `ledger/spans.parquet`."


def in_evaluations(version: Mapping[str, Any]) -> Iterator[str]:
    if rows := evaluations(version):
        cells = [(code(name), prose(looked), *counts) for name, looked, *counts in rows[:MOST_ROWS]]
        yield table(EVALUATIONS, cells, right=(2, 3, 4))


def detectors_scores(version: Mapping[str, Any]) -> Iterator[str]:
    sets = gold(version)
    for one in sets:
        yield f"{code(one.stage)}: {prose(one.about)}"
        if one.rows:
            cells = [(code(label), *(prose(cell) for cell in measured)) for label, *measured in one.rows]
            yield table(one.header, cells[:MOST_ROWS], right=range(1, len(one.header)))
            if len(cells) > MOST_ROWS:
                yield f"{plural(len(cells) - MOST_ROWS, 'more label')} left out here; version.json has them all."
    if any(one.rows for one in sets):
        yield INTERVALS


def inside(version: Mapping[str, Any]) -> Iterator[str]:
    rows = version.get("rows", 0)
    text = facts(version).get("text") or {}
    if "characters" in text:
        average = f", {count(round(text['characters'] / rows))} on average" if rows else ""
        weight = f" ({size(text['bytes'])} as UTF-8)" if "bytes" in text else ""
        yield f"{count(text['characters'])} characters of text{weight}{average}."
    lengths = text.get("lengths") or {}
    if counts := lengths.get("counts"):
        edges = [figure(edge) for edge in lengths["edges"]]
        bins = [(f"{low} to {high}", count(n)) for low, high, n in zip(edges, edges[1:], counts, strict=False) if n]
        if len(bins) <= MOST_ROWS:
            yield table(("characters", "rows"), bins, right=(1,))
    for heading, counts in (
        ("language", version.get("languages")),
        ("licence", facts(version).get("licenses")),
        ("source", facts(version).get("sources")),
    ):
        if counts:
            yield table((heading, "rows"), _counted(counts), right=(1,))
            if len(counts) > MOST_ROWS:
                yield f"{plural(len(counts) - MOST_ROWS, 'smaller ' + heading)} left out here."
