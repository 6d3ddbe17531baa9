"""What input is and what it is not: odd names, pipes and devices, stores, links, identity, files that change."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from dataset_cards.adopt.adopt import read_items
from dataset_cards.intake.identity import SAMPLE, WHOLE_FILE, WHOLE_INPUT
from dataset_cards.intake.rows import read_rows
from dataset_cards.intake.source import Changed, Input, NoInput
from dataset_cards.versions.store import MARKER
from tests.test_intake import LINES, ROWS, put

NAMES = [
    "a::b",
    "memory::x",
    "file:x",
    "100%41",
    "a#b",
    "a?b=c",
    "{a,b}",
    "a*",
    "[a]b",
    "[!a]",
    "~",
    "a b ",
    "ä\n",
    "'\"",
]


# names


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_name_whatever_it_would_mean_in_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Decoys lie where a URL or a pattern of that name would lead."""
    folder = tmp_path / "in"
    for decoy in ("a", "b.jsonl", "x", "ab.jsonl", "aa.jsonl"):
        put(folder / decoy, b'{"text": "decoy"}\n')
    put(folder / f"{name}.jsonl", LINES)
    (file,) = (file for file in Input.find(str(folder)).files if file.name == f"{name}.jsonl")
    assert list(read_rows(file)) == ROWS
    monkeypatch.chdir(folder)
    for address in (f"{name}.jsonl", str(folder / f"{name}.jsonl"), f"file://{folder}/{name}.jsonl"):
        (file,) = Input.find(address).files
        assert (file.name, list(read_rows(file))) == (f"{name}.jsonl", ROWS)


def test_a_folder_and_a_glob_may_hold_signs_of_addresses(tmp_path: Path) -> None:
    put(tmp_path / "in::9#" / "a::b.jsonl", LINES)
    assert [file.name for file in Input.find(f"{tmp_path}/in::9#").files] == ["a::b.jsonl"]
    (file,) = Input.find(f"{tmp_path}/in::9#/a::*.jsonl").files
    assert list(read_rows(file)) == ROWS


def test_a_remote_name_is_opened_as_it_stands() -> None:
    fs = fsspec.filesystem("memory")
    fs.pipe({"/odd/a::b#%41.jsonl": LINES, "/odd/a": b"decoy"})
    (file,) = Input.find("memory://odd").files
    assert (file.name, list(read_rows(file))) == ("a::b#%41.jsonl", ROWS)


def test_a_file_inside_an_archive_can_be_addressed_by_a_chained_url(tmp_path: Path) -> None:
    put(tmp_path / "folder/a.jsonl", LINES)
    shutil.make_archive(str(tmp_path / "pack"), "zip", tmp_path / "folder")
    (file,) = Input.find(f"zip://a.jsonl::{tmp_path}/pack.zip").files
    assert list(read_rows(file)) == ROWS


def test_a_name_that_is_no_text_is_shown_escaped_and_its_file_is_read(tmp_path: Path) -> None:
    put(Path(os.fsdecode(bytes(tmp_path) + b"/\xff.jsonl")), LINES)
    put(Path(os.fsdecode(bytes(tmp_path) + b"/\xfe.bin")), LINES)
    found = Input.find(str(tmp_path))
    assert ([file.name for file in found.files], found.skipped) == (
        ["\\udcff.jsonl"],
        ("\\udcfe.bin (no known format)",),
    )
    assert list(read_rows(found.files[0])) == ROWS


@pytest.mark.parametrize("address", ["", " "])
def test_an_empty_address_is_refused(address: str) -> None:
    with pytest.raises(NoInput, match="address of the input is empty; give a file"):
        Input.find(address)


# no regular files


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


KINDS = [(make_fifo, "a FIFO"), (make_socket, "a socket"), (link_to_device, "a device")]


@pytest.mark.parametrize(("make", "kind"), KINDS)
def test_what_is_no_file_is_left_out_of_a_folder_and_refused_by_name(
    tmp_path: Path, make: Callable[[Path], None], kind: str
) -> None:
    put(tmp_path / "a.jsonl", LINES)
    make(tmp_path / "b.jsonl")
    for address in (tmp_path, tmp_path / "*.jsonl"):
        found = Input.find(str(address))
        assert [file.name for file in found.files] == ["a.jsonl"]
        assert found.skipped == (f"b.jsonl ({kind})",)
    with pytest.raises(NoInput, match=f"b.jsonl is {kind}, and only files"):
        Input.find(str(tmp_path / "b.jsonl"))
    os.remove(tmp_path / "a.jsonl")
    with pytest.raises(NoInput, match=rf"no file in a known format; it holds {kind} \(1\)"):
        Input.find(str(tmp_path))
    with pytest.raises(NoInput, match=rf"no file matches .* but {kind} \(1\); check the pattern"):
        Input.find(f"{tmp_path}/*.jsonl")


def test_links_to_files_are_read_and_links_to_folders_are_left_out(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere/a.jsonl", LINES)
    (tmp_path / "in/below").mkdir(parents=True)
    (tmp_path / "in/b.jsonl").symlink_to(tmp_path / "elsewhere/a.jsonl")
    (tmp_path / "in/c").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/below/round.txt").symlink_to(tmp_path / "in")
    found = Input.find(str(tmp_path / "in"))
    assert [list(read_rows(file)) for file in found.files] == [ROWS]
    assert found.skipped == ("below/round.txt (a link to a folder)", "c (a link to a folder)")
    assert [file.name for file in Input.find(f"{tmp_path}/in/*.jsonl").files] == ["b.jsonl"]
    assert Input.find(f"{tmp_path}/in/c").files[0].name == "a.jsonl"


# stores


def place(root: str, files: dict[str, bytes]) -> None:
    fs, path = fsspec.core.url_to_fs(root)
    for name in files:
        fs.makedirs(f"{path}/{name}".rpartition("/")[0], exist_ok=True)
    fs.pipe({f"{path}/{name}": data for name, data in files.items()})


@pytest.fixture(params=["folder", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path) if request.param == "folder" else f"memory://{tmp_path.name}"


def test_a_store_below_the_input_is_not_input(root: str) -> None:
    place(
        root, {"a.jsonl": LINES, f"x/store/{MARKER}": b"{}", "x/store/versions/y/data/b.jsonl": LINES, "x/c.csv": b"a"}
    )
    found = Input.find(root)
    assert [file.name for file in found.files] == ["a.jsonl", "x/c.csv"]
    assert found.skipped == ("x/store (a store of gristmill)",)
    assert [file.name for file in Input.find(f"{root}/x/store/versions").files] == ["y/data/b.jsonl"]


def test_a_store_is_no_input_itself(root: str) -> None:
    place(root, {MARKER: b"{}", "versions/y/data/b.jsonl": LINES})
    with pytest.raises(NoInput, match="is a store of gristmill; its rows lie in versions/NAME/VERSION/data"):
        Input.find(root)


def test_a_glob_takes_files_of_a_store_only_where_the_store_is_named(tmp_path: Path) -> None:
    place(str(tmp_path), {"a.jsonl": LINES, f"s/{MARKER}": b"{}", "s/versions/y/b.jsonl": LINES})
    found = Input.find(f"{tmp_path}/**/*.jsonl")
    assert ([file.name for file in found.files], found.skipped) == (["a.jsonl"], ("s (a store of gristmill)",))
    assert [file.name for file in Input.find(f"{tmp_path}/s/versions/*/*.jsonl").files] == ["y/b.jsonl"]


# identity


def identity(path: Path) -> str:
    return Input.find(str(path)).fingerprint


def rewrite(path: Path, at: int, byte: bytes) -> None:
    """Change one byte and put the time of change back, as reproducible archives do."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(at)
        file.write(byte)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_folder_that_moves_or_is_copied_keeps_its_identity(tmp_path: Path) -> None:
    put(tmp_path / "old/a.jsonl", LINES)
    before = identity(tmp_path / "old")
    os.rename(tmp_path / "old", tmp_path / "new")
    os.utime(tmp_path / "new/a.jsonl", ns=(1, 1))
    assert identity(tmp_path / "new") == before
    os.rename(tmp_path / "new/a.jsonl", tmp_path / "new/b.jsonl")
    assert identity(tmp_path / "new") != before


@pytest.mark.parametrize("size", [10, WHOLE_FILE, WHOLE_FILE + 1, 5 * WHOLE_FILE])
@pytest.mark.parametrize("at", [0.0, 0.1, 0.6, 1.0])
def test_any_changed_byte_changes_the_identity_of_a_small_input(tmp_path: Path, size: int, at: float) -> None:
    path = put(tmp_path / "a.txt", b"x" * size)
    before = identity(tmp_path)
    rewrite(path, int(at * (size - 1)), b"y")
    assert identity(tmp_path) != before


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file in an input that is too large to be hashed whole; its neighbour takes no room on the disk."""
    with (tmp_path / "b.txt").open("wb") as file:
        file.truncate(WHOLE_INPUT)
    return put(tmp_path / "a.txt", b"x" * (8 * WHOLE_FILE))


@pytest.mark.parametrize("quarters", range(5))
def test_a_sampled_byte_changes_the_identity_of_a_large_input(large: Path, quarters: int) -> None:
    before, size = identity(large.parent), large.stat().st_size
    rewrite(large, min(size - 1, quarters * (size - SAMPLE) // 4 + SAMPLE // 2), b"y")
    assert identity(large.parent) != before


def test_a_changed_time_changes_the_identity_of_a_sampled_file_and_of_no_other(large: Path) -> None:
    small = put(large.parent / "c.txt", b"x" * WHOLE_FILE)
    before = identity(large.parent)
    os.utime(small, ns=(1, 1))
    assert identity(large.parent) == before
    os.utime(large, ns=(1, 1))
    assert identity(large.parent) != before


def test_what_the_manual_says_is_not_noticed(large: Path) -> None:
    before, size = identity(large.parent), large.stat().st_size
    rewrite(large, size // 8, b"y")
    assert identity(large.parent) == before


# files that change


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + LINES)


def swap(path: Path) -> None:
    path.write_bytes(LINES[::-1])
    os.utime(path, ns=(1, 1))


CHANGES: list[Callable[[Path], None]] = [grow, swap, os.remove]


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changed_before_it_is_read_is_refused(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = put(tmp_path / "a.jsonl", LINES)
    (file,) = Input.find(str(path)).files
    change(path)
    with pytest.raises(Changed, match=r"a\.jsonl changed while it was read, or is gone \(.*\); run again"):
        next(read_rows(file))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("read", [read_rows, lambda file: read_items(file, "documents")])
def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, change: Callable[[Path], None], read: Callable
) -> None:
    path = put(tmp_path / "a.jsonl", LINES)
    (file,) = Input.find(str(path)).files
    items = read(file)
    next(items)
    change(path)
    with pytest.raises(Changed, match=r"a\.jsonl changed while it was read"):
        list(items)


def test_a_link_that_comes_to_lead_somewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").symlink_to(tmp_path / "b")
    (file,) = Input.find(str(tmp_path)).files
    put(tmp_path / "b", LINES)
    with pytest.raises(Changed):
        list(read_rows(file))
