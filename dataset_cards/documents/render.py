"""Every document of a version, from what version.json says and what a person has said."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from ..cards.card import render_card
from ..cards.markdown import prose
from ..cards.model_card import render_model_card
from ..cards.model_report import render_model_report
from ..cards.report import render_report
from ..cards.sheet import as_markdown
from .ab2013 import ab2013
from .about import About
from .citation import citation_bib, citation_cff
from .croissant import croissant
from .datasheet import datasheet
from .eu_summary import eu_summary
from .licensing.mix import mix
from .licensing.shown import sentences, sheets
from .said_card import said_front, said_sections


def rendered(
    record: Mapping[str, Any], examples: pl.DataFrame, pairs: pl.DataFrame, about: About | None = None
) -> dict[str, str]:
    """The documents by their names in the folder of the version.

    Args:
        record: what version.json says.
        examples: what ledger/examples.parquet holds; may be empty.
        pairs: what ledger/pairs.parquet holds; may be empty.
        about: what people said; without, only what facts alone can tell is written.
    """
    asked = dict(_asked(record, about)) if about else {}
    if record["kind"] == "model":
        said = said_sections(record, about) if about else ()
        given = about.licensing.license if about else None
        return {
            "README.md": render_model_card(record, said, given),
            "report.html": render_model_report(record),
            **asked,
        }
    said, front = (said_sections(record, about), said_front(about, record)) if about else ((), None)
    return {
        "README.md": render_card(record, examples, said, front, _licences(record, about)),
        "croissant.json": croissant(record, about),
        "report.html": render_report(record, examples, pairs),
        **asked,
    }


def _asked(record: Mapping[str, Any], about: About) -> Iterator[tuple[str, str]]:
    """The documents that about.yaml asks for; a datasheet is of rows, so a model has none."""
    if "datasheet" in about.documents and record["kind"] != "model":
        yield "DATASHEET.md", datasheet(record, about)
    if "eu_summary" in about.documents:
        yield "EU_SUMMARY.md", eu_summary(record, about)
    if "ab2013" in about.documents:
        yield "AB2013.md", ab2013(record, about)
    if "citation" in about.documents:
        yield "CITATION.cff", citation_cff(record, about)
        yield "CITATION.bib", citation_bib(record, about)


def _licences(record: Mapping[str, Any], about: About | None) -> list[str]:
    """What the licences of the parts come to, as Markdown; nothing where no part states one."""
    found = mix(record, about)
    said = "\n".join(f"- {prose(text)}" for text in sentences(found))
    return [said, *as_markdown(sheets(found))] if found.parts else []
