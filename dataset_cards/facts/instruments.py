"""What only other packages can tell of a text, handed in by who puts the program together."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

Reads = Callable[[pl.Series], pl.Series]


@dataclass(frozen=True, kw_only=True)
class Instruments:
    """Facts that need an instrument which is not there are left out, and the card says that nobody looked.

    Attributes:
        refused: texts (String) to whether each declines what was asked (Boolean, no nulls).
        language: texts (String) to ISO 639 codes (String, null where none can be told).
        secrets: texts (String) to the kinds of secrets in each (List(String), empty where none).
        unchecked: rows (`id, verifier, answer`) to what keeps each from being checked (String, "" where nothing does).
    """

    refused: Reads | None = None
    language: Reads | None = None
    secrets: Reads | None = None
    unchecked: Callable[[pl.DataFrame], pl.Series] | None = None
