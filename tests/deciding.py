"""What the tests of deciding share: judgements in short, and sources and judgements in a store."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from annotation.judged import SCHEMA
from dataset_cards.adopt.adopt import Adopt
from dataset_cards.intake.source import Input
from dataset_cards.versions.job import Job
from dataset_cards.versions.ledger import Ledger, total
from dataset_cards.versions.schemas import problems, schema
from dataset_cards.versions.step import Op, Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.table import Part, Table, from_arrow, write_parquet

PAIR = ("chosen", "rejected")
Said = Sequence[tuple[str, str, str]]


def frame(said: Said, **more: Any) -> pl.DataFrame:
    """(record, annotator, answer) under `judged.SCHEMA`; `more` are columns, or one value for all."""
    records, people, answers = zip(*said, strict=True) if said else ((), (), ())
    size = len(said)
    columns: dict[str, Any] = {"record": list(records), "annotator": list(people), "answer": list(answers)}
    columns |= {"batch": ["main"] * size, "discarded": [False] * size}
    columns |= {name: value if isinstance(value, list) else [value] * size for name, value in more.items()}
    return pl.DataFrame(
        {name: pl.Series(name, columns.get(name, [None] * size), dtype=dtype) for name, dtype in SCHEMA.items()}
    )


def judgement(record: str, annotator: str, answer: str, **notes: Any) -> dict[str, Any]:
    """A row of judgements as people's desks write it."""
    ranks = notes.pop("ranks", None)
    row = {"record": record, "annotator": annotator, "answer": answer, "ranks": ranks}
    row |= {"id": f"{record}/{annotator}/{notes.get('batch', 'main')}/{notes.get('at', '')}", "guidelines": "g" * 16}
    return {**row, "seconds": None, "metadata": json.dumps(notes)}


def ranking(name: str, *contents: str, **notes: Any) -> dict[str, Any]:
    responses = [{"id": f"m{n}", "content": one, "origin": f"model-{n}"} for n, one in enumerate(contents, 1)]
    prompt = [{"role": "user", "content": f"Question {name}?"}]
    ranks = list(range(1, len(contents) + 1))
    return {"id": name, "prompt": prompt, "responses": responses, "ranks": ranks, "metadata": json.dumps(notes)}


def preference(name: str, chosen: str, rejected: str, **notes: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(schema("preferences").names)
    row |= {"id": name, "prompt": [{"role": "user", "content": f"Question {name}?"}], "source": "web"}
    row |= {part: [{"role": "assistant", "content": text}] for part, text in zip(PAIR, (chosen, rejected), strict=True)}
    return {**row, "origin": "tiny-model", "metadata": json.dumps(notes)}


def adopted(folder: Path, kind: str, rows: Sequence[dict[str, Any]]) -> Step:
    """Rows as they are, as a step that is no curation: what a version would give an op."""
    path = folder / f"{kind}-{len(list(folder.glob('*')))}.parquet"
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema(kind)), path)
    return Step(f"given/{kind}", Adopt(input=Input.find(str(path)), kind=kind, license="MIT", source="a test"))


def table(store: Store, kind: str, *parts: Sequence[dict[str, Any]]) -> Table:
    """Rows as a table of several parts, written by hand."""
    folder = store.root / f"tables/{kind}-{len((store.root / 'tables').names())}"
    written = []
    for number, rows in enumerate(parts):
        data = from_arrow(pa.Table.from_pylist(list(rows), schema=schema(kind)))
        name = f"part-{number:05d}.parquet"
        written.append(Part(name, write_parquet(folder, name, [data], schema(kind))))
    return Table(folder, tuple(written))


class Outcome:
    """What an op made of a source and judgements; everything that always holds is checked here."""

    def __init__(self, store: Store, op: Op, *inputs: Table) -> None:
        folder = store.root / f"out/{len((store.root / 'out').names())}"
        job = Job(inputs, folder)
        self.facts = op.run(job)
        parts = [part for task in job.facts() for part in task["parts"]]
        names = [one["name"] for one in parts]
        frames = [pl.read_parquet(folder.read_bytes(name)) for name in names]
        self.rows = [row for one in frames for row in one.iter_rows(named=True)]
        ledgers = [
            Ledger.of({key: value for key, value in entry.items() if key != "stage"})
            for task in job.facts()
            for entry in task["funnel"]
        ]
        self.ledger = total(ledgers).check("the op")
        self.gone: list[dict[str, Any]] = []
        if folder.exists("ledger/rows.parquet"):
            self.gone = pl.read_parquet(folder.read_bytes("ledger/rows.parquet")).to_dicts()
            reasons = [f"{one['stage']}/{one['reason']}" for one in self.gone]
            assert {reason: reasons.count(reason) for reason in reasons} == dict(self.ledger.dropped)
        assert self.ledger.kept == len(self.rows)
        assert self.ledger.read == len(self.rows) + len(self.gone)
        for row in self.rows:
            assert not problems(self.facts["kind"], row), row
        ids = [row["id"] for row in self.rows]
        assert len(set(ids)) == len(ids)
        if folder.exists("ledger/judgements.parquet"):
            kept = pl.read_parquet(folder.read_bytes("ledger/judgements.parquet"))
            assert kept.equals(inputs[-1].collect()), "every judgement is published beside the rows"
        json.dumps(self.facts, allow_nan=False)

    @property
    def reasons(self) -> dict[str, str]:
        return {one["id"]: f"{one['stage']}/{one['reason']}" for one in self.gone}


def content(messages: list[dict[str, str]]) -> str:
    return messages[-1]["content"]


def said(record: str, *answers: str, **notes: Any) -> list[dict[str, Any]]:
    return [judgement(record, f"a{n}", answer, **notes) for n, answer in enumerate(answers, 1)]
