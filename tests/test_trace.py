"""Tracing rows and versions in both directions, over real steps: a corpus, a mixture, decontamination, models.

Generated rows, judgements and preferences are in test_trace_made.py; a model that was really trained in
test_trace_model.py; finding rows in tables of any shape in test_trace_find.py.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from curation.ingest import Cut
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.store import Store
from tests.sample_version import HOSTILE
from tests.tracing import command, learned, made, prose, said, told, write
from tests.training import frozen, store_at

EMAIL = "Please write to anna.mueller@example.org about it."


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """pages (curated) and books (adopted) -> mixed -> clean -> a model; quiz is what clean was searched for."""
    folder = tmp_path_factory.mktemp("trace")
    store = store_at(folder / "store")
    rows = [{"id": f"doc-{n}", "text": prose(n), "url": f"https://example.org/{n}"} for n in range(10)]
    rows[2]["text"] += f" {EMAIL}"
    rows += [{"id": "copy", "text": rows[0]["text"]}, {"id": "near", "text": rows[1]["text"] + " And so it ends."}]
    rows += [{"id": "short", "text": "Too short for this."}]
    source = write(folder / "in" / "a.jsonl", rows)
    made(store, "pages@1.0.0", "plain_text", f"input={source}", "license=CC-BY-4.0", tools=[Cut()])
    books = [{"id": f"book-{n}", "text": prose(100 + n), "license": "CC0-1.0"} for n in range(6)]
    frozen(store, "books@1.0.0", "documents", books, folder)
    frozen(store, "quiz@1.0.0", "documents", [{"id": "q1", "text": books[3]["text"][:300]}], folder)
    made(store, "mixed@1.0.0", "mixture", "sources=pages@1.0.0,books@1.0.0", "weights=1,1", "budget=10")
    made(store, "clean@1.0.0", "decontaminate", "data=mixed@1.0.0", "against=quiz@1.0.0")
    clean = store.version("clean@1.0.0")
    left = clean.table.collect(["id"]).get_column("id")[0]
    learned(store, "tiny@1.0.0", {"data": clean}, left_out=(left,))
    return store


@pytest.fixture
def copy(store: Store, tmp_path: Path) -> Store:
    """The same store, to be damaged."""
    shutil.copytree(store.root.path, tmp_path / "store")
    return store_at(tmp_path / "store")


def ids(store: Store, ref: str) -> list[str]:
    return list(store.version(ref).table.collect(["id"]).get_column("id"))


def step(found: Any, name: str) -> Any:
    return next(one for one in found if one["step"] == name)


def test_a_row_is_traced_to_its_document_with_every_measurement_and_limit(store: Store) -> None:
    kept = next(name for name in ids(store, "clean@1.0.0") if name in ids(store, "pages@1.0.0"))
    up = told(store, "trace", "clean@1.0.0", kept)["up"]
    mixed = up["made_from"][0]
    pages = mixed["made_from"][0]
    assert [one["version"] for one in (up, mixed, pages)] == ["clean@1.0.0", "mixed@1.0.0", "pages@1.0.0"]
    assert mixed["not_in"] == ["books@1.0.0"]
    row = pages["rows"][0]
    assert (row["id"], row["url"]) == (kept, f"https://example.org/{kept.removeprefix('doc-')}")
    read = step(row["decisions"], "plain-text/read")
    assert read["files"] == ["a.jsonl"]
    words = [one for one in step(row["decisions"], "plain-text/screen")["measured"] if one["signal"] == "words"]
    assert words[0]["value"] > 50
    assert {(rule["reason"], rule["limit"]) for rule in words[0]["rules"]} == {
        ("too-few-words", 50),
        ("too-many-words", 100_000),
    }
    found = step(up["rows"][0]["decisions"], "decontaminate/find")
    assert [one["signal"] for one in found["measured"]] == ["overlap"], "a sidecar beside the rows of a version"


def test_an_edit_is_shown_by_its_kind_and_place_and_never_by_what_was_masked(store: Store) -> None:
    up = told(store, "trace", "pages@1.0.0", "doc-2")["up"]
    span = up["spans"]["first"][0]
    assert (span["type"], span["action"], span["stage"]) == ("EMAIL_ADDRESS", "mask", "pii")
    assert step(up["rows"][0]["decisions"], "plain-text/safe")["edited"] == ["pii"]
    text = said(store, "trace", "pages@1.0.0", "doc-2")
    assert "EMAIL_ADDRESS at " in text
    assert "anna.mueller" not in text


def test_duplicates_are_named_from_both_sides(store: Store) -> None:
    up = told(store, "trace", "pages@1.0.0", "doc-0")["up"]
    assert up["duplicates"] == {"count": 1, "ids": ["copy"]}
    gone = told(store, "trace", "pages@1.0.0", "copy")["up"]["dropped"][0]
    assert (gone["stage"], gone["reason"], gone["duplicate_of"]) == ("exact-duplicates", "same-text", "doc-0")
    near = told(store, "trace", "pages@1.0.0", "near")["up"]
    assert near["dropped"][0]["duplicate_of"] == "doc-1"
    assert near["pairs"]["first"][0]["jaccard"] > 0.7


def test_a_dropped_row_is_told_with_reason_value_and_limit(store: Store) -> None:
    found = told(store, "trace", "pages@1.0.0", "short")
    gone = found["up"]["dropped"][0]
    assert gone["stage"] == "gopher-repetition" or gone["value"] < gone["limit"]
    screen = step(found["up"]["decisions"], "plain-text/screen")
    assert screen["dropped"] == f"{gone['stage']}/{gone['reason']}"
    assert step(found["up"]["decisions"], "plain-text/safe")["before"]
    assert found["down"] == []


def test_what_became_of_a_row_is_told_for_every_version_and_model_below(store: Store) -> None:
    for name in ids(store, "pages@1.0.0"):
        fates = {one["version"]: one["fate"] for one in told(store, "trace", "pages@1.0.0", name)["down"]}
        expected = "here" if name in ids(store, "mixed@1.0.0") else "dropped"
        assert fates["mixed@1.0.0"] == expected, name
        left = ids(store, "clean@1.0.0")[0]
        model = "absent" if expected == "dropped" else "left-out" if name == left else "learned"
        assert fates["tiny@1.0.0"] == model, name
    quiz = told(store, "trace", "quiz@1.0.0", "q1")["down"]
    assert [(one["version"], one["fate"]) for one in quiz] == [
        ("clean@1.0.0", "nothing-taken"),
        ("tiny@1.0.0", "absent"),
    ]


def test_a_row_that_was_found_in_an_evaluation_set_is_dropped_there_and_not_below(store: Store) -> None:
    down = {one["version"]: one for one in told(store, "trace", "books@1.0.0", "book-3")["down"]}
    if down["mixed@1.0.0"]["fate"] == "here":
        assert down["clean@1.0.0"]["fate"] == "dropped"
        assert down["clean@1.0.0"]["dropped"]["first"][0]["reason"] == "evaluation-text"
    assert down["tiny@1.0.0"]["fate"] == "absent"


def test_the_tree_of_a_model_goes_to_the_files_at_the_bottom(store: Store) -> None:
    up = told(store, "trace", "tiny@1.0.0")["up"]
    assert up["parents"][0]["role"] == "data"
    clean = up["parents"][0]
    assert {(one["ref"], one["role"]) for one in clean["parents"]} == {
        ("mixed@1.0.0", ""),
        ("quiz@1.0.0", "looked for, nothing taken"),
    }
    mixed = next(one for one in clean["parents"] if one["ref"] == "mixed@1.0.0")
    assert mixed["recipe"]["parameters"]["budget"] == 10
    pages = next(one for one in mixed["parents"] if one["ref"] == "pages@1.0.0")
    assert pages["input"][0]["address"].endswith("a.jsonl")
    assert pages["license"] == "CC-BY-4.0"
    text = said(store, "trace", "tiny@1.0.0")
    assert "data: clean@1.0.0" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_the_tree_of_a_version_names_what_was_made_from_it(store: Store) -> None:
    found = told(store, "trace", "pages@1.0.0")
    mixed = found["down"][0]
    assert (mixed["ref"], mixed["children"][0]["ref"]) == ("mixed@1.0.0", "clean@1.0.0")
    assert mixed["children"][0]["children"][0]["stage"] == "sft"


def test_versions_that_are_gone_are_named_with_their_digest_and_what_is_behind_them_is_found(copy: Store) -> None:
    digest = copy.version("mixed@1.0.0").json["digest"]
    shutil.rmtree(Path(copy.root.path) / "versions" / "mixed")
    up = told(copy, "trace", "tiny@1.0.0")["up"]
    mixed = next(one for one in up["parents"][0]["parents"] if one["ref"] == "mixed@1.0.0")
    assert (mixed["state"], mixed["digest"], mixed["license"]) == ("gone", digest, "(CC-BY-4.0 AND CC0-1.0)"[1:-1])
    assert {one["ref"] for one in mixed["parents"]} == {"books@1.0.0", "pages@1.0.0"}
    assert digest in said(copy, "trace", "tiny@1.0.0")
    kept = next(name for name in ids(copy, "clean@1.0.0") if name.startswith("doc-"))
    row = told(copy, "trace", "clean@1.0.0", kept)["up"]
    assert [one["version"] for one in row["gone"]] == ["mixed@1.0.0"]
    assert [one["version"] for one in row["made_from"]] == ["pages@1.0.0"], "the row is found behind what is gone"
    down = {one["version"]: one["fate"] for one in told(copy, "trace", "pages@1.0.0", kept)["down"]}
    assert down["mixed@1.0.0"] == "gone"
    assert down["clean@1.0.0"] == "here"


def test_records_from_before_ancestors_were_told_are_traced_as_far_as_they_go(copy: Store) -> None:
    path = Path(copy.root.path) / "versions" / "clean" / "1.0.0" / "version.json"
    record = json.loads(path.read_bytes())
    del record["ancestors"]
    path.write_text(json.dumps(record))
    shutil.rmtree(Path(copy.root.path) / "versions" / "tiny")
    shutil.rmtree(Path(copy.root.path) / "versions" / "mixed")
    mixed = next(p for p in told(copy, "trace", "clean@1.0.0")["up"]["parents"] if p["ref"] == "mixed@1.0.0")
    assert (mixed["state"], mixed["parents"], mixed["kind"]) == ("gone", [], None)


def test_other_rows_under_the_name_of_a_parent_are_not_taken_for_it(copy: Store, tmp_path: Path) -> None:
    shutil.rmtree(Path(copy.root.path) / "versions" / "books")
    frozen(copy, "books@1.0.0", "documents", [{"id": "book-1", "text": "another book"}], tmp_path)
    mixed = told(copy, "trace", "mixed@1.0.0")["up"]
    assert {one["ref"]: one["state"] for one in mixed["parents"]} == {"books@1.0.0": "replaced", "pages@1.0.0": "here"}
    assert told(copy, "trace", "books@1.0.0")["down"] == []


def test_the_cache_may_be_gone_and_that_is_said(copy: Store) -> None:
    shutil.rmtree(Path(copy.root.path) / "steps")
    text = said(copy, "trace", "pages@1.0.0", "doc-2")
    assert "step plain-text/screen: what it measured is no longer in the cache" in text
    assert "gopher-quality: words at least 50" in " ".join(text.split())


@pytest.mark.parametrize("damage", ["{", "[]", '{"name": 1}', "loop", "parents"])
def test_a_damaged_neighbour_is_named_and_stops_nothing(copy: Store, damage: str) -> None:
    path = Path(copy.root.path) / "versions" / "mixed" / "1.0.0" / "version.json"
    if damage == "loop":  # made from what was made from it
        record = json.loads(path.read_bytes())
        clean = copy.version("clean@1.0.0")
        record["parents"].append({"name": "clean", "version": "1.0.0", "digest": clean.json["digest"]})
        path.write_text(json.dumps(record))
        assert "clean@1.0.0" in said(copy, "trace", "pages@1.0.0")
        assert told(copy, "trace", "pages@1.0.0", "doc-2")["down"]
        return
    if damage == "parents":
        record = json.loads(path.read_bytes())
        path.write_text(json.dumps(record | {"parents": ["pages@1.0.0"]}))
    else:
        path.write_text(damage)
    found = told(copy, "trace", "pages@1.0.0", "doc-2")
    assert len(found["damaged"]) == 1
    assert "mixed@1.0.0" in found["damaged"][0]
    assert "mixed@1.0.0" in said(copy, "trace", "pages@1.0.0")


def test_damaged_rows_of_a_relative_are_named_and_stop_nothing(copy: Store) -> None:
    for path in (Path(copy.root.path) / "versions" / "mixed" / "1.0.0" / "data").iterdir():
        path.write_bytes(path.read_bytes()[:200])
    kept = next(name for name in ids(copy, "clean@1.0.0") if name.startswith("doc-"))
    down = {one["version"]: one["fate"] for one in told(copy, "trace", "pages@1.0.0", kept)["down"]}
    assert down["mixed@1.0.0"] == "damaged"
    assert down["clean@1.0.0"] == "here"
    up = told(copy, "trace", "clean@1.0.0", kept)["up"]
    assert "damaged" in up["made_from"][0]


def test_tracing_writes_nothing_and_reads_a_store_that_cannot_be_written(copy: Store) -> None:
    def files() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in Path(copy.root.path).rglob("*")}

    before = files()
    for folder, _, _ in os.walk(copy.root.path):
        os.chmod(folder, 0o555)
    try:
        said(copy, "trace", "tiny@1.0.0")
        said(copy, "trace", "pages@1.0.0", "doc-2")
        said(copy, "trace", "pages@1.0.0", "--text", "Please write to")
    finally:
        for folder, _, _ in os.walk(copy.root.path):
            os.chmod(folder, 0o755)
    assert files() == before


def test_a_row_that_is_nowhere_is_an_error_that_says_where_it_is_or_what_looks_like_it(store: Store) -> None:
    def wrong(*words: str) -> str:
        _, _, error = command(store, "trace", *words)
        assert isinstance(error, Misuse)
        return str(error)

    beyond = next(name for name in ids(store, "books@1.0.0") if name not in ids(store, "mixed@1.0.0"))
    assert "there is one in books@1.0.0, the ledger of mixed@1.0.0" in wrong("clean@1.0.0", beyond)
    assert "the ledger of pages@1.0.0" in wrong("mixed@1.0.0", "short")
    assert "ids like it: 'doc-" in wrong("pages@1.0.0", "DOC-")
    assert wrong("pages@1.0.0", "zzz").endswith("nor anywhere above or below it; `--text` finds rows by what they say")
    assert "is a model and has no rows" in wrong("tiny@1.0.0", "doc-1")
    assert "not both" in wrong("pages@1.0.0", "doc-1", "--text", "x")
    assert "--text is empty" in wrong("pages@1.0.0", "--text", "")


def test_rows_are_found_by_their_text_letter_for_letter(store: Store) -> None:
    found = told(store, "trace", "pages@1.0.0", "--text", "Please write to")
    assert [one["id"] for one in found["rows"]] == ["doc-2"]
    assert told(store, "trace", "pages@1.0.0", "--text", "please WRITE to")["rows"] == []
    every = told(store, "trace", "books@1.0.0", "--text", ". ")
    assert (len(every["rows"]), every["more"]) == (6, False)


def test_ids_that_try_to_move_the_cursor_or_to_look_like_something_else_are_spelled_out(tmp_path: Path) -> None:
    store = store_at(tmp_path / "store")
    names = [text.replace("\x00", "").replace("\U000e0041", "") for text in HOSTILE]  # a shell passes no NUL
    rows = [{"id": text, "text": f"{text} says row {n}"} for n, text in enumerate(names)]
    frozen(store, "odd@1.0.0", "documents", rows, tmp_path)
    for text in names:
        assert told(store, "trace", "odd@1.0.0", "--", text)["row"] == text
        shown = said(store, "trace", "odd@1.0.0", "--", text)
        assert not any(ord(c) < 32 and c != "\n" for c in shown)
        assert not any(sign in shown for sign in ("\u202e", "\ufeff", "\x7f"))
    assert len(told(store, "trace", "odd@1.0.0", "--text", "says row")["rows"]) == len(HOSTILE)
