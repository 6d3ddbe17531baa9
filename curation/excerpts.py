"""Texts for people to look at: read where they stand, with what a later stage would have masked masked first."""

from collections.abc import Sequence

import polars as pl

from dataset_cards.intake.quarantine import EXCERPT
from dataset_cards.versions.side_files import EXAMPLE_CHARACTERS

from .layers import DROP, TEXT, Layers
from .screen import DOCUMENT
from .stage import Docs, Stage

SPANS = ".spans"


def excerpts(
    layers: Layers, part: int, group: int, rows: pl.Series, veil: Sequence[Stage], columns: Sequence[str] = ()
) -> pl.DataFrame:
    """Some rows of one row group as they may be shown: `id`, `source`, `url`, `text`, `cut`, and `columns`.

    Rows that are alive are shown as they are kept. A row that was dropped may never have reached the stages that mask
    secrets and personal data, so it goes through `veil` before it is cut to 4,000 characters. If the corpus was masked
    by a stage that is not in `veil`, rows it did not mask are not shown at all.

    Args:
        rows: their places in the row group.
    """
    unveiled = _unveiled(layers, veil)
    wanted = dict.fromkeys((*DOCUMENT, *columns, *(f"{name}{SPANS}" for name in unveiled)))
    frame = layers.batch(part, group, tuple(wanted))[rows]
    for name in DOCUMENT:
        if name not in frame.columns:
            frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias(name))
    gone = frame.get_column(DROP).is_not_null()
    text = frame.get_column(TEXT).scatter(gone.arg_true(), veiled(frame.filter(gone), veil))
    for name in unveiled:
        before = gone & (
            frame.get_column(f"{name}{SPANS}").is_null() | frame.get_column(DROP).str.starts_with(f"{name}/")
        )
        text = text.scatter(before.arg_true(), _withheld(name))
    shown = frame.select("id", "source", "url", *(name for name in dict.fromkeys(columns) if name in frame.columns))
    return shown.with_columns(
        text.str.slice(0, EXAMPLE_CHARACTERS).alias("text"), (text.str.len_chars() > EXAMPLE_CHARACTERS).alias("cut")
    )


def veiled(documents: pl.DataFrame, veil: Sequence[Stage]) -> pl.Series:
    """The texts of documents after the `veil`, whatever its stages would do with the rows themselves."""
    for stage in veil:
        if not documents.height:
            break
        scores = stage.score(Docs(documents))
        text = documents.get_column(TEXT)
        if TEXT in scores.columns:
            text = pl.select(pl.coalesce(scores.get_column(TEXT), text)).to_series()
        if "spans" in scores.columns:
            edited = (
                scores.get_column(TEXT).is_not_null()
                if TEXT in scores.columns
                else pl.repeat(False, text.len(), eager=True)
            )
            rows = zip(documents.get_column(TEXT), text, edited, scores.get_column("spans"), strict=True)
            text = pl.Series([_blanked(*row) for row in rows], dtype=pl.String)
        documents = documents.with_columns(text.alias(TEXT))
    return documents.get_column(TEXT)


def _blanked(seen: str, masked: str, edited: bool, spans: pl.Series | None) -> str:
    """A stage that drops a row for what it found leaves it in the text; here its spans are blanked out."""
    found = [span for span in spans if span["action"] != "keep"] if spans is not None else []
    if not found or (edited and all(span["action"] != "drop" for span in found)):
        return masked
    pieces, end = [], 0
    for span in sorted(found, key=lambda span: (span["start"], span["end"])):
        if span["end"] > end:
            pieces += [seen[end : max(span["start"], end)], f"[{span['type'].upper().replace('-', '_')}]"]
            end = span["end"]
    return "".join([*pieces, seen[end:]])


def veiled_excerpts(texts: pl.Series, layers: Layers, veil: Sequence[Stage]) -> pl.Series:
    """Glimpses of input that could not be read, through the same veil.

    One that was cut in the middle of a word loses that word: half a secret is not known as one.
    """
    if unveiled := _unveiled(layers, veil):
        return pl.Series([_withheld(unveiled[0])] * texts.len(), dtype=pl.String)
    if not veil:
        return texts
    whole = pl.col(TEXT).str.len_chars() < EXCERPT
    cut = pl.when(whole).then(pl.col(TEXT)).otherwise(pl.col(TEXT).str.replace(r"\S*$", "\u2026"))
    documents = pl.DataFrame({TEXT: texts.fill_null("")}).with_columns(cut)
    others = [pl.lit("" if name == "id" else None, dtype=pl.String).alias(name) for name in DOCUMENT if name != TEXT]
    return veiled(documents.with_columns(others), veil)


def _unveiled(layers: Layers, veil: Sequence[Stage]) -> list[str]:
    """The stages that masked something in this corpus and are not in the veil."""
    known = {stage.name() for stage in veil}
    columns = [name for table in layers.tables for name in table.schema().names if name.endswith(SPANS)]
    return [name for column in columns if (name := column.removesuffix(SPANS)) not in known]


def _withheld(stage: str) -> str:
    return f"(not shown: {stage} never masked this text, and the step that keeps was given no veil with it)"
