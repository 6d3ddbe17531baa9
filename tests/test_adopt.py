"""Adopting as a step: files in, rows and quarantine out, whatever is cut or stopped on the way.

Single rows are in test_adopt_shapes.py and test_adopt_rows.py, whole public data sets in test_adopt_real.py.
"""

import datetime
import json
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataset_cards.adopt import adopt as adopting
from dataset_cards.adopt.recognise import NoShape
from dataset_cards.versions.schemas import content_id
from dataset_cards.versions.store import Store
from tests.adopting import lines, run, step


def test_what_cannot_be_read_or_mapped_is_put_aside_with_its_place(store: Store, tmp_path: Path) -> None:
    good = {"prompt": "q", "completion": "a"}
    path = lines(tmp_path, good, '{"prompt": "cut', good, {"prompt": "q"}, {**good, "completion": ""}, [1], good)
    rows, facts, quarantine = run(store, path, "conversations")
    assert rows.height == 3
    assert rows.schema["metadata"] == pl.String
    assert quarantine.select("file", "position", "reason").rows() == [
        ("rows.jsonl", "line 2", "broken-json"),
        ("rows.jsonl", "line 4", "missing-field"),
        ("rows.jsonl", "line 5", "invalid-messages"),
        ("rows.jsonl", "line 6", "not-an-object"),
    ]
    assert "completion: absent" in quarantine["excerpt"][1]
    assert "prompt: 'q'" in quarantine["excerpt"][1]
    assert facts == {
        "kind": "conversations",
        "license": "MIT",
        "source": "a test",
        "shape": "prompt-completion",
        "languages": {},
        "sources": {"rows.jsonl": 3},
        "quarantine": {"broken-json": 1, "invalid-messages": 1, "missing-field": 1, "not-an-object": 1},
    }


def test_the_order_of_rows_does_not_depend_on_how_the_input_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        rows = [{"id": f"{name}{n}", "prompt": f"q{n}"} for n in range(50)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    whole, _, _ = run(Store.at(str(tmp_path / "one")), tmp_path / "*.jsonl", "prompts")
    monkeypatch.setattr(adopting, "SLICE_BYTES", 1)
    monkeypatch.setattr(adopting, "GROUP_ROWS", 7)
    store = Store.at(str(tmp_path / "many"))
    cut, _, _ = run(store, tmp_path / "*.jsonl", "prompts")
    assert cut.equals(whole)
    assert len(store.table(step(tmp_path / "*.jsonl", "prompts")).parts) == 3
    assert whole["id"].to_list() == [f"{name}{n}" for name in "abc" for n in range(50)]


def test_a_run_that_was_stopped_goes_on_and_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adopting, "SLICE_BYTES", 1)
    for name in "ab":
        (tmp_path / f"{name}.jsonl").write_text('{"prompt": "q"}\n{"prompt": 5}\n{"prompt": "r"}\n')
    target = step(tmp_path / "*.jsonl", "prompts")
    stores = [Store.at(str(tmp_path / name)) for name in ("one", "two")]
    for store in stores:
        store.run(target)
    folder = stores[1].folder(target)
    for name in ("done.json", "task-00001.json", "part-00001.parquet", "ledger/quarantine.parquet"):
        Path(folder.path, name).unlink()
    stores[1].run(target)
    for name in ("part-00000.parquet", "part-00001.parquet", "done.json", "ledger/quarantine.parquet"):
        assert stores[0].folder(target).read_bytes(name) == folder.read_bytes(name)


def test_input_without_a_row_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    with pytest.raises(NoShape, match=r"no row could be read from .*rows.jsonl \(rows.jsonl, line 1: broken-json\)"):
        run(Store.at(str(tmp_path / "s")), lines(tmp_path, "{"), "prompts")


def test_plain_text_files_become_documents_called_by_their_name(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ä text.\n")
    (tmp_path / "b.txt").write_bytes(b"caf\xe9")
    rows, _, quarantine = run(store, tmp_path, "documents")
    assert rows.select("id", "text", "source").rows() == [("a.txt", "Ä text.\n", "a.txt")]
    assert quarantine.select("file", "position", "reason").rows() == [("b.txt", "byte 3", "invalid-utf-8")]


def test_columns_of_parquet_keep_their_values(store: Store, tmp_path: Path) -> None:
    when = datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC)
    table = pa.table(
        {"body": ["a", None, "b"], "created": [when] * 3, "n": [1.5, None, 2], "language": ["en", "de", ""]}
    )
    pq.write_table(table, tmp_path / "x.parquet")
    rows, facts, quarantine = run(store, tmp_path / "x.parquet", "documents", text="body")
    assert rows.row(0, named=True) == {
        "id": content_id("documents", {"text": "a"}),
        "text": "a",
        "source": "x.parquet",
        "url": None,
        "license": None,
        "created": "2024-01-02T00:00:00+00:00",
        "language": "en",
        "metadata": '{"n": 1.5}',
    }
    assert quarantine.row(0)[:3] == ("x.parquet", "row 2", "missing-field")
    assert facts["languages"] == {"en": 1}
