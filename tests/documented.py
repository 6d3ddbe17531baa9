"""Four versions made of real public data, each with its about.yaml: corpus, conversations, preferences, problems."""

import io
import json
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import zstandard

from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion
from gristmill import app

ABOUT = Path(__file__).with_name("documented_about")
MADE = ("corpus", "sft", "preferences", "verifiable")
# A row that would run in a page that lets it, among the others of every version.
RUN = "gristmill-was-run"
PLANTED = f"<script>document.title='{RUN}';console.log('{RUN}')</script><img src=x onerror=alert(1)>"
FILE = f"<img src=x onerror=console.log('{RUN}')>.jsonl"  # the same as the name of a file
ROWS = {"corpus": 120, "sft": 400, "preferences": 1375, "verifiable": 400}


def about(name: str) -> bytes:
    return (ABOUT / f"{name}.yaml").read_bytes()


def first_rows(path: Path, most: int) -> list[dict[str, Any]]:
    """The first rows of a zstd JSON Lines file."""
    with path.open("rb") as file:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        return [json.loads(line) for _, line in zip(range(most), lines, strict=False)]


def make_all(data: Path, folder: Path) -> dict[str, DatasetVersion]:
    """The four versions, in a store below `folder`, by the commands that a user would type."""
    store, inputs = folder / "store", folder / "inputs"
    inputs.mkdir()
    book = first_rows(data / "dedup/rust_book_two_editions.jsonl.zst", ROWS["corpus"])
    chapters = [{"id": f"{one['edition']}/{one['file']}", "text": one["text"]} for one in book]
    planted = {"id": PLANTED, "text": f"{PLANTED}\n" * 3}
    _write(inputs / "corpus" / "book.jsonl", [row | {"license": "MIT OR Apache-2.0"} for row in [planted, *chapters]])
    for name, pattern, stated in (("inaugural", "*.txt", "CC0-1.0"), ("movie_reviews", "*/cv0*.txt", "CC-BY-4.0")):
        texts = _zipped(data / f"quality/nltk_{name}.zip", pattern)[: ROWS["corpus"]]
        _write(inputs / "corpus" / f"{name}.jsonl", [row | {"license": stated} for row in texts])
    answers = first_rows(data / "sft/gpteacher.jsonl.zst", ROWS["sft"])
    _write(inputs / "sft" / FILE, [answers[0] | {"instruction": PLANTED}, *answers])
    pairs = first_rows(data / "preference/hh_rlhf_harmless.jsonl.zst", ROWS["preferences"])
    said = pairs[0]["chosen"].rpartition("\n\nAssistant:")[0]
    hostile = pairs[0] | {side: f"{said}\n\nAssistant: {side} {PLANTED}" for side in ("chosen", "rejected")}
    _write(inputs / "preferences" / FILE, [hostile, *pairs])
    problems = first_rows(data / "reasoning/gsm8k_train.jsonl.zst", ROWS["verifiable"])
    _write(inputs / "problems" / FILE, [problems[0] | {"question": PLANTED}, *problems])
    corpus = ["run", "plain_text", "-p", f"input={inputs / 'corpus'}", "--workers", "1"]
    corpus += ["-p", "source=The Rust book in two editions, inaugural addresses and reviews of films"]
    _type([*corpus, "--as", "corpus@1.0.0"], store)
    for name, kind, source in (
        ("sft", "conversations", "GPTeacher, instructions and answers by GPT-4"),
        ("preferences", "preferences", "HH-RLHF, harmless-base, test part"),
        ("problems", "verifiable", "GSM8K, training part"),
    ):
        given = ["adopt", str(inputs / name), "--kind", kind, "--license", "MIT", "--source", source]
        _type([*given, "--as", f"{name}@1.0.0"], store)
    _type(["run", "audit", "-p", "rows=problems@1.0.0", "-p", "verifier=number", "--as", "verifiable@1.0.0"], store)
    shelf = Store.at(str(store))
    return {name: shelf.version(f"{name}@1.0.0") for name in MADE}


def _zipped(path: Path, pattern: str) -> list[dict[str, Any]]:
    """The texts in a zip file whose path inside it ends like `pattern`."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if PurePosixPath(name).match(pattern))
        return [{"id": name, "text": archive.read(name).decode("latin-1")} for name in names]


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _type(words: list[str], store: Path) -> None:
    app([*words, "--store", str(store)], standalone_mode=False)
