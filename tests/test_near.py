"""Near-duplicates: what goes is what the plain statement of leader clustering says, in large and small.

That documents share bands as often as they should is covered in test_shingles.
"""

import json
import random
import string
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.dedup.near import NearDuplicates
from curation.dedup.signatures import MinHash
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.ledger import Ledger
from dataset_cards.versions.table import Part, Table, write_parquet
from tests.ops import Inline
from tests.test_shingles import words_of

# Many candidates for little text: with 12 bands of 2 rows even J = 0.3 is looked at two times in three.
EAGER = NearDuplicates(ngram=2, bands=12, rows=2, min_jaccard=0.5)

REASON = "near-duplicates/similar"


def corpus(
    folder: Folder, texts: Sequence[str], cuts: tuple[int, int] = (1000, 1000), dead: frozenset[int] = frozenset()
) -> Table:
    """Documents in parts of `cuts[0]` rows and row groups of `cuts[1]`; rows in `dead` were dropped before."""
    rows = pl.DataFrame(
        {
            "id": [str(row) for row in range(len(texts))],
            "text": pl.Series(texts, dtype=pl.String),
            "drop": pl.Series(["before/gone" if row in dead else None for row in range(len(texts))], dtype=pl.String),
        }
    )
    parts = []
    for first in range(0, len(texts), cuts[0]):
        part = rows.slice(first, cuts[0])
        name = f"part-{len(parts):05d}.parquet"
        groups = [part.slice(at, cuts[1]) for at in range(0, part.height, cuts[1])]
        parts.append(Part(name, write_parquet(folder, name, groups)))
    return Table(folder, tuple(parts))


def sidecar(job: Job) -> pl.DataFrame:
    parts = tuple(Part(part["name"], part["rows"]) for facts in job.facts() for part in facts["parts"])
    none = {"drop": pl.String, "duplicate_of": pl.Int64, "jaccard": pl.Float64}
    return Table(job.folder, parts).collect() if parts else pl.DataFrame(schema=none)


def ledger(job: Job) -> Ledger:
    return sum((Ledger(**{k: v for k, v in f["funnel"][0].items() if k != "stage"}) for f in job.facts()), Ledger())


def search(
    op: NearDuplicates,
    texts: Sequence[str],
    cuts: tuple[int, int] = (1000, 1000),
    dead: frozenset[int] = frozenset(),
    where: Folder | None = None,
    engine: object = None,
) -> tuple[list[tuple[int, int, float]], dict[str, Any], Job]:
    """(row, duplicate of, Jaccard) of every drop, the facts, and the finished job."""
    folder = where or Folder.at(f"memory://{uuid.uuid4().hex}")
    job = Job((corpus(folder / "documents", texts, cuts, dead),), folder / "near", (engine or Inline(),))
    facts = op.run(job)["near_duplicates"]
    marks = sidecar(job).with_row_index("row")
    assert marks.height == len(texts)
    found = marks.filter(pl.col("duplicate_of").is_not_null())
    assert (
        found.get_column("drop").to_list() == [REASON] * found.height == marks.get_column("drop").drop_nulls().to_list()
    )
    ledger(job).check("near")
    return list(found.select("row", "duplicate_of", "jaccard").iter_rows()), facts, job


def shingles(text: str, n: int) -> set[tuple[str, ...]]:
    words = words_of(text)
    return {tuple(words[at : at + n]) for at in range(max(1, len(words) - n + 1))} if words else set()


def stated(
    op: NearDuplicates, texts: Sequence[str], dead: frozenset[int] = frozenset()
) -> list[tuple[int, int, float]]:
    """The rule of NearDuplicates, word for word, over all pairs."""
    minhash = MinHash(ngram=op.ngram, bands=op.bands, rows=op.rows, seed=op.seed)
    bands = minhash.sign(pl.Series(texts, dtype=pl.String))[0].tolist()
    sets = [shingles(text, op.ngram) for text in texts]
    stays: list[int] = []
    drops = []
    for row, mine in enumerate(sets):
        if not mine or row in dead:
            continue
        candidates = [old for old in stays if any(a == b for a, b in zip(bands[old], bands[row], strict=True))]
        for old in candidates[: op.max_compared]:
            jaccard = len(mine & sets[old]) / len(mine | sets[old])
            if jaccard >= op.min_jaccard:
                drops.append((row, old, jaccard))
                break
        else:
            stays.append(row)
    return drops


def families(seed: int, documents: int, words: int = 30) -> list[str]:
    """Random documents and edited copies of copies of them, from a vocabulary of 40 words."""
    rng = random.Random(seed)
    vocabulary = ["".join(rng.choices(string.ascii_lowercase, k=5)) for _ in range(40)]
    texts: list[list[str]] = []
    while len(texts) < documents:
        fresh = not texts or rng.random() > 0.8
        text = rng.choices(vocabulary, k=rng.randint(0, words)) if fresh else list(rng.choice(texts))
        for _ in range(rng.randint(0, 4) if text else 0):
            text[rng.randrange(len(text))] = rng.choice(vocabulary)
        texts.append(text)
    return [" ".join(text) for text in texts]


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32),
    st.sampled_from([1, 2, 5]),
    st.sampled_from([0.2, 0.5, 0.7, 1.0]),
    st.sampled_from([1, 2, 1000]),
)
def test_drops_are_those_of_the_plain_statement(seed: int, ngram: int, least: float, most: int) -> None:
    op = NearDuplicates(ngram=ngram, bands=12, rows=2, seed=seed, min_jaccard=least, max_compared=most)
    texts = families(seed, 60)
    assert search(op, texts)[0] == stated(op, texts)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(st.sampled_from("aáb c.7中"), max_size=12), max_size=12))
def test_drops_of_any_short_texts_are_those_of_the_plain_statement(texts: list[str]) -> None:
    assert search(EAGER, texts, (5, 2))[0] == stated(EAGER, texts)


def test_documents_dropped_before_take_no_part() -> None:
    texts = families(9, 100)
    dead = frozenset(range(0, 100, 3))
    drops, _, job = search(EAGER, texts, (30, 10), dead)
    assert drops == stated(EAGER, texts, dead)
    assert not dead & {row for drop in drops for row in drop[:2]}
    total = ledger(job)
    assert (total.read, total.dropped) == (66, {REASON: len(drops)})


def test_a_later_edit_of_the_text_is_what_is_compared() -> None:
    folder = Folder.at(f"memory://{uuid.uuid4().hex}")
    documents = corpus(folder / "documents", ["one two three", "four five six", "one two three"])
    edits = pl.DataFrame({"drop": pl.Series([None] * 3, dtype=pl.String), "fix.text": [None, "one two three", "seven"]})
    rows = write_parquet(folder / "edits", "part-00000.parquet", [edits])
    layer = Table(folder / "edits", (Part("part-00000.parquet", rows),))
    job = Job((documents, layer), folder / "near", (Inline(),))
    NearDuplicates().run(job)
    assert sidecar(job).get_column("duplicate_of").to_list() == [None, 0, None]


def test_raising_the_threshold_keeps_a_dropped_document_dropped_or_its_keeper() -> None:
    """More may go at a higher threshold: a document that goes at 0.5 can no longer stand in for others."""
    for seed in range(8):
        texts = families(seed, 120)
        low, high = (
            search(NearDuplicates(ngram=1, bands=40, rows=1, min_jaccard=least), texts)[0] for least in (0.5, 0.8)
        )
        gone = {row for row, _, _ in low}
        assert all(row in gone or keeper in gone for row, keeper, _ in high)
        assert all(jaccard >= 0.8 for _, _, jaccard in high)


def test_a_document_is_not_dropped_for_the_sake_of_one_that_went() -> None:
    a, b, c = "a b c d e f g h", "a b c d e f g x", "a b c d e f y x"
    low = NearDuplicates(ngram=1, bands=64, rows=1, min_jaccard=0.7)
    assert search(low, [a, b, c])[0] == [(1, 0, 7 / 9)]
    assert search(low, [b, c])[0] == [(1, 0, 7 / 9)]


def test_ten_thousand_identical_documents_cost_one_comparison_each() -> None:
    text = "the same page over and over again"
    drops, facts, _ = search(NearDuplicates(), [text] * 10_000, (3000, 1000))
    assert drops == [(row, 0, 1.0) for row in range(1, 10_000)]
    assert facts["pairs_verified"] == 9_999
    assert facts["capped"] == 0
    assert facts["clusters"] == [
        {"kept": 0, "size": 10_000, "members": [{"row": row, "jaccard": 1.0} for row in range(1, 6)]}
    ]


def test_a_bucket_of_many_different_documents_is_capped_and_counted() -> None:
    rng = random.Random(3)
    texts = [
        "page " + " ".join("".join(rng.choices(string.ascii_lowercase, k=6)) for _ in range(3)) for _ in range(200)
    ]
    texts += texts[:50]
    free = NearDuplicates(ngram=1, bands=16, rows=1, min_jaccard=0.9)
    capped = NearDuplicates(ngram=1, bands=16, rows=1, min_jaccard=0.9, max_compared=10)
    drops, facts, _ = search(capped, texts)
    assert facts["capped"] > 0
    assert facts["pairs_verified"] <= 10 * len(texts)
    assert set(drops) < set(search(free, texts)[0])
    assert drops == stated(capped, texts)


@pytest.mark.parametrize(
    ("texts", "drops"),
    [
        ([], []),
        (["only one"], []),
        (["", "", " ", "..."], []),
        (["word", "word", "Wörd!", "other", "word word"], [(1, 0, 1.0), (2, 0, 1.0)]),
        (["a b c d", "a b c d", "a b c d e"], [(1, 0, 1.0)]),
        (["一二三四五六七八", "一二三四五六七八", "abc"], [(1, 0, 1.0)]),
        (["priced 10", "priced 2,500.00"], [(1, 0, 1.0)]),
    ],
)
def test_small_corpora(texts: list[str], drops: list[tuple[int, int, float]]) -> None:
    assert search(NearDuplicates(), texts)[0] == drops


def test_a_part_without_rows_gets_a_sidecar_without_rows() -> None:
    folder = Folder.at(f"memory://{uuid.uuid4().hex}")
    full = corpus(folder / "documents", ["same words", "same words"])
    empty = write_parquet(full.folder, "part-00001.parquet", [full.collect().clear()])
    table = Table(full.folder, (*full.parts, Part("part-00001.parquet", empty), full.parts[0]))
    job = Job((table,), folder / "near", (Inline(),))
    NearDuplicates().run(job)
    assert [facts["parts"][0]["rows"] for facts in job.facts()] == [2, 0, 2]
    assert sidecar(job).get_column("duplicate_of").to_list() == [None, 0, 0, 0]


def test_on_real_pages_every_drop_has_an_earlier_document_that_stays(shared_data: Path) -> None:
    with zstandard.open(shared_data / "dedup" / "same_page_many_extractors.jsonl.zst", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] or "" for line, _ in zip(lines, range(200), strict=False)]
    op = NearDuplicates()
    drops, facts, _ = search(op, texts, (100, 40))
    assert len(drops) > 80
    gone = {row for row, _, _ in drops}
    sets = {row: shingles(texts[row], op.ngram) for row in {row for drop in drops for row in drop[:2]}}
    for row, keeper, jaccard in drops:
        assert keeper < row
        assert keeper not in gone
        assert jaccard == len(sets[row] & sets[keeper]) / len(sets[row] | sets[keeper]) >= op.min_jaccard
    assert sum(cluster["size"] - 1 for cluster in facts["clusters"]) <= len(drops)
    assert drops == stated(op, texts)


def test_facts_describe_the_s_curve() -> None:
    _, facts, _ = search(NearDuplicates(), ["a"])
    curve = {round(jaccard, 2): probability for jaccard, probability in facts["s_curve"]}
    assert len(curve) == 20
    assert curve[0.7] == pytest.approx(1 - (1 - 0.7**8) ** 14)
    assert curve[1.0] == 1


@pytest.mark.parametrize(
    "field", [{"ngram": 0}, {"bands": 0}, {"rows": 0}, {"min_jaccard": 0.0}, {"min_jaccard": 1.1}, {"max_compared": 0}]
)
def test_impossible_fields_are_refused_when_written(field: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(field))):
        NearDuplicates(**field)
