"""Archives: members are read like files, and one that cannot be read costs itself alone."""

import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from dataset_cards.intake.limits import DEFAULTS, Limits
from dataset_cards.intake.quarantine import Quarantined
from dataset_cards.intake.rows import read_rows
from dataset_cards.intake.source import Input

LINES = b'{"text": "one"}\n{"text": "two"}\n{"text": "three"}\n'
ROWS = [{"text": "one"}, {"text": "two"}, {"text": "three"}]


def rows(path: Path, limits: Limits = DEFAULTS):
    return [item for file in Input.find(str(path)).files for item in read_rows(file, limits)]


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def tar_of(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_of(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in members.items():
            opened.writestr(name, data)
    return out.getvalue()


MEMBERS = {"d/a.jsonl": LINES[:16], "d/b.jsonl.gz": gzip.compress(LINES[16:]), "__MACOSX/x.jsonl": b"junk"}


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.tar", tar_of),
        ("a.tar.gz", lambda members: gzip.compress(tar_of(members))),
        ("a.tar.zst", lambda members: zstandard.compress(tar_of(members))),
        ("a.zip", zip_of),
        ("a.zip.xz", lambda members: lzma.compress(zip_of(members))),
    ],
)
def test_members_of_archives_are_read(tmp_path: Path, name: str, pack) -> None:
    assert rows(put(tmp_path / name, pack(MEMBERS))) == ROWS


def test_a_member_is_named_below_its_archive(tmp_path: Path) -> None:
    (item,) = rows(put(tmp_path / "a.zip", zip_of({"d/a.jsonl": b"nothing\n"})))
    assert (item.file, item.position, item.reason) == ("a.zip/d/a.jsonl", "line 1", "broken-json")


def test_a_truncated_tar_keeps_the_members_before_the_cut(tmp_path: Path) -> None:
    whole = tar_of({"a.jsonl": LINES, "b.jsonl": LINES * 1000})
    items = rows(put(tmp_path / "a.tar", whole[:5000]))
    told = [item for item in items if isinstance(item, Quarantined)]
    assert items[:3] == ROWS
    assert [(item.file, item.reason) for item in told][:1] == [("a.tar/b.jsonl", "truncated-archive")]


def test_an_encrypted_member_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    data = bytearray(zip_of({"a.jsonl": LINES, "b.jsonl": b"secret"}))
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    data[second + 8] |= 1
    *kept, last = rows(put(tmp_path / "a.zip", bytes(data)))
    assert kept == ROWS
    assert (last.file, last.reason) == ("a.zip/b.jsonl", "encrypted")


def test_a_damaged_member_of_a_zip_is_told(tmp_path: Path) -> None:
    data = zip_of({"a.jsonl": LINES * 100})
    spoiled = data[:60] + b"\xff" * 20 + data[80:]
    assert "damaged-zip" in [
        item.reason for item in rows(put(tmp_path / "a.zip", spoiled)) if not isinstance(item, dict)
    ]
    assert [item.reason for item in rows(put(tmp_path / "b.zip", data[:50]))] == ["damaged-zip"]


def test_a_bomb_in_a_zip_is_not_opened(tmp_path: Path) -> None:
    items = rows(put(tmp_path / "a.zip", zip_of({"a.jsonl": b"\x00" * (4 << 20)})), Limits(bomb_floor=1 << 20))
    assert [item.reason for item in items] == ["decompression-bomb"]


def test_an_archive_in_an_archive_is_told(tmp_path: Path) -> None:
    (item,) = rows(put(tmp_path / "a.tar", tar_of({"b.zip": zip_of({"c.jsonl": LINES})})))
    assert (item.file, item.reason) == ("a.tar/b.zip", "archive-in-archive")


def test_a_damaged_header_in_a_tar_is_not_taken_for_its_end(tmp_path: Path) -> None:
    data = bytearray(tar_of({"a.jsonl": LINES, "b.jsonl": LINES, "c.jsonl": LINES}))
    data[1024:1030] = b"\xff" * 6
    *kept, last = rows(put(tmp_path / "a.tar", bytes(data)))
    assert kept == ROWS
    assert (last.file, last.position, last.reason) == ("a.tar", "byte 0", "truncated-archive")
