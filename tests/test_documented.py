"""The documents of four versions made of real data: complete, valid, as written down, and harmless in a browser.

`python -m tests.test_documented` writes the golden files anew; read every change before it is committed. What depends
on the machine and the release of a library (bytes, hashes, days, paths) is made the same first.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from huggingface_hub import DatasetCard

from dataset_cards.documents.check import check
from dataset_cards.documents.load import load
from dataset_cards.documents.render import rendered
from dataset_cards.verify import verify
from dataset_cards.versions.version import DatasetVersion
from gristmill import app
from tests.documented import MADE, PLANTED, RUN, about, make_all
from tests.test_report_browser import BROWSER, visit

GOLDEN = Path(__file__).with_name("golden_documented")
DOCUMENTS = (
    "README.md",
    "DATASHEET.md",
    "EU_SUMMARY.md",
    "AB2013.md",
    "CITATION.cff",
    "CITATION.bib",
    "croissant.json",
)
PLACEHOLDER = re.compile(r"more information needed|\b(?:TODO|TBD|FIXME|XXX)\b|lorem ipsum|fill (?:this )?in\b", re.I)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, DatasetVersion]:
    """The four versions, their documents rendered by the command."""
    folder = tmp_path_factory.mktemp("documented")
    versions = make_all(shared_data, folder)
    for name, version in versions.items():
        (folder / f"{name}.yaml").write_bytes(about(name))
        words = ["card", "render", version.ref, "--about", str(folder / f"{name}.yaml")]
        app([*words, "--store", str(folder / "store")], standalone_mode=False)
    return versions


def same_anywhere(record: Mapping[str, Any]) -> dict[str, Any]:
    """What version.json says, without what depends on the machine, the day and how Parquet is compressed."""
    text = re.sub(r"[0-9a-f]{64}|(?<=-)[0-9a-f]{16}(?=\")", lambda found: "0" * len(found[0]), json.dumps(record))
    text = re.sub(r"(?<=\")[0-9a-f]{16}(?=\")", "0" * 16, text)
    text = re.sub(r"\"/[^\"]*/inputs/", '"/inputs/', text)
    fixed: dict[str, Any] = json.loads(text)
    for one in (fixed, *fixed["ancestors"]):
        one |= {"created": "2026-11-21T10:00:00Z", "bytes": 1000}
    for file in fixed["files"]:
        file["bytes"] = 1000
    made_with = {"python": "3.11.0", "platform": "Linux x86_64", "packages": {"polars": "2.1.0"}}
    return {**fixed, "environment": made_with, "gristmill": "0.1.0"}


def golden(name: str, version: DatasetVersion) -> dict[str, str]:
    """Its documents as they are written down: without excerpts of the data, which is not ours to keep here."""
    record = same_anywhere(version.json)
    every = rendered(record, pl.DataFrame(), pl.DataFrame(), load(about(name), f"{name}.yaml"))
    return {document: every[document] for document in DOCUMENTS}


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_are_as_written_down(made: dict[str, DatasetVersion], name: str, document: str) -> None:
    written = golden(name, made[name])[document]
    assert written == (GOLDEN / name / document).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MADE)
def test_nothing_is_left_open_and_no_document_has_a_placeholder(made: dict[str, DatasetVersion], name: str) -> None:
    version = made[name]
    assert check(version.json, about(name), "about.yaml") == []
    assert verify(version) == []
    for document in DOCUMENTS:
        text = version.folder.read_bytes(document).decode()
        assert not PLACEHOLDER.search(text), f"{document}: {PLACEHOLDER.search(text)}"


@pytest.mark.parametrize("name", MADE)
def test_the_hub_reads_the_card(made: dict[str, DatasetVersion], name: str) -> None:
    card = DatasetCard(made[name].folder.read_bytes("README.md").decode()).data
    said = load(about(name), "about.yaml")
    assert card.pretty_name == said.title
    assert card.license == said.licensing.license.lower()
    assert card.dataset_info["splits"][0]["num_examples"] == made[name].json["rows"]


@pytest.mark.parametrize("name", MADE)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_croissant_is_valid_and_loads_the_rows(made: dict[str, DatasetVersion], name: str) -> None:
    import mlcroissant

    version = made[name]
    dataset = mlcroissant.Dataset(jsonld=f"{version.folder}/croissant.json")
    assert not dataset.metadata.issues.errors
    assert not dataset.metadata.issues.warnings
    records = list(dataset.records("default"))
    assert len(records) == version.json["rows"]
    rows = version.table.collect()
    first = {key.split("/")[-1]: value for key, value in records[0].items()}
    assert first["id"].decode() == rows["id"][0]


@pytest.mark.skipif(BROWSER is None, reason="chromium is not installed, so no report was opened in a browser")
@pytest.mark.parametrize("name", MADE)
def test_the_report_opens_in_a_browser_and_runs_nothing(
    made: dict[str, DatasetVersion], name: str, tmp_path: Path
) -> None:
    page = Path(made[name].folder.path) / "report.html"
    assert RUN in page.read_text(encoding="utf-8"), "the planted row is not in the report"
    dom, said = visit(page, tmp_path / "profile")
    assert said == []
    assert "<script" not in dom
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title is not None
    assert title[1] == made[name].ref
    assert PLANTED not in dom


def write(data: Path, folder: Path) -> None:
    """All golden files anew."""
    for name, version in make_all(data, folder).items():
        (GOLDEN / name).mkdir(parents=True, exist_ok=True)
        for document, text in golden(name, version).items():
            (GOLDEN / name / document).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    import tempfile

    where = Path(os.environ.get("GRISTMILL_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    with tempfile.TemporaryDirectory() as scratch:
        write(where, Path(scratch))
    sys.exit(0)
