"""Pairs of preferences with a planted shortcut, or with none, for tests of the autopsy."""

import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from dataset_cards.facts.autopsy.autopsy import autopsy
from dataset_cards.facts.instruments import Instruments
from dataset_cards.versions.files import Folder
from dataset_cards.versions.schemas import schema
from dataset_cards.versions.table import Part, Table, from_arrow, write_parquet

Row = dict[str, Any]
WORDS = (
    "river",
    "stone",
    "cloud",
    "bread",
    "lamp",
    "paper",
    "green",
    "slow",
    "count",
    "walk",
    "under",
    "seven",
    "quiet",
)


def said(role: str, text: str) -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


def pair(number: int, chosen: str, rejected: str, **more: Any) -> Row:
    """One row; its prompt is its own unless `prompt` is given."""
    row = dict.fromkeys(schema("preferences").names)
    prompt = more.pop("prompt", f"What about number {number}?")
    row |= {"id": str(number), "prompt": said("user", prompt), "source": "here"}
    return row | {"chosen": said("assistant", chosen), "rejected": said("assistant", rejected), **more}


def plain(draw: random.Random) -> str:
    """An answer of some words that now and then hedges, asks, exclaims, lists, agrees or refuses."""
    words = [draw.choice(WORDS) for _ in range(draw.randint(5, 60))]
    for part, chance in (("perhaps", 0.3), ("NATO", 0.2), ("why?", 0.2), ("yes!", 0.2), ("**bold**", 0.2)):
        if draw.random() < chance:
            words.insert(draw.randrange(len(words)), part)
    text = " ".join(words)
    text += "".join(f"\n- {draw.choice(WORDS)}" for _ in range(draw.randint(0, 4))) if draw.random() < 0.3 else ""
    openings = ("You're right. ", "Sure, ", "I'm sorry, but I can't help with that. ")
    return (draw.choice(openings) if draw.random() < 0.3 else "") + text


def unbiased(count: int, seed: int) -> list[Row]:
    """Pairs of which nothing but chance says who is chosen."""
    draw = random.Random(seed)
    return [pair(n, plain(draw), plain(draw), metadata=f'{{"winner": {draw.choice((1, 2))}}}') for n in range(count)]


def table(folder: Path, rows: Sequence[Row], cuts: Sequence[int] = ()) -> Table:
    """The rows on disk, cut into row groups at `cuts`."""
    columns = schema("preferences")
    places = [0, *cuts, len(rows)]
    groups = [
        from_arrow(pa.Table.from_pylist(list(rows[start:end]), schema=columns)) for start, end in pairwise(places)
    ]
    name = f"part-{len(list(folder.iterdir())) if folder.is_dir() else 0:05d}.parquet"
    write_parquet(Folder.at(str(folder)), name, groups, columns)
    return Table(Folder.at(str(folder)), (Part(name, len(rows)),))


def says_sorry(texts: pl.Series) -> pl.Series:
    """An instrument that takes every `I can't help` for a refusal."""
    return texts.str.contains("I can't help", literal=True)


def facts_of(folder: Path, rows: Sequence[Row], cuts: Sequence[int] = ()) -> dict[str, Any]:
    found: dict[str, Any] = autopsy(table(folder, rows, cuts), Instruments(refused=says_sorry))["autopsy"]
    return found


def version_of(facts: dict[str, Any]) -> dict[str, Any]:
    return {"facts": {"content": {"autopsy": facts}}}
