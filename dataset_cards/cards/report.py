"""The report of a version: one HTML file that shows, offline, what was kept, what was dropped and why."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import polars as pl

from . import mixture, specimens
from .account import dropped, facts, ledger, limits, noun, reasons, title, warnings, what_it_is
from .agreement import keys
from .agreement_report import agreement_section
from .autopsy_report import autopsy_section
from .content_shown import content_section
from .detectors import EVALUATIONS, INTERVALS, SPAN_HEADER, evaluations, gold, idle, looked_in_vain, spans
from .funnel import funnel_rows, river
from .generated_shown import generated_section
from .made import inside, recipe
from .measured import categories, if_moved, moves, signals
from .page import code, document, folded, line, section, table
from .plain import count, one_line, plural, share, size, top
from .style import STYLE
from .twins import near_duplicates_section

MOST_ROWS = 40
MOST_FOUND = 200  # rows of the tables on detectors


def render_report(version: Mapping[str, Any], examples: pl.DataFrame, pairs: pl.DataFrame | None = None) -> str:
    """One self-contained HTML page without scripts.

    Args:
        version: what version.json says.
        examples: what ledger/examples.parquet holds; may be empty.
        pairs: what ledger/pairs.parquet holds, where there is one.
    """
    sections = [
        ("funnel", "Rows in, rows out", _funnel(version)),
        ("agreement", "What people judged", agreement_section(version)),
        ("autopsy", "What these preferences could teach", autopsy_section(version)),
        ("generated", "What a model made", generated_section(version)),
        ("mixture", "What was mixed", _mixture(version)),
        ("signals", "What was measured", signals(version)),
        ("categories", "What was recognised", categories(version)),
        ("moves", "If a limit moved a little", moves(version)),
        ("reasons", "Why rows were dropped", _reasons(version, examples)),
        ("quarantine", "What could not be read", _quarantine(version)),
        ("duplicates", "Near-duplicates", near_duplicates_section(version, pl.DataFrame() if pairs is None else pairs)),
        ("found", "What was found inside texts", _found(version)),
        ("evaluations", "What is also in evaluations", _evaluations(version)),
        ("detectors", "How good the detectors are", _gold(version)),
        ("inside", "What is inside", inside(version) + content_section(version)),
        ("samples", "Some rows that were kept", specimens.kept(examples)),
        (
            "limits",
            "What is not covered",
            f"<ul>{''.join(f'<li>{line(text, 600)}</li>' for text in limits(version))}</ul>",
        ),
        ("recipe", "How it was made", recipe(version)),
    ]
    filled = [(anchor, heading, html) for anchor, heading, html in sections if html]
    links = "".join(f'<a href="#{anchor}">{escape(heading)}</a>' for anchor, heading, _ in filled)
    body = _header(version) + f'<nav aria-label="Sections">{links}</nav></header><main>'
    body += "".join(section(anchor, heading, html) for anchor, heading, html in filled) + "</main>"
    return document(title(version), STYLE, body)


def _mixture(version: Mapping[str, Any]) -> str:
    said = "".join(f"<p>{line(text, 600)}</p>" for text in mixture.about(version))
    rows = [(code(name), *map(escape, rest)) for name, *rest in mixture.sources(version)[:MOST_ROWS]]
    return said + (table("Asked and got", mixture.HEADER, rows, right=range(1, 8)) if rows else "")


def _header(version: Mapping[str, Any]) -> str:
    notes = "".join(f'<p class="note" role="note">{line(text, 600)}</p>' for text in warnings(version))
    keys = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(value)}<small>{escape(more)}</small></dd></div>"
        for label, value, more in _keys(version)
    )
    return (
        f"<header><h1>{line(version['name'])}<small>@{line(version['version'])}</small></h1>{notes}"
        f'<p>{line(what_it_is(version), 2000)}</p><dl class="keys">{keys}</dl>'
    )


def _keys(version: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    book = ledger(version)
    yield f"{noun(version)}s", count(version.get("rows", 0)), size(version.get("bytes", 0))
    if book["read"] != book["kept"]:
        yield "read", count(book["read"]), f"{share(book['kept'], book['read'])} kept"
        yield "dropped", count(dropped(version)), plural(sum(1 for n in book["dropped"].values() if n), "reason")
        yield "quarantined", count(book["quarantined"]), share(book["quarantined"], book["read"])
    yield from keys(version)
    text = facts(version).get("text") or {}
    if "characters" in text:
        average = text["characters"] / version["rows"] if version.get("rows") else 0
        yield "characters", count(text["characters"]), f"{count(round(average))} per row"
    if languages := version.get("languages"):
        yield "languages", count(len(languages)), ", ".join(one_line(code, 20) for code, _ in top(languages, 4))
    yield "licence", one_line(version.get("license") or "unknown", 40), one_line((version.get("created") or "")[:10])


def _funnel(version: Mapping[str, Any]) -> str:
    funnel = version.get("funnel")
    if not funnel:
        return ""
    header = ("stage", "read", "dropped", "quarantined", "kept")
    numbers = table("Rows by stage", header, funnel_rows(funnel), right=range(1, 5))
    notes = "".join(f'<p class="note" role="note">{escape(text)}</p>' for text in idle(version))
    return river(funnel) + notes + folded("The same as a table", numbers)


def _reasons(version: Mapping[str, Any], examples: pl.DataFrame) -> str:
    every = reasons(version)
    moved = {reason.full: if_moved(version, reason.stage, reason.name) for reason in every}
    return specimens.by_reason(examples, every, ledger(version)["read"], moved)


def _quarantine(version: Mapping[str, Any]) -> str:
    found = facts(version).get("quarantine")
    if not found:
        return ""
    rows = [(code(why), count(n)) for why, n in top(found, MOST_ROWS)]
    where = "<p>File, position and the first bytes of each are in <code>ledger/quarantine.parquet</code>.</p>"
    return table("Inputs set aside, by reason", ("reason", "inputs"), rows, right=(1,)) + where


def _found(version: Mapping[str, Any]) -> str:
    rows = spans(version)
    drawn = "".join(f"<p>{code(stage)} found nothing.</p>" for stage in looked_in_vain(version))
    if rows:
        cells = [[line(stage), code(kind), found, many, escape(done)] for stage, kind, found, many, done in rows]
        drawn += table("Finds by stage and type", SPAN_HEADER, cells[:MOST_FOUND], right=(2, 3))
        if len(rows) > MOST_FOUND:
            drawn += f"<p>{plural(len(rows) - MOST_FOUND, 'more type')} left out here; version.json has them all.</p>"
    if drawn:
        drawn += "<p>Their places, without what stands there, are in <code>ledger/spans.parquet</code>.</p>"
    return drawn


def _evaluations(version: Mapping[str, Any]) -> str:
    rows = [[code(name), escape(looked), *counts] for name, looked, *counts in evaluations(version)[:MOST_FOUND]]
    caption = "Texts of evaluation sets that were looked for, and rows that held one"
    return table(caption, EVALUATIONS, rows, right=(2, 3, 4)) if rows else ""


def _gold(version: Mapping[str, Any]) -> str:
    drawn = ""
    for one in gold(version)[:MOST_ROWS]:
        rows = [[code(label), *map(escape, cells)] for label, *cells in one.rows[:MOST_FOUND]]
        about = f"<h3>{line(one.stage)}</h3><p>{escape(one.about)}</p>"
        numbers = range(1, len(one.header))
        drawn += about + (table(INTERVALS, one.header, rows, right=numbers) if rows else "")
    return drawn
