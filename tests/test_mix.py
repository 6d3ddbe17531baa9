"""Mixtures: shares, repeats and budgets come out as asked, nothing depends on how rows lie in files, no row is lost.

Every count is made a second time from the rows. Token shards are in test_tokenised.py.
"""

import itertools
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.gopher import GopherQuality
from curation.ingest import Cut, Ingest
from curation.keep import Keep
from curation.mix import shuffle
from curation.mix.mix import Mix
from curation.mix.recipe import joint_license, mixture
from curation.mix.shares import keys, last_key, shares
from curation.mix.tokens import Tokenizer
from curation.screen import Screen
from dataset_cards.cards.mixture import sources
from dataset_cards.freeze import freeze
from dataset_cards.intake.source import Input
from dataset_cards.versions.errors import BadRecipe, Misuse
from dataset_cards.versions.job import Job
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.table import Part, Table, write_parquet
from dataset_cards.versions.version import DatasetVersion
from tests.adopting import step as adopting
from tests.ops import Inline

RECIPE = {"name": "test", "function": "test:test", "parameters": {}}


def version(store: Store, folder: Path, name: str, texts: list[str], kind: str = "documents") -> DatasetVersion:
    """A frozen version of the texts, with ids such as `web-3`."""
    field = {"documents": lambda text: {"text": text}, "prompts": lambda text: {"prompt": text}}[kind]
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps({"id": f"{name}-{n}", **field(text)}) + "\n" for n, text in enumerate(texts)))
    target = adopting(path, kind)
    store.run(target)
    return freeze(store, target, f"{name}@1.0.0", RECIPE)


def nothing(store: Store, folder: Path) -> DatasetVersion:
    """A version whose only row was dropped."""
    (folder / "short.txt").write_text("Too short.")
    read = Step("short/read", Ingest(input=Input.find(str(folder / "short.txt"))))
    screen = Step("short/screen", Screen(stages=(GopherQuality(),)), (read,))
    target = Step("short/keep", Keep(license="MIT"), (read, screen))
    store.run(target, [Inline(), Cut()])
    return freeze(store, target, "none@1.0.0", RECIPE)


def mixed(store: Store, *sources: DatasetVersion, **options: Any) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The rows of a mixture and its facts; the ledger balances and names what was left out."""
    target = mixture(list(sources), **options)
    rows = store.run(target, [Inline()]).collect()
    done = store.done(target)
    (funnel,) = done["funnel"]
    with (store.folder(target) / "ledger").open("rows.parquet") as file:
        left = pl.read_parquet(file)
    assert funnel["kept"] == rows.height
    assert sum(funnel["dropped"].values()) == left.height
    assert funnel["read"] == rows.height + left.height
    whole = {row for source in sources for row in source.table.collect(["id"])["id"]}
    assert {*rows["id"]} | {*left["id"]} == whole
    assert not {*rows["id"]} & {*left["id"]}
    return rows, done["facts"]["mixture"]


def names(rows: pl.DataFrame) -> Counter[str]:
    return Counter(rows["id"].str.replace(r"-\d+$", ""))


@pytest.fixture
def shelf(tmp_path: Path) -> Store:
    return Store.at(str(tmp_path / "store"))


@pytest.fixture
def web(shelf: Store, tmp_path: Path) -> DatasetVersion:
    return version(shelf, tmp_path, "web", [f"web page number {n}" for n in range(600)])


@pytest.fixture
def books(shelf: Store, tmp_path: Path) -> DatasetVersion:
    return version(shelf, tmp_path, "books", [f"book {n} " * 5 for n in range(100)])


def test_without_weights_or_budget_every_row_comes_once(
    shelf: Store, web: DatasetVersion, books: DatasetVersion
) -> None:
    rows, facts = mixed(shelf, web, books)
    assert names(rows) == {"web": 600, "books": 100}
    assert [source["got"] for source in facts["sources"]] == [600, 100]


def test_weights_share_a_budget_of_rows(shelf: Store, web: DatasetVersion, books: DatasetVersion) -> None:
    rows, facts = mixed(shelf, web, books, weights=(0.75, 0.25), budget=200)
    assert names(rows) == {"web": 150, "books": 50}
    assert [(source["asked"], source["got"]) for source in facts["sources"]] == [(150, 150), (50, 50)]


def test_without_a_budget_weights_take_as_much_as_the_scarcest_source_allows(
    shelf: Store, web: DatasetVersion, books: DatasetVersion
) -> None:
    assert names(mixed(shelf, web, books, weights=(1.0, 1.0))[0]) == {"web": 100, "books": 100}
    assert names(mixed(shelf, web, books, weights=(1.0, 1.0), max_repeats=2.5)[0]) == {"web": 250, "books": 250}


def test_upsampling_takes_every_row_before_any_a_second_time(
    shelf: Store, web: DatasetVersion, books: DatasetVersion
) -> None:
    rows, _ = mixed(shelf, web, books, weights=(0.5, 0.5), budget=500, max_repeats=4)
    times = Counter(rows.filter(pl.col("id").str.starts_with("books"))["id"])
    assert len(times) == 100
    assert {*times.values()} == {2, 3}
    assert sum(times.values()) == 250


def test_a_source_gives_no_more_than_its_repeats_and_the_card_can_say_so(
    shelf: Store, web: DatasetVersion, books: DatasetVersion
) -> None:
    rows, facts = mixed(shelf, web, books, weights=(0.5, 0.5), budget=1000, max_repeats=2)
    assert names(rows) == {"web": 500, "books": 200}
    assert [(source["asked"], source["got"]) for source in facts["sources"]] == [(500, 500), (500, 200)]


def test_a_budget_of_characters_is_kept_to_within_one_row(
    shelf: Store, web: DatasetVersion, books: DatasetVersion
) -> None:
    rows, facts = mixed(shelf, web, books, weights=(0.5, 0.5), unit="characters", budget=4000)
    for source in facts["sources"]:
        own = rows.filter(pl.col("id").str.starts_with(source["source"].partition("@")[0]))
        characters = own["text"].str.len_chars()
        assert source["got"] == characters.sum()
        assert 2000 <= source["got"] < 2000 + characters.max()


def test_budgets_that_cannot_be_cut_evenly_are_still_used_up(
    shelf: Store, web: DatasetVersion, books: DatasetVersion
) -> None:
    assert names(mixed(shelf, web, books, weights=(1.0, 1.0), budget=1)[0]) == {"web": 1}
    assert names(mixed(shelf, web, books, weights=(1e308, 1e308), budget=11)[0]) == {"web": 6, "books": 5}


def test_a_source_without_rows_takes_nothing_from_the_others(
    shelf: Store, books: DatasetVersion, tmp_path: Path
) -> None:
    none = nothing(shelf, tmp_path)
    rows, facts = mixed(shelf, books, none)
    assert names(rows) == {"books": 100}
    assert [source["got"] for source in facts["sources"]] == [100, 0]


def test_a_mixture_of_nothing_is_refused_with_the_reason(shelf: Store, books: DatasetVersion, tmp_path: Path) -> None:
    none = nothing(shelf, tmp_path)
    for some, options, why in (
        ([none], {}, "no source holds any rows"),
        ([books, none], {"weights": (0.5, 0.5)}, r"none@1\.0\.0 holds no rows; leave it out"),
        ([books], {"max_repeats": 0.001}, "max_repeats allows less than one"),
    ):
        with pytest.raises(Misuse, match=f"would be empty: {why}"):
            shelf.run(mixture(some, **options), [Inline()])


def test_two_versions_of_one_name_do_not_come_in_step(shelf: Store, tmp_path: Path) -> None:
    (tmp_path / "web.jsonl").write_text(
        "".join(json.dumps({"id": f"r{n}", "text": f"page {n}"}) + "\n" for n in range(99))
    )
    target = adopting(tmp_path / "web.jsonl", "documents")
    shelf.run(target)
    old, new = (freeze(shelf, target, f"web@{number}", RECIPE) for number in (1, 2))
    rows = shelf.run(mixture([old, new]), [Inline()]).collect()["id"].to_list()
    assert sum(a == b for a, b in itertools.pairwise(rows)) < 10  # 1 expected; drawn alike, each stands by its twin


def test_many_copies_are_not_held_at_once(shelf: Store, books: DatasetVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row group that is taken a thousand times over is written copy after copy, in the same order as ever."""
    expected = mixed(shelf, books, max_repeats=50)[0]
    monkeypatch.setattr(shuffle, "RUN_BYTES", 1)
    held = []
    cut = shuffle.Scatter._cut
    monkeypatch.setattr(
        shuffle.Scatter, "_cut", lambda self, rows, groups: held.append(rows) or cut(self, rows, groups)
    )
    again = mixed(Store.at(str(shelf.root.path) + "-2"), books, max_repeats=50)[0]
    assert again.equals(expected)
    assert max(sum(frame.height for frame in rows) for rows in held) == 100


def test_the_order_is_random_and_the_same_for_the_same_seed(
    shelf: Store, web: DatasetVersion, books: DatasetVersion
) -> None:
    first, second, other = (mixed(shelf, web, books, seed=seed)[0]["id"].to_list() for seed in (1, 1, 2))
    assert first == second
    assert first != other
    assert sorted(first) == sorted(other)
    halves = names(pl.DataFrame({"id": first[:350]}))
    assert 25 < halves["books"] < 75  # 50 expected, and eight times its deviation away from failing by chance


def test_the_sample_of_a_source_does_not_depend_on_the_others(
    shelf: Store, web: DatasetVersion, books: DatasetVersion
) -> None:
    alone = mixed(shelf, web, budget=60)[0]["id"]
    among = mixed(shelf, books, web, weights=(0.4, 0.6), budget=100)[0]["id"]
    assert {*alone} == {row for row in among if row.startswith("web")}


def test_rows_and_order_do_not_depend_on_how_the_source_lies_in_files(shelf: Store, web: DatasetVersion) -> None:
    whole = web.table.collect()
    table = shelf.root / "versions" / "parts" / "1"
    options: dict[str, Any] = {"names": ("web@1",), "budget": 100, "unit": "characters"}
    results = []
    for cuts in ([0, 600], [0, 1, 250, 600]):
        parts = []
        for n, (start, end) in enumerate(itertools.pairwise(cuts)):
            part = f"part-{len(cuts)}-{n}.parquet"
            parts.append(Part(part, write_parquet(table, part, [whole[start:end]])))
        folder = shelf.root / "steps" / f"by-hand-{len(cuts)}"
        job = Job((Table(table, tuple(parts)),), folder, (Inline(),))
        Mix(**options).run(job)
        with folder.open("part-00000.parquet") as file:
            results.append(pl.read_parquet(file))
    assert results[0].equals(results[1])


def test_rows_of_other_types_are_mixed_too(shelf: Store, tmp_path: Path) -> None:
    one = version(shelf, tmp_path, "one", ["What is it?"] * 30, "prompts")
    two = version(shelf, tmp_path, "two", ["Why is that?"] * 30, "prompts")
    rows, _ = mixed(shelf, one, two, budget=20)
    assert names(rows) == {"one": 10, "two": 10}
    frozen = freeze(shelf, mixture([one, two], budget=20), "both@1.0.0", RECIPE)
    assert frozen.kind == "prompts"


def test_sources_of_different_types_are_refused(shelf: Store, web: DatasetVersion, tmp_path: Path) -> None:
    prompts = version(shelf, tmp_path, "asked", ["What?"], "prompts")
    with pytest.raises(Misuse, match=r"web@1\.0\.0 holds documents, asked@1\.0\.0 holds prompts"):
        shelf.run(mixture([web, prompts]), [Inline()])


def test_mistakes_are_told_before_anything_runs(web: DatasetVersion, books: DatasetVersion, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 weights for 2 sources"):
        mixture([web, books], weights=(1.0,))
    with pytest.raises(ValueError, match="named twice"):
        mixture([web, web])
    for repeats in (0.0, -1.0, 1e300):
        with pytest.raises(ValueError, match="max_repeats must be above 0 and at most 1,000,000"):
            mixture([web], max_repeats=repeats)
    with pytest.raises(BadRecipe, match="name a tokenizer"):
        mixture([web], unit="tokens")
    with pytest.raises(Misuse, match="cannot be read"):
        mixture([web], unit="tokens", tokenizer=str(tmp_path / "none.json"))
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(Misuse, match=r"no tokenizer\.json that"):
        Tokenizer.find(str(tmp_path))


def test_a_licence_of_several_sources_holds_for_all_of_them() -> None:
    assert joint_license(["MIT", "MIT"]) == "MIT"
    assert joint_license(["MIT", "CC-BY-4.0"]) == "CC-BY-4.0 AND MIT"
    assert joint_license(["MIT", "unknown"]) == "unknown"
    assert joint_license(["MIT OR Apache-2.0", "CC0-1.0"]) == "CC0-1.0 AND (MIT OR Apache-2.0)"


def test_a_frozen_mixture_names_its_parents_and_its_licence(
    shelf: Store, web: DatasetVersion, books: DatasetVersion
) -> None:
    target = mixture([web, books], weights=(0.9, 0.1), budget=100)
    shelf.run(target, [Inline()])
    frozen = freeze(shelf, target, "blend@1.0.0", RECIPE)
    assert [parent["name"] for parent in frozen.json["parents"]] == ["books", "web"]
    assert frozen.json["license"] == "MIT"
    assert frozen.json["rows"] == 100


def test_a_second_run_reads_nothing_again(shelf: Store, web: DatasetVersion) -> None:
    target: Step = mixture([web], budget=50)
    shelf.run(target, [Inline()])
    shelf.run(target, [])  # without an engine nothing could run


@settings(max_examples=200)
@given(
    st.lists(st.integers(0, 10_000), min_size=1, max_size=6),
    st.data(),
    st.one_of(st.none(), st.integers(1, 50_000)),
    st.floats(0.1, 8),
)
def test_no_source_gives_more_than_asked_or_than_it_has(
    sizes: list[int], data: st.DataObject, budget: int | None, max_repeats: float
) -> None:
    weights = data.draw(st.lists(st.floats(0.01, 9), min_size=len(sizes), max_size=len(sizes)) | st.just([]))
    for share in shares(sizes, weights, budget, max_repeats):
        assert 0 <= share.granted <= share.asked
        assert share.granted <= share.size * max_repeats
        assert share.copies * share.size + share.rest == share.granted


@settings(max_examples=300)
@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=6), st.integers(1, 5))
def test_without_weights_or_budget_nothing_of_any_source_is_lost_to_rounding(sizes: list[int], repeats: int) -> None:
    assert [share.granted for share in shares(sizes, [], None, repeats)] == [size * repeats for size in sizes]


@settings(max_examples=200)
@given(st.lists(st.floats(0, 1e308), min_size=1, max_size=6).filter(any), st.integers(1, 10**15))
def test_what_is_asked_adds_up_to_the_budget(weights: list[float], budget: int) -> None:
    found = shares([10**6] * len(weights), weights, budget, 1.0)
    assert sum(share.asked for share in found) == budget
    assert all(share.asked == 0 for share, weight in zip(found, weights, strict=True) if not weight)


@settings(max_examples=100)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=300), st.integers(0, 5000), st.integers(1, 7))
def test_the_last_key_takes_exactly_the_rows_before_the_line(sizes: list[int], rest: int, cut: int) -> None:
    """Against the plain statement: go through the rows by ascending key until what was taken makes `rest`."""
    size = np.array(sizes, np.int64)
    key = keys(1, "a", "sample", np.arange(len(size), dtype=np.int64))
    rest = min(rest, int(size.sum()))
    last = last_key(lambda: [(key[i : i + cut], size[i : i + cut]) for i in range(0, len(size), cut)], rest)
    expected, taken = set(), 0
    for row in np.argsort(key):
        if taken >= rest:
            break
        expected.add(int(row))
        taken += int(size[row])
    chosen = {int(row) for row in np.flatnonzero(key <= np.uint64(last))} if last >= 0 else set()
    assert {row for row in chosen if size[row]} == {row for row in expected if size[row]}


def test_tokens_are_counted_with_the_tokenizer_that_was_given(
    shelf: Store, web: DatasetVersion, tmp_path: Path
) -> None:
    path = words_tokenizer(tmp_path)
    rows, facts = mixed(shelf, web, unit="tokens", budget=40, tokenizer=str(path))
    assert facts["sources"][0]["got"] == 4 * rows.height == 40  # "web page number 7" is four words
    assert facts["tokenizer"]["sha256"] == Tokenizer.find(str(path)).sha256


def words_tokenizer(folder: Path) -> Path:
    """A tokenizer that splits at white space, trained on nothing but its vocabulary."""
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {"[UNK]": 0, "<|endoftext|>": 1, "web": 2, "page": 3, "number": 4, "book": 5}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    path = folder / "tokenizer.json"
    made.save(str(path))
    return path


def test_card_and_report_show_what_was_asked_and_got(shelf: Store, web: DatasetVersion, books: DatasetVersion) -> None:
    target = mixture([web, books], weights=(0.5, 0.5), budget=400)
    shelf.run(target, [Inline()])
    frozen = freeze(shelf, target, "blend@1.0.0", RECIPE)
    card = frozen.folder.read_bytes("README.md").decode()
    assert "| `books@1.0.0` | 50 % | 100 | 200 | 100 | 50 % | 100 | 1.00 |" in re.sub(" +", " ", card)
    assert "Less than was asked came from books@1.0.0" in card
    assert "Asked and got" in frozen.folder.read_bytes("report.html").decode()


def test_a_budget_overrun_by_the_last_row_is_shown_as_such(shelf: Store, books: DatasetVersion) -> None:
    target = mixture([books], unit="characters", budget=1)
    shelf.run(target, [Inline()])
    (row,) = sources(freeze(shelf, target, "one@1.0.0", RECIPE).json)
    assert row[3:6] == ("1", "40", "4,000.00 %")
