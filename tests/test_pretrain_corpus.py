"""A corpus before it is learned from: what is left out and said, what is held out, and the tokens on disk.

Covers the decisions about documents (leaks, repetitions, empty texts, sources that the mixture does not name), that
nothing depends on how a version is cut into parts, that no step holds the corpus, and that tokenizers are the same in
every process.
"""

import dataclasses
import os
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Refused
from dataset_cards.versions.table import Part, Table, write_parquet
from train.chat import question
from train.encode import digest
from train.inputs import Inputs
from train.models import load_tokenizer
from train.preflight import Preflight
from train.pretrain import corpus
from train.pretrain.bits import held_out as measured_documents
from train.pretrain.pretrain import Pretrain
from train.schedule import Schedule

WORDS = ("cat", "dog", "sat", "mat", "log", "ran", "big", "house", "Öl", "北京", "where", "it", "saw", "12")
OP = Pretrain(schedule=Schedule(batch_size=4), hidden=16, layers=1, vocabulary=300, context=32, held_out=0.2)


def documents(count: int, seed: int = 0, words: int = 30) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    return [
        {"id": f"d{n}", "text": " ".join(draw.choices(WORDS, k=draw.randint(3, words))), "source": "ab"[n % 2]}
        for n in range(count)
    ]


def table(folder: Path, rows: Sequence[Mapping[str, Any]], cuts: int = 1, group: int = 7) -> Table:
    """Rows as `cuts` Parquet parts of row groups of `group` rows."""
    schema = {"id": pl.String, "text": pl.String, "source": pl.String}
    parts = []
    for number, places in enumerate(np.array_split(np.arange(len(rows)), cuts)):
        mine = pl.DataFrame([rows[place] for place in places], schema=schema)
        write_parquet(Folder.at(str(folder)), f"{number}.parquet", mine.iter_slices(group))
        parts.append(Part(f"{number}.parquet", mine.height))
    return Table(Folder.at(str(folder)), tuple(parts))


def prepared(folder: Path, op: Pretrain = OP, cuts: int = 1, group: int = 7, **roles: Any) -> tuple[Preflight, Path]:
    tables = {role: table(folder / role, rows, cuts, group) for role, rows in roles.items()}
    return op.prepare(Inputs(tables, {}), folder / "rows"), folder / "rows"


def texts(out: Path, name: str) -> list[str]:
    """A shard as text again; what is around each document is looked at and taken off."""
    words, shard, about = load_tokenizer(out / "start"), corpus.mapped(out, name), corpus.index(out)
    found = []
    for first, end in zip([0, *shard.ends[:-1]], shard.ends, strict=True):
        ids = shard.tokens[first:end].tolist()
        assert (ids[0], ids[-1]) == (about["start"], about["end"])
        found.append(words.decode(ids[1:-1]))
    return found


def gone(out: Path) -> dict[str, str]:
    return dict(pl.read_parquet(out / "gone.parquet").select("id", "reason").iter_rows())


def test_shards_hold_every_document_exactly_apart_as_a_hash_of_its_text_says(tmp_path: Path):
    rows = documents(60)
    report, out = prepared(tmp_path, data=rows)
    aside = [int.from_bytes(digest(question(row))[:8], "big") < 0.2 * 2**64 for row in rows]  # the rule of encode.py
    assert texts(out, "held_out") == [row["text"] for row, held in zip(rows, aside, strict=True) if held]
    assert texts(out, "train-000") == [row["text"] for row, held in zip(rows, aside, strict=True) if not held]
    assert (report.read, report.train, report.held_out) == (60, 60 - sum(aside), sum(aside))
    shard = corpus.mapped(out, "train-000")
    assert report.tokens == len(shard.tokens)
    assert report.learned == report.tokens - report.train
    assert report.steps == -(-shard.sequences(32) // 4)
    kept = measured_documents(out)
    assert kept.bytes.tolist() == [len(text.encode()) for text in texts(out, "held_out")]


def test_how_a_version_is_cut_changes_no_byte(tmp_path: Path):
    rows, op = documents(50), dataclasses.replace(OP, mixture=("a=0.6", "b=0.4"))
    outs = [prepared(tmp_path / str(cuts), op, cuts, group, data=rows)[1] for cuts, group in ((1, 1000), (5, 3))]
    names = sorted(str(path.relative_to(outs[0])) for path in outs[0].rglob("*") if path.is_file())
    assert len(names) > 8
    for name in names:
        if name == "gone.parquet":
            assert gone(outs[0]) == gone(outs[1])
        else:
            assert (outs[0] / name).read_bytes() == (outs[1] / name).read_bytes(), name


def test_leaks_stop_the_run_and_are_left_out_when_it_is_told_to_repair(tmp_path: Path):
    rows = documents(30)
    asked = {"id": "q", "text": f" {rows[3]['text'].upper()} ", "source": None}  # the same but for case and spaces
    report, out = prepared(tmp_path / "as-is", data=rows, against=[asked])
    assert [(one.check, one.rows, one.blocks, one.examples) for one in report.findings] == [
        ("in-evaluation", 1, True, ("d3",))
    ]
    with pytest.raises(Refused, match="in-evaluation"):
        report.check("pretrain")
    repair = dataclasses.replace(OP, repair=True)
    report, out = prepared(tmp_path / "repaired", repair, data=rows, against=[asked])
    report.check("pretrain")
    assert gone(out) == {"d3": "in-evaluation"}
    assert rows[3]["text"] not in [*texts(out, "train-000"), *texts(out, "held_out")]


def test_repetitions_are_said_and_left_out_when_told(tmp_path: Path):
    rows = documents(20)
    rows += [{**rows[0], "id": "again"}, {**rows[0], "id": "once more"}, {**rows[1], "id": "other"}]
    report, out = prepared(tmp_path / "as-is", data=rows)
    assert [(one.check, one.rows, one.blocks, one.left_out, one.examples) for one in report.findings] == [
        ("duplicate-row", 3, False, False, ("again", "once more", "other"))
    ]
    assert gone(out) == {}
    assert report.train + report.held_out == 23
    report, out = prepared(tmp_path / "repaired", dataclasses.replace(OP, repair=True), data=rows)
    assert gone(out) == dict.fromkeys(("again", "once more", "other"), "duplicate-row")
    assert report.findings[0].left_out
    assert report.dropped == {"duplicate-row": 3}


def test_empty_texts_are_left_out_of_both_sides_and_the_books_balance(tmp_path: Path):
    rows = [
        *documents(10),
        {"id": "void", "text": "", "source": "a"},
        {"id": "blank", "text": " \n\x1c", "source": "a"},
    ]
    held = [{"id": "h", "text": "a cat of its own", "source": None}, {"id": "none", "text": "\t", "source": None}]
    report, out = prepared(tmp_path, data=rows, held_out=held)
    assert gone(out) == dict.fromkeys(("void", "blank", "none"), "empty-text")
    assert texts(out, "held_out") == ["a cat of its own"]
    assert report.train == 10  # with documents to measure by, none of `data` is held out
    assert report.read == report.train + report.held_out + sum(report.dropped.values()) == 14
    report.check("pretrain")


def test_sources_that_the_mixture_does_not_name_are_left_out_and_shares_hold_in_tokens(tmp_path: Path):
    rows = [
        *documents(80),
        {"id": "x", "text": "from elsewhere", "source": "c"},
        {"id": "n", "text": "no", "source": None},
    ]
    op = dataclasses.replace(OP, mixture=("b=1", "a=3"), tokens=6400)
    report, out = prepared(tmp_path, op, data=rows)
    assert gone(out) == {"x": "not-in-mixture", "n": "not-in-mixture"}
    order, counts = np.load(out / "order.npy"), [corpus.mapped(out, f"train-00{n}").sequences(32) for n in (0, 1)]
    assert len(order) == 6400 / 32
    assert report.steps == 50
    assert corpus.mapped(out, "train-000").source == "b"
    assert (order < counts[0]).sum() == 50  # a quarter of 200
    assert counts[1] < 150  # so the larger share is read more than once


def test_a_mixture_of_a_source_that_is_not_there_is_misuse(tmp_path: Path):
    op = dataclasses.replace(OP, mixture=("a=0.5", "books=0.5"))
    with pytest.raises(Misuse, match="'books'"):
        prepared(tmp_path, op, data=documents(10))


def test_a_tokenizer_is_not_trained_on_what_is_held_out(tmp_path: Path):
    rows = documents(40)
    held = next(row for row in rows if int.from_bytes(digest(question(row))[:8], "big") < 0.2 * 2**64)
    secret = "xylophonist "
    taught = [*rows, *({"id": f"t{n}", "text": secret * 30 + str(n), "source": "a"} for n in range(40))]
    kinds = [int.from_bytes(digest(question(row))[:8], "big") < 0.2 * 2**64 for row in taught[40:]]
    only_held = [*rows, *(row for row, aside in zip(taught[40:], kinds, strict=True) if aside)]
    assert held
    assert any(kinds)
    _, with_it = prepared(tmp_path / "with", data=taught)
    _, without = prepared(tmp_path / "without", data=only_held)
    _, plain = prepared(tmp_path / "plain", data=rows)
    vocabulary = [(out / "start" / "tokenizer.json").read_bytes() for out in (with_it, without, plain)]
    assert vocabulary[0] != vocabulary[1] == vocabulary[2]


def test_a_tokenizer_is_the_same_in_every_process_and_for_any_order_of_the_texts():
    code = (
        "import sys, random; from tests.test_pretrain_corpus import documents;"
        "from train.pretrain.tokenizer import trained;"
        "texts = [row['text'] for row in documents(300)]; random.Random(int(sys.argv[1])).shuffle(texts);"
        "print(trained(texts, 330, 64).backend_tokenizer.to_str())"
    )
    found = set()
    for seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "RAYON_NUM_THREADS": str(1 + int(seed))}
        done = subprocess.run(
            [sys.executable, "-c", code, seed], env=environment, capture_output=True, check=True, text=True
        )
        found.add(done.stdout)
    assert len(found) == 1


def test_preparing_holds_a_small_part_of_the_texts(tmp_path: Path):
    def peak(count: int) -> tuple[int, int]:
        rows = documents(count, words=250)
        data = {"data": table(tmp_path / f"data-{count}", rows, cuts=4, group=50)}
        size = sum(len(row["text"]) for row in rows)
        del rows
        tracemalloc.start()
        try:
            OP.prepare(Inputs(data, {}), tmp_path / f"rows-{count}")
            return size, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    prepared(tmp_path / "first", data=documents(9))  # imports and caches are not what is measured
    (small, little), (large, much) = peak(200), peak(1400)
    assert large - small > 500_000
    assert much - little < (large - small) / 4
