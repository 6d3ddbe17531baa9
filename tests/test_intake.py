"""Finding input and opening it: addresses, slices, compression, and files that are damaged whole.

Identity, odd names and what is no file are in test_intake_find.py, archives in test_intake_archives.py, rows of each
format in test_intake_rows.py, documents in test_read*.py.
"""

import bz2
import gzip
import lzma
import os
from pathlib import Path

import fsspec
import pytest
import zstandard

from dataset_cards.intake.formats import recognise
from dataset_cards.intake.limits import DEFAULTS, Limits
from dataset_cards.intake.quarantine import Quarantined
from dataset_cards.intake.rows import read_rows
from dataset_cards.intake.source import Input, NoInput

LINES = b'{"text": "one"}\n{"text": "two"}\n{"text": "three"}\n'
ROWS = [{"text": "one"}, {"text": "two"}, {"text": "three"}]
PACK = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstandard.compress}


def rows(path: Path | str, limits: Limits = DEFAULTS):
    return [item for file in Input.find(str(path)).files for item in read_rows(file, limits)]


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


# finding


def test_a_folder_is_searched_to_the_bottom_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a/z.jsonl", "a/y/x.jsonl.gz"):
        put(tmp_path / name, LINES)
    assert [file.name for file in Input.find(str(tmp_path)).files] == ["a/y/x.jsonl.gz", "a/z.jsonl", "b.jsonl"]


def test_a_single_file_is_input_whatever_its_name(tmp_path: Path) -> None:
    assert rows(put(tmp_path / "part-00000", LINES)) == ROWS


def test_a_glob_takes_what_it_matches_and_names_files_from_its_first_fixed_folder(tmp_path: Path) -> None:
    for name in ("x/1.jsonl", "x/2.csv", "y/1.jsonl"):
        put(tmp_path / name, LINES)
    assert [file.name for file in Input.find(f"{tmp_path}/*/1.jsonl").files] == ["x/1.jsonl", "y/1.jsonl"]


def test_a_file_whose_name_looks_like_a_glob_is_found(tmp_path: Path) -> None:
    assert rows(put(tmp_path / "a[1].jsonl", LINES)) == ROWS


def test_remote_addresses_are_found_and_read() -> None:
    fs = fsspec.filesystem("memory")
    fs.pipe({"/intake/a.jsonl": LINES, "/intake/b/c.jsonl.zst": zstandard.compress(LINES)})
    found = Input.find("memory://intake")
    assert [file.name for file in found.files] == ["a.jsonl", "b/c.jsonl.zst"]
    assert rows("memory://intake") == ROWS + ROWS
    assert rows("memory://intake/*/c.jsonl.zst") == ROWS
    before = found.fingerprint
    assert Input.find("memory://intake").fingerprint == before
    fs.pipe("/intake/a.jsonl", LINES[::-1])
    assert Input.find("memory://intake").fingerprint != before


def test_hidden_files_and_files_that_describe_a_data_set_are_not_input(tmp_path: Path) -> None:
    for name in ("README.md", "version.json", "croissant.json", "data/0.parquet", ".git/x.txt", "_SUCCESS", "_x/a.txt"):
        put(tmp_path / name, b"x")
    found = Input.find(str(tmp_path))
    assert [file.name for file in found.files] == ["data/0.parquet"]
    assert found.skipped == tuple(
        f"{name} (describes the data)" for name in ("README.md", "croissant.json", "version.json")
    )


def test_a_readme_among_documents_is_a_document(tmp_path: Path) -> None:
    put(tmp_path / "README.md", b"# x")
    put(tmp_path / "guide.md", b"# y")
    assert len(Input.find(str(tmp_path)).files) == 2


def test_skipped_files_are_listed(tmp_path: Path) -> None:
    put(tmp_path / "a.jsonl", LINES)
    put(tmp_path / "logo.png", b"\x89PNG")
    assert Input.find(str(tmp_path)).skipped == ("logo.png (no known format)",)


@pytest.mark.parametrize(
    ("make", "address", "says"),
    [
        ((), "nowhere.jsonl", "there is nothing at"),
        ((), "*.jsonl", "no file matches"),
        ((), "", "holds no files"),
        (("a.png", "b.png", "LICENSE"), "", r"it holds \.png \(2\), LICENSE \(1\)"),
    ],
)
def test_no_input_says_what_is_there(tmp_path: Path, make: tuple[str, ...], address: str, says: str) -> None:
    for name in make:
        put(tmp_path / name, b"x")
    with pytest.raises(NoInput, match=says):
        Input.find(f"{tmp_path}/{address}")


def test_an_address_of_an_unknown_kind_says_so() -> None:
    with pytest.raises(NoInput, match="nosuch://x cannot be opened: Protocol not known"):
        Input.find("nosuch://x")


def test_slices_hold_consecutive_files_and_a_big_file_is_alone(tmp_path: Path) -> None:
    for name, size in (("a", 40), ("b", 40), ("c", 500), ("d", 10), ("e", 95)):
        put(tmp_path / f"{name}.txt", b"x" * size)
    found = Input.find(str(tmp_path))
    assert [[file.name[0] for file in group] for group in found.slices(100)] == [["a", "b"], ["c"], ["d"], ["e"]]


# recognising


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.json", b"PAR1....", "parquet"),
        ("a.txt", b"<!doctype html><p>", "text"),
        ("a", b"<!DOCTYPE html><p>", "html"),
        ("a", b'{"text": 1}', "jsonl"),
        ("a", b"plain words", "text"),
        ("a", b"\x89PNG\r\n\x1a\n\x00", "unknown"),
        ("a.gz", b"WARC/1.0\r\n", "warc"),
        ("a.html", b"", "empty"),
    ],
)
def test_telling_bytes_win_over_the_name_and_the_name_over_the_rest(name: str, head: bytes, expected: str) -> None:
    assert recognise(name, head) == expected


# compression


@pytest.mark.parametrize("suffix", PACK)
def test_compressed_members_one_after_the_other_are_one_file(tmp_path: Path, suffix: str) -> None:
    pack = PACK[suffix]
    assert rows(put(tmp_path / f"a.jsonl.{suffix}", pack(LINES[:16]) + pack(LINES[16:]))) == ROWS


def test_compression_is_recognised_under_any_name(tmp_path: Path) -> None:
    assert rows(put(tmp_path / "a.json", gzip.compress(LINES))) == ROWS
    assert rows(put(tmp_path / "b.jsonl.gz", LINES)) == ROWS


@pytest.mark.parametrize(("suffix", "reason"), [("gz", "gzip"), ("bz2", "bzip2"), ("xz", "xz"), ("zst", "zstd")])
def test_rows_before_the_cut_of_a_truncated_file_are_kept(tmp_path: Path, suffix: str, reason: str) -> None:
    pack = PACK[suffix]
    more = pack(b"".join(b'{"text": "%d"}\n' % n for n in range(1000)))
    *kept, last = rows(put(tmp_path / f"a.jsonl.{suffix}", pack(LINES) + more[: len(more) // 2]))
    assert kept[:3] == ROWS
    assert all(row == {"text": str(n)} for n, row in enumerate(kept[3:]))
    assert (last.reason, last.position) == (f"truncated-{reason}", f"line {len(kept) + 1}")


def test_damage_inside_compressed_data_is_told_once(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(os.urandom(3000).hex().encode()))
    packed[1500:1520] = b"\xff" * 20
    *kept, last = rows(put(tmp_path / "a.jsonl.gz", gzip.compress(LINES) + bytes(packed)))
    assert kept == ROWS
    assert (last.reason, last.position) == ("damaged-gzip", "line 4")


def test_padding_after_the_last_gzip_member_is_no_damage(tmp_path: Path) -> None:
    assert rows(put(tmp_path / "a.jsonl.gz", gzip.compress(LINES) + b"\x00" * 5000)) == ROWS


@pytest.mark.parametrize("suffix", PACK)
def test_a_decompression_bomb_is_put_aside(tmp_path: Path, suffix: str) -> None:
    limits = Limits(bomb_floor=1 << 20, max_line_bytes=1 << 20)
    items = rows(put(tmp_path / f"a.jsonl.{suffix}", PACK[suffix](b"\x00" * (32 << 20))), limits)
    assert [item.reason for item in items] == ["decompression-bomb"]


# whole files


def test_an_empty_file_is_told(tmp_path: Path) -> None:
    assert rows(put(tmp_path / "a.jsonl", b"")) == [Quarantined("a.jsonl", "file", "empty-file", "")]
    assert [item.reason for item in rows(put(tmp_path / "b.jsonl.gz", gzip.compress(b"")))] == ["empty-file"]


@pytest.mark.parametrize(("target", "says"), [("gone.jsonl", "No such file"), ("b.jsonl", "symbolic links")])
def test_a_link_that_leads_nowhere_is_told_with_the_message_of_the_system(
    tmp_path: Path, target: str, says: str
) -> None:
    put(tmp_path / "a.jsonl", LINES)
    (tmp_path / "b.jsonl").symlink_to(tmp_path / target)
    *kept, last = rows(tmp_path)
    assert kept == ROWS
    assert (last.file, last.position, last.reason) == ("b.jsonl", "file", "unreadable")
    assert says in last.excerpt


def test_a_remote_file_that_vanishes_is_told_with_the_message_of_the_system() -> None:
    fs = fsspec.filesystem("memory")
    fs.pipe("/vanishing/a.jsonl", LINES)
    (file,) = Input.find("memory://vanishing").files
    fs.rm("/vanishing/a.jsonl")
    (item,) = read_rows(file)
    assert isinstance(item, Quarantined)
    assert (item.position, item.reason) == ("file", "unreadable")
    assert "FileNotFoundError" in item.excerpt


def test_an_unknown_format_is_told(tmp_path: Path) -> None:
    (item,) = rows(put(tmp_path / "a.bin", b"\x89PNG\r\n\x1a\n\x00\x00"))
    assert (item.position, item.reason) == ("file", "unknown-format")
