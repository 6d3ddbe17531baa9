"""What tests of lineage share: prose that passes the quality rules, versions from real ops, and the real commands."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from typer.testing import CliRunner

from dataset_cards.freeze import freeze
from dataset_cards.lineage.commands import lineage
from dataset_cards.versions.job import Job
from dataset_cards.versions.recipe import find_recipe
from dataset_cards.versions.side_files import GONE
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.table import from_arrow, write_parquet
from dataset_cards.versions.version import DatasetVersion
from tests.ops import Inline
from tests.sample_model import trained
from train.preflight import Preflight

_VOCABULARY = (
    "the of and to a in that it was with as for on at by from they had were when this which there been would people "
    "water house garden morning evening little great window letter river mountain winter summer children mother father "
    "teacher village station journey market kitchen table bread butter candle shadow silver golden quiet sudden gentle "
    "narrow broken distant familiar carried walked listened remembered gathered followed answered waited looked turned "
    "opened closed across behind beneath between through without another every several while because although perhaps "
    "never always often together alone again after before during until music paper story forest island harbour captain"
)
WORDS = _VOCABULARY.split()
PACKAGES = ("curation", "annotation", "synth")


def prose(seed: int) -> str:
    """About 120 words in nine sentences, different for every seed."""
    chance = random.Random(seed)
    sentences = (" ".join(chance.choices(WORDS, k=chance.randrange(11, 16))) for _ in range(9))
    return " ".join(f"{sentence.capitalize()}." for sentence in sentences)


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def made(store: Store, ref: str, recipe: str, *words: str, tools: Sequence[object] = ()) -> DatasetVersion:
    """A built-in recipe, run and frozen as the command does it."""
    step, record = find_recipe(recipe, PACKAGES).bind(words, store)
    store.run(step, [Inline(), *tools])
    return freeze(store, step, ref, record)


@dataclass(frozen=True, kw_only=True)
class Learn:
    """A trainer's step without the training: a model file, its record, and a ledger of rows it left out."""

    revision: ClassVar[int] = 1
    roles: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    held_out: int = 0

    def run(self, job: Job) -> dict[str, Any]:
        records = [table.folder.read_json("version.json") for table in job.inputs]
        eaten = [
            {
                "role": role,
                "ref": f"{one['name']}@{one['version']}",
                **{key: one[key] for key in ("kind", "digest", "license")},
            }
            for role, one in zip(self.roles, records, strict=True)
        ]
        read = sum(one["rows"] for one in records if one["kind"] != "model")
        gone = pl.DataFrame(
            [
                {**dict.fromkeys(GONE.names), "id": name, "stage": "preflight", "reason": "truncated"}
                for name in self.left_out
            ],
            schema=from_arrow(GONE.empty_table()).schema,
        )
        write_parquet(job.folder / "ledger", "rows.parquet", [gone], GONE)
        job.folder.write_bytes("model/config.json", b"{}")
        job.folder.write_bytes("model/model.safetensors", repr((self, eaten)).encode())
        dropped = {"preflight/truncated": gone.height} if gone.height else {}
        funnel = {"stage": "preflight", "read": read, "kept": read - gone.height, "quarantined": 0, "dropped": dropped}
        job.finish(0, [], funnel=[funnel])
        looked = Preflight(
            read=read,
            train=read - gone.height - self.held_out,
            held_out=self.held_out,
            dropped={"truncated": gone.height} if gone.height else {},
        )
        run = trained()["facts"]["training"]
        training = {**run, "inputs": eaten, "preflight": looked.json()}
        return {"kind": "model", "files": ["model/config.json", "model/model.safetensors"], "training": training}


def learned(store: Store, ref: str, given: Mapping[str, DatasetVersion], **fields: Any) -> DatasetVersion:
    """A model that says it learned from `given`, by role."""
    step = Step("train/sft", Learn(roles=tuple(given), **fields), tuple(given.values()))
    store.run(step)
    parameters = {role: version.ref for role, version in given.items()}
    return freeze(store, step, ref, {"name": "sft", "function": "train.recipes:sft", "parameters": parameters})


def command(store: Store, *words: str) -> tuple[int, str, BaseException | None]:
    """The command as the shell calls it: exit code, what it printed, and the error that `gristmill` would explain."""
    done = CliRunner().invoke(lineage, [words[0], "--store", str(store.root), *words[1:]])
    error = None if isinstance(done.exception, SystemExit) else done.exception
    return done.exit_code, done.stdout, error


def told(store: Store, *words: str) -> Any:
    """What a command says as JSON."""
    code, out, error = command(store, words[0], "--json", *words[1:])
    assert code == 0, error
    return json.loads(out)


def said(store: Store, *words: str) -> str:
    """What a command prints."""
    code, out, error = command(store, *words)
    assert code == 0, error
    return out
