"""What the autopsy says of public preferences, and what it costs.

    python -m benchmarks.autopsy --data FOLDER [--work FOLDER] [--rows N]

FOLDER (--data) holds the public test data. Each set is adopted as a user would, in a store under --work (a temporary
folder if not given). CPU seconds are of this process; adopting is not counted. `--rows` adds a table of so many pairs,
made of the largest set over and over with prompts of their own, for cost and peak memory at scale.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from dataset_cards.adopt.adopt import Adopt
from dataset_cards.cards.autopsy import warnings
from dataset_cards.cards.autopsy_rules import decided, rules, won
from dataset_cards.facts.autopsy.autopsy import autopsy
from dataset_cards.facts.instruments import Instruments
from dataset_cards.intake.source import Input
from dataset_cards.versions.files import Folder
from dataset_cards.versions.schemas import schema
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.table import Part, Table, write_parquet
from synth.instruments import refused

SETS: Mapping[str, Mapping[str, str]] = {
    "hh_rlhf_harmless": {},
    "hh_rlhf_helpful": {},
    "alpaca_eval_gpt4_judged": {
        "prompt": "instruction",
        "first": "output_1",
        "second": "output_2",
        "winner": "preference",
    },
    "llmbar": {"prompt": "input", "first": "output_1", "second": "output_2", "winner": "label"},
    "pandalm_human": {"prompt": "instruction", "first": "response1", "second": "response2", "winner": "annotator1"},
    "synthetic_llama3_dpo": {},
}
SHOWN = ("characters", "refusal", "refusal-opening", "markdown", "agreement", "position")


def adopted(store: Store, data: Path, name: str) -> Table:
    path = data / "preference" / f"{name}.jsonl.zst"
    op = Adopt(
        input=Input.find(str(path)), kind="preferences", mapping=SETS[name], license="unknown", source="test data"
    )
    step = Step(f"adopt/{name}", op)
    store.run(step)
    return store.table(step)


def line(name: str, table: Table) -> dict[str, Any]:
    """Print one row of the table; the facts."""
    began = time.process_time()
    facts: dict[str, Any] = autopsy(table, Instruments(refused=refused))["autopsy"]
    took = time.process_time() - began
    began = time.process_time()
    autopsy(table, Instruments())
    bare = time.process_time() - began
    found = rules(facts)
    cells = [f"{won(found[rule])} of {decided(found[rule]):,}" if rule in found else "" for rule in SHOWN]
    together = facts["together"]["share"]
    cells.append(f"{together[0]:.0%} ({together[1]:.0%} to {together[2]:.0%})")
    said = ", ".join(text.partition(":")[0] for text in warnings({"facts": {"content": {"autopsy": facts}}}))
    print(
        f"| {name} | {facts['pairs']:,} | {' | '.join(cells)} | {said} | {bare:.1f} + {took - bare:.1f} |", flush=True
    )
    return facts


def large(table: Table, folder: Path, rows: int) -> Table:
    """The pairs of a table over and over, each time with other prompts."""

    def batches() -> Iterator[pl.DataFrame]:
        made = turn = 0
        while made < rows:
            for batch in table.frames():
                some = batch.head(rows - made)
                element = pl.element()
                content = pl.concat_str(element.struct.field("content"), pl.lit(f" {turn}")).alias("content")
                yield some.with_columns(pl.col("prompt").list.eval(pl.struct(element.struct.field("role"), content)))
                made += some.height
            turn += 1

    written = write_parquet(Folder.at(str(folder)), "large.parquet", batches(), schema("preferences"))
    return Table(Folder.at(str(folder)), (Part("large.parquet", written),))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--work", type=Path)
    options.add_argument("--rows", type=int, default=0)
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = args.work or Path(temporary)
        store = Store.at(str(work / "store"))
        tables = {name: adopted(store, args.data, name) for name in SETS}
        autopsy(tables["llmbar"], Instruments(refused=refused))  # kernels and weights are loaded once
        print(f"| set | pairs | {' | '.join(SHOWN)} | together | warnings | CPU s, without + with refusals |")
        for name, table in tables.items():
            line(name, table)
        if args.rows:
            table = large(tables["alpaca_eval_gpt4_judged"], work, args.rows)
            began = time.process_time()
            autopsy(table, Instruments(refused=refused))
            took = time.process_time() - began
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{table.rows:,} pairs: {took:.0f} CPU s, at most {peak:,.0f} MB")


if __name__ == "__main__":
    main()
