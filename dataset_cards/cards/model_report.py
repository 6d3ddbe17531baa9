"""The report of a model: one HTML page with its curves, its measures and what it ate."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from . import model_account as account
from .account import title
from .curves import CURVE_STYLE, picture, said
from .made import recipe
from .model_card import how_to_load
from .page import code, document, folded, line, name, passage, section, table
from .plain import count, figure, one_line, plural, size
from .style import STYLE

MOST_ROWS = 200  # of a sheet; training.json has them all
_STYLE = (
    STYLE
    + """
.plots { display: grid; gap: 1rem; margin: .6rem 0 2rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 25rem), 1fr)); }
.curves { display: block; width: 100%; padding-top: .5rem; }
.measures td small, .measures th small { display: block; } .measures td small { white-space: nowrap; }
.ate td, .ate th { white-space: nowrap; } .findings { min-width: 34rem; overflow-wrap: break-word; }
.measures .whisker { margin-inline-start: auto; }
.stop { color: var(--gone-ink); font-weight: 600; }
"""
    + CURVE_STYLE
)


def render_model_report(version: Mapping[str, Any]) -> str:
    """One self-contained HTML page without scripts."""
    sections = [
        ("measures", "What it learned", _measures(version)),
        ("curves", "Curves", _curves(version)),
        ("ate", "What it ate", _eaten(version)),
        ("preflight", "What was looked at before training", _preflight(version)),
        ("sheets", "More tables", _sheets(version)),
        ("notes", "Notes", _points(account.training(version).get("notes") or [])),
        ("load", "How to load it", passage(how_to_load(version))),
        ("limits", "What is not covered", _points(account.limits(version))),
        ("made", "How it was made", _made(version)),
    ]
    filled = [(anchor, heading, html) for anchor, heading, html in sections if html]
    links = "".join(f'<a href="#{anchor}">{escape(heading)}</a>' for anchor, heading, _ in filled)
    body = _header(version) + f'<nav aria-label="Sections">{links}</nav></header><main>'
    body += "".join(section(anchor, heading, html) for anchor, heading, html in filled) + "</main>"
    return document(title(version), _STYLE, body)


def _header(version: Mapping[str, Any]) -> str:
    notes = "".join(f'<p class="note" role="note">{line(text, 800)}</p>' for text in account.warnings(version))
    keys = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(value)}<small>{escape(more)}</small></dd></div>"
        for label, value, more in _keys(version)
    )
    return (
        f"<header><h1>{line(version['name'])}<small>@{line(version['version'])}</small></h1>{notes}"
        f'<p>{line(account.what_it_is(version), 2000)}</p><dl class="keys">{keys}</dl>'
    )


def _keys(version: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    run = account.training(version)
    for one in account.measures(version)[:1]:
        before = f"before: {figure(one['before'][0])}" if one["before"] else "not measured before"
        yield one_line(one["name"], 40), figure(one["after"][0]), f"{one_line(one['unit'], 40)}; {before}"
    if found := account.preflight(version):
        yield "learned from", count(found["train"]), plural(found["train"], "row").partition(" ")[2]
        yield "measured by", count(found["held_out"]), "held out"
    yield "size", size(version.get("bytes", 0)), ""
    if run:
        yield "stage", one_line(run["stage"], 40), f"seed {figure(run.get('seed'))}"
    yield "licence", one_line(version.get("license") or "unknown", 40), one_line((version.get("created") or "")[:10])


def _measures(version: Mapping[str, Any]) -> str:
    found = account.measures(version)
    if not found:
        return ""
    told = "".join(f"<p>{line(account.in_words(one), 600)}</p>" for one in found)
    rows = []
    for one in found:
        scale = _scale([triple for triple in (one["before"], one["after"]) if triple is not None])
        rows.append(
            (
                f"{line(one['name'], 80)}<small>{line(one['unit'], 40)}, {escape(one['better'])} is better</small>",
                _estimate(one["before"], scale),
                _estimate(one["after"], scale),
                _estimate(one["gain"], None),
                count(one["rows"]),
                line(one["how"], 300),
            )
        )
    drawn = table("With 95 % intervals", account.MEASURES, rows, right=(1, 2, 3, 4), kind="estimates measures")
    return told + drawn + '<p class="quiet">Better by is paired by row, so its interval is its own.</p>'


def _scale(triples: Sequence[Sequence[float]]) -> tuple[float, float]:
    """The ends of an axis that before and after share."""
    low, high = min(one[1] for one in triples), max(one[2] for one in triples)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _estimate(triple: Sequence[float] | None, scale: tuple[float, float] | None) -> str:
    if triple is None:
        return '<span class="quiet">not measured</span>'
    drawn = f"{figure(triple[0])}<small>{figure(triple[1])} to {figure(triple[2])}</small>"
    if scale is None:
        return drawn
    value, low, high = (100 * (one - scale[0]) / (scale[1] - scale[0]) for one in triple)
    return (
        f'{drawn}<span class="whisker" aria-hidden="true"><i style="left:{low:.1f}%;width:{max(high - low, 1):.1f}%">'
        f'</i><b style="left:{value:.1f}%"></b></span>'
    )


def _curves(version: Mapping[str, Any]) -> str:
    run = account.training(version)
    curves = run.get("curves") or []
    drawn = "".join(
        f"<figure><figcaption><h3>{line(plot['title'])}</h3><p>{line(said(plot, curves), 600)}</p></figcaption>"
        f"{picture(plot, curves)}</figure>"
        for plot in run.get("plots") or []
    )
    return f'<div class="plots">{drawn}</div>' if drawn else ""


def _eaten(version: Mapping[str, Any]) -> str:
    rows = [(escape(row[0]), *(code(cell) for cell in row[1:])) for row in account.eaten_rows(version)]
    return table("Frozen versions, by the role they played", account.EATEN, rows, kind="ate") if rows else ""


def _preflight(version: Mapping[str, Any]) -> str:
    rows = account.kept_rows(version)
    if not rows:
        return ""
    drawn = table("Rows", ("rows", "number", "share"), [(line(what), n, part) for what, n, part in rows], right=(1, 2))
    drawn += "".join(f"<p>{line(text, 600)}</p>" for text in account.preflight_sentences(version))
    if found := account.finding_rows(version):
        cells = [(code(check), n, escape(done), line(detail, 300), name(ids)) for check, n, done, detail, ids in found]
        drawn += table("What was found", account.FINDINGS, cells, right=(1,), kind="findings")
    return drawn + "<p>Every row that was left out is in <code>ledger/rows.parquet</code> with its reason.</p>"


def _sheets(version: Mapping[str, Any]) -> str:
    drawn = ""
    for sheet in account.training(version).get("sheets") or []:
        rows = [[line(cell, 300) for cell in row] for row in sheet["rows"][:MOST_ROWS]]
        drawn += f"<h3>{line(sheet['title'])}</h3>"
        drawn += table("", [one_line(cell, 100) for cell in sheet["header"]], rows)
        if len(sheet["rows"]) > MOST_ROWS:
            left = plural(len(sheet["rows"]) - MOST_ROWS, "more row")
            drawn += f'<p class="quiet">{left} left out here; training.json has them all.</p>'
        drawn += f"<p>{line(sheet['note'], 1000)}</p>" if sheet.get("note") else ""
    return drawn


def _points(texts: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{line(text, 800)}</li>' for text in texts)}</ul>" if texts else ""


def _made(version: Mapping[str, Any]) -> str:
    drawn = ""
    if rows := account.parameters(version):
        cells = [(code(key), code(value, 400)) for key, value in rows]
        drawn += table("Parameters", ("parameter", "value"), cells)
    drawn += f"<p>{line(account.licences(version), 1000)}</p>"
    if spent := account.cost(version):
        drawn += f"<p>{escape(spent)}</p>"
    if account.training(version):
        cells = [(code(key), code(value)) for key, value in account.environment(version)]
        drawn += folded("What it ran on", table("Software", ("software", "version"), cells))
    return drawn + folded("Recipe and software of the version", recipe(version))
