"""Golden folders of the ops that decide: what each made of a small source and judgements at each of its revisions.

`golden_decide/<op>[-<variant>]-r<revision>/` holds `input.jsonl`, perhaps `judgements.jsonl`, `op.json` with the `kind`
of the input and the `fields` of the op, and `output.jsonl`. As in test_golden.py, an output is never overwritten: an op
that now gives something else has a bug or needs a new revision, whose output is written once by

    python -m tests.test_decide_golden prefer-r2
"""

import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from annotation.decide.converse import Converse
from annotation.decide.judgements import Judgements
from annotation.decide.pairs import Pairs
from annotation.decide.prefer import Prefer
from annotation.decide.rank import Rank
from annotation.decide.rate import Rate
from dataset_cards.adopt.adopt import Adopt
from dataset_cards.intake.source import Input
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store

GOLDEN = Path(__file__).resolve().parent / "golden_decide"
FOLDER = re.compile(r"([a-z]+)(-[a-z-]+)?-r(\d+)")
OPS: dict[str, Any] = {op.__name__.lower(): op for op in (Converse, Judgements, Pairs, Prefer, Rank, Rate)}


def produce(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows, the ledger of those that were dropped, the funnel, and how they were decided and who is trusted."""
    name = FOLDER.fullmatch(folder.name)
    assert name is not None, f"{folder.name} is no golden folder"
    given = json.loads((folder / "op.json").read_text())
    with tempfile.TemporaryDirectory() as place:
        store = Store.at(place)
        inputs = []
        for file, kind in (("input", given["kind"]), ("judgements", "judgements")):
            if (folder / f"{file}.jsonl").exists():
                read = Adopt(input=Input.find(str(folder / f"{file}.jsonl")), kind=kind, license="MIT", source="golden")
                inputs.append(Step(f"golden/{file}", read))
        step = Step("golden/op", OPS[name[1]](**given["fields"]), tuple(inputs))
        yield from ({"row": row} for row in store.run(step).collect().iter_rows(named=True))
        ledger = Path(str(store.folder(step))) / "ledger" / "rows.parquet"
        if ledger.exists():
            yield from ({"dropped": row} for row in pl.read_parquet(ledger).iter_rows(named=True))
        done = store.done(step)
        yield from ({"funnel": entry} for entry in done["funnel"])
        agreement = done["facts"].get("agreement", {})
        yield {"decided": agreement.get("decided")}
        for one in agreement.get("by_annotator", []):
            # Intervals come from draws of numpy's generator, which another release may make otherwise.
            trusted = one["reliability"] and round(one["reliability"][0], 3)
            yield {"annotator": one["annotator"], "reliability": trusted, "weight": one["weight"]}


def spelled(folder: Path) -> str:
    return "".join(f"{json.dumps(one, ensure_ascii=False, sort_keys=True)}\n" for one in produce(folder))


def current() -> list[str]:
    found = [(path.name, FOLDER.fullmatch(path.name)) for path in sorted(GOLDEN.iterdir()) if path.is_dir()]
    return [name for name, parts in found if parts and int(parts[3]) == OPS[parts[1]].revision]


@pytest.mark.parametrize("name", current())
def test_an_op_gives_what_it_gave(name: str) -> None:
    was = (GOLDEN / name / "output.jsonl").read_text(encoding="utf-8").split("\n")
    now = spelled(GOLDEN / name).split("\n")
    for number, (before, after) in enumerate(zip(was, now, strict=False), 1):
        assert before == after, f"row {number} of {name}; if this is meant, raise the revision and add a folder"
    assert len(was) == len(now)


@pytest.mark.parametrize("op", OPS)
def test_every_op_has_a_folder_at_its_revision(op: str) -> None:
    assert any(name.startswith(op) for name in current())


if __name__ == "__main__":
    output = GOLDEN / sys.argv[1] / "output.jsonl"
    if output.exists():
        sys.exit(f"{output} is there and is never overwritten: an output that changes needs a new revision")
    output.write_text(spelled(output.parent), encoding="utf-8")
