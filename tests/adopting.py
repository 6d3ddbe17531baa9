"""What the tests of adopting share: the examples of the manual, and short ways to adopt rows and files."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from dataset_cards.adopt.adopt import Adopt, read_items
from dataset_cards.adopt.recognise import recognise
from dataset_cards.intake.quarantine import Quarantined
from dataset_cards.intake.source import Input
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store

DOCS = Path(__file__).resolve().parent.parent / "docs" / "adopt.md"
EXAMPLE = re.compile(r"^\| ([a-z0-9-]+) \| ([a-z]+) \| `(\{.*\})` \|$", re.MULTILINE)
EXAMPLES = [(shape, kind, json.loads(row)) for shape, kind, row in EXAMPLE.findall(DOCS.read_text())]


def step(address: object, kind: str, **mapping: str) -> Step:
    op = Adopt(input=Input.find(str(address)), kind=kind, mapping=mapping, license="MIT", source="a test")
    return Step("adopt", op)


def run(store: Store, address: object, kind: str, **mapping: str) -> tuple[pl.DataFrame, dict[str, Any], pl.DataFrame]:
    """Rows, what the step remembers, and the quarantine; every row read is accounted for."""
    target = step(address, kind, **mapping)
    rows = store.run(target).collect()
    done = store.done(target)
    with (store.folder(target) / "ledger").open("quarantine.parquet") as file:
        quarantine = pl.read_parquet(file)
    (funnel,) = done["funnel"]
    assert funnel["read"] == rows.height + quarantine.height
    assert (funnel["kept"], funnel["quarantined"], funnel["dropped"]) == (rows.height, quarantine.height, {})
    assert done["facts"]["quarantine"] == dict(Counter(quarantine["reason"]))
    return rows, done["facts"], quarantine


def outside(path: Path) -> list[dict[str, Any]]:
    """The rows of a file as its publisher wrote them."""
    (file,) = Input.find(str(path)).files
    items = list(read_items(file, "documents"))
    assert not any(isinstance(item, Quarantined) for item in items)
    return [item[2] for item in items if not isinstance(item, Quarantined)]


def one(row: dict[str, Any], kind: str, **mapping: str) -> dict[str, Any]:
    return recognise([row], kind, mapping).map(row, mapping)


def said(*texts: str) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(texts)]


def answer(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def lines(folder: Path, *rows: Any) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return path
