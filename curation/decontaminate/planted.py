"""How many items would be found: a sample of them is planted into rows of the data, changed in several ways."""

import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from curation.layers import DROP, TEXT
from curation.measures import precision_recall_f1, proportion
from curation.rows import RowLayers
from dataset_cards.versions.table import Table

from .search import STAGE, Search

CARRIERS = 200
CARRIER_CHARACTERS = 2000
ITEM_CHARACTERS = 4000  # longer items are not planted
TRUNCATED = 0.6
REPLACED = 15
_WORD = re.compile(r"\S+\s*")
_NO_WORD = re.compile(r"[^\w\s]|_")


def whole(item: str, carrier: str, rng: random.Random) -> str:
    """The item alone."""
    return item


def case_and_punctuation(item: str, carrier: str, rng: random.Random) -> str:
    """The item in capitals, its punctuation replaced by other, after a carrier."""
    words = _NO_WORD.sub(" ", item).upper().split()
    return f"{carrier}\n\n{' - '.join(words)}!"


def inside(item: str, carrier: str, rng: random.Random) -> str:
    """The item in the middle of a carrier."""
    words = carrier.split(" ")
    return " ".join([*words[: len(words) // 2], item, *words[len(words) // 2 :]])


def truncated(item: str, carrier: str, rng: random.Random) -> str:
    """The first 60 % of the item's words, before a carrier."""
    words = _words(item)
    return "".join(words[: math.ceil(TRUNCATED * len(words))]).rstrip() + "\n\n" + carrier


def replaced(item: str, carrier: str, rng: random.Random) -> str:
    """One word in each 15 of the item replaced by one of the carrier, after the carrier."""
    words, others = _words(item), _words(carrier) or ["something "]
    for start in range(0, len(words), REPLACED):
        at = start + int(rng.random() * min(REPLACED, len(words) - start))
        words[at] = others[int(rng.random() * len(others))]
    return f"{carrier}\n\n{''.join(words)}"


def shuffled(item: str, carrier: str, rng: random.Random) -> str:
    """The item's words in another order, after a carrier: no plant, and nothing should be found."""
    words = sorted(_words(_NO_WORD.sub(" ", item).strip()), key=lambda _: rng.random())
    return f"{carrier}\n\n{' '.join(word.strip() for word in words)}"


PLANTS: Mapping[str, Callable[[str, str, random.Random], str]] = {
    "whole": whole,
    "other case and punctuation": case_and_punctuation,
    "inside other text": inside,
    "first 60 % of the words": truncated,
    "one word in 15 replaced": replaced,
}


def _words(text: str) -> list[str]:
    """Pieces between blanks; characters, where there are hardly any blanks."""
    words = _WORD.findall(text)
    return words if len(words) * 20 >= len(text) else list(text)


def planted(
    search: Search,
    items: Table,
    rows: RowLayers,
    evaluations: Sequence[Mapping[str, Any]],
    sample: int,
    seed: int,
) -> dict[str, Any] | None:
    """An entry as `Stage.gold` gives it, over up to `sample` of the texts that are looked for; None without any.

    Carriers are the first rows that are alive and hold nothing of any item, cut to 2,000 characters.
    """
    rng = random.Random(seed)
    chosen = _sample(search, items, sample, rng)
    if not chosen:
        return None
    carriers = _carriers(search, rows) or [""]

    def found(plant: Callable[[str, str, random.Random], str]) -> int:
        texts = [plant(item, carriers[number % len(carriers)], rng) for number, item in enumerate(chosen)]
        _, shares = search.shares(pl.Series(texts, dtype=pl.String), search.nothing_found())
        return int((shares > search.max_overlap).sum())

    hits = {label: found(plant) for label, plant in PLANTS.items()}
    if hits["whole"] < len(chosen):
        # What was indexed is found when it comes back, by the rule itself.
        raise RuntimeError(
            f"decontaminate: {len(chosen) - hits['whole']} of {len(chosen)} items are not found as they are; this is a "
            "bug in the step, or compiled code that is out of date: delete the __pycache__ folders of curation and run "
            "again; its output was not marked as done"
        )
    false = found(shuffled)
    results = [
        {"label": label, "support": len(chosen), "precision": None, "recall": proportion(n, len(chosen)), "f1": None}
        for label, n in hits.items()
    ]
    total = len(chosen) * len(PLANTS)
    right = sum(hits.values())
    everything = precision_recall_f1(right, false, total - right)
    names = ", ".join(str(entry["evaluation"]) for entry in evaluations)
    return {
        "stage": STAGE,
        "set": f"{len(chosen)} texts of {names}, each planted {len(PLANTS)} times into rows of this data, and once "
        "with its words in another order, which must not be found",
        "rows": total + len(chosen),
        "unit": "document",
        "results": [*results, {"label": "all", "support": total, **everything}],
        "not_covered": _not_covered(evaluations),
    }


def _sample(search: Search, items: Table, sample: int, rng: random.Random) -> list[str]:
    """Texts of the items that are looked for, in random order."""
    texts = items.collect(["text"]).get_column("text").filter(pl.Series(search.index.own > 0, dtype=pl.Boolean))
    texts = texts.filter(texts.str.len_chars() <= ITEM_CHARACTERS)
    order = sorted((rng.random(), number) for number in range(texts.len()))
    chosen: list[str] = texts.gather([number for _, number in order[:sample]]).to_list()
    return chosen


def _carriers(search: Search, rows: RowLayers) -> list[str]:
    found: list[str] = []
    for part in range(rows.parts):
        for frame in rows.batches(part, (TEXT,)):
            text = frame.filter(pl.col(DROP).is_null()).get_column(TEXT).head(5 * CARRIERS)
            text = text.str.slice(0, CARRIER_CHARACTERS)
            best, _ = search.shares(text, search.nothing_found())
            found += text.filter(pl.Series(best < 0, dtype=pl.Boolean)).to_list()
            if len(found) >= CARRIERS:
                return found[:CARRIERS]
    return found


def _not_covered(evaluations: Sequence[Mapping[str, Any]]) -> list[str]:
    """What planted items say nothing about."""
    said = ["Paraphrases, translations, and the same problem with other numbers or names are not found."]
    for entry in evaluations:
        fields = entry["fields"].values()
        short, common = (sum(field[name] for field in fields) for name in ("too_short", "common"))
        if short or common:
            nothing = f"{entry['rows_not_looked_for']} of {entry['rows']}"
            said.append(
                f"Not looked for in {entry['evaluation']}: texts that are too short ({short}), or that say only what "
                f"many others say ({common}). Rows left with no text that is looked for: {nothing}."
            )
    return said
