"""What a half-done search leaves is checked when it is read: damage is an error that says what to delete.

Also a disk that fills up: the error names what happened, and the next run goes on to the same rows.
"""

import random
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from curation.dedup.exact import ExactDuplicates
from curation.dedup.runs import read_batch, write_batches
from dataset_cards.versions.errors import Damaged
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.table import Part, Table
from tests import test_exact
from tests.ops import Inline
from tests.test_near import EAGER, families, search
from tests.test_near_runs import Killed, Mortal, files

TEXTS = families(2, 60)
CUTS = (20, 10)
# Tasks done when the search dies, by what it has written last: 3 parts, so 3 x sign, join, link, 3 x gather, cluster.
DONE = {"keys-1": 3, "edges-1": 4, "links": 5, "suspects": 8, "found": 9}


def half_done(where: Path, tasks: int) -> None:
    with pytest.raises(Killed):
        search(EAGER, TEXTS, CUTS, where=Folder.at(str(where)), engine=Mortal(tasks))


def result(where: Path) -> tuple[list[tuple[int, int, float]], dict[str, Any]]:
    return search(EAGER, TEXTS, CUTS, where=Folder.at(str(where)))[:2]


def spoiled(data: bytes, how: str) -> Iterator[bytes]:
    """A file cut off, emptied, or with one bit the other way round, at many places."""
    if how == "cut off":
        yield from (data[:length] for length in (0, 7, len(data) // 3, len(data) - 9, len(data) - 1))
        return
    rng = random.Random(len(data))
    for place in sorted(rng.sample(range(len(data)), min(16, len(data)))):
        yield data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]


@pytest.mark.parametrize("how", ["cut off", "flipped"])
@pytest.mark.parametrize("phase", DONE)
def test_damage_is_an_error_that_names_the_folder_to_delete_and_never_other_rows(
    phase: str, how: str, tmp_path: Path
) -> None:
    expected = result(tmp_path / "whole")
    half_done(tmp_path / "half", DONE[phase])
    folder = tmp_path / "half" / "near" / phase
    victim = max(folder.glob("*.arrow"), key=lambda path: path.stat().st_size)
    data, seen = victim.read_bytes(), 0
    for number, bytes_ in enumerate(spoiled(data, how)):
        copy = tmp_path / f"copy-{number}"
        shutil.copytree(tmp_path / "half", copy)
        place = copy / "near" / phase
        (place / victim.name).write_bytes(bytes_)
        said = ""
        try:
            assert result(copy) == expected  # what was hit is read by nobody, such as filling between columns
        except Damaged as error:
            said = str(error)
        if said:
            assert said.startswith(f"{place}/{victim.name} is damaged")
            assert said.endswith(f"delete the folder {place} and run again")
            seen += 1
        if number % 8 == 0 and place.exists():
            shutil.rmtree(place)
            assert result(copy) == expected
        shutil.rmtree(copy)
    assert seen >= (4 if how == "cut off" else 3)


@pytest.mark.parametrize("phase", DONE)
def test_a_missing_file_is_an_error_too(phase: str, tmp_path: Path) -> None:
    half_done(tmp_path, DONE[phase])
    next((tmp_path / "near" / phase).glob("*.arrow")).unlink()
    with pytest.raises(Damaged, match=rf"is missing; .*delete the folder {tmp_path}/near/{phase} and run again"):
        result(tmp_path)


def test_a_damaged_key_of_exact_duplicates_is_an_error(tmp_path: Path) -> None:
    texts = [f"text {row * row % 31}" for row in range(60)]
    with pytest.raises(Killed):
        test_exact.search(ExactDuplicates(), texts, (20, 7), where=Folder.at(str(tmp_path)), engine=Mortal(3))
    victim = next((tmp_path / "exact" / "hashes-1").glob("*.arrow"))
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 4
    victim.write_bytes(bytes(data))
    with pytest.raises(Damaged, match=f"delete the folder {tmp_path}/exact/hashes-1 and run again"):
        test_exact.search(ExactDuplicates(), texts, (20, 7), where=Folder.at(str(tmp_path)))


def test_every_flipped_bit_of_the_values_is_noticed(tmp_path: Path) -> None:
    schema = pa.schema([("row", pa.int64()), ("shingles", pa.large_list(pa.uint64()))])
    batch = pa.record_batch(
        [pa.array([1, 2, 3]), pa.array([[1, 2], [], [3]], pa.large_list(pa.uint64()))], schema=schema
    )
    folder = Folder.at(str(tmp_path))
    write_batches(folder, "run.arrow", schema, iter([batch.slice(0, 1), batch.slice(1, 2)]))
    assert read_batch(folder, "run.arrow", 1).to_pylist() == batch.slice(1, 2).to_pylist()
    data = (tmp_path / "run.arrow").read_bytes()
    wrong = []
    for place in range(len(data)):
        (tmp_path / "run.arrow").write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        try:
            if read_batch(folder, "run.arrow", 1).to_pylist() != batch.slice(1, 2).to_pylist():
                wrong.append(place)
        except Damaged:
            continue
    assert wrong == []


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Writing past this size fails, as on a disk without room: the interpreter ignores the signal that says so."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [700, 1500, 3000, 4500])
def test_a_run_without_room_on_the_disk_fails_as_such_and_goes_on_later(size: int, tmp_path: Path) -> None:
    _, facts, job = search(EAGER, TEXTS, CUTS, where=Folder.at(str(tmp_path / "whole")))
    expected = files(job.folder)
    half = Folder.at(str(tmp_path / "half"))
    with pytest.raises(Killed):  # the documents are written while there is room
        search(EAGER, TEXTS, CUTS, where=half, engine=Mortal(0))
    documents = (half / "documents").files()
    with files_of_at_most(size), pytest.raises(OSError, match="File too large"):
        run_again(half)
    assert not [name for name in half.files() if name.endswith(".partial")]
    assert (half / "documents").files() == documents
    _, again, job = search(EAGER, TEXTS, CUTS, where=half)
    assert (again, files(job.folder)) == (facts, expected)


def run_again(where: Folder) -> None:
    """The search over documents that are there."""
    names = [name for name in (where / "documents").names() if name.endswith(".parquet")]
    rows = [pl.read_parquet(f"{where / 'documents'}/{name}").height for name in names]
    table = Table(where / "documents", tuple(Part(name, count) for name, count in zip(names, rows, strict=True)))
    EAGER.run(Job((table,), where / "near", (Inline(),)))


def test_the_same_half_done_search_without_damage_goes_on(tmp_path: Path) -> None:
    expected = result(tmp_path / "whole")
    for phase, tasks in DONE.items():
        half_done(tmp_path / phase, tasks)
        assert result(tmp_path / phase) == expected
