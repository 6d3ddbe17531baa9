"""The op that forgets, by itself: what it keeps adds up, and of judgements those go that nothing else rests on.

The command, what it writes, and what it lists are in test_forget.py.
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_cards.lineage.forget import Forget, find
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job
from dataset_cards.versions.schemas import schema
from dataset_cards.versions.store import Store
from dataset_cards.versions.table import from_arrow, write_parquet
from dataset_cards.versions.version import DatasetVersion
from tests.deciding import judgement, preference
from tests.training import store_at

WHY = "a person asked for it"


def documents(*numbers: int) -> list[dict[str, Any]]:
    return [{**dict.fromkeys(schema("documents").names), "id": str(n), "text": f"row {n}"} for n in numbers]


def version_of(
    store: Store, kind: str, *parts: Sequence[Mapping[str, Any]], judged: Sequence[Mapping[str, Any]] = ()
) -> DatasetVersion:
    """Rows, and the judgements behind them, as far as a version's files go."""
    folder = store.root / "versions" / "x" / "1"
    given = [(f"data/{n}.parquet", kind, part) for n, part in enumerate(parts)]
    given += [("ledger/judgements.parquet", "judgements", judged)] if judged else []
    files = []
    for path, what, rows in given:
        frame = from_arrow(pa.Table.from_pylist(list(rows), schema=schema(what)))
        files.append({"path": path, "rows": write_parquet(folder, path, [frame], schema(what))})
    return DatasetVersion(name="x", version="1", folder=folder, json={"kind": kind, "files": files, "recipe": None})


def test_judgements_that_only_forgotten_rows_rest_on_go_and_the_others_stay(tmp_path: Path) -> None:
    store = store_at(tmp_path / "store")
    rows = [{**preference(name, "a", "b"), "parents": [made_of]} for name, made_of in zip("xyz", "ppq", strict=True)]
    version = version_of(store, "preferences", rows, judged=[judgement(one, "ada", "1") for one in "ppqx"])
    assert find(version, ["x"]).records == {"x"}, "y still rests on p"
    assert find(version, ["x", "y"]).records == {"x", "y", "p"}
    tool = find(version, ["z"])
    job = Job((version.table,), store.root / "out", (tool,))
    facts = Forget(kind="preferences", digest=tool.digest, reason=WHY).run(job)
    assert facts["forgotten"]["judgements"] == 1
    left = pl.read_parquet(io.BytesIO(job.folder.read_bytes("ledger/judgements.parquet")))
    assert list(left.get_column("record")) == ["p", "p", "x"]


def test_a_step_does_not_forget_other_rows_than_its_own() -> None:
    store = Store.at("memory://forget-other")
    version = version_of(store, "documents", documents(1, 2))
    one, other = find(version, ["1"]), find(version, ["2"])
    op = Forget(kind="documents", digest=one.digest, reason=WHY)
    with pytest.raises(Misuse, match="not the rows that this step is to forget"):
        op.run(Job((version.table,), store.root / "x", (other,)))


@settings(max_examples=25)
@given(
    parts=st.lists(st.lists(st.integers(0, 6), max_size=8), min_size=1, max_size=3),
    going=st.sets(st.integers(0, 6), min_size=1, max_size=3),
)
def test_kept_and_forgotten_rows_add_up_however_rows_are_cut(parts: list[list[int]], going: set[int]) -> None:
    store = Store.at("memory://forget-law")
    store.root.remove()
    version = version_of(store, "documents", *[documents(*part) for part in parts])
    wanted = {str(n) for n in going} & {str(n) for part in parts for n in part}
    if wanted != {str(n) for n in going}:
        with pytest.raises(Misuse, match="nothing was forgotten"):
            find(version, {str(n) for n in going})
    if not wanted:
        return
    tool = find(version, wanted)
    job = Job((version.table,), store.root / "out", (tool,))
    Forget(kind="documents", digest=tool.digest, reason=WHY).run(job)
    funnels = [fact["funnel"][0] for fact in job.facts()]
    assert all(one["read"] == one["kept"] + sum(one["dropped"].values()) for one in funnels)
    names = [part["name"] for fact in job.facts() for part in fact["parts"]]
    kept = [name for one in names for name in pl.read_parquet(io.BytesIO(job.folder.read_bytes(one)))["id"]]
    assert kept == [str(n) for part in parts for n in part if str(n) not in wanted]
