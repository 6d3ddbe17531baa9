"""Documents out of rows: fields, ids, metadata, batches. Pages are in test_read_pages.py and test_read_warc.py."""

import datetime
import decimal
import hashlib
import json
import string
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.read.batches import SCHEMA, batches
from curation.read.documents import BadMapping, Document, read_documents, text_id
from dataset_cards.intake.limits import DEFAULTS, Limits
from dataset_cards.intake.quarantine import Quarantined
from dataset_cards.intake.source import Input
from dataset_cards.versions.table import GROUP_BYTES, GROUP_ROWS


def documents(path: Path, mapping: dict[str, str] | None = None, limits: Limits = DEFAULTS) -> list[Any]:
    return [item for file in Input.find(str(path)).files for item in read_documents(file, mapping or {}, limits)]


def read(tmp_path: Path, name: str, data: bytes, mapping: dict[str, str] | None = None) -> list[Any]:
    (tmp_path / name).write_bytes(data)
    return documents(tmp_path / name, mapping)


def from_row(tmp_path: Path, row: dict[str, Any], mapping: dict[str, str] | None = None) -> Any:
    (item,) = read(tmp_path, "a.jsonl", json.dumps(row).encode(), mapping)
    return item


# rows to documents


def test_the_fields_of_a_document_are_found_under_their_usual_names(tmp_path: Path) -> None:
    row = {
        "_id": 7,
        "raw_content": "words",
        "source_url": "http://x.org",
        "licence": "CC0-1.0",
        "timestamp": "2020-01-02",
        "lang": "de",
        "source": "wiki",
        "score": 0.5,
    }
    assert from_row(tmp_path, row) == Document(
        "7", "words", "wiki", "http://x.org", "CC0-1.0", "2020-01-02", "de", '{"score":0.5}'
    )


def test_a_document_without_an_id_is_named_by_its_text_and_its_file(tmp_path: Path) -> None:
    item = from_row(tmp_path, {"text": "words"})
    assert (item.id, item.source, item.metadata) == (text_id("words"), "a.jsonl", "{}")
    assert item.id == "sha256:" + hashlib.sha256(b"words").hexdigest()[:32]


def test_a_mapping_overrides_the_usual_names(tmp_path: Path) -> None:
    item = from_row(
        tmp_path, {"text": "no", "abstract": "yes", "id": "a", "key": "b"}, {"text": "abstract", "id": "key"}
    )
    assert (item.text, item.id) == ("yes", "b")
    assert json.loads(item.metadata) == {"text": "no", "id": "a"}


def test_a_mapping_of_something_that_is_no_field_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadMapping, match="no field 'txt'; map one of text, id"):
        from_row(tmp_path, {"text": "x"}, {"txt": "abstract"})


def test_own_metadata_is_laid_open_and_serves_where_the_row_has_no_field(tmp_path: Path) -> None:
    item = from_row(tmp_path, {"text": "x", "metadata": {"url": "http://x.org", "b": 1}, "a": 2})
    assert item.url == "http://x.org"
    assert item.metadata == '{"a":2,"b":1,"url":"http://x.org"}'


def test_metadata_written_as_a_string_is_read_as_an_object(tmp_path: Path) -> None:
    assert from_row(tmp_path, {"text": "x", "metadata": '{"b": 1}'}).metadata == '{"b":1}'
    assert from_row(tmp_path, {"text": "x", "metadata": "{broken"}).metadata == '{"metadata":"{broken"}'


def test_a_name_that_would_stand_for_two_values_keeps_both(tmp_path: Path) -> None:
    item = from_row(tmp_path, {"text": "x", "a": 1, "metadata": {"a": 2}})
    assert json.loads(item.metadata) == {"a": 1, "metadata": {"a": 2}}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"question": "x"}, "missing-text"),
        ({"text": None, "content": "x"}, "missing-text"),
        ({"text": 5}, "wrong-type"),
        ({"text": ["x"]}, "wrong-type"),
        ({"text": "a\x00b"}, "null-byte"),
        ({"text": "x", "deep": [[[]]]}, ""),
    ],
)
def test_a_row_without_usable_text_is_told(tmp_path: Path, row: dict[str, Any], reason: str) -> None:
    item = from_row(tmp_path, row)
    if reason:
        assert (item.file, item.position, item.reason) == ("a.jsonl", "line 1", reason)
    else:
        assert item.text == "x"


def test_missing_text_shows_the_fields_that_are_there(tmp_path: Path) -> None:
    assert from_row(tmp_path, {"question": "x", "answer": "y"}).excerpt.startswith("fields: question, answer")


def test_an_empty_text_is_a_document(tmp_path: Path) -> None:
    assert from_row(tmp_path, {"text": "", "id": "a"}) == Document("a", "", "a.jsonl")


def test_metadata_nested_too_deep_to_write_is_told(tmp_path: Path) -> None:
    (item,) = read(tmp_path, "a.jsonl", b'{"text": "x", "deep": ' + b"[" * 300 + b"]" * 300 + b"}")
    assert (item.position, item.reason) == ("line 1", "nested-too-deep")


def test_values_that_json_does_not_know_survive_as_words(tmp_path: Path) -> None:
    table = pa.table(
        {
            "text": [b"bytes"],
            "date": [datetime.datetime(2020, 1, 2)],
            "price": [decimal.Decimal("1.50")],
            "raw": [b"\xff"],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    (item,) = documents(tmp_path / "a.parquet")
    assert (item.text, item.created) == ("bytes", "2020-01-02T00:00:00")
    assert json.loads(item.metadata) == {"price": "1.50", "raw": "\\xff"}


def test_documents_written_as_columns_are_read_back_the_same(tmp_path: Path) -> None:
    before = [
        Document("a", "x", "s", None, None, "2020", None, '{"b":1}'),
        Document("b", "", "s", "u", "l", None, "en"),
    ]
    frame = pl.DataFrame([{n: getattr(d, n) for n in list(SCHEMA)[:8]} for d in before], dict(list(SCHEMA.items())[:8]))
    frame.write_parquet(tmp_path / "a.parquet")
    assert documents(tmp_path / "a.parquet") == before


words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)
names = st.text(string.ascii_lowercase, min_size=1, max_size=5).map(lambda name: f"x_{name}")
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def json_rows(draw: st.DrawFn) -> dict[str, Any]:
    row = draw(st.dictionaries(names, plain, max_size=4)) | {"text": draw(words)}
    for field in ("id", "url", "license", "created", "language", "source"):
        if draw(st.booleans()):
            row[field] = draw(words.filter(bool))
    return row


@settings(max_examples=60, deadline=None)
@given(st.lists(json_rows(), min_size=1, max_size=8), st.booleans())
def test_any_rows_survive_the_way_through_json_lines(tmp_path_factory, rows: list[dict[str, Any]], ascii: bool) -> None:
    path = tmp_path_factory.mktemp("rows") / "a.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=ascii) + "\n" for row in rows), encoding="utf-8", newline="")
    items = documents(path)
    assert len(items) == len(rows)
    for row, item in zip(rows, items, strict=True):
        assert item.text == row["text"]
        assert item.id == row.get("id", text_id(row["text"]))
        assert item.source == row.get("source", "a.jsonl")
        assert [getattr(item, f) for f in ("url", "license", "created", "language")] == [
            row.get(f) for f in ("url", "license", "created", "language")
        ]
        assert json.loads(item.metadata) == {name: value for name, value in row.items() if name.startswith("x_")}


def test_documents_in_the_schema_of_dolma_survive_whole(shared_data: Path) -> None:
    items = documents(shared_data / "web/cc_en_head_documents.jsonl.zst")
    assert len(items) == 20
    metadata = json.loads(items[0].metadata)
    assert items[0].source == "common-crawl"
    assert items[0].url == metadata["url"] == items[0].id
    assert (items[0].created, items[0].language) == ("2020-03-29T09:04:10Z", "en")
    assert metadata["perplexity"] == 304.6
    assert metadata["added"] == "2023-04-07T15:24:38.743534+00:00"


# batches


def test_batches_are_bounded_and_lose_nothing() -> None:
    documents = [Document(str(n), "x" * 5000, "s") for n in range(10_000)]
    items: list[Document | Quarantined] = [*documents[:4000], Quarantined("f", "line 1", "r", ""), *documents[4000:]]
    made = list(batches(items))
    assert pl.concat([frame for frame, _ in made])["id"].to_list() == [d.id for d in documents]
    assert all(
        frame.height <= GROUP_ROWS and frame["text"].str.len_bytes().sum() <= GROUP_BYTES + 5000 for frame, _ in made
    )
    assert sum(len(aside) for _, aside in made) == 1


def test_every_batch_has_the_same_columns() -> None:
    ((frame, aside),) = batches([Quarantined("f", "line 1", "r", "")])
    assert frame.schema == pl.Schema(SCHEMA)
    assert (frame.height, len(aside)) == (0, 1)
    ((full, _),) = batches([Document("a", "x", "s")])
    assert full.schema == pl.Schema(SCHEMA)
    assert list(batches([])) == []
