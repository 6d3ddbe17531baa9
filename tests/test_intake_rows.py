"""Rows of each tabular format, and each kind of bad row: told with its position and reason, costing no other row."""

import csv
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_cards.intake.limits import DEFAULTS, Limits
from dataset_cards.intake.quarantine import EXCERPT, Quarantined, excerpt
from dataset_cards.intake.rows import read_rows
from dataset_cards.intake.source import Input

GOOD = {"text": "good"}


def rows(path: Path, limits: Limits = DEFAULTS) -> list[Any]:
    return [item for file in Input.find(str(path)).files for item in read_rows(file, limits)]


def read(tmp_path: Path, name: str, data: bytes, limits: Limits = DEFAULTS) -> list[Any]:
    (tmp_path / name).write_bytes(data)
    return rows(tmp_path / name, limits)


def told(items: list[Any]) -> list[tuple[str, str]]:
    return [(item.position, item.reason) for item in items if isinstance(item, Quarantined)]


# lines of JSON


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "cut', "broken-json"),
        (b'{"text": "x"} {"text": "y"}', "broken-json"),
        (b'["a", "list"]', "not-an-object"),
        (b'"a string"', "not-an-object"),
        (b'{"text": "caf\xe9"}', "invalid-utf-8"),
        (b'{"text": "\\ud800"}', "invalid-unicode"),
        (b'{"text": ' + b"[" * 5000 + b"]" * 5000 + b"}", "nested-too-deep"),
    ],
)
def test_a_bad_line_is_told_and_its_neighbours_are_read(tmp_path: Path, line: bytes, reason: str) -> None:
    items = read(tmp_path, "a.jsonl", b'{"text": "good"}\n' + line + b'\n{"text": "good"}\n')
    assert [item for item in items if isinstance(item, dict)] == [GOOD, GOOD]
    assert told(items) == [("line 2", reason)]


def test_blank_lines_carriage_returns_and_a_byte_order_mark_are_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path, "a.jsonl", b'\xef\xbb\xbf{"text": "good"}\r\n\r\n  \n{"text": "good"}') == [GOOD, GOOD]


def test_numbers_that_only_python_writes_are_read(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "a.jsonl", b'{"text": "x", "score": NaN}\n')
    assert row["text"] == "x"
    assert row["score"] != row["score"]


@pytest.mark.parametrize("length", [5_000, 3_000_000])
def test_a_line_that_is_too_long_is_told_and_the_next_one_is_read(tmp_path: Path, length: int) -> None:
    long = b'{"text": "' + b"x" * length + b'"}'
    limits = Limits(max_line_bytes=length)
    items = read(tmp_path, "a.jsonl", b'{"text": "good"}\n' + long + b'\n{"text": "good"}\n' + long, limits)
    assert [item for item in items if isinstance(item, dict)] == [GOOD, GOOD]
    assert told(items) == [("line 2", "line-too-long"), ("line 4", "line-too-long")]


def test_a_line_as_long_as_allowed_is_read(tmp_path: Path) -> None:
    line = b'{"text": "' + b"x" * 1_999_988 + b'"}'
    assert len(read(tmp_path, "a.jsonl", line + b"\n" + line, Limits(max_line_bytes=len(line)))[1]["text"]) == 1_999_988


def test_memory_stays_bounded_on_a_line_of_200_mb(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:
        for _ in range(200):
            file.write(b"x" * 1_000_000)
        file.write(b'\n{"text": "good"}\n')
    tracemalloc.start()
    items = rows(path, Limits(max_line_bytes=8 << 20))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert told(items) == [("line 1", "line-too-long")]
    assert items[1] == GOOD
    assert peak < 32 << 20


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=30), max_size=20), st.integers(1, 40))
def test_every_line_is_a_row_or_told_whatever_the_limit(tmp_path_factory, texts: list[str], limit: int) -> None:
    path = tmp_path_factory.mktemp("x") / "a.jsonl"
    lines = [json.dumps({"t": text}, ensure_ascii=False).encode() for text in texts]
    path.write_bytes(b"\n".join(lines))
    items = rows(path, Limits(max_line_bytes=limit)) if texts else []
    assert len(items) == len(texts)
    for line, text, item in zip(lines, texts, items, strict=True):
        assert isinstance(item, Quarantined) if len(line) > limit else item == {"t": text}


# documents of JSON


@pytest.mark.parametrize("indent", [None, 1])
def test_an_array_gives_its_elements(tmp_path: Path, indent: int | None) -> None:
    expected = [{"text": "é" * n, "n": n} for n in range(300)]
    assert read(tmp_path, "a.json", json.dumps(expected, indent=indent, ensure_ascii=False).encode()) == expected


def test_an_array_longer_than_a_block_gives_its_elements(tmp_path: Path) -> None:
    expected = [{"text": "ü" * 700_000, "n": n} for n in range(5)]
    assert read(tmp_path, "a.json", json.dumps(expected, ensure_ascii=False).encode()) == expected


def test_a_json_file_may_hold_lines_or_laid_out_objects(tmp_path: Path) -> None:
    assert read(tmp_path, "a.json", b'{"text": "good"}\n{"text": "good"}\n') == [GOOD, GOOD]
    assert read(tmp_path, "b.json", b'{\n "text": "good"\n}\n{\n "text": "good"\n}') == [GOOD, GOOD]


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        (b'{"text": }, {"text": "lost"}]', "broken-json"),
        (b'{"text": "no end', "broken-json"),
        (b'{"text": "good"}', "broken-json"),
        (b"7]", "not-an-object"),
        (b'{"text": "\xff"}]', "invalid-utf-8"),
        (b'{"text": "\\ud800"}]', "invalid-unicode"),
        (b'{"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]", "nested-too-deep"),
        (b'{"text": "good"}] more', "broken-json"),
    ],
)
def test_an_array_that_breaks_keeps_the_elements_before(tmp_path: Path, rest: bytes, reason: str) -> None:
    *kept, last = read(tmp_path, "a.json", b'[{"text": "good"}, ' + rest)
    assert kept in ([GOOD], [GOOD, GOOD])
    assert (last.position, last.reason) == (f"record {len(kept) + 1}", reason)


# CSV and TSV


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("b.csv", ";"), ("c.csv", "\t"), ("d.tsv", "\t")])
def test_quoted_fields_survive(tmp_path: Path, name: str, delimiter: str) -> None:
    expected = [{"id": "1", "text": 'a "b"\nc,d;e\tf'}, {"id": "2", "text": ""}]
    out = io.StringIO()
    writer = csv.DictWriter(out, ["id", "text"], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(expected)
    assert read(tmp_path, name, b"\xef\xbb\xbf" + out.getvalue().encode()) == expected


def test_bad_csv_rows_are_told_and_the_others_are_read(tmp_path: Path) -> None:
    data = b'id,text\n1,good\n2\n3,too,many\n4,caf\xe9\n"5"x,y\n\n6,good\n'
    items = read(tmp_path, "a.csv", data)
    assert [item["id"] for item in items if isinstance(item, dict)] == ["1", "6"]
    assert told(items) == [
        ("line 3", "wrong-field-count"),
        ("line 4", "wrong-field-count"),
        ("line 5", "invalid-utf-8"),
        ("line 6", "broken-csv"),
    ]


def test_a_repeated_column_is_told_and_keeps_its_values(tmp_path: Path) -> None:
    items = read(tmp_path, "a.csv", b"text,text\na,b\n")
    assert told(items) == [("line 1", "duplicate-header")]
    assert items[1] == {"text": "a", "text.2": "b"}


def test_a_quote_without_end_does_not_swallow_the_memory(tmp_path: Path) -> None:
    items = read(tmp_path, "a.csv", b'id,text\n1,good\n2,"' + b"x\n" * 5000, Limits(max_line_bytes=1000))
    assert items[0] == {"id": "1", "text": "good"}
    assert [reason for _, reason in told(items)] == ["broken-csv"]


# Parquet and Arrow


SCHEMA = pa.schema({"text": pa.string(), "n": pa.int64()})


def table(count: int) -> pa.Table:
    return pa.table({"text": [f"text {n} " * 50 for n in range(count)], "n": list(range(count))}, SCHEMA)


def test_parquet_rows_are_read(tmp_path: Path) -> None:
    pq.write_table(table(1500), tmp_path / "a.parquet", row_group_size=400)
    assert rows(tmp_path / "a.parquet") == table(1500).to_pylist()


def test_a_corrupt_page_costs_its_row_group_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(table(3000), path, row_group_size=1000, compression="zstd")
    data = bytearray(path.read_bytes())
    start = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    data[start : start + 200] = b"\xff" * 200
    path.write_bytes(data)
    items = rows(path)
    assert [item["n"] for item in items if isinstance(item, dict)] == [*range(1000), *range(2000, 3000)]
    assert told(items) == [("row 1001", "damaged-parquet")]
    assert "rows 1001 to 2000" in items[1000].excerpt


def test_a_corrupt_footer_is_told(tmp_path: Path) -> None:
    pq.write_table(table(10), tmp_path / "a.parquet")
    data = (tmp_path / "a.parquet").read_bytes()
    assert told(read(tmp_path, "b.parquet", data[:-20])) == [("file", "damaged-parquet")]


def test_a_string_that_is_no_utf_8_costs_its_row_alone(tmp_path: Path) -> None:
    raw = pa.array([b"good", b"caf\xe9", b"good"], pa.binary())
    pq.write_table(pa.table({"text": pa.Array.from_buffers(pa.string(), 3, raw.buffers())}), tmp_path / "a.parquet")
    items = rows(tmp_path / "a.parquet")
    assert [item for item in items if isinstance(item, dict)] == [GOOD, GOOD]
    assert told(items) == [("row 2", "invalid-utf-8")]


@pytest.mark.parametrize("form", ["file", "stream"])
def test_arrow_files_and_streams_are_read(tmp_path: Path, form: str) -> None:
    make = pa.ipc.new_file if form == "file" else pa.ipc.new_stream
    with make(str(tmp_path / "a.arrow"), SCHEMA) as writer:
        writer.write_table(table(900), max_chunksize=300)
    assert rows(tmp_path / "a.arrow") == table(900).to_pylist()


def test_a_truncated_arrow_stream_keeps_the_batches_before_the_cut(tmp_path: Path) -> None:
    with pa.ipc.new_stream(str(tmp_path / "a.arrow"), SCHEMA) as writer:
        writer.write_table(table(900), max_chunksize=300)
    data = (tmp_path / "a.arrow").read_bytes()
    *kept, last = read(tmp_path, "b.arrow", data[: len(data) // 2])
    assert kept == table(300).to_pylist()
    assert (last.position, last.reason) == ("row 301", "damaged-arrow")


def test_a_folder_saved_by_datasets_is_read_without_its_notes_and_caches(tmp_path: Path) -> None:
    datasets.Dataset.from_list([GOOD, GOOD]).save_to_disk(str(tmp_path / "set"))
    (tmp_path / "set/cache-0a1b.arrow").write_bytes(next((tmp_path / "set").glob("data-*.arrow")).read_bytes())
    assert rows(tmp_path / "set") == [GOOD, GOOD]


def test_a_file_that_is_no_table_is_told(tmp_path: Path) -> None:
    assert told(read(tmp_path, "a.html", b"<p>x</p>")) == [("file", "not-tabular")]


@given(st.one_of(st.binary(max_size=1000), st.text(max_size=1000)))
def test_an_excerpt_is_short_and_printable(data: bytes | str) -> None:
    shown = excerpt(data)
    assert len(shown) <= EXCERPT
    assert shown.isprintable()
