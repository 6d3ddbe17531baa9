"""Documents out of pages and files of text: charsets, what does not decode, what is too large, any damage at all."""

import gzip
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.read.charset import decode_page
from curation.read.documents import Document, read_documents, text_id
from dataset_cards.intake.limits import DEFAULTS, Limits
from dataset_cards.intake.quarantine import Quarantined
from dataset_cards.intake.source import Input


def documents(path: Path, limits: Limits = DEFAULTS) -> list[Any]:
    return [item for file in Input.find(str(path)).files for item in read_documents(file, {}, limits)]


def read(tmp_path: Path, name: str, data: bytes) -> list[Any]:
    (tmp_path / name).write_bytes(data)
    return documents(tmp_path / name)


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.rst", "a.txt.gz"])
def test_a_file_of_text_is_one_document_as_it_is(tmp_path: Path, name: str) -> None:
    text = "# Grüße\r\n\n<p>not a page</p>\n"
    data = gzip.compress(text.encode()) if name.endswith("gz") else text.encode()
    assert read(tmp_path, name, data) == [Document(text_id(text), text, name)]


@pytest.mark.parametrize(
    ("data", "position", "reason"),
    [
        (b"caf\xe9 au lait", "byte 3", "invalid-utf-8"),
        ("é\x00".encode(), "byte 2", "null-byte"),
        (b"\xff\xfea\x00\xd8\xd8", "byte 4", "invalid-encoding"),
    ],
)
def test_text_that_does_not_decode_is_told(tmp_path: Path, data: bytes, position: str, reason: str) -> None:
    (item,) = read(tmp_path, "a.txt", data)
    assert (item.position, item.reason) == (position, reason)


def test_text_with_a_byte_order_mark_is_decoded_by_it(tmp_path: Path) -> None:
    assert read(tmp_path, "a.txt", "\ufeffé".encode("utf-16-le"))[0].text == "é"
    assert read(tmp_path, "b.txt", b"\xef\xbb\xbfx")[0].text == "x"


def test_a_document_larger_than_allowed_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * 1001)
    (item,) = documents(tmp_path / "a.txt", limits=Limits(max_document_bytes=1000))
    assert (item.position, item.reason) == ("file", "document-too-large")


def test_a_truncated_page_is_told_and_not_given_in_part(tmp_path: Path) -> None:
    (item,) = read(tmp_path, "a.html.gz", gzip.compress(b"<html>" + bytes(range(256)) * 50)[:-30])
    assert item.reason == "truncated-gzip"


@pytest.mark.parametrize("name", ["a.html", "a.htm", "a.xhtml", "page"])
def test_a_page_is_a_document_still_to_be_extracted(tmp_path: Path, name: str) -> None:
    (item,) = read(tmp_path, name, b"<html><p>x")
    assert (item.text, item.html, item.url, item.metadata) == ("<html><p>x", True, None, "{}")


@pytest.mark.parametrize(
    ("raw", "charset", "expected", "encoding", "errors"),
    [
        ("\ufeffé".encode(), "latin-1", "é", "utf-8", 0),
        ("<meta charset=utf-8>é".encode("cp1252"), "ISO-8859-1", "<meta charset=utf-8>é", "cp1252", 0),
        ('<meta charset="shift_jis">日本'.encode("cp932"), None, '<meta charset="shift_jis">日本', "cp932", 0),
        (
            b'<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">\x80\x81',
            None,
            '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">€\x81',
            "cp1252",
            0,
        ),
        ("é".encode(), None, "é", "utf-8", 0),
        ("é".encode(), "no-such-charset", "é", "utf-8", 0),
        (b"a\xffb\xef\xbf\xbd", "utf-8", "a\ufffdb\ufffd", "utf-8", 1),
        (b"a\x00b", "utf-8", "a\ufffdb", "utf-8", 1),
        ("<meta charset=utf-16>é".encode(), None, "<meta charset=utf-16>é", "utf-8", 0),
        (b"x", "hex", "x", "utf-8", 0),
    ],
)
def test_a_page_is_decoded_as_a_browser_would(
    raw: bytes, charset: str | None, expected: str, encoding: str, errors: int
) -> None:
    decoded = decode_page(raw, charset)
    assert (decoded.text, decoded.encoding, decoded.errors) == (expected, encoding, errors)


def test_a_page_that_says_nothing_is_guessed() -> None:
    text = "Привет, мир! Это обычный русский текст без указания кодировки. " * 20
    assert decode_page(text.encode("cp1251"), None).text == text


def test_replaced_bytes_of_a_page_are_counted_in_its_metadata(tmp_path: Path) -> None:
    (item,) = read(tmp_path, "a.html", b"<meta charset=utf-8>a\xffb")
    assert json.loads(item.metadata) == {"encoding_errors": 1}


def test_a_picture_in_an_archive_of_pages_is_dropped_and_not_bad_input(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("site/index.html", "<p>x")
        archive.writestr("site/logo.png", b"\x89PNG\x00")
        archive.writestr("site/style.css", "p {}")
    items = documents(tmp_path / "a.zip")
    assert [(item.source, item.drop) for item in items] == [
        ("a.zip/site/index.html", None),
        ("a.zip/site/logo.png", "read/not-text"),
        ("a.zip/site/style.css", "read/not-text"),
    ]


def test_archives_of_real_pages_are_read(shared_data: Path) -> None:
    items = documents(shared_data / "web/trafilatura_cc_pages.tar.zst")
    assert [item.html for item in items] == [True] * 46
    articles = documents(shared_data / "web/article_html.tar.zst")
    assert [item.html for item in articles] == [True] * 104


LINES = b"".join(b'{"text": "caf\xc3\xa9 %d", "metadata": {"a": [1, {"b": null}]}}\n' % n for n in range(30))
TABLE = pa.table({"text": ["words"] * 90, "n": list(range(90))})


def parquet() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(TABLE, sink, row_group_size=30)
    return sink.getvalue().to_pybytes()


def arrow() -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=30)
    return sink.getvalue().to_pybytes()


WHOLE = {
    "a.jsonl": LINES,
    "a.json": b"[" + b",".join(LINES.splitlines()) + b"]",
    "a.jsonl.gz": gzip.compress(LINES),
    "a.csv": b"id,text\n" + b'1,"a b"\n2,c\n' * 20,
    "a.parquet": parquet(),
    "a.arrow": arrow(),
    "a.warc": b"WARC/1.0\r\nWARC-Type: resource\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\n<p>\r\n\r\n" * 9,
    "a.html": b"<meta charset=shift_jis><p>words",
    "a.txt": b"words and words",
}


@pytest.mark.parametrize("name", WHOLE)
def test_no_damage_raises_and_no_file_is_read_as_nothing(tmp_path: Path, name: str) -> None:
    chance = random.Random(name)
    for _ in range(60):
        data = bytearray(WHOLE[name])
        for _ in range(chance.choice([1, 2, 9])):
            at = chance.randrange(len(data))
            if chance.random() < 0.5:
                data[at] = chance.randrange(256)
            else:
                del data[at : at + chance.choice([1, 5, 50])]
            data = data or bytearray(b"x")
        items = read(tmp_path, name, bytes(data))
        assert items
        assert all(isinstance(item, Document | Quarantined) for item in items)
