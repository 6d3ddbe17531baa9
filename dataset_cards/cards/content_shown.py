"""The sections of card and report on what was counted in the rows."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from . import markdown, page
from .charts import bars, histogram
from .content import content, sentences, sheets
from .content_talk import talks
from .plain import one_line
from .sheet import as_html, as_markdown

MOST_ROWS = 40  # of one table; version.json has them all


def content_paragraphs(version: Mapping[str, Any]) -> Iterator[str]:
    """For the card; none where nobody measured."""
    if said := sentences(version):
        yield "\n".join(f"- {markdown.prose(text)}" for text in said)
    yield from as_markdown(sheets(version), MOST_ROWS)


def content_section(version: Mapping[str, Any]) -> str:
    """For the report, as ready-made HTML; empty where nobody measured."""
    said = "".join(f"<li>{page.line(text, 600)}</li>" for text in sentences(version))
    drawn = f"<ul>{said}</ul>" if said else ""
    return drawn + _charts(version) + as_html(sheets(version), MOST_ROWS)


def _charts(version: Mapping[str, Any]) -> str:
    """Shapes that a table hides: how lengths are spread, how old texts are, how long people talk."""
    facts, figures = content(version), []
    for name, one in (facts.get("lengths") or {}).items():
        if len(one["counts"]) > 1:
            title = f"Characters in {one_line(name, 60)}"
            figures.append(_figure(title, histogram(title, one["edges"], one["counts"])))
    for said, talk in talks(facts):
        counts = {int(many): n for many, n in talk["turns"]["counts"].items()}
        if len(counts) > 2:
            low, high = min(counts), max(counts)
            edges = [float(many) for many in range(low, high + 2)]
            title = f"Messages in {said}"
            figures.append(_figure(title, histogram(title, edges, [counts.get(n, 0) for n in range(low, high + 1)])))
    for dates in (facts.get("dates") or {}).values():
        years = {int(year): n for year, n in dates["by_year"].items()}
        if len(years) > 2 and max(years) - min(years) < 200:
            edges = [float(year) for year in range(min(years), max(years) + 2)]
            spread = [years.get(year, 0) for year in range(min(years), max(years) + 1)]
            figures.append(_figure("Rows by year", histogram("Rows by year", edges, spread)))
    drawn = f'<div class="grid">{"".join(figures)}</div>' if figures else ""
    languages = (facts.get("languages") or {}).get("counts") or {}
    if len(languages) > 1 and languages != version.get("languages"):
        rows = int(version.get("rows") or 0)
        drawn += bars("Languages, stated or recognised", languages, heading="language", rows=rows)
    return drawn


def _figure(title: str, drawn: str) -> str:
    return f"<figure><figcaption><h3>{escape(title)}</h3></figcaption>{drawn}</figure>"
