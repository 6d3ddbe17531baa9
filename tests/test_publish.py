"""Before publishing: what goes, everything that stands against it at once, and the last scan for secrets.

The commands are in test_publish_commands.py; the way there in test_publish_hub.py and test_publish_address.py.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from curation.instruments import secrets
from dataset_cards.facts.instruments import Instruments
from dataset_cards.freeze import freeze
from dataset_cards.publish.package import collect
from dataset_cards.publish.refusals import Readiness, readiness
from dataset_cards.publish.scan import scan
from dataset_cards.versions.errors import Damaged
from dataset_cards.versions.job import Job
from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion, seal
from tests.publishing import SECRET, about, corpus, packed
from tests.training import frozen, store_at

EYES = Instruments(secrets=secrets)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_at(tmp_path / "store")


@pytest.fixture
def version(store: Store, tmp_path: Path) -> DatasetVersion:
    return corpus(store, "pages@1.0.0", tmp_path)


def ready(version: DatasetVersion, text: bytes | None = None, **more: Any) -> Readiness:
    return readiness(version, about() if text is None else text, EYES, **more)


def said(found: Readiness) -> list[str]:
    return [str(one) for one in found.refusals]


def with_secrets(store: Store, folder: Path) -> DatasetVersion:
    """Three rows of conversations, the second of which shows a key in an answer."""
    rows = [
        {"id": f"c{n}", "messages": [{"role": "user", "content": f"ask {n}"}, {"role": "assistant", "content": answer}]}
        for n, answer in enumerate(["fine", f"use {SECRET} for it", "fine"])
    ]
    return frozen(store, "talks@1.0.0", "conversations", rows, folder)


def test_a_version_that_is_whole_and_spoken_for_is_ready(version: DatasetVersion) -> None:
    found = ready(version)
    assert said(found) == []
    assert found.package is not None
    paths = [item.path for item in found.package.items]
    listed = [file["path"] for file in version.json["files"]]
    assert paths[: len(listed)] == listed
    assert paths[-2:] == ["version.json", "SHA256SUMS"]
    assert {"README.md", "report.html", "about.yaml"} <= set(paths)
    assert found.package.read(found.package.items[-2]) == version.folder.read_bytes("version.json")


def test_everything_that_stands_against_it_is_said_at_once(store: Store, tmp_path: Path) -> None:
    version = with_secrets(store, tmp_path)
    (Path(version.folder.path) / "report.html").write_text("changed")
    record = dict(version.json) | {"tainted": ["answered by scripted people"]}
    record["seal"] = seal(record)
    version = DatasetVersion(name="talks", version="1.0.0", folder=version.folder, json=record)
    found = said(ready(version, about(funding="", title="TODO")))
    for part in (
        "report.html: is damaged",
        "funding",
        "title",
        "is tainted: answered by scripted people",
        "row 1 (id c1)",
    ):
        assert [one for one in found if part in one], f"{part} is not among {found}"
    assert all("; " in one for one in found)  # what to do


def test_a_draft_is_refused(store: Store, tmp_path: Path) -> None:
    assert [one for one in said(ready(corpus(store, "pages@draft", tmp_path))) if "pages@draft: is a draft" in one]


def test_without_an_about_one_sentence_says_how_to_begin(version: DatasetVersion) -> None:
    found = readiness(version, None, EYES)
    assert said(found) == [
        "about.yaml: is not there: nobody has said what only a person can say; `gristmill card new pages@1.0.0 > "
        "about.yaml` writes the questions; fill them in and give it with --about"
    ]


def test_without_an_instrument_nothing_is_published(version: DatasetVersion) -> None:
    (found,) = said(readiness(version, about(), Instruments()))
    assert "cannot scan for secrets" in found


def test_a_record_that_was_changed_after_freezing_is_refused(version: DatasetVersion) -> None:
    changed = {**version.json, "license": "MIT"}
    found = ready(DatasetVersion(name="pages", version="1.0.0", folder=version.folder, json=changed))
    assert found.package is None
    assert [one for one in said(found) if "its seal does not fit" in one]


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "data/../../x", ".git/config", "a\\b", "data//x"])
def test_a_record_that_names_files_outside_is_refused(version: DatasetVersion, path: str) -> None:
    files = [*version.json["files"], {"path": path, "bytes": 1, "sha256": "0" * 64}]
    record = {**version.json, "files": files}
    record["seal"] = seal(record)
    with pytest.raises(Damaged, match="would lie outside the folder"):
        collect(DatasetVersion(name="pages", version="1.0.0", folder=version.folder, json=record), {})


def test_a_secret_is_found_in_any_column_and_named_by_kind_file_row_and_id(store: Store, tmp_path: Path) -> None:
    found = ready(with_secrets(store, tmp_path))
    (refusal,) = found.refusals
    assert refusal.place == ("data/train-00000-of-00001.parquet, row 1 (id c1), messages[].content: github-token")
    assert SECRET not in str(refusal)


def test_a_secret_is_found_in_ledger_documents_and_about(version: DatasetVersion) -> None:
    rows = pl.DataFrame({"file": ["a"], "excerpt": [f"key={SECRET}"], "raw": [[SECRET.encode()]], "n": [1]})
    rows.write_parquet(f"{version.folder}/ledger/quarantine.parquet")
    report = ("line\n" * 7 + f"<p>{SECRET}</p>\n").encode()
    package = collect(version, {"report.html": report, "about.yaml": f"title: {SECRET}".encode()})
    places = {(one.file, one.row, one.column) for one in scan(package, secrets).found}
    assert places == {
        ("ledger/quarantine.parquet", 0, "excerpt"),
        ("ledger/quarantine.parquet", 0, "raw[]"),
        ("report.html", 8, ""),
        ("about.yaml", 1, ""),
    }


def test_a_row_is_named_by_its_place_in_the_whole_file(version: DatasetVersion) -> None:
    texts = [f"row {n}" if n != 2500 else SECRET for n in range(3000)]
    pl.DataFrame({"id": [f"r{n}" for n in range(3000)], "text": texts}).write_parquet(
        f"{version.folder}/data/train-00000-of-00001.parquet", row_group_size=700
    )
    (one,) = scan(packed(version), secrets).found
    assert (one.row, one.id, one.column) == (2500, "r2500", "text")


def test_a_file_without_text_is_named_as_not_looked_into(version: DatasetVersion) -> None:
    package = collect(version, {"weights.bin": b"\0\1\2" + SECRET.encode()})
    scanned = scan(package, secrets)
    assert scanned.binary == ("weights.bin",)
    assert scanned.found == ()


def test_a_key_over_several_lines_is_found_once(version: DatasetVersion) -> None:
    body = "\n".join("MIIEowIBAAKCAQEAx7Zt9Qw3RkVb8LmN4pYs2HdGf6JcUe1oTaXi5KvBzWq" + "QrStUv"[n] for n in range(6))
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n"
    scanned = scan(collect(version, {"README.md": f"# Title\n\n{key}".encode()}), secrets)
    assert sum(scanned.counts.values()) == 1


def test_secrets_that_are_none_go_with_the_reason_and_without_their_places(store: Store, tmp_path: Path) -> None:
    found = ready(with_secrets(store, tmp_path), accept_secrets="a key of a server that is gone")
    assert said(found) == []
    assert found.package is not None
    note = next(item for item in found.package.items if item.path == "accepted.json")
    assert json.loads(found.package.read(note)) == {
        "secrets": {"found": {"github-token": 1}, "reason": "a key of a server that is gone"}
    }
    assert f"{note.sha256}  accepted.json" in found.package.read(found.package.items[-1]).decode()


def test_a_reason_that_names_the_secret_itself_is_refused(store: Store, tmp_path: Path) -> None:
    (found,) = said(ready(with_secrets(store, tmp_path), accept_secrets=f"{SECRET} is a key of a server that is gone"))
    assert found.startswith("--accept-secrets: looks like a secret; ")
    assert SECRET not in found


def test_a_secret_in_the_id_of_a_row_is_never_shown(store: Store, tmp_path: Path) -> None:
    rows = [{"id": SECRET, "text": f"see {SECRET}"}, {"id": "n1", "text": f"see {SECRET}"}]
    found = said(ready(frozen(store, "leaky@1.0.0", "documents", rows, tmp_path)))
    rows_file = [one for one in found if one.startswith("data/")]
    assert [one.partition(": ")[0].partition(", ")[2] for one in rows_file] == [
        "row 0, id",
        "row 0, text",
        "row 1 (id n1), text",
    ]
    assert SECRET not in "".join(found)


def test_a_secret_in_about_is_taken_out_there_and_not_by_freezing_again(version: DatasetVersion) -> None:
    found = {one.place.partition(",")[0]: one.mend for one in ready(version, about(purpose=f"With {SECRET}.")).refusals}
    assert found["about.yaml"].startswith("take it out, or")
    assert found["croissant.json"].startswith("take it out of what this was made of, about.yaml or the rows, or")


def test_many_secrets_are_counted_and_a_few_are_shown(store: Store, tmp_path: Path) -> None:
    rows = [{"id": f"n{n}", "text": f"{n} {SECRET}"} for n in range(150)]
    found = ready(frozen(store, "leaky@1.0.0", "documents", rows, tmp_path))
    assert len(found.refusals) == 21
    assert "130 more secrets (in all: github-token 150)" in str(found.refusals[-1])


def test_rows_of_scripted_people_are_never_published(store: Store, tmp_path: Path) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Scripted:
        revision: ClassVar[int] = 1

        def run(self, job: Job) -> dict[str, Any]:
            job.taints.add("answered by scripted people")
            read = {"stage": "read", "read": 1, "kept": 1, "quarantined": 0, "dropped": {}}
            job.write(0, pl.DataFrame({"id": ["a"], "text": ["b"]}), funnel=[read])
            return {"kind": "documents", "license": "CC0-1.0"}

    step = Step("scripted", Scripted())
    store.run(step)
    version = freeze(store, step, "pages@draft", {"name": "x", "function": "x", "parameters": {}})
    found = said(ready(version))
    assert [one for one in found if "is tainted: answered by scripted people" in one]
    assert [one for one in found if "is a draft" in one]
