"""The card: opens with `datasets`, is valid on the Hub, states facts only, and is not broken by what is in the data."""

import logging
import re
from pathlib import Path
from typing import Any

import datasets
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import DatasetCard
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from dataset_cards.cards.card import render_card
from dataset_cards.cards.hub import hub_license, size_category, yaml_features
from dataset_cards.cards.markdown import block, code, prose, table
from dataset_cards.cards.plain import visible
from dataset_cards.versions.files import Folder
from dataset_cards.versions.table import from_arrow, write_parquet
from tests.sample_version import HOSTILE, KINDS, example, examples, few_facts, full, hostile_examples, hostile_version

LEAVES = st.sampled_from(
    [
        *(pa.string(), pa.large_string(), pa.bool_(), pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.float64()),
        *(pa.binary(), pa.large_binary(), pa.date32(), pa.timestamp("us"), pa.timestamp("ns", tz="Europe/Oslo")),
        *(pa.time64("us"), pa.duration("ms"), pa.decimal128(10, 2), pa.null()),
    ]
)
NAMES = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)


def _nested(inner: st.SearchStrategy[pa.DataType]) -> st.SearchStrategy[pa.DataType]:
    fields = st.lists(st.tuples(NAMES, inner), min_size=1, max_size=3, unique_by=lambda field: field[0])
    return st.one_of(
        inner.map(pa.list_), inner.map(pa.large_list), inner.map(lambda kind: pa.list_(kind, 3)), fields.map(pa.struct)
    )


TYPES = st.recursive(LEAVES, _nested, max_leaves=5)


def render(version: dict[str, Any], *rows: dict[str, Any]) -> str:
    return render_card(version, examples(*rows))


def front_matter(card: str) -> dict[str, Any]:
    return vars(DatasetCard(card).data)


def write_version(folder: Path, table: pa.Table, parts: int = 1) -> dict[str, Any]:
    """A version folder with data, a ledger that must not be read as data, and its card."""
    (folder / "data").mkdir(parents=True)
    (folder / "ledger").mkdir()
    each = -(-table.num_rows // parts) or 1
    files = []
    for part in range(parts):
        path = f"data/train-{part:05d}-of-{parts:05d}.parquet"
        rows = table.slice(part * each, each)
        write_parquet(Folder.at(str(folder)), path, [from_arrow(rows)], rows.schema)
        files.append(
            {"path": path, "rows": rows.num_rows, "bytes": (folder / path).stat().st_size, "sha256": "00" * 32}
        )
    for name in ("rows", "quarantine", "examples"):
        pq.write_table(pa.table({"reason": ["x", "y"]}), folder / "ledger" / f"{name}.parquet")
    version = few_facts() | {
        "rows": table.num_rows,
        "bytes": sum(file["bytes"] for file in files),
        "files": files,
        "schema": [{"name": field.name, "type": str(field.type)} for field in table.schema],
    }
    (folder / "README.md").write_text(render(version), encoding="utf-8")
    return version


def load(folder: Path, caplog: pytest.LogCaptureFixture) -> datasets.Dataset:
    with caplog.at_level(logging.WARNING):
        rows = datasets.load_dataset(str(folder), split="train", cache_dir=str(folder / "cache"))
    assert [record.getMessage() for record in caplog.records] == []
    assert isinstance(rows, datasets.Dataset)
    return rows


MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))


def test_a_version_folder_opens_with_datasets_and_only_its_data_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    turns = [[{"role": "user", "content": "hi"}], [], None]
    made = pa.table({"id": ["a", "b", "c"], "messages": pa.array(turns, MESSAGES), "votes": pa.array([1, None, 3])})
    write_version(tmp_path, made, parts=2)
    rows = load(tmp_path, caplog)
    assert rows["id"][:] == ["a", "b", "c"]
    assert rows.features == datasets.Features.from_arrow_schema(made.schema)
    assert rows.num_rows == 3


def test_rows_written_by_polars_open_with_the_types_that_were_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frame = pl.DataFrame({"id": ["1"], "ranks": [[1, 2]], "top": [[[0.5]]], "who": [{"name": "x"}]})
    made = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    write_version(tmp_path, made)
    assert load(tmp_path, caplog).features == datasets.Features.from_arrow_schema(made.schema)


def test_a_column_type_unknown_to_the_card_is_left_to_the_files(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = pa.table({"id": ["a"], "odd": pa.array([{"a, b: <c>": 1}], pa.struct([("a, b: <c>", pa.int64())]))})
    version = write_version(tmp_path, made)
    assert yaml_features(version["schema"]) == []
    assert load(tmp_path, caplog)["odd"][:] == [{"a, b: <c>": 1}]


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, TYPES), min_size=1, max_size=4, unique_by=lambda column: column[0]))
def test_features_are_those_that_datasets_would_write(columns: list[tuple[str, pa.DataType]]) -> None:
    schema = [{"name": name, "type": str(kind)} for name, kind in columns]
    expected = datasets.Features.from_arrow_schema(pa.schema(columns))._to_yaml_list()
    assert yaml_features(schema) == expected


def test_types_may_be_written_without_the_names_of_items() -> None:
    found = yaml_features([{"name": "messages", "type": "list<struct<role: string, content: string>>"}])
    expected = [{"name": "role", "dtype": "string"}, {"name": "content", "dtype": "string"}]
    assert found == [{"name": "messages", "list": expected}]


@pytest.mark.parametrize(
    ("spdx", "expected"),
    [
        ("MIT", ("mit", None)),
        ("CC-BY-SA-4.0", ("cc-by-sa-4.0", None)),
        ("CC0-1.0", ("cc0-1.0", None)),
        ("GPL-3.0-only", ("gpl-3.0", None)),
        ("LGPL-2.1-or-later", ("lgpl-2.1", None)),
        ("ODC-By-1.0", ("odc-by", None)),
        ("ODbL-1.0", ("odbl", None)),
        ("PDDL-1.0", ("pddl", None)),
        ("GFDL-1.3-or-later", ("gfdl", None)),
        ("unknown", ("unknown", None)),
        ("NOASSERTION", ("unknown", None)),
        ("MIT OR Apache-2.0", ("other", "mit-or-apache-2.0")),
        ("CC-BY-2.1-JP", ("other", "cc-by-2.1-jp")),
    ],
)
def test_spdx_licences_become_those_of_the_hub(spdx: str, expected: tuple[str, str | None]) -> None:
    assert hub_license(spdx) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10**6, "1M<n<10M"), (10**9 - 1, "100M<n<1B"), (10**12, "n>1T")],
)
def test_size_categories_begin_at_powers_of_ten(rows: int, expected: str) -> None:
    assert size_category(rows) == expected


def test_front_matter_states_what_the_hub_reads() -> None:
    data = front_matter(render(full()))
    assert data["license"] == "cc-by-4.0"
    assert data["language"] == ["en", "no"]  # Norwegian, not the YAML word for false
    assert data["task_categories"] == ["text-generation"]
    assert data["size_categories"] == ["1K<n<10K"]
    assert data["configs"] == [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*"}]}]
    assert data["dataset_info"]["splits"] == [{"name": "train", "num_bytes": 4567, "num_examples": 1120}]
    assert data["dataset_info"]["download_size"] == 4567


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_card_that_says_only_what_is_known(kind: str) -> None:
    text = render(few_facts(kind))
    assert front_matter(text)["tags"] == ["gristmill", kind]
    for placeholder in ("More Information Needed", "TODO", "None", "null", "nan", "{}", "[]"):
        assert placeholder not in text
    assert "## What is not covered" in text


def test_the_ledger_is_written_out_and_stages_follow() -> None:
    text = render(full())
    assert "2,000 read = 1,120 kept + 878 dropped + 2 quarantined" in text
    assert "| `gopher-quality` | 1,998 | 750 | 0 | 1,248 | 62.4 % |" in text
    assert "| `gopher-quality/too-short` | `words < 50` | 750 | 37.5 % |" in text
    assert "| `language/other-language` | `language not in en` | 120 | 6 % |" in text


def test_limits_follow_from_the_facts() -> None:
    version = full()
    assert "No stage that removes or masks personal data ran" in render(version)
    assert "No stage that removes duplicates ran" not in render(version)
    version["recipe"]["steps"][0]["fields"]["Screen"].append({"Pii": {"mask": True}})
    assert "removes or masks personal data" not in render(version)
    assert "No licence is known" not in render(version)
    assert "No licence is known" in render(few_facts())
    assert "Nobody has said where these rows come from" in render(few_facts())


def test_a_draft_and_taint_are_said_before_anything_else() -> None:
    text = render(full() | {"version": "draft", "tainted": ["answered by a fake model"]})
    body = text.split("\n---\n", 1)[1]
    assert body.index("This is a draft") < body.index("answered by a fake model") < body.index("holds 1,120 documents")
    assert "> **Note.**" not in render(full())


def test_samples_are_kept_rows_only() -> None:
    text = render(full(), example("dropped", "a dropped secret"), example("kept", "a kept sentence"))
    assert "a kept sentence" in text
    assert "a dropped secret" not in text


def test_the_same_facts_give_the_same_card() -> None:
    rows = [example("kept", "x"), example("kept", "y", id="2")]
    assert render(full(), *rows) == render(full(), *rows)


def parse(text: str) -> list[Token]:
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    return [*tokens, *(child for token in tokens for child in token.children or [])]


def active(tokens: list[Token]) -> set[str]:
    return {token.type for token in tokens} & {"html_block", "html_inline", "link_open", "image", "blockquote_open"}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_anywhere_stays_text(text: str) -> None:
    version = hostile_version(text) | {"tainted": []}
    card = render_card(version, hostile_examples(text))
    assert front_matter(card)["pretty_name"] == "pages 1.0.0"
    assert front_matter(card)["license"] in ("other", "unknown")
    body = card.split("\n---\n", 1)[1]
    tokens = parse(body)
    assert active(tokens) == set()
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h1"] + ["h2"] * 12
    assert visible(text)[:100] in "".join(token.content for token in tokens if token.type == "fence")
    assert not any(ord(mark) < 32 and mark not in "\n\t" for mark in card)


ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.text("`~|\\<>[]()!*_#-\n\t &;:$", max_size=30)


@settings(deadline=None)
@given(ANY)
def test_a_fence_ends_only_where_it_should(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse(f"{block(text)}\n\nafter")
    fence, *rest = [token for token in tokens if token.type in ("fence", "inline", "html_block")]
    assert fence.content == visible(text) + "\n"
    assert [token.content for token in rest] == ["after"]


@settings(deadline=None)
@given(ANY)
def test_a_table_has_the_cells_it_was_given(text: str) -> None:
    tokens = parse(table(("a", "b"), [(code(text), code("x"))]))
    assert active(tokens) == set()
    assert [token.type for token in tokens].count("td_open") == 2
    shown = [token.content for token in tokens if token.type == "code_inline"]
    expected = visible(text).replace("\n", "\u240a").replace("\t", "\u2409")
    assert shown[-1] == "x"
    # Of backslashes right before a bar one may be missing: the price of a table that no reader of Markdown cuts.
    alike = [re.sub(r"\\*\|", "|", one).strip() for one in (shown[0], expected)]
    assert len(shown) == 1 or alike[0] == alike[1]
    assert len(shown) == 1 or "\\|" in expected or shown[0].strip() == expected.strip()


@settings(deadline=None)
@given(st.text(alphabet="\\|`a <&", max_size=12))
def test_a_row_has_as_many_cells_whether_or_not_a_backslash_escapes_a_backslash(text: str) -> None:
    """cmark and markdown-it hold a bar after any backslash, marked and micromark only after an odd number."""
    row = table(("a", "b"), [(code(text), prose(text))]).split("\n")[2]
    runs = [len(found[1]) for found in re.finditer(r"(\\*)\|", row)]
    assert sum(run == 0 for run in runs) == sum(run % 2 == 0 for run in runs) == 3


@settings(deadline=None)
@given(ANY)
def test_prose_formats_nothing(text: str) -> None:
    tokens = parse(f"Source: {prose(text)}")
    assert active(tokens) | ({token.type for token in tokens} & {"em_open", "strong_open", "code_inline"}) == set()
    shown = "".join(token.content for token in tokens if token.type in ("text", "text_special"))
    assert shown.rstrip() == f"Source: {visible(text)}".replace("\n", "\u240a").replace("\t", "\u2409").rstrip()


@settings(deadline=None)
@given(st.text(max_size=40))
def test_front_matter_survives_any_column_name(name: str) -> None:
    version = few_facts() | {"schema": [{"name": name, "type": "string"}]}
    data = front_matter(render(version))
    assert data["license"] == "unknown"
    plain = visible(name) == name and "\n" not in name and "\t" not in name
    expected = [{"name": name, "dtype": "string"}] if plain else None
    assert data["dataset_info"].get("features") == expected
