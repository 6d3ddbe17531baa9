"""The main job on real pages, through the real command: raw web archives to a frozen corpus.

Every number is counted a second time from the rows. One run, with two workers and small parts, serves most tests.
What each step does on small input is in the file of that step; errors and exit codes are in test_command.py.
"""

import gzip
import io
import itertools
import json
import re
import shutil
import subprocess
import sys
import tarfile
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import polars as pl
import pytest
import yaml
import zstandard

from curation.c4 import C4Quality
from curation.engine import LocalEngine
from curation.fineweb import FineWebQuality
from curation.gopher import GopherQuality, GopherRepetition
from curation.ingest import Cut
from curation.language import Language
from curation.recipes import web_text
from curation.stage import Docs
from dataset_cards.freeze import freeze
from dataset_cards.versions.step import Step, in_order
from dataset_cards.versions.store import Store
from tests.ops import Inline

# Damaged records and rows without text are among the samples on purpose.
ACCEPT = ("--max-quarantined", "0.2")
STEPS = ["read", "screen", "exact-duplicates", "near-duplicates", "safe", "keep"]


def gristmill(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gristmill", *words]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done


def run(place: Path, web: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return gristmill(place, "run", "web_text", "-p", f"input={web}", *ACCEPT, *more)


def steps(done: subprocess.CompletedProcess[str]) -> tuple[list[str], list[str]]:
    """The steps that a run did, and those it found done, as it told."""
    told = re.findall(r"^web-text/(\S+) +(.+)$", done.stderr, re.MULTILINE)
    before = [name for name, what in told if what == "done before"]
    return [name for name, what in told if what != "done before"], before


def contents(version: Path) -> dict[str, bytes]:
    """The bytes of the rows and of the ledger, by file."""
    return {str(path.relative_to(version)): path.read_bytes() for path in sorted(version.glob("*/*.parquet"))}


def unpacked(path: Path) -> bytes:
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read()


@pytest.fixture(scope="module")
def web(shared_data: Path) -> Path:
    return shared_data / "web"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, web: Path) -> Path:
    """Where pages@1.0.0 was made by two workers in parts of a megabyte."""
    place = tmp_path_factory.mktemp("corpus")
    done = run(place, web, "--as", "pages@1.0.0", "--workers", "2", "--part-mb", "1")
    assert steps(done) == (STEPS, [])
    shutil.copytree(place / "gristmill-store" / "steps", place / "after-one-run" / "steps")
    return place


@pytest.fixture(scope="module")
def stricter(place: Path, web: Path) -> subprocess.CompletedProcess[str]:
    """The run that made pages@1.1.0 in the same place, with more words asked for."""
    return run(place, web, "--as", "pages@1.1.0", "-p", "min_words=300", "--workers", "1")


@pytest.fixture(scope="module")
def version(place: Path) -> Path:
    return place / "gristmill-store" / "versions" / "pages" / "1.0.0"


@pytest.fixture(scope="module")
def record(version: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((version / "version.json").read_text())
    return found


@pytest.fixture(scope="module")
def data(version: Path) -> pl.DataFrame:
    return pl.read_parquet(version / "data" / "*.parquet")


@pytest.fixture(scope="module")
def rows(version: Path) -> pl.DataFrame:
    return pl.read_parquet(version / "ledger" / "rows.parquet")


@pytest.fixture(scope="module")
def quarantine(version: Path) -> pl.DataFrame:
    return pl.read_parquet(version / "ledger" / "quarantine.parquet")


def test_the_version_verifies(place: Path, record: dict[str, Any]) -> None:
    said = gristmill(place, "verify", "pages@1.0.0").stdout
    assert said == f"pages@1.0.0 is as frozen: 6 files, {record['rows']} rows, {record['digest']}\n"


def test_datasets_opens_it_with_the_rows_and_columns_that_the_card_names(
    version: Path, record: dict[str, Any], tmp_path: Path
) -> None:
    found = datasets.load_dataset(str(version), split="train", cache_dir=str(tmp_path))
    assert found.num_rows == record["rows"] > 50
    card = yaml.safe_load((version / "README.md").read_text().split("---\n")[1])
    assert [split["num_examples"] for split in card["dataset_info"]["splits"]] == [record["rows"]]
    columns = {feature["name"]: feature["dtype"] for feature in card["dataset_info"]["features"]}
    assert {name: feature.dtype for name, feature in found.features.items()} == columns
    assert {entry["name"]: entry["type"] for entry in record["schema"]} == columns


def test_every_row_that_was_read_is_in_one_place(
    record: dict[str, Any], data: pl.DataFrame, rows: pl.DataFrame, quarantine: pl.DataFrame
) -> None:
    ledger = record["ledger"]
    assert data.height + rows.height + quarantine.height == ledger["read"]
    assert (data.height, quarantine.height) == (ledger["kept"], ledger["quarantined"])
    assert dict(rows.select(pl.format("{}/{}", "stage", "reason")).to_series().value_counts().iter_rows()) == {
        reason: count for reason, count in ledger["dropped"].items() if count
    }
    assert dict(quarantine.get_column("reason").value_counts().iter_rows()) == record["facts"]["quarantine"]


def test_the_funnel_follows_on_stage_by_stage(record: dict[str, Any]) -> None:
    funnel = record["funnel"]
    assert len(funnel) == 13
    for before, after in itertools.pairwise(funnel):
        assert after["read"] == before["kept"], after["stage"]
    for entry in funnel:
        assert entry["read"] == entry["kept"] + entry["quarantined"] + sum(entry["dropped"].values()), entry["stage"]
        assert all(reason.startswith(f"{entry['stage']}/") for reason in entry["dropped"])
    assert (funnel[0]["read"], funnel[-1]["kept"]) == (record["ledger"]["read"], record["rows"])


def test_as_many_rows_were_read_as_the_input_holds(
    web: Path, data: pl.DataFrame, rows: pl.DataFrame, quarantine: pl.DataFrame
) -> None:
    by_source = Counter[str](source.partition("/")[0] for table in (data, rows) for source in table["source"])
    by_source.update(file.partition("/")[0] for file in quarantine["file"])
    for path in web.glob("*_html.tar.zst"), web.glob("*_pages.tar.zst"):
        (archive,) = path
        with tarfile.open(fileobj=io.BytesIO(unpacked(archive))) as members:
            assert by_source[archive.name] == sum(member.isfile() for member in members)
    for name in ("article_ground_truth.jsonl.zst", "trafilatura_cc_labels.jsonl.zst"):
        assert by_source[name] == unpacked(web / name).count(b"\n")


def test_who_was_dropped_as_a_duplicate_says_of_whom(data: pl.DataFrame, rows: pl.DataFrame) -> None:
    near = rows.filter(pl.col("stage") == "near-duplicates")
    exact = rows.filter(pl.col("stage") == "exact-duplicates")
    assert near.height > 10 < exact.height
    kept = set(data["id"])
    assert set(near["duplicate_of"]) <= kept, "the one that stays is in the corpus"
    assert set(exact["duplicate_of"]) <= kept | set(near["id"]), "a near-duplicate search came after"
    others = rows.filter(~pl.col("stage").is_in(["near-duplicates", "exact-duplicates"]))
    assert others["duplicate_of"].null_count() == others.height


def test_pages_keep_the_ids_urls_and_dates_of_their_archive(web: Path, data: pl.DataFrame, rows: pl.DataFrame) -> None:
    name = "dolma/sample-0000.warc.gz"
    with tarfile.open(fileobj=io.BytesIO(unpacked(web / "warc_samples.tar.zst"))) as members:
        archive = gzip.decompress(members.extractfile(name).read())  # type: ignore[union-attr]
    headers = [dict(_headers(block)) for block in archive.split(b"WARC/1.0\r\n")[1:]]
    pages = {h["WARC-Record-ID"]: h for h in headers if h["WARC-Type"] in ("response", "resource")}
    source = f"warc_samples.tar.zst/{name}"
    kept = data.filter(pl.col("source") == source)
    assert kept.height > 5
    for id_, url, date in kept.select("id", "url", "created").iter_rows():
        assert (url, date) == (pages[id_]["WARC-Target-URI"].strip("<>"), pages[id_]["WARC-Date"])
    assert sorted([*kept["id"], *rows.filter(pl.col("source") == source)["id"]]) == sorted(pages)


def _headers(block: bytes) -> Iterator[tuple[str, str]]:
    for line in block.partition(b"\r\n\r\n")[0].decode().split("\r\n"):
        name, _, value = line.partition(": ")
        yield name, value


def test_a_second_run_does_no_step_and_says_so(place: Path, web: Path, version: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in version.rglob("*")}
    done = run(place, web, "--as", "pages@1.0.0")
    assert steps(done)[0] == []
    assert done.stderr.splitlines()[-1] == "nothing to do: every step was done before"
    assert {path: path.stat().st_mtime_ns for path in version.rglob("*")} == before


def test_a_changed_threshold_reads_nothing_again(stricter: subprocess.CompletedProcess[str]) -> None:
    assert steps(stricter) == (STEPS[1:], ["read"])


def test_a_changed_threshold_measures_nothing_again(
    place: Path, web: Path, stricter: subprocess.CompletedProcess[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: object, docs: Docs) -> pl.DataFrame:
        raise AssertionError(f"{self} was asked to measure {docs.frame.height} documents")

    store = Store.at(str(place / "after-one-run"))
    screen = step(web_text(str(web), min_words=300), "screen")
    assert store.is_done(step(screen, "read"))
    assert not store.is_done(screen)
    for stage in (Language, GopherRepetition, GopherQuality, C4Quality, FineWebQuality):
        monkeypatch.setattr(stage, "score", refuse)
    marks = store.run(screen, (Inline(), Cut()))
    told = Store.at(str(place / "gristmill-store")).table(screen)
    assert marks.collect().equals(told.collect()), "what the command decided without being watched"


def step(target: Step, name: str) -> Step:
    return next(one for one in in_order(target) if one.name == f"web-text/{name}")


@pytest.mark.slow
@pytest.mark.usefixtures("stricter")
def test_a_decision_over_old_measurements_equals_a_fresh_run(version: Path, web: Path, tmp_path: Path) -> None:
    run(tmp_path, web, "--as", "pages@1.1.0", "-p", "min_words=300", "--workers", "1")
    fresh = tmp_path / "gristmill-store" / "versions" / "pages" / "1.1.0"
    assert contents(version.parent / "1.1.0") == contents(fresh)
    assert (
        contents(fresh)["data/train-00000-of-00001.parquet"] != contents(version)["data/train-00000-of-00001.parquet"]
    )


@pytest.mark.usefixtures("stricter")
def test_the_difference_of_two_versions_agrees_with_their_ledgers(place: Path, version: Path) -> None:
    said = json.loads(gristmill(place, "diff", "pages@1.0.0", "pages@1.1.0", "--json").stdout)
    a, b = [pl.read_parquet(folder / "data" / "*.parquet") for folder in (version, version.parent / "1.1.0")]
    assert (said["rows_a"], said["rows_b"]) == (a.height, b.height)
    counts = {what: sum(group["rows"] for group in said[what]) for what in ("added", "removed", "changed")}
    assert (counts["added"], counts["removed"]) == (len({*b["id"]} - {*a["id"]}), len({*a["id"]} - {*b["id"]}))
    assert counts["changed"] == 0
    assert said["unchanged"] == a.height - counts["removed"] == b.height - counts["added"]
    assert counts["removed"] > 0
    assert _reasons(version, {*b["id"]} - {*a["id"]}) == {group["rule"]: group["rows"] for group in said["added"]}
    removed = {group["rule"]: group["rows"] for group in said["removed"]}
    assert _reasons(version.parent / "1.1.0", {*a["id"]} - {*b["id"]}) == removed
    assert "gopher-quality/too-few-words" in removed
    parameters = [change for change in said["recipe"] if change["path"] == "parameters.min_words"]
    assert [(change["a"], change["b"]) for change in parameters] == [(50, 300)]


def _reasons(version: Path, ids: set[str]) -> dict[str, int]:
    """Why the ledger of a version says that the rows with these ids are not in it."""
    rows = pl.read_parquet(version / "ledger" / "rows.parquet").filter(pl.col("id").is_in(list(ids)))
    return dict(rows.select(pl.format("{}/{}", "stage", "reason")).to_series().value_counts().iter_rows())


@pytest.mark.slow
@pytest.mark.parametrize("part_mb", ["1", "64"])
def test_workers_and_parts_change_no_byte(
    part_mb: str, version: Path, record: dict[str, Any], web: Path, tmp_path: Path
) -> None:
    run(tmp_path, web, "--as", "pages@1.0.0", "--workers", "1", "--part-mb", part_mb)
    other = tmp_path / "gristmill-store" / "versions" / "pages" / "1.0.0"
    assert contents(other) == contents(version)
    found = json.loads((other / "version.json").read_text())
    same = ("digest", "funnel", "ledger", "facts", "files", "recipe", "languages", "schema")
    assert {key: found[key] for key in same} == {key: record[key] for key in same}


@pytest.mark.slow
def test_a_store_in_memory_gives_the_same_version(web: Path, version: Path, record: dict[str, Any]) -> None:
    store = Store.at(f"memory://{uuid.uuid4().hex}")
    target = web_text(str(web))
    store.run(target, (LocalEngine(workers=2), Cut(1 << 20, 4 << 20)))
    found = freeze(store, target, "pages@1.0.0", record["recipe"])
    try:
        assert {name: found.folder.read_bytes(name) for name in contents(version)} == contents(version)
        assert (found.json["digest"], found.json["funnel"]) == (record["digest"], record["funnel"])
    finally:
        store.root.remove()
