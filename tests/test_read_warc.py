"""WARC, WET and ARC: what becomes a document, what is dropped, and what damage costs; real and made-up files."""

import gzip
import json
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import zstandard

from curation.read.documents import Document, read_documents
from dataset_cards.intake.limits import DEFAULTS, Limits
from dataset_cards.intake.quarantine import Quarantined
from dataset_cards.intake.source import Input

PAGE = b"<html><p>words"


def read(tmp_path: Path, data: bytes, name: str = "a.warc", limits: Limits = DEFAULTS) -> list[Any]:
    (tmp_path / name).write_bytes(data)
    return [item for file in Input.find(str(tmp_path / name)).files for item in read_documents(file, {}, limits)]


def record(block: bytes, kind: str = "response", length: int | str | None = None, **fields: str) -> bytes:
    head = {
        "WARC-Type": kind,
        "WARC-Record-ID": "<urn:uuid:1>",
        "WARC-Target-URI": "http://x.org/",
        "WARC-Date": "2020-01-02T03:04:05Z",
        "Content-Length": str(len(block) if length is None else length),
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    return b"WARC/1.0\r\n" + "".join(f"{k}: {v}\r\n" for k, v in head.items()).encode() + b"\r\n" + block + b"\r\n\r\n"


def response(body: bytes = PAGE, status: str = "200 OK", **headers: str) -> bytes:
    fields = {"Content-Type": "text/html", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return (
        f"HTTP/1.1 {status}\r\n".encode()
        + "".join(f"{k}: {v}\r\n" for k, v in fields.items()).encode()
        + b"\r\n"
        + body
    )


GOOD = record(response())


def test_a_response_with_a_page_is_a_document_with_its_address_date_and_id(tmp_path: Path) -> None:
    data = record(response(), WARC_IP_Address="1.2.3.4", WARC_Payload_Digest="sha1:A", WARC_Truncated="length")
    facts = {
        "content_type": "text/html",
        "digest": "sha1:A",
        "http_status": 200,
        "ip": "1.2.3.4",
        "truncated": "length",
    }
    assert read(tmp_path, data) == [
        Document(
            "<urn:uuid:1>",
            PAGE.decode(),
            "a.warc",
            url="http://x.org/",
            created="2020-01-02T03:04:05Z",
            metadata=json.dumps(facts, separators=(",", ":")),
            html=True,
        )
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (record(response(Content_Type="image/png")), "read/not-html"),
        (record(response(status="404 Not Found")), "read/http-status"),
        (record(response(b"", status="301 Moved")), "read/http-status"),
        (record(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", "revisit"), "read/revisit"),
        (record(b"\x01\x02", Content_Type="text/dns"), "read/not-html"),
        (record(response(b"\x89PNG\x00", Content_Type="application/octet-stream")), "read/not-html"),
    ],
)
def test_a_record_without_a_page_is_a_dropped_row(tmp_path: Path, data: bytes, expected: str) -> None:
    (item,) = read(tmp_path, data)
    assert (item.drop, item.text, item.url) == (expected, "", "http://x.org/")


@pytest.mark.parametrize(
    ("headers", "body", "html", "text"),
    [
        ({"Content_Type": "application/xhtml+xml; charset=utf-8"}, "<p>é".encode(), True, "<p>é"),
        ({"Content_Type": "text/html; charset=windows-1251"}, "Привет".encode("cp1251"), True, "Привет"),
        ({"Content_Type": "application/octet-stream"}, b"<!DOCTYPE html>x", True, "<!DOCTYPE html>x"),
        ({"Content_Type": "text/plain"}, b"<p>x", False, "<p>x"),
        ({"Content_Encoding": "gzip"}, gzip.compress(PAGE), True, PAGE.decode()),
        ({"Content_Encoding": "gzip"}, PAGE, True, PAGE.decode()),
        ({"Content_Encoding": "deflate"}, zlib.compress(PAGE), True, PAGE.decode()),
        ({"Content_Encoding": "deflate"}, zlib.compress(PAGE)[2:-4], True, PAGE.decode()),
        ({"Content_Encoding": "br"}, PAGE, True, PAGE.decode()),
        ({"Transfer_Encoding": "chunked"}, b"6\r\n<html>\r\n8;x=y\r\n<p>words\r\n0\r\n\r\n", True, PAGE.decode()),
        ({"Transfer_Encoding": "chunked"}, PAGE, True, PAGE.decode()),
    ],
)
def test_a_payload_is_given_as_the_server_meant_it(
    tmp_path: Path, headers: dict[str, str], body: bytes, html: bool, text: str
) -> None:
    (item,) = read(tmp_path, record(response(body, **headers)))
    assert (item.html, item.text) == (html, text)


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        ({"Content_Encoding": "br"}, b"\x0b\x02\x80", "unsupported-encoding"),
        ({"Content_Encoding": "gzip"}, gzip.compress(PAGE)[:-9], "damaged-warc-record"),
        ({"Content_Encoding": "gzip"}, gzip.compress(b"x" * 100_000), "document-too-large"),
        ({"Transfer_Encoding": "chunked"}, b"6\r\n<html>\r\n8\r\n<p>", "damaged-warc-record"),
    ],
)
def test_a_payload_that_cannot_be_unpacked_is_told(
    tmp_path: Path, headers: dict[str, str], body: bytes, reason: str
) -> None:
    items = read(tmp_path, GOOD + record(response(body, **headers)) + GOOD, limits=Limits(max_document_bytes=50_000))
    assert [getattr(item, "text", None) for item in items] == [PAGE.decode(), None, PAGE.decode()]
    assert (items[1].position, items[1].reason) == ("record 2", reason)


@pytest.mark.parametrize(
    "broken",
    [
        b"garbage\r\nmore garbage\r\n\r\n",
        record(response(), length="x"),
        record(response(), length=len(response()) - 5),
        record(response(), length=len(response()) + 30),
        record(response(), length=10**9),
        b"WARC/1.0\r\nWARC-Type: response\r\n",
    ],
)
def test_a_damaged_record_costs_itself_and_not_its_neighbours(tmp_path: Path, broken: bytes) -> None:
    items = read(tmp_path, GOOD + broken + GOOD + GOOD)
    assert [item.text for item in items if isinstance(item, Document)] == [PAGE.decode()] * 3
    assert [(item.position, item.reason) for item in items if isinstance(item, Quarantined)] == [
        ("record 2", "damaged-warc-record")
    ]


def test_a_record_cut_by_the_end_of_the_file_is_told(tmp_path: Path) -> None:
    *kept, last = read(tmp_path, GOOD + GOOD[:-20])
    assert [item.text for item in kept] == [PAGE.decode()]
    assert (last.position, last.reason) == ("record 2", "damaged-warc-record")


def test_a_damaged_gzip_member_costs_itself_and_not_its_neighbours(tmp_path: Path) -> None:
    middle = bytearray(gzip.compress(GOOD))
    middle[40:60] = b"\xff" * 20
    good = gzip.compress(GOOD)
    items = read(tmp_path, good + bytes(middle) + good + good, "a.warc.gz")
    assert [item.text for item in items if isinstance(item, Document)] == [PAGE.decode()] * 3
    assert [(i.position, i.reason) for i in items if isinstance(i, Quarantined)] == [("record 2", "damaged-gzip")]


def test_a_truncated_gzip_member_is_told_after_the_whole_ones(tmp_path: Path) -> None:
    *kept, last = read(tmp_path, gzip.compress(GOOD) * 2 + gzip.compress(GOOD)[:-30], "a.warc.gz")
    assert [item.text for item in kept] == [PAGE.decode()] * 2
    assert (last.position, last.reason) == ("record 3", "truncated-gzip")


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.warc.gz", lambda records: gzip.compress(b"".join(records))),
        ("a.warc.zst", lambda r: zstandard.compress(b"".join(r))),
    ],
)
def test_records_need_no_member_of_their_own(tmp_path: Path, name: str, pack: Any) -> None:
    assert [item.text for item in read(tmp_path, pack([GOOD, GOOD]), name)] == [PAGE.decode()] * 2


def test_a_page_larger_than_allowed_is_told_and_a_large_picture_is_dropped(tmp_path: Path) -> None:
    big = b"<html>" + b"x" * 300_000
    data = record(response(big)) + record(response(big, Content_Type="image/png")) + GOOD
    items = read(tmp_path, data, limits=Limits(max_document_bytes=100_000))
    assert (items[0].position, items[0].reason) == ("record 1", "document-too-large")
    assert (items[1].drop, items[2].text) == ("read/not-html", PAGE.decode())


def test_extracted_text_is_a_document_as_it_is(tmp_path: Path) -> None:
    (item,) = read(
        tmp_path,
        record("Grüße\nWARC".encode(), "conversion", Content_Type="text/plain", WARC_Identified_Content_Language="deu"),
        "a.warc.wet",
    )
    assert (item.text, item.html, item.language) == ("Grüße\nWARC", False, None)
    assert json.loads(item.metadata)["identified_languages"] == "deu"
    (bad,) = read(tmp_path, record(b"caf\xe9", "conversion", Content_Type="text/plain"), "b.warc.wet")
    assert (bad.position, bad.reason) == ("record 1", "invalid-utf-8")


def test_a_file_without_pages_says_so(tmp_path: Path) -> None:
    (item,) = read(tmp_path, record(b"a: b", "metadata"))
    assert (item.position, item.reason) == ("file", "no-pages")


def test_arc_records_of_both_versions_are_read(tmp_path: Path) -> None:
    page = response()
    one = b"http://x.org/a b 1.2.3.4 20140102030405 text/html %d\n" % len(page) + page + b"\n"
    two = b"http://x.org/ 1.2.3.4 20140102030405 text/html 200 - - 0 a.arc %d\n" % len(page) + page + b"\n"
    version = b"1 0 x\nURL IP-address Archive-date Content-type Archive-length\n"
    head = b"filedesc://a.arc 0.0.0.0 20140102030405 text/plain %d\n" % len(version) + version + b"\n"
    items = read(tmp_path, head + one + two, "a.arc")
    assert [(item.url, item.created, item.text) for item in items] == [
        ("http://x.org/a b", "2014-01-02T03:04:05Z", PAGE.decode()),
        ("http://x.org/", "2014-01-02T03:04:05Z", PAGE.decode()),
    ]
    assert items[0].id.startswith("sha256:")


def test_real_crawls_and_wrecks_are_read_as_far_as_they_can_be(shared_data: Path) -> None:
    found: dict[str, Counter[str]] = {}
    (file,) = Input.find(str(shared_data / "web/warc_samples.tar.zst")).files
    for item in read_documents(file):
        told = isinstance(item, Quarantined)
        name = (item.file if told else item.source).removeprefix("warc_samples.tar.zst/")
        what = item.reason if told else item.drop or ("page" if item.html else "text")
        found.setdefault(name, Counter())[what] += 1
    pages_of_crawl = {"page": 22, "text": 2}
    assert found == {
        "dolma/sample-0000.warc.gz": pages_of_crawl,
        "warcio/bad.arc": {"damaged-warc-record": 3, "text": 1},
        "warcio/example-bad-non-chunked.warc.gz": {"page": 1, "read/revisit": 1},
        "warcio/example-bad.warc.gz.bad": {"page": 1, "read/revisit": 1, "read/http-status": 1},
        "warcio/example-digest.warc": {"no-pages": 1},
        "warcio/example-iana.org-chunked.warc": {"page": 1},
        "warcio/example-resource.warc.gz": {"page": 1},
        "warcio/example-space-in-target-uri.warc.gz": {"read/not-html": 1},
        "warcio/example-space-in-url.arc": {"damaged-warc-record": 1},
        "warcio/example-trunc.warc": {"damaged-warc-record": 1},
        "warcio/example-wget-bad-target-uri.warc.gz": {"page": 1, "text": 2},
        "warcio/example-wrong-chunks.warc.gz": {"page": 1},
        "warcio/example.arc": {"page": 1},
        "warcio/example.arc.gz": {"page": 1},
        "warcio/example.warc": {"page": 1, "read/revisit": 1},
        "warcio/example.warc.gz": {"page": 1, "read/revisit": 1},
        "warcio/post-test.warc.gz": {"read/not-html": 3},
        "whirlwind/whirlwind.warc": {"page": 1},
        "whirlwind/whirlwind.warc.gz": {"page": 1},
        "whirlwind/whirlwind.warc.wat": {"no-pages": 1},
        "whirlwind/whirlwind.warc.wat.gz": {"no-pages": 1},
        "whirlwind/whirlwind.warc.wet": {"text": 1},
        "whirlwind/whirlwind.warc.wet.gz": {"text": 1},
    }
