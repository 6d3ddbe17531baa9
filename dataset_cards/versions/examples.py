"""Rows to look at, for steps whose rows are of any type: what `ledger/examples.parquet` holds."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from .files import Folder
from .side_files import EXAMPLE_CHARACTERS, EXAMPLES, EXAMPLES_KEPT, EXAMPLES_PER_REASON
from .table import from_arrow, write_parquet

KEPT = "kept"


def example(reason: str, name: str, text: str, source: str | None = None) -> dict[str, Any]:
    """One row under `side_files.EXAMPLES`; `reason` is `stage/reason` of a dropped row, or KEPT."""
    stage, _, short = reason.partition("/")
    role = {"role": KEPT} if reason == KEPT else {"role": "dropped", "stage": stage, "reason": short}
    cut = len(text) > EXAMPLE_CHARACTERS
    said = {"id": name, "source": source, "text": text[:EXAMPLE_CHARACTERS], "cut": cut}
    return {**dict.fromkeys(EXAMPLES.names), **role, **said}


def first_of_each(examples: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """As many of the examples as a version shows: the first of each reason, and of the rows that were kept."""
    shown: Counter[tuple[str, str]] = Counter()
    for one in examples:
        key = one["stage"] or "", one["reason"] or ""
        shown[key] += 1
        if shown[key] <= (EXAMPLES_KEPT if one["role"] == KEPT else EXAMPLES_PER_REASON):
            yield one


def write_examples(folder: Folder, examples: Iterable[dict[str, Any]]) -> None:
    """`ledger/examples.parquet` below the folder of a step."""
    rows = sorted(first_of_each(examples), key=lambda one: one["role"] != KEPT)
    frame = from_arrow(pa.Table.from_pylist(rows, schema=EXAMPLES))
    write_parquet(folder / "ledger", "examples.parquet", [frame], EXAMPLES)


def as_text(row: Mapping[str, Any]) -> str:
    """A row of any type as a person would read it."""
    parts = []
    for name in ("text", "prompt", "messages", "completion", "chosen", "rejected", "responses", "answer"):
        value = row.get(name)
        if isinstance(value, str):
            parts.append(value if name == "text" else f"[{name}]\n{value}")
        elif value:
            turns = "\n".join(f"{one.get('role') or one.get('id')}: {one['content']}" for one in value)
            parts.append(turns if name in ("prompt", "messages") else f"[{name}]\n{turns}")
    return "\n\n".join(parts) or json.dumps(dict(row), ensure_ascii=False, default=str)
