"""What `plan` says a run would cost: the sample is a true part of the input, the sums add up, nothing is left behind.

How near estimates come to what runs take is measured in benchmarks/estimate.py.
"""

import gzip
import itertools
import json
import shutil
import tarfile
import tempfile
import threading
import zipfile
from pathlib import Path

import polars as pl
import pytest

from curation.estimate import estimate as estimating
from curation.estimate import sample as sampling
from curation.estimate.estimate import Cost, Estimate, _bytes_below, estimate, estimated
from curation.estimate.sample import smaller
from curation.ingest import Cut, Ingest
from curation.keep import Keep
from curation.mix.recipe import mixture
from curation.normalize import Normalize
from dataset_cards.intake.source import Input
from dataset_cards.versions.step import Step, in_order
from dataset_cards.versions.store import Store
from tests.ops import Inline
from tests.test_mix import version

LINES = 4000


def recipe(address: Path) -> Step:
    read = Step("small/read", Ingest(input=Input.find(str(address)), stages=(Normalize(),)))
    return Step("small/keep", Keep(), (read,))


def texts(step: Step, folder: Path) -> list[str]:
    return Store.at(str(folder)).run(step, [Inline(), Cut()]).collect()["text"].to_list()


def rows(count: int = LINES) -> str:
    return "".join(json.dumps({"text": f"Line number {n} of the input. {'x' * (n % 50)}"}) + "\n" for n in range(count))


@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz", "parquet", "tar", "txt"])
def test_a_sample_holds_rows_of_the_input_and_knows_its_share(form: str, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    match form:
        case "jsonl":
            (folder / "a.jsonl").write_text(rows())
        case "jsonl.gz":
            (folder / "a.jsonl.gz").write_bytes(gzip.compress(rows().encode()))
        case "parquet":
            pl.read_ndjson(rows().encode()).write_parquet(folder / "a.parquet", row_group_size=50)
        case "tar":
            with tarfile.open(folder / "a.tar", "w") as archive:
                for n in range(100):
                    member = tmp_path / f"{n:03d}.txt"
                    member.write_text(f"text {n} " * 300)
                    archive.add(member, member.name)
        case "txt":
            for n in range(200):
                (folder / f"{n:03d}.txt").write_text(f"text {n} " * 200)
    whole = recipe(folder)
    size = sum(path.stat().st_size for path in folder.iterdir())
    sample = smaller(whole, size // 4, tmp_path / "copy")
    assert sample.of_bytes == size
    assert sample.share == pytest.approx(0.25, abs=0.06)
    part, every = texts(sample.step, tmp_path / "one"), texts(whole, tmp_path / "two")
    assert 0 < len(part) < len(every)
    if form != "txt":  # of many files the first bytes of each are taken
        assert {*part[:-1]} <= {*every}  # the last may be cut
        assert len(part) / len(every) == pytest.approx(0.25, abs=0.08)


def test_lines_are_taken_from_all_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(rows())
    sample = smaller(recipe(tmp_path / "a.jsonl"), (tmp_path / "a.jsonl").stat().st_size // 10, tmp_path / "copy")
    numbers = [int(text.split()[2]) for text in texts(sample.step, tmp_path / "one")]
    assert numbers[0] == 0
    assert max(numbers) > 0.93 * LINES
    assert max(b - a for a, b in itertools.pairwise(numbers)) < LINES / 8


def test_lines_that_are_longer_than_a_piece_are_taken_from_the_beginning(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": f"{n} " + "word " * 2000}) + "\n" for n in range(30)))
    (tmp_path / "b.txt").write_text("no end of line " * 10_000)
    for name in ("a.jsonl", "b.txt"):
        size = (tmp_path / name).stat().st_size
        sample = smaller(recipe(tmp_path / name), size // 20, tmp_path / f"copy-{name}")
        assert 0.05 <= sample.share <= 0.11
        assert texts(sample.step, tmp_path / f"store-{name}")


def test_a_small_input_is_taken_whole(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(rows(10))
    sample = smaller(recipe(tmp_path / "a.jsonl"), 1 << 20, tmp_path / "copy")
    assert sample.share == 1.0
    assert texts(sample.step, tmp_path / "one") == texts(recipe(tmp_path / "a.jsonl"), tmp_path / "two")


def test_what_cannot_be_cut_is_named(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_text(json.dumps([{"text": "A text. " * 50}] * 500))
    (tmp_path / "in" / "b.jsonl").write_text(rows())
    sample = smaller(recipe(tmp_path / "in"), 2000, tmp_path / "copy")
    assert sample.left_out == ("a.json",)
    assert 0 < sample.bytes < 4000


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl.gz", "empty.parquet", "b.jsonl"])
def test_a_damaged_file_has_a_part_in_the_sample_like_any_other(name: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "good.jsonl").write_text(rows())
    damaged = {
        "a.parquet": b"PAR1" + bytes(range(256)) * 400,
        "a.jsonl.gz": b"\x1f\x8b\x08\x00" + b"\xff" * 1000,
        "empty.parquet": b"",
        "b.jsonl": b"x",
    }
    (tmp_path / "in" / name).write_bytes(damaged[name])
    whole = recipe(tmp_path / "in")
    sample = smaller(whole, 40_000, tmp_path / "copy")
    assert texts(sample.step, tmp_path / "one")
    found, why = estimated(whole, in_order(whole), Store.at(str(tmp_path / "store")))
    assert found is not None, why


def test_a_file_of_no_known_name_is_sampled_as_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "words.dat").write_text("A line of words.\n" * 4000)
    sample = smaller(recipe(tmp_path / "words.dat"), 10_000, tmp_path / "copy [1]")
    assert 5_000 < sum(map(len, texts(sample.step, tmp_path / "one"))) <= 10_000


def test_an_archive_that_is_too_large_to_be_read_whole_is_not_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.jsonl", rows())
    target, store = recipe(tmp_path / "a.zip"), Store.at(str(tmp_path / "store"))
    assert estimate(target, in_order(target), store, sample_bytes=4_000).sampled == (tmp_path / "a.zip").stat().st_size
    monkeypatch.setattr(sampling, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(estimating, "WARM_BYTES", 1000)
    found, why = estimated(target, in_order(target), store)
    assert found is None
    assert why.endswith("a.zip has no part that can be read by itself, and is too large to be read whole")


def test_a_temporary_folder_that_cannot_be_written_leaves_a_plan_without_an_estimate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jsonl").write_text(rows(10))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    target = recipe(tmp_path / "a.jsonl")
    found, why = estimated(target, in_order(target), Store.at(str(tmp_path / "store")))
    assert found is None
    assert "TMPDIR" in why


def test_a_recipe_over_versions_is_sampled_by_their_rows(tmp_path: Path) -> None:
    shelf = Store.at(str(tmp_path / "store"))
    web = version(shelf, tmp_path, "web", [f"page {n} " * 40 for n in range(2000)])
    sample = smaller(mixture([web]), int(web.json["bytes"]) // 2, tmp_path / "copy")
    found = Store.at(str(tmp_path / "other")).run(sample.step, [Inline()]).collect()
    assert {*found["id"]} <= {f"web-{n}" for n in range(2000)}
    assert found.height / 2000 == pytest.approx(0.5, abs=0.1)


def test_an_estimate_covers_the_steps_that_would_run_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(rows())
    target = recipe(tmp_path / "in.jsonl")
    store = Store.at(str(tmp_path / "store"))
    found = estimate(target, in_order(target), store, sample_bytes=40_000)
    assert [cost.step for cost in found.steps] == ["small/read", "small/keep"]
    assert found.of == (tmp_path / "in.jsonl").stat().st_size
    assert all(cost.cpu_s >= 0 and cost.memory > 10 << 20 and cost.disk > 0 for cost in found.steps)
    assert found.workers >= 1
    assert 4 <= found.part_mb <= 64
    assert not (tmp_path / "store").exists()
    only = estimate(target, in_order(target)[1:], store, sample_bytes=40_000)
    assert [cost.step for cost in only.steps] == ["small/keep"]


def test_the_disk_of_a_run_is_the_most_it_holds_at_any_time() -> None:
    costs = (
        Cost(step="a", cpu_s=1, memory=5, disk=100, peak_disk=120),
        Cost(step="b", cpu_s=2, memory=9, disk=10, peak_disk=300),
        Cost(step="c", cpu_s=3, memory=7, disk=50, peak_disk=50),
    )
    found = Estimate(
        steps=costs, sampled=1, of=2, left_out=(), workers=3, part_mb=4, tasks=1, free_memory=1, free_disk=None
    )
    assert found.disk == 400
    assert found.memory == 9
    assert found.wall_s == 2
    assert json.loads(json.dumps(found.json()))["proposal"] == {"workers": 3, "part_mb": 4, "tasks": 1}


def test_a_folder_that_a_step_removes_meanwhile_is_passed_over(tmp_path: Path) -> None:
    """Files and folders come and go under the count; whatever it meets, it never fails."""
    over = threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            for n in range(20):
                (tmp_path / f"{n}" / "below").mkdir(parents=True)
                (tmp_path / f"{n}" / "below" / "file").write_bytes(b"x" * 10)
            for n in range(20):
                shutil.rmtree(tmp_path / f"{n}")

    busy = threading.Thread(target=come_and_go)
    busy.start()
    try:
        sizes = {_bytes_below(tmp_path) for _ in range(300)}
    finally:
        over.set()
        busy.join()
    assert max(sizes) <= 200
