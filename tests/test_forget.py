"""Forgetting: a version without certain rows that does not say who they were, and a list of what else holds them."""

import hashlib
import io
import json
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from dataset_cards.adopt.adopt import Adopt
from dataset_cards.commands import commands
from dataset_cards.freeze import freeze
from dataset_cards.intake.source import Input
from dataset_cards.verify import verify
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Refused
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from tests.generating import fake, rule
from tests.tracing import command, learned, made, said, told
from tests.training import frozen, store_at

NAME, SECRET = "anna-mueller", "Anna Mueller lives in Elm Street 4."
WHY = "a person asked for it"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """people -> mixed -> a model; one row of people says SECRET, and its id, source and address say NAME."""
    folder = tmp_path_factory.mktemp("forget")
    store = store_at(folder / "store")
    rows: list[dict[str, Any]] = [
        {"id": f"p{n}", "text": f"Person {n} says little.", "source": "forum"} for n in range(6)
    ]
    rows[3] = {"id": f"{NAME}.txt", "text": SECRET, "source": NAME, "url": f"https://{NAME}.org/x", "license": "MIT"}
    frozen(store, "people@1.0.0", "documents", rows, folder)
    frozen(store, "books@1.0.0", "documents", [{"id": "b", "text": "A book."}], folder)
    mixed = made(store, "mixed@1.0.0", "mixture", "sources=people@1.0.0,books@1.0.0")
    learned(store, "tiny@1.0.0", {"data": mixed})
    return store


@pytest.fixture
def store(built: Store, tmp_path: Path) -> Store:
    shutil.copytree(built.root.path, tmp_path / "store")
    return store_at(tmp_path / "store")


def forget(store: Store, *words: str) -> Any:
    return told(store, "forget", *words, "--reason", WHY)


def everything(version: DatasetVersion) -> str:
    """All a version says, its Parquet files unpacked."""
    told = []
    for name in version.folder.files():
        data = version.folder.read_bytes(name)
        if name.endswith(".parquet"):
            told.append(json.dumps(pl.read_parquet(io.BytesIO(data)).to_dicts(), ensure_ascii=False))
        else:
            told.append(data.decode())
    return "\n".join(told)


def adopt(path: Path, kind: str) -> Step:
    return Step("adopt", Adopt(input=Input.find(str(path)), kind=kind, license="MIT", source="a test"))


@pytest.mark.parametrize("how", [("--id", f"{NAME}.txt"), ("--text", "lives in Elm Street")])
def test_nothing_in_the_new_version_or_its_step_says_who_was_forgotten(store: Store, how: tuple[str, str]) -> None:
    found = forget(store, "people@1.0.0", *how, "--as", "people@1.0.1")
    new = store.version("people@1.0.1")
    assert verify(new) == []
    assert new.json["ledger"] == {"read": 6, "kept": 5, "quarantined": 0, "dropped": {"forget/forgotten": 1}}
    assert found["version"]["rows"] == 5
    digests = [kind(f"{NAME}.txt".encode()).hexdigest() for kind in (hashlib.sha256, hashlib.sha1, hashlib.md5)]
    for place in (new.folder, _step(store)):
        whole = everything(DatasetVersion(name="x", version="1", folder=place, json={}))
        for secret in (NAME, "Elm Street", *digests):
            assert secret not in whole, (str(place), secret)


def _step(store: Store) -> Folder:
    (name,) = [one for one in (store.root / "steps").names() if one.startswith("forget-")]
    return store.root / "steps" / name


def test_the_ledger_counts_what_was_forgotten_and_names_nothing(store: Store) -> None:
    forget(store, "people@1.0.0", "--id", f"{NAME}.txt", "--id", "p1", "--as", "people@1.0.1")
    new = store.version("people@1.0.1")
    ledger = pl.read_parquet(io.BytesIO(new.folder.read_bytes("ledger/rows.parquet")))
    assert ledger.to_dicts() == 2 * [
        {"id": None, "source": None, "stage": "forget", "reason": "forgotten", "duplicate_of": None}
    ]
    assert new.json["facts"]["forgotten"] == {"rows": 2, "made_from": 0, "judgements": 0, "reason": WHY}
    assert new.json["license"] == "CC0-1.0"
    shown = CliRunner().invoke(
        commands, ["sample", new.ref, "--reason", "forget/forgotten", "--store", str(store.root)]
    )
    assert shown.stdout == "0 of 2 rows dropped for forget/forgotten; nobody keeps which rows these were\n"
    kept = new.table.collect()
    assert kept.equals(store.version("people@1.0.0").table.collect().filter(~pl.col("id").is_in([f"{NAME}.txt", "p1"])))


def test_everything_else_that_holds_the_row_is_listed_with_what_to_do_next(store: Store) -> None:
    found = forget(store, "mixed@1.0.0", "--id", f"{NAME}.txt", "--as", "mixed@1.0.1")["holders"]
    by_place = {one["where"]: one for one in found}
    assert by_place["mixed@1.0.0"]["next"] == [f"rm -r {_shown(store, 'mixed')}"]
    first, then = by_place["people@1.0.0"]["next"]
    assert shlex.split(first)[:5] == ["gristmill", "forget", "people@1.0.0", "--id", f"{NAME}.txt"]
    assert then == f"rm -r {_shown(store, 'people')}"
    assert "cannot be taken out of it" in by_place["tiny@1.0.0"]["holds"][0]
    assert "-p data=mixed@1.0.1" in by_place["tiny@1.0.0"]["next"][0]
    caches = [one for one in found if one["what"] == "cache"]
    assert sorted(Path(one["where"]).name.rpartition("-")[0] for one in caches) == ["adopt", "mix", "sft"]
    assert not {"books@1.0.0", "mixed@1.0.1"} & {one["where"] for one in found}
    text = said(store, "forget", "mixed@1.0.0", "--id", f"{NAME}.txt", "--as", "mixed@1.0.1", "--reason", WHY)
    assert "published copies cannot be seen from here" in " ".join(text.split())


def _shown(store: Store, name: str) -> str:
    return f"{store.root.path}/versions/{name}/1.0.0"


def test_what_is_told_to_be_deleted_is_all_there_is(store: Store) -> None:
    """Following every command to the letter leaves the store without a trace of the row."""
    for ref, new in (("people@1.0.0", "people@1.0.1"),):
        for one in forget(store, ref, "--id", f"{NAME}.txt", "--as", new)["holders"]:
            for line in one["next"]:
                if line.startswith("rm -r "):
                    shutil.rmtree(shlex.split(line)[2])
    left = [path for path in Path(store.root.path).rglob("*") if path.is_file()]
    for path in left:
        data = path.read_bytes()
        whole = pl.read_parquet(io.BytesIO(data)).write_json() if path.suffix == ".parquet" else data.decode("latin-1")
        assert NAME not in whole, path
        assert "Elm Street" not in whole, path


def test_rows_made_from_a_forgotten_one_go_with_it_and_are_counted_apart(tmp_path: Path) -> None:
    store = store_at(tmp_path / "store")

    def row(name: str, *parents: str) -> dict[str, Any]:
        talk = [{"role": "user", "content": name}, {"role": "assistant", "content": "Yes."}]
        return {"id": name, "messages": talk, "parents": list(parents)}

    rows = [row("seed"), row("child", "seed"), row("grandchild", "child"), row("other", "nobody")]
    path = tmp_path / "in.parquet"
    pl.DataFrame([{**dict.fromkeys(("source", "origin", "metadata")), **one} for one in rows]).write_parquet(path)
    step = adopt(path, "conversations")
    store.run(step)
    freeze(store, step, "talks@1.0.0", {"name": "adopt", "function": "adopt", "parameters": {}})
    forget(store, "talks@1.0.0", "--id", "seed", "--as", "talks@1.0.1")
    new = store.version("talks@1.0.1")
    assert list(new.table.collect().get_column("id")) == ["other"]
    assert new.json["ledger"]["dropped"] == {"forget/forgotten": 1, "forget/made-from-forgotten": 2}


def test_forgetting_a_prompt_lists_the_answers_a_model_gave_to_it(tmp_path: Path) -> None:
    store = store_at(tmp_path / "store")
    frozen(store, "asked@1.0.0", "prompts", [{"id": f"q{n}", "prompt": f"Of {n}?"} for n in range(3)], tmp_path)
    made(store, "taught@draft", "teach", "rows=asked@1.0.0", "model=parrot", tools=[fake(rule("(?s).*", "Yes it is."))])
    found = forget(store, "asked@1.0.0", "--id", "q1", "--as", "asked@1.0.1")["holders"]
    taught = next(one for one in found if one["where"] == "taught@draft")
    assert "1 row made from them" in taught["holds"]
    assert {"rows=asked@1.0.1", "model=parrot", "taught@NEW"} <= set(shlex.split(taught["next"][0]))
    _, _, error = command(
        store, "forget", "taught@draft", "--text", "Yes it is.", "--as", "less@1.0.0", "--reason", WHY
    )
    assert isinstance(error, Refused), "what is made from a draft is a draft"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--id", "nobody", "--id", "p1"), "has no row 'nobody'; nothing was forgotten"),
        ((), "name the rows to forget"),
        (("--text", "letter for letter, no row says this"), "no row of people@1.0.0 holds this text"),
        (("--text", ""), "--text is empty"),
        (("--ids", "missing.txt"), "missing.txt cannot be read"),
    ],
)
def test_a_row_that_is_not_there_is_an_error_and_nothing_is_made(store: Store, words: Sequence[str], says: str) -> None:
    _, _, error = command(store, "forget", "people@1.0.0", *words, "--as", "people@1.0.1", "--reason", WHY)
    assert isinstance(error, Misuse)
    assert says in str(error)
    assert not (store.root / "versions" / "people" / "1.0.1").exists()


def test_a_reason_that_names_the_row_is_refused_and_so_is_a_model_and_the_same_name(store: Store) -> None:
    def wrong(*words: str) -> str:
        _, _, error = command(store, "forget", *words)
        assert isinstance(error, Misuse)
        return str(error)

    row = ("people@1.0.0", "--id", f"{NAME}.txt", "--as", "people@1.0.1", "--reason")
    assert "--reason names what is to be forgotten" in wrong(*row, f"{NAME}.txt asked")
    assert "--reason is empty" in wrong(*row, " ")
    assert "is a model" in wrong("tiny@1.0.0", "--id", "p1", "--as", "tiny@1.0.1", "--reason", WHY)
    assert "never changed" in wrong("people@1.0.0", "--id", "p1", "--as", "people@1.0.0", "--reason", WHY)


def test_ids_are_read_from_a_file_with_one_on_a_line(store: Store, tmp_path: Path) -> None:
    odd = "two\nlines \u202e"
    frozen(store, "odd@1.0.0", "documents", [{"id": name, "text": f"x {name}"} for name in (odd, "a b", "c")], tmp_path)
    path = tmp_path / "ids.txt"
    path.write_bytes(b"\xef\xbb\xbf" + f"{json.dumps(odd)}\r\na b\r\n\r\n".encode())
    forget(store, "odd@1.0.0", "--ids", str(path), "--as", "odd@1.0.1")
    assert list(store.version("odd@1.0.1").table.collect().get_column("id")) == ["c"]
    path.write_text('"not closed\n')
    _, _, error = command(store, "forget", "odd@1.0.0", "--ids", str(path), "--as", "odd@2", "--reason", WHY)
    assert "line 1: this is no JSON string" in str(error)


def test_forgetting_twice_is_one_step_and_other_rows_are_another(store: Store) -> None:
    words = ("people@1.0.0", "--id", "p1", "--as", "people@1.0.1")
    first = forget(store, *words)["version"]
    assert forget(store, *words)["version"] == first
    other = forget(store, "people@1.0.0", "--id", "p2", "--as", "people@1.0.2")["version"]
    assert other["recipe"]["steps"][0]["fingerprint"] != first["recipe"]["steps"][0]["fingerprint"]
    _, _, error = command(store, "forget", "people@1.0.0", "--id", "p2", "--as", "people@1.0.1", "--reason", WHY)
    assert isinstance(error, FileExistsError)


def test_names_of_files_and_domains_in_what_came_before_are_not_told_by_what_comes_after(
    store: Store, tmp_path: Path
) -> None:
    """Documents that are files are called by their names, and these stand in the facts of every version above."""
    (tmp_path / "in").mkdir()
    for name in (NAME, "other"):
        (tmp_path / "in" / f"{name}.txt").write_text(f"The text of a file, {len(name)}.")
    step = adopt(tmp_path / "in", "documents")
    store.run(step)
    freeze(store, step, "files@1.0.0", {"name": "adopt", "function": "adopt", "parameters": {}})
    made(store, "both@1.0.0", "mixture", "sources=files@1.0.0,books@1.0.0")
    both = store.version("both@1.0.0")
    assert NAME in json.dumps(both.json["ancestors"])
    forget(store, "both@1.0.0", "--id", f"{NAME}.txt", "--as", "both@1.0.1")
    assert NAME not in everything(store.version("both@1.0.1"))
    after = made(store, "more@1.0.0", "mixture", "sources=both@1.0.1,books@1.0.0")
    assert NAME not in json.dumps(after.json["ancestors"])


def test_rows_that_state_no_licence_or_language_count_in_what_is_left(tmp_path: Path) -> None:
    store = store_at(tmp_path / "store")
    rows = [{"id": str(n), "text": f"Text {n}.", "license": "CC0-1.0", "language": "en"} for n in range(3)]
    frozen(store, "x@1.0.0", "documents", [*rows, {"id": "a", "text": "A"}, {"id": "b", "text": "B"}], tmp_path)
    forget(store, "x@1.0.0", "--id", "2", "--id", "b", "--as", "x@1.0.1")
    record = store.version("x@1.0.1").json
    assert record["facts"]["licenses"] == {"CC0-1.0": 2, "unknown": 1}
    assert record["languages"] == {"en": 2, "und": 1}, "nobody looked at the other one"
