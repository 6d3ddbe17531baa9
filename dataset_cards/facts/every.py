"""What is counted of every kind of row: lengths, sources, licences, languages, authors, duplicates, secrets."""

from collections.abc import Iterable, Sequence
from typing import Any

from ..versions.schemas import SCHEMAS
from ..versions.table import Table
from .batch import TEXTS, Gauge, gauged
from .dates import Dates
from .domains import Domains
from .instruments import Instruments
from .languages import Languages
from .lengths import Lengths
from .repeats import Duplicates
from .secret_kinds import Secrets
from .values import Values, column, modality, origins_of

# What makes a row the same as another; ranks and distributions are left out, which follow from the texts.
_COMPARED = {**TEXTS, "judgements": ("record", "annotator", "answer")}
_COUNTED = {"source": "sources", "license": "licenses", "origin": "origins"}


def measured(
    kind: str, rows: Table, instruments: Instruments, gauges: Sequence[Gauge] = (), others: Iterable[str] = ()
) -> dict[str, Any]:
    """The facts that every kind has, and what `gauges` tell, from one pass.

    Args:
        others: columns that `gauges` read besides.
    """
    names = SCHEMAS[kind].names
    every: list[Gauge] = [
        Lengths(TEXTS[kind]),
        Values("modality", modality),
        Duplicates(rows.rows, _COMPARED[kind]),
        Secrets(TEXTS[kind], instruments.secrets),
    ]
    every += [Values(plural, column(name)) for name, plural in _COUNTED.items() if name in names]
    if "responses" in names:
        every.append(Values("origins", origins_of("responses")))
    if "url" in names:
        every.append(Domains("url"))
    if "created" in names:
        every.append(Dates("created"))
    if kind != "judgements":  # answers there are choices, not prose
        stated = "language" if "language" in names else None
        every.append(Languages(TEXTS[kind][0], instruments.language, stated))
    asked = [name for name in (*_COUNTED, "url", "created", "language") if name in names]
    columns = [*TEXTS[kind], *_COMPARED[kind], *asked, *others]
    return gauged(rows, columns, [*every, *gauges])
