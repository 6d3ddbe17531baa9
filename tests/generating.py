"""What tests of generators share: rows in a table, a run with the fake model, and everything that came of it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import schema
from dataset_cards.versions.table import Part, Table, from_arrow, write_parquet
from synth.drive import drive
from synth.generator import Generator
from synth.llm.fake import Fake, Rule
from synth.llm.llm import Reply, Request
from tests.asking import books

GOLDEN = Path(__file__).parent / "golden_prompts"


class Outcome(NamedTuple):
    """Rows made, (id of the source row, reason, text) of everything left out, and the facts of the step."""

    rows: list[dict[str, Any]]
    left: list[tuple[str, str, str]]
    facts: dict[str, Any]

    @property
    def reasons(self) -> list[str]:
        return [reason for _, reason, _ in self.left]


def table(folder: Path, kind: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Rows of a kind as an op is given them; fields that are not named are null."""
    whole = [{**dict.fromkeys(schema(kind).names), **row} for row in rows]
    place = Folder.at(str(folder))
    data = from_arrow(pa.Table.from_pylist(whole, schema=schema(kind)))
    return Table(place, (Part("rows.parquet", write_parquet(place, "rows.parquet", [data], schema(kind))),))


def run(folder: Path, generator: Any, kind: str, rows: Sequence[Mapping[str, Any]], llm: object) -> Outcome:
    """One run of a generator over rows, in an empty folder or one where it was stopped."""
    job = Job((table(folder / "source", kind, rows),), Folder.at(str(folder / "step")), (llm,))
    facts = generator.run(job)
    json.dumps(facts, allow_nan=False)
    parts = tuple(Part(**part) for task in job.facts() for part in task["parts"])
    made = Table(job.folder, parts).collect().to_dicts()
    with job.folder.open("aside-00000.parquet") as file:
        import polars as pl

        left = pl.read_parquet(file).rows()
    for stage in (task["funnel"][0] for task in job.facts()):
        assert stage["read"] == stage["kept"] + sum(stage["dropped"].values())
    return Outcome(made, left, facts)


def fake(*rules: Rule) -> Fake:
    return Fake(books=books(), rules=rules)


def rule(when: str, *say: str, **more: Any) -> Rule:
    """Says the n-th of `say` to the n-th sample, wherever `when` is found."""
    return Rule(when=when, say=say, **{"anywhere": True, **more})


def asked(generator: Generator, row: Mapping[str, Any], *rules: Rule) -> list[Request]:
    """Every request that a generator makes about one row, in the order of asking."""
    told: list[Request] = []
    llm = fake(*rules)

    class Listening:
        taint = None

        def ask(self, requests: Any) -> Any:
            def heard() -> Any:
                for request in requests:
                    if request is not None:
                        told.append(request)
                    yield request

            return llm.ask(heard())

    list(drive(Listening(), [(0, generator.write(row))], 1))
    return told


def golden(name: str, requests: Sequence[Request]) -> None:
    """Compare what is sent, message by message, with tests/golden_prompts/<name>.txt; without the file, write it."""
    text = ""
    for number, request in enumerate(requests):
        text += f"######## request {number + 1}, sample {request.nth}, log-probabilities {request.logprobs}\n"
        text += "".join(f"==== {message.role}\n{message.content}\n" for message in request.messages)
    path = GOLDEN / f"{name}.txt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{path.name} was not there and has been written: read it, then run again")
    assert text == path.read_text(encoding="utf-8"), (
        f"prompts changed; if they are meant to, delete {path.name} and rerun"
    )


def reply(text: str, finish: str = "stop", **more: Any) -> Reply:
    return Reply(text=text, finish=finish, prompt_tokens=1, completion_tokens=1, **more)


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def told(row: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of a row."""
    found: dict[str, Any] = json.loads(row["metadata"])
    return found
