"""The report of a version: one HTML file that shows, offline, what was kept, what was dropped and why."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import polars as pl

from . import specimens
from .account import (
    bare,
    dropped,
    facts,
    ledger,
    limits,
    near_duplicates,
    noun,
    reasons,
    title,
    top,
    warnings,
    what_it_is,
)
from .charts import bars, beyond, curve, histogram
from .funnel import funnel_rows, river
from .page import code, document, folded, line, passage, section, table
from .plain import count, figure, one_line, plural, share, size
from .style import STYLE

MOST_SIGNALS = 120
MOST_ROWS = 40
LONGEST_RECIPE = 60_000  # characters of JSON; version.json has it whole


def render_report(version: Mapping[str, Any], examples: pl.DataFrame) -> str:
    """One self-contained HTML page without scripts.

    Args:
        version: what version.json says.
        examples: what ledger/examples.parquet holds; may be empty.
    """
    sections = [
        ("funnel", "Rows in, rows out", _funnel(version)),
        ("signals", "What was measured", _signals(version)),
        ("categories", "What was recognised", _categories(version)),
        ("reasons", "Why rows were dropped", _reasons(version, examples)),
        ("quarantine", "What could not be read", _quarantine(version)),
        ("duplicates", "Near-duplicates", _near_duplicates(version)),
        ("inside", "What is inside", _inside(version)),
        ("samples", "Some rows that were kept", specimens.kept(examples)),
        (
            "limits",
            "What is not covered",
            f"<ul>{''.join(f'<li>{line(text, 600)}</li>' for text in limits(version))}</ul>",
        ),
        ("recipe", "How it was made", _recipe(version)),
    ]
    filled = [(anchor, heading, inside) for anchor, heading, inside in sections if inside]
    links = "".join(f'<a href="#{anchor}">{escape(heading)}</a>' for anchor, heading, _ in filled)
    body = _header(version) + f'<nav aria-label="Sections">{links}</nav></header><main>'
    body += "".join(section(anchor, heading, inside) for anchor, heading, inside in filled) + "</main>"
    return document(title(version), STYLE, body)


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
    return river(funnel) + folded("The same as a table", numbers)


def _signals(version: Mapping[str, Any]) -> str:
    signals = [one for one in facts(version).get("signals") or [] if one.get("counts")]
    if not signals:
        return ""
    legend = (
        '<p class="quiet"><span class="dot kept"></span>kept <span class="dot gone"></span>on the dropped side. '
        "A row beyond several limits counts for the first reason only, so more may be beyond than were dropped.</p>"
    )
    drawn = f'{legend}<div class="grid">{"".join(_signal(one) for one in signals[:MOST_SIGNALS])}</div>'
    if len(signals) > MOST_SIGNALS:
        drawn += (
            f"<p>{plural(len(signals) - MOST_SIGNALS, 'more signal')} left out here; version.json has them all.</p>"
        )
    return drawn


def _signal(one: Mapping[str, Any]) -> str:
    signal = bare(one["stage"], one["signal"])
    edges, counts, rules = one["edges"], one["counts"], one.get("rules") or []
    said = []
    for rule in rules:
        field = f" ({line(rule['field'])})" if rule.get("field") else ""
        verb = {"below": "below", "above": "above"}.get(rule["kind"])
        if verb is None:
            continue
        n, exact = beyond(rule, edges, counts)
        outside = "" if edges[0] <= rule["limit"] <= edges[-1] else ", outside the picture"
        said.append(
            f"<p><b>{line(bare(one['stage'], rule['reason']))}</b>: {verb} {figure(rule['limit'])}{field}{outside}; "
            f"{'' if exact or not n else 'about '}{count(n)} beyond ({share(n, sum(counts))})</p>"
        )
    missing = one.get("documents", 0) - sum(counts)
    if missing > 0:
        said.append(f'<p class="quiet">{plural(missing, "row")} without a value</p>')
    if not rules:
        said.append('<p class="quiet">measured; decides nothing</p>')
    drawn = histogram(one_line(signal), edges, counts, rules)
    heading = f"<small>{line(one['stage'])}</small><h3>{line(signal)}</h3>"
    return f"<figure><figcaption>{heading}{''.join(said)}</figcaption>{drawn}</figure>"


def _categories(version: Mapping[str, Any]) -> str:
    drawn = ""
    for one in (facts(version).get("categories") or [])[:MOST_SIGNALS]:
        gone: set[str] = set()
        for rule in one.get("rules") or []:
            if rule["kind"] == "outside":
                gone |= {value for value in one["counts"] if value not in rule["limit"]}
            elif rule["kind"] == "flagged":
                gone |= {value for value in one["counts"] if value.lower() in ("true", "1")}
        caption = f"{one_line(bare(one['stage'], one['signal']))}, by {one_line(one['stage'])}"
        drawn += bars(caption, one["counts"], frozenset(gone))
    return drawn


def _reasons(version: Mapping[str, Any], examples: pl.DataFrame) -> str:
    return specimens.by_reason(examples, reasons(version), ledger(version)["read"])


def _quarantine(version: Mapping[str, Any]) -> str:
    found = facts(version).get("quarantine")
    if not found:
        return ""
    rows = [(code(why), count(n)) for why, n in top(found, MOST_ROWS)]
    where = "<p>File, position and the first bytes of each are in <code>ledger/quarantine.parquet</code>.</p>"
    return table("Inputs set aside, by reason", ("reason", "inputs"), rows, right=(1,)) + where


def _near_duplicates(version: Mapping[str, Any]) -> str:
    found = near_duplicates(version)
    drawn = ""
    if points := found.get("s_curve"):
        caption = "<h3>Chance that a pair of documents is compared, by its similarity</h3>"
        verified = found.get("pairs_verified")
        said = f"<p>{count(verified)} pairs were compared word by word</p>" if verified is not None else ""
        chart = curve(points, found.get("threshold"))
        drawn += f'<div class="grid"><figure><figcaption>{caption}{said}</figcaption>{chart}</figure></div>'
    clusters = [one for one in found.get("clusters") or [] if isinstance(one, Mapping)][:MOST_ROWS]
    if clusters:
        header = list(dict.fromkeys(str(key) for one in clusters for key in one))[:8]
        rows = [[_cell(one.get(key)) for key in header] for one in clusters]
        drawn += table("Largest clusters", [one_line(key, 40) for key in header], rows)
    return drawn


def _cell(value: Any) -> str:
    if isinstance(value, int | float):
        return figure(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{line(key, 40)} {code(figure(item), 120)}" for key, item in list(value.items())[:5])
    if isinstance(value, list | tuple):
        return "<br>".join(_cell(item) for item in value[:5]) + ("<br>\u2026" if len(value) > 5 else "")
    return code("" if value is None else value, 160)


def _inside(version: Mapping[str, Any]) -> str:
    drawn = ""
    lengths = (facts(version).get("text") or {}).get("lengths") or {}
    if lengths.get("counts"):
        chart = histogram("Length in characters", lengths["edges"], lengths["counts"])
        drawn += (
            f'<div class="grid"><figure><figcaption><h3>Length in characters</h3></figcaption>{chart}</figure></div>'
        )
    for caption, counts in (
        ("Languages", version.get("languages")),
        ("Licences", facts(version).get("licenses")),
        ("Sources", facts(version).get("sources")),
    ):
        if counts:
            drawn += bars(caption, counts, heading=caption.lower().removesuffix("s"))
    if schema := version.get("schema"):
        rows = [(code(column["name"]), code(column["type"], 400)) for column in schema[:200]]
        drawn += table("Columns", ("column", "type"), rows)
    return drawn


def _recipe(version: Mapping[str, Any]) -> str:
    recipe = version.get("recipe") or {}
    drawn = ""
    if recipe.get("parameters"):
        rows = [
            (code(key), code(json.dumps(value, ensure_ascii=False), 400)) for key, value in recipe["parameters"].items()
        ]
        drawn += table(
            f"Parameters of {one_line(recipe.get('function') or recipe.get('name'))}", ("name", "value"), rows
        )
    for step in recipe.get("steps") or []:
        text = json.dumps(step.get("fields"), indent=2, ensure_ascii=False)
        if len(text) > LONGEST_RECIPE // len(recipe["steps"]):
            text = text[: LONGEST_RECIPE // len(recipe["steps"])] + "\n\u2026 version.json has it whole"
        said = f"{line(step.get('op', ''))} {line(step.get('fingerprint', ''))}"
        drawn += folded(f"{code(step.get('name', ''))} <small>{said}</small>", passage(text))
    if parents := version.get("parents"):
        drawn += table(
            "Made from", ("version", "digest"), [(code(title(one)), code(one.get("digest", ""))) for one in parents]
        )
    environment = version.get("environment") or {}
    made = [("gristmill", version.get("gristmill")), ("python", environment.get("python"))]
    made += [("platform", environment.get("platform")), *sorted((environment.get("packages") or {}).items())]
    drawn += table("Made with", ("software", "version"), [(code(key), code(value)) for key, value in made if value])
    if version.get("source"):
        drawn += f"<p>Source: {line(version['source'], 2000)}</p>"
    if version.get("digest"):
        drawn += f"<p>Digest: {code(version['digest'])}</p>"
    return drawn + f"<p>Check every byte with {code('gristmill verify ' + title(version))}.</p>"
