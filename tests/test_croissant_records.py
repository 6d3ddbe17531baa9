"""mlcroissant opens croissant.json where a version lies and loads its rows: every row type, value for value.

What the document says is in test_croissant.py.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import mlcroissant
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataset_cards.documents.croissant import croissant
from dataset_cards.freeze import freeze
from dataset_cards.verify import verify
from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import CONTENT
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.ops import Rows
from tests.sample_version import HOSTILE, KINDS, few_facts
from tests.training import frozen, store_at

# mlcroissant uses what rdflib and pandas want to drop.
pytestmark = [
    pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.reset_index is deprecated:DeprecationWarning"),
]

ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hva er 2 + 2?\n\u202e\t\U0001f9ee"}]
SAID, OTHER = ([{"role": "assistant", "content": text}] for text in ("Fire.", "NaN"))
ROWS: dict[str, list[dict[str, Any]]] = {
    "documents": [
        {"id": f"d{n}", "text": f"Text {n} " + HOSTILE[n % len(HOSTILE)].replace("\x00", ""), "language": "en"}
        for n in range(250)
    ]
    + [{"id": "null", "text": "null", "url": "https://a.example/?a=1&b=2", "metadata": '{"score": 0.1}'}],
    "conversations": [
        {"id": "c1", "messages": [*ASKED, *SAID], "origin": "human", "parents": ["d1", "d2"]},
        {"id": "c2", "messages": [*ASKED, *SAID, ASKED[1], *OTHER], "parents": []},
    ],
    "prompts": [{"id": "p1", "prompt": ASKED, "source": "web"}, {"id": "p2", "prompt": ASKED[1:]}],
    "preferences": [
        {
            **{"id": "x1", "prompt": ASKED, "chosen": SAID, "rejected": OTHER, "margin": 0.5, "origin": "a-model"},
            "votes": [{"annotator": "a1", "choice": "chosen"}, {"annotator": None, "choice": "tie"}],
        },
        {"id": "x2", "prompt": ASKED, "chosen": OTHER, "rejected": SAID},
    ],
    "rankings": [
        {
            **{"id": "r1", "prompt": ASKED, "ranks": [2, 1, 1]},
            "responses": [{"id": str(n), "content": f"No. {n}", "origin": [None, "human"][n % 2]} for n in range(3)],
        }
    ],
    "judgements": [
        {"id": "j1", "record": "x1", "annotator": "a1", "answer": "1", "seconds": 3.25},
        {"id": "j2", "record": "x1", "annotator": "a2", "answer": "2,1", "ranks": [2, 1], "guidelines": "abc"},
    ],
    "verifiable": [{"id": "v1", "prompt": ASKED, "answer": "4", "verifier": "math"}],
    "teacher": [
        {
            **{"id": "t1", "prompt": ASKED, "completion": SAID, "tokenizer": "sha256:12"},
            **{"topk_ids": [[5, 6], [2**40]], "topk_logprobs": [[-0.1, -2.5], [-1e-8]]},
        }
    ],
}


@dataclass(frozen=True, kw_only=True)
class Shards:
    """Token ids as `Tokenise` writes them, in two parts."""

    revision: ClassVar[int] = 1

    def run(self, job: Job) -> dict[str, Any]:
        for task in job.unfinished(2):
            ids = [[task, 1, 2], []]
            rows = pl.DataFrame(
                {"id": [f"{task}a", f"{task}b"], "input_ids": ids},
                schema={"id": pl.String, "input_ids": pl.List(pl.Int32)},
            )
            stage = {"stage": "tokenise", "read": 2, "kept": 2, "quarantined": 0, "dropped": {}}
            job.write(task, rows, funnel=[stage])
        return {"kind": "tokens", "license": "MIT"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return store_at(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def versions(store: Store, tmp_path_factory: pytest.TempPathFactory) -> dict[str, DatasetVersion]:
    folder = tmp_path_factory.mktemp("rows")
    return {kind: frozen(store, f"{kind}@1.0.0", kind, rows, folder) for kind, rows in ROWS.items()}


def made(store: Store, ref: str, op: Any) -> DatasetVersion:
    step = Step("made", op)
    store.run(step)
    return freeze(store, step, ref, {"name": "made", "function": "tests:made", "parameters": {}})


def loaded(folder: Path | str) -> list[dict[str, Any]]:
    """The records, by the names of the columns; nothing may be in doubt about the document."""
    document = Path(folder) / "croissant.json"
    dataset = mlcroissant.Dataset(jsonld=str(document))
    assert dataset.metadata.issues.report() == ""
    names = {
        field["@id"]: field["name"]
        for top in json.loads(document.read_text())["recordSet"][0]["field"]
        for field in (top, *top.get("subField", ()))
    }
    return [_named(record, names) for record in dataset.records("default")]


def _named(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {names[ident]: _named(one, names) for ident, one in value.items()}
    if isinstance(value, list):
        return [_named(one, names) for one in value]
    if isinstance(value, np.generic):
        return value.item()
    return value.decode() if isinstance(value, bytes) else value


def expected(kind: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row as it is loaded: where a list of structs may be null, it comes as a struct of lists."""
    return {name: value if name in CONTENT[kind] else _turned(name, value) for name, value in row.items()}


def _turned(name: str, value: Any) -> Any:
    if name != "votes":
        return value
    return {key: None if value is None else [vote[key] for vote in value] for key in ("annotator", "choice")}


def test_every_row_type_is_there() -> None:
    assert set(ROWS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_record_of_a_row_type_is_its_row(versions: dict[str, DatasetVersion], kind: str) -> None:
    version = versions[kind]
    rows = version.table.collect().to_dicts()
    assert [row["id"] for row in rows] == [row["id"] for row in ROWS[kind]]
    assert loaded(version.folder.path) == [expected(kind, row) for row in rows]


def test_a_version_with_the_document_verifies(versions: dict[str, DatasetVersion]) -> None:
    assert verify(versions["rankings"]) == []


def test_several_parts_come_in_their_order(store: Store) -> None:
    version = made(store, "letters@1.0.0", Rows(parts=(("a", "b"), ("c",), ("d", "e"))))
    assert [row["text"] for row in loaded(version.folder.path)] == ["a", "b", "c", "d", "e"]


def test_token_shards_load(store: Store) -> None:
    version = made(store, "shards@1.0.0", Shards())
    assert [row["input_ids"] for row in loaded(version.folder.path)] == [[0, 1, 2], [], [1, 1, 2], []]


def test_a_version_without_rows_has_no_records(store: Store) -> None:
    version = made(store, "nothing@1.0.0", Rows(parts=((),)))
    assert version.json["rows"] == 0
    assert loaded(version.folder.path) == []


@pytest.mark.parametrize("parts", [1, 2])
def test_a_changed_file_of_a_version_in_one_file_is_refused(tmp_path: Path, parts: int) -> None:
    """mlcroissant holds files against their sha256 only where a record names the file, and not the set of files."""
    rows = tuple((f"text {part}",) for part in range(parts))
    version = made(store_at(tmp_path), "letters@1.0.0", Rows(parts=rows))
    changed = Path(version.folder.path) / version.json["files"][0]["path"]
    table = pq.read_table(changed)
    pq.write_table(table, changed, compression="none")
    if parts == 1:
        with pytest.raises(mlcroissant.GenerationError, match="Download") as caught:
            loaded(version.folder.path)
        assert "is not identical" in str(caught.value.__cause__)
    else:
        assert len(loaded(version.folder.path)) == parts
    assert [problem.path for problem in verify(version)] == [version.json["files"][0]["path"]]


def written(folder: Path, table: pa.Table) -> dict[str, Any]:
    """What version.json would say of a file with any columns."""
    (folder / "data").mkdir()
    path = "data/train-00000-of-00001.parquet"
    pq.write_table(table, folder / path)
    data = (folder / path).read_bytes()
    file = {"path": path, "rows": table.num_rows, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    columns = [{"name": field.name, "type": str(field.type)} for field in table.schema]
    record = few_facts() | {"rows": table.num_rows, "files": [file], "schema": columns}
    (folder / "croissant.json").write_text(croissant(record, None))
    return record


def several() -> Iterator[tuple[str, pa.Array, list[Any]]]:
    """Columns that are in no row type, and what is loaded of them."""
    struct = pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))])
    when = datetime(2026, 11, 21, 10, 0, 0, 123456)
    yield "flag", pa.array([True, None]), [True, None]
    yield "whole", pa.array([2**62 + 1, 5]), [2**62 + 1, 5]
    yield "natural", pa.array([2**64 - 1, 5], pa.uint64()), [2**64 - 1, 5]
    yield "small", pa.array([None, 7], pa.int8()), [None, 7]
    yield "half", pa.array([0.5, 1.5], pa.float32()), [0.5, 1.5]
    yield "fixed", pa.array([[1.5, 2.0], [3.0, 4.0]], pa.list_(pa.float32(), 2)), [[1.5, 2.0], [3.0, 4.0]]
    yield "deep", pa.array([[["a"], []], None], pa.list_(pa.list_(pa.string()))), [[["a"], []], None]
    yield "struct", pa.array([{"a": 1, "b": ["x"]}, None], struct), [{"a": 1, "b": ["x"]}, {"a": None, "b": None}]
    yield (
        "structs",
        pa.array([[{"a": 1, "b": ["x"]}, {"a": None, "b": []}], None], pa.list_(struct)),
        [{"a": [1, None], "b": [["x"], []]}, {"a": None, "b": None}],
    )
    yield "coded", pa.array(["x", None]).dictionary_encode(), ["x", None]
    yield "nothing", pa.array([None, None], pa.null()), [None, None]
    yield "at", pa.array([when, None], pa.timestamp("us")), [when, None]
    zoned = when.replace(tzinfo=UTC)
    yield "zoned", pa.array([zoned, None], pa.timestamp("us", tz="UTC")), [zoned, None]
    yield "day", pa.array([date(2026, 11, 21), None]), [datetime(2026, 11, 21), None]
    yield "clock", pa.array([when.time(), None], pa.time64("us")), [when.time(), None]
    yield (
        "index",
        pa.array(["a column of this name is a trap of pandas", "b"]),
        [
            "a column of this name is a trap of pandas",
            "b",
        ],
    )


def test_other_columns_load_with_their_values(tmp_path: Path) -> None:
    columns = list(several())
    written(tmp_path, pa.table({name: array for name, array, _ in columns}))
    rows = loaded(tmp_path)
    assert {name: [row[name] for row in rows] for name, _, _ in columns} == {
        name: values for name, _, values in columns
    }


def test_a_column_without_a_form_is_named_and_keeps_the_others_loadable(tmp_path: Path) -> None:
    inner = pa.struct([("b", pa.int64())])
    table = pa.table(
        {
            "id": ["1"],
            "bytes": [b"\xff"],
            "money": [Decimal("1.10")],
            "span": pa.array([1000], pa.duration("ms")),
            "tree": pa.array([{"a": {"b": 1}}], pa.struct([("a", inner)])),
            "lists": pa.array([[[{"b": 1}]]], pa.list_(pa.list_(inner))),
            "pairs": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
            "odd": pa.array([{"a b": 1}], pa.struct([("a b", pa.int64())])),
        }
    )
    written(tmp_path, table)
    assert loaded(tmp_path) == [{"id": "1"}]
    told = json.loads((tmp_path / "croissant.json").read_text())["recordSet"][0]["description"]
    left_out = told.partition("without a form in Croissant: ")[2]
    assert [name for name in table.column_names if f"{name} (" in left_out] == table.column_names[1:]


def test_columns_with_hostile_names_load(tmp_path: Path) -> None:
    names = [*HOSTILE, "http://a.example/b", "@id", "a b", "a.b", "..", "~1", "cr:data", "%20", "?", "#x", "\u00e6"]
    written(tmp_path, pa.table({name: [str(place)] for place, name in enumerate(names)}))
    assert loaded(tmp_path) == [{name: str(place) for place, name in enumerate(names)}]
