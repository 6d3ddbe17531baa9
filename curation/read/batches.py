"""Documents as frames of bounded size."""

from collections.abc import Iterable, Iterator

import polars as pl

from dataset_cards.intake.quarantine import Quarantined
from dataset_cards.versions.table import GROUP_BYTES, GROUP_ROWS

from .document import Document

SCHEMA: dict[str, pl.DataType] = {
    "id": pl.String(),
    "text": pl.String(),
    "source": pl.String(),
    "url": pl.String(),
    "license": pl.String(),
    "created": pl.String(),
    "language": pl.String(),
    "metadata": pl.String(),
    "html": pl.Boolean(),
    "drop": pl.String(),
}


def batches(items: Iterable[Document | Quarantined]) -> Iterator[tuple[pl.DataFrame, list[Quarantined]]]:
    """Frames of at most GROUP_ROWS rows and about GROUP_BYTES characters, each with what was quarantined meanwhile.

    Columns are those of `SCHEMA`. A frame may be empty where there is only quarantined input to tell of.
    """
    held: list[Document] = []
    aside: list[Quarantined] = []
    size = 0
    for item in items:
        if isinstance(item, Quarantined):
            aside.append(item)
        else:
            held.append(item)
            size += len(item.text) + len(item.metadata)
        if size >= GROUP_BYTES or len(held) >= GROUP_ROWS or len(aside) >= GROUP_ROWS:
            yield frame(held), aside
            held, aside, size = [], [], 0
    if held or aside:
        yield frame(held), aside


def frame(documents: list[Document]) -> pl.DataFrame:
    """The documents as one frame with the columns of `SCHEMA`."""
    return pl.DataFrame([pl.Series(name, [getattr(d, name) for d in documents], kind) for name, kind in SCHEMA.items()])
