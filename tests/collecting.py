"""What tests of asking share: rows, judgements and tables of them, and a step that is run as often as one likes."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from annotation.adjudicate import Adjudicate
from annotation.collect import Collect
from annotation.judged import judged
from annotation.tasks.comparisons import Comparisons
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import schema
from dataset_cards.versions.table import Part, Table, from_arrow, write_parquet
from tests.desk_paper import PaperDesk

TWICE = Collect(task=Comparisons(), annotators=("a1", "a2"), overlap=2)


def pair(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"p{number}",
        "prompt": [{"role": "user", "content": f"Question {number}"}],
        "chosen": [{"role": "assistant", "content": f"good {number}"}],
        "rejected": [{"role": "assistant", "content": f"bad {number}"}],
        **more,
    }


def table(folder: Folder, name: str, kind: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    filled = [dict.fromkeys(schema(kind).names) | dict(row) for row in rows]
    frame = from_arrow(pa.Table.from_pylist(filled, schema=schema(kind)))
    return Table(folder, (Part(name, write_parquet(folder, name, [frame], schema(kind))),))


class Place:
    """A step's folder with its inputs, run as often as the test likes."""

    def __init__(self, path: Path, desk: PaperDesk, *inputs: Table) -> None:
        self.folder, self.desk, self.inputs = Folder.at(str(path)), desk, inputs
        self.facts: dict[str, Any] = {}

    def run(self, op: Collect | Adjudicate) -> pl.DataFrame:
        job = Job(self.inputs, self.folder, (self.desk,))
        self.facts = op.run(job)
        return judged(self.table())

    def table(self) -> Table:
        job = Job((), self.folder)
        return Table(self.folder, tuple(Part(**part) for fact in job.facts() for part in fact["parts"]))

    def rows(self) -> list[dict[str, Any]]:
        return self.table().collect().to_dicts()


def judgement(record: str, annotator: str, answer: str, **notes: Any) -> dict[str, Any]:
    return {
        "id": f"{record}-{annotator}",
        "record": record,
        "annotator": annotator,
        "answer": answer,
        "metadata": json.dumps(notes),
    }


SPLIT = [
    *(judgement("p0", name, "1") for name in ("a1", "a2", "a3")),
    *(judgement("p1", name, answer) for name, answer in (("a1", "1"), ("a2", "1"), ("a3", "2"))),
    *(judgement("p2", name, answer) for name, answer in (("a1", "1"), ("a2", "2"), ("a3", "tie"))),
    judgement("p3", "a1", "", discarded=True),
    judgement("g0", "a3", "2", batch="gold", gold="1"),
    *(judgement("p4", name, "2") for name in ("a1", "a2")),
]
