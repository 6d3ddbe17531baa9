"""Input for the demonstration: the documentation that every Python installation has on its disk.

It is real and messy: package descriptions, licences, READMEs, web pages and docstrings, with near-duplicates, several
languages, code and e-mail addresses. Nothing is fetched, and no module is imported: docstrings are read from source.
"""

import ast
import hashlib
import os
import shlex
import shutil
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import orjson

TEXTS = {".txt", ".md", ".rst", ".html", ".htm"}
MOST_MODULES = 4000
MOST_TEXTS = 2000
MAX_BYTES = 2 << 20
MIN_CHARACTERS = 80  # a docstring of a few words is a label, not a document
_SEED = b"gristmill demo"


def collect(folder: Path) -> None:
    """Gather this installation's documentation in `folder`, whole or not at all; there already, it is left as it is."""
    if folder.exists():
        return
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    _write(partial / "descriptions.jsonl", _descriptions())
    _write(partial / "docstrings.jsonl", _docstrings())
    for number, path in enumerate(_texts()):
        target = partial / "files" / f"{number:05d}-{path.name}"
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, target)
    partial.rename(folder)


def hints(command: str, folder: Path, store: str) -> str:
    """What to try after the demonstration, to be pasted into a shell."""
    store, given = shlex.quote(store), shlex.quote(f"input={folder}")
    return (
        f"\nlook further:  {command} sample python-docs@1.0.0 --reason gopher-quality/too-few-words --store {store}\n"
        f"               {command} verify python-docs@1.0.0 --store {store}\n"
        f"what if:       {command} run web_text -p {given} -p min_words=100 --store {store}"
    )


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    with path.open("wb") as file:
        for row in rows:
            file.write(orjson.dumps(row) + b"\n")


def _descriptions() -> Iterator[dict[str, Any]]:
    """The long description of every installed package, with its licence and home page."""
    packages = {package.metadata["Name"]: package for package in distributions()}
    for name in sorted(packages, key=str.lower):
        about = packages[name].metadata.json
        text = str(about.get("description", ""))
        licence = str(about.get("license_expression") or about.get("license") or "")
        links = [str(about.get("home_page", "")), *(link.rpartition(", ")[2] for link in about.get("project_url", []))]
        if text.strip():
            yield {
                "id": f"package/{name}",
                "text": text,
                "url": next(filter(None, links), None),
                "license": licence if 0 < len(licence) < 60 else None,
                "version": packages[name].version,
            }


def _docstrings() -> Iterator[dict[str, Any]]:
    """One document per class and module: its docstrings, the standard library's first."""
    for name, path in _spread(_files({".py"}), MOST_MODULES):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # old escapes in other people's source are not our business
                tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):  # templates and Python 2 files
            continue
        classes = [child for child in tree.body if isinstance(child, ast.ClassDef)]
        nodes: list[ast.Module | ast.ClassDef] = [tree, *classes]
        for node in nodes:
            inner = [child for child in node.body if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)]
            found = [text for part in (node, *inner) if (text := ast.get_docstring(part))]
            text = "\n\n".join(found)
            if len(text) >= MIN_CHARACTERS:
                place = f"{name}:{node.name}" if isinstance(node, ast.ClassDef) else name
                yield {"id": f"source/{place}", "text": text, "docstrings": len(found)}


def _texts() -> list[Path]:
    """Licences, READMEs, word lists and web pages that packages brought along."""
    return [path for _, path in _spread(_files(TEXTS), MOST_TEXTS) if 0 < path.stat().st_size <= MAX_BYTES]


def _files(suffixes: set[str]) -> Iterator[tuple[str, Path]]:
    """Files of the standard library and the installed packages as (name below its root, path), sorted by name."""
    paths = sysconfig.get_paths()
    roots = sorted(
        {Path(paths["stdlib"]), Path(paths["purelib"]), Path(paths["platlib"]), Path(sys.base_prefix) / "share"}
    )
    for root in roots:
        for directory, inside, files in os.walk(root):
            inside[:] = sorted(d for d in inside if d not in ("site-packages", "dist-packages", "__pycache__", "test"))
            for file in sorted(files):
                path = Path(directory) / file
                if path.suffix in suffixes and path.is_file():
                    yield f"{path.relative_to(root).as_posix()}", path


def _spread(files: Iterator[tuple[str, Path]], most: int) -> list[tuple[str, Path]]:
    """At most `most` of the files, chosen by the hash of their names, in their order."""
    everything = sorted(files)
    by_hash = sorted(everything, key=lambda item: hashlib.sha256(_SEED + item[0].encode()).digest())
    chosen = set(by_hash[:most])
    return [item for item in everything if item in chosen]
