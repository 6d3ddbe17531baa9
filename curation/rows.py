"""What a row of any type says: as one text, or piece by piece with the field each piece stands in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.schemas import CONTENT

from .ingest import SIZE
from .layers import DROP, TEXT, Layers

# The fields of each row type that hold language, in reading order. Not `metadata`: trainers ignore it.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "documents": ("text",),
    "conversations": ("messages",),
    "prompts": ("prompt",),
    "preferences": ("prompt", "chosen", "rejected"),
    "rankings": ("prompt", "responses"),
    "judgements": ("answer",),
    "verifiable": ("prompt", "answer"),
    "teacher": ("prompt", "completion"),
}
# Fields that are one string; the others are lists with a `content` in each element.
_PLAIN = ("text", "answer")
# What documents have and other rows may lack; shown as null there.
_PERHAPS = ("source", "url", "license", "created", "language")

PIECES = pl.Schema({"row": pl.UInt32, "field": pl.String, "role": pl.String, "text": pl.String})


def kind_of(columns: Sequence[str]) -> str:
    """The row type whose content fields are all among `columns`; of several, the one with the most.

    Raises:
        Misuse: these are the columns of no row type.
    """
    fitting = [kind for kind, content in CONTENT.items() if set(content) <= set(columns)]
    if not fitting:
        raise Misuse(f"rows with the columns {', '.join(columns) or '(none)'} are of no known type")
    return max(fitting, key=lambda kind: len(CONTENT[kind]))


def text_of(rows: pl.DataFrame, kind: str) -> pl.Series:
    """Everything each row says, field after field and message after message, a line break between; shape (rows,)."""
    said = [pl.col(name) if name in _PLAIN else _contents(name) for name in FIELDS[kind]]
    return rows.select(pl.concat_str(said, separator="\n", ignore_nulls=True).alias(TEXT)).to_series()


def _contents(name: str) -> pl.Expr:
    return pl.col(name).list.eval(pl.element().struct.field("content")).list.join("\n", ignore_nulls=True)


def pieces(rows: pl.DataFrame, kind: str, fields: Sequence[str]) -> pl.DataFrame:
    """One line per text, message or response: `row` (its place in `rows`), `field`, `role` (of a message) and `text`.

    In the order of the rows, then of `fields`, then of the messages. Nulls are left out.
    """
    found = [pl.DataFrame(schema=PIECES)]
    numbered = rows.with_row_index("row")
    for name in fields:
        if name in _PLAIN:
            piece = numbered.select("row", role=pl.lit(None, dtype=pl.String), text=pl.col(name))
        else:
            one = pl.col(name).struct
            role = one.field("role") if name != "responses" else pl.lit(None, dtype=pl.String)
            piece = numbered.select("row", name).explode(name).select("row", role=role, text=one.field("content"))
        found.append(piece.with_columns(field=pl.lit(name)).select(PIECES.names()).cast(PIECES))
    return pl.concat(found).drop_nulls(TEXT).sort("row", maintain_order=True)


@dataclass(frozen=True)
class RowLayers(Layers):
    """Layers over rows of any type, with the columns of documents: `text` is what a row says.

    `size` is the bytes of that text where no layer has it; `source`, `url`, `license`, `created` and `language` are
    null where rows of this type have no such field.
    """

    @cached_property
    def kind(self) -> str:
        return kind_of(self.documents.schema().names)

    @cached_property
    def _sized(self) -> bool:
        return any(SIZE in table.schema().names for table in self.tables)

    def batches(self, part: int, columns: Sequence[str] = (TEXT,)) -> Iterator[pl.DataFrame]:
        for frame in super().batches(part, self._stored(columns)):
            yield self._shown(frame, columns)

    def batch(self, part: int, group: int, columns: Sequence[str]) -> pl.DataFrame:
        return self._shown(super().batch(part, group, self._stored(columns)), columns)

    def _stored(self, columns: Sequence[str]) -> tuple[str, ...]:
        """What has to be read to show `columns`."""
        said = TEXT in columns or (SIZE in columns and not self._sized)
        asked = [name for name in columns if name != TEXT]
        return tuple(dict.fromkeys([*asked, *(FIELDS[self.kind] if said else ())]))

    def _shown(self, frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
        if TEXT in columns or (SIZE in columns and SIZE not in frame.columns):
            text = text_of(frame, self.kind)
            frame = frame.with_columns(text) if TEXT in columns else frame
            if SIZE in columns and SIZE not in frame.columns:
                frame = frame.with_columns(text.str.len_bytes().alias(SIZE))
        absent = [name for name in columns if name in _PERHAPS and name not in frame.columns]
        frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in absent)
        return frame.select(name for name in (*dict.fromkeys(columns), DROP) if name in frame.columns)
