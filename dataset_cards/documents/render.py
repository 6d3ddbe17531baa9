"""Every document of a version, from what version.json says and what a person has said."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from ..cards.card import render_card
from ..cards.model_card import render_model_card
from ..cards.model_report import render_model_report
from ..cards.report import render_report
from .croissant import croissant


def rendered(record: Mapping[str, Any], examples: pl.DataFrame, pairs: pl.DataFrame) -> dict[str, str]:
    """The documents by their names in the folder of the version.

    Args:
        record: what version.json says.
        examples: what ledger/examples.parquet holds; may be empty.
        pairs: what ledger/pairs.parquet holds; may be empty.
    """
    if record["kind"] == "model":
        return {"README.md": render_model_card(record), "report.html": render_model_report(record)}
    return {
        "README.md": render_card(record, examples),
        "croissant.json": croissant(record, None),
        "report.html": render_report(record, examples, pairs),
    }
