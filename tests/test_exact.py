"""Exact duplicates: a dictionary of what was seen before, and the laws of a step (cuts, memory, restarts, workers)."""

import hashlib
import uuid
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.dedup.buckets import FirstRows
from curation.dedup.exact import ExactDuplicates, hash_128
from curation.dedup.urls import normal
from curation.engine import LocalEngine
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.ledger import Ledger, total
from dataset_cards.versions.table import Part, Table, write_parquet
from tests.ops import Inline
from tests.test_near_runs import Killed, Mortal, files


def search(
    op: ExactDuplicates,
    values: Sequence[str | None],
    cuts: tuple[int, int] = (1000, 1000),
    dead: frozenset[int] = frozenset(),
    where: Folder | None = None,
    engine: object = None,
) -> tuple[dict[int, int], Job]:
    """{dropped row: row that stays}, and the finished job; the values are texts or URLs as the op wants."""
    folder = where or Folder.at(f"memory://{uuid.uuid4().hex}")
    rows = pl.DataFrame(
        {
            op.by: pl.Series(values, dtype=pl.String),
            "drop": pl.Series(["before/gone" if row in dead else None for row in range(len(values))], dtype=pl.String),
        }
    )
    parts = []
    for first in range(0, len(values), cuts[0]):
        part = rows.slice(first, cuts[0])
        name = f"part-{len(parts):05d}.parquet"
        groups = [part.slice(at, cuts[1]) for at in range(0, part.height, cuts[1])]
        parts.append(Part(name, write_parquet(folder / "documents", name, groups)))
    job = Job((Table(folder / "documents", tuple(parts)),), folder / "exact", (engine or Inline(),))
    op.run(job)
    found = {}
    row = 0
    for facts in job.facts():
        marks = Table(job.folder, (Part(facts["parts"][0]["name"], facts["parts"][0]["rows"]),)).collect()
        for reason, keeper in marks.select("drop", "duplicate_of").iter_rows():
            assert reason == (None if keeper is None else f"exact-duplicates/same-{op.by}")
            if keeper is not None:
                found[row] = keeper
            row += 1
    assert row == len(values)
    counts = total(Ledger(**{k: v for k, v in facts["funnel"][0].items() if k != "stage"}) for facts in job.facts())
    counts.check("exact")
    assert counts.read == len(values) - len(dead)
    return found, job


def stated(values: Sequence[str | None], dead: frozenset[int] = frozenset()) -> dict[int, int]:
    seen: dict[str, int] = {}
    alive = [(row, value) for row, value in enumerate(values) if value is not None and row not in dead]
    return {row: first for row, value in alive if (first := seen.setdefault(value, row)) != row}


@settings(deadline=None, max_examples=60)
@given(
    texts=st.lists(st.text(st.sampled_from("aä \n"), max_size=3), max_size=40),
    cuts=st.tuples(st.integers(1, 20), st.integers(1, 9)),
    dead=st.frozensets(st.integers(0, 39), max_size=5),
)
def test_the_first_alive_of_equal_texts_stays(texts: list[str], cuts: tuple[int, int], dead: frozenset[int]) -> None:
    dead = frozenset(row for row in dead if row < len(texts))
    assert search(ExactDuplicates(), texts, cuts, dead)[0] == stated(texts, dead)


@pytest.mark.parametrize("cuts", [(1000, 1000), (70, 11), (13, 13), (1, 1)])
@pytest.mark.parametrize("budget", [256 << 20, 2000])
def test_neither_cuts_nor_memory_change_a_mark(
    cuts: tuple[int, int], budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ExactDuplicates, "budget_bytes", budget)
    texts = [f"text {row * row % 101}" for row in range(300)]
    assert search(ExactDuplicates(), texts, cuts)[0] == stated(texts)


def test_an_absent_or_empty_url_matches_nothing() -> None:
    urls = ["http://a", None, "", None, "", "  ", " http://a ", "http://A"]
    assert search(ExactDuplicates(by="url"), urls)[0] == {6: 0, 7: 0}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://a.example/x", "HTTP://A.Example/x"),
        ("http://a.example/x", "http://a.example:80/x"),
        ("https://a.example/x", "https://a.example:443/x"),
        ("https://a.example/x", "https://a.example:/x"),
        ("https://a.example", "https://a.example/"),
        ("https://a.example?q=1", "https://a.example/?q=1"),
        ("https://a.example/x?q=1", "https://a.example/x?q=1#part"),
        ("https://a.example/x", "https://a.example/x#"),
        ("https://a.example/x", "\thttps://a.example/x\n"),
        ("https://[2001:DB8::1]/", "https://[2001:db8::1]:443"),
        ("https://Me:Pass@a.example/", "https://Me:Pass@A.EXAMPLE:443/#x"),
        ("http://münchen.example/", "http://MÜNCHEN.example"),
        ("ftp://a.example:21/x", "FTP://a.example:21/x"),
    ],
)
def test_urls_that_must_name_the_same_page_are_one(one: str, other: str) -> None:
    assert search(ExactDuplicates(by="url"), [one, other])[0] == {1: 0}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://a.example/x", "https://a.example/x"),
        ("http://a.example/x", "http://www.a.example/x"),
        ("http://a.example/x", "http://a.example/x/"),
        ("http://a.example/x", "http://a.example/X"),
        ("http://a.example/x", "http://a.example:8080/x"),
        ("http://a.example:443/x", "http://a.example/x"),
        ("http://a.example/%7Ex", "http://a.example/~x"),
        ("http://a.example/a/../x", "http://a.example/x"),
        ("http://a.example/?a=1&b=2", "http://a.example/?b=2&a=1"),
        ("http://a.example/x", "http://a.example/x?utm_source=y"),
        ("http://a.example/x", "http://a.example/x?"),
        ("http://a.example/#!inbox", "http://a.example/#!sent"),
        ("http://a.example/#/inbox", "http://a.example/"),
        ("http://Me@a.example/", "http://me@a.example/"),
        ("urn:ISBN:1", "URN:isbn:1"),
        ("//a.example/x", "//A.example/x"),
        ("http://a.example:8:0/x", "http://A.example:8:0/x"),
        ("not a url", "Not a url"),
    ],
)
def test_urls_that_may_name_other_pages_are_two(one: str, other: str) -> None:
    assert search(ExactDuplicates(by="url"), [one, other])[0] == {}


@given(st.lists(st.one_of(st.none(), st.text(st.sampled_from("hHtTpPsS:/?#@[].a8\n"), max_size=20)), max_size=20))
def test_any_url_is_normal_once_made_so(values: list[str | None]) -> None:
    once = normal(pl.Series("url", values, dtype=pl.String))
    assert len(once) == len(values)
    assert normal(once).to_list() == once.to_list()
    assert [value is None for value in once] == [not (value or "").strip() for value in values]


def test_empty_texts_match_each_other() -> None:
    assert search(ExactDuplicates(), ["", "a", ""])[0] == {2: 0}


def test_case_and_whitespace_count_unless_folded() -> None:
    texts = ["Same  text", "same text", "same\n\ttext ", "sametext"]
    assert search(ExactDuplicates(), texts)[0] == {}
    assert search(ExactDuplicates(fold=True), texts)[0] == {1: 0, 2: 0}


def test_an_empty_corpus_has_no_duplicates() -> None:
    assert search(ExactDuplicates(), [])[0] == {}


def test_a_hundred_thousand_copies_have_one_keeper() -> None:
    found, _ = search(ExactDuplicates(), ["copy"] * 100_000, (40_000, 8192))
    assert found == dict.fromkeys(range(1, 100_000), 0)


def test_a_key_that_many_rows_share_takes_one_entry() -> None:
    hashes = hash_128(pl.Series(["copy", "other"] * 200_000))
    seen = FirstRows()
    high, low = hashes[:, 0].copy(), hashes[:, 1].copy()
    rows = pl.int_range(400_000, eager=True).to_numpy()
    assert set(seen.look_up(high, low, rows).tolist()) == {0, 1}
    assert len(seen) == 2


def test_hashes_are_blake2b_of_the_utf8_bytes() -> None:
    texts = ["abc", "", "é" * 1000]
    expected = b"".join(hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts)
    assert hash_128(pl.Series(texts)).tobytes() == expected


def test_a_run_killed_after_any_task_goes_on_to_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExactDuplicates, "budget_bytes", 2000)
    texts = [f"text {row * row % 31}" for row in range(60)]
    expected = files(search(ExactDuplicates(), texts, (20, 7))[1].folder)
    died = 0
    for tasks in range(100):
        folder = Folder.at(f"memory://{uuid.uuid4().hex}")
        try:
            search(ExactDuplicates(), texts, (20, 7), where=folder, engine=Mortal(tasks))
            break
        except Killed:
            died += 1
        assert files(search(ExactDuplicates(), texts, (20, 7), where=folder)[1].folder) == expected
    assert died == 3 + 3 + 3


@pytest.mark.slow
def test_workers_write_the_same_bytes_as_one_process(tmp_path: Path) -> None:
    texts = [f"text {row * row % 31}" for row in range(60)]
    alone = search(ExactDuplicates(), texts, (20, 7))[1]
    parallel = search(ExactDuplicates(), texts, (20, 7), where=Folder.at(str(tmp_path)), engine=LocalEngine(workers=2))[
        1
    ]
    assert files(parallel.folder) == files(alone.folder)


def test_documents_without_the_column_are_refused_by_name() -> None:
    folder = Folder.at(f"memory://{uuid.uuid4().hex}")
    rows = pl.DataFrame({"text": ["a"], "drop": pl.Series([None], dtype=pl.String)})
    table = Table(folder, (Part("part-00000.parquet", write_parquet(folder, "part-00000.parquet", [rows])),))
    with pytest.raises(ValueError, match="'url'"):
        ExactDuplicates(by="url").run(Job((table,), folder / "exact", (Inline(),)))


def test_impossible_fields_are_refused_when_written() -> None:
    with pytest.raises(ValueError, match="id"):
        ExactDuplicates(by="id")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="fold"):
        ExactDuplicates(by="url", fold=True)
