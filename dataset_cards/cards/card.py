"""The card of a version: README.md, written from its facts alone and ready for the Hugging Face Hub."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from .account import held_against, limits, made_from, noun, title, warnings, what_it_is
from .agreement_card import agreement_paragraphs
from .autopsy_card import autopsy_paragraphs
from .content_shown import content_paragraphs
from .generated_shown import generated_paragraphs
from .hub import front_matter
from .markdown import block, code, json_block, prose, table
from .paragraphs import detectors_scores, found_inside, in_evaluations, inside, mixed, near, rows_in_rows_out
from .plain import plural, shorten

LICENCES = "Licences of what is inside"
SAMPLES = 3
SAMPLE_CHARACTERS = 400
MOST_JSON = 30_000  # characters; version.json has it all


def render_card(
    version: Mapping[str, Any],
    examples: pl.DataFrame,
    said: Sequence[tuple[str, Sequence[str]]] = (),
    front: Mapping[str, Any] | None = None,
    licences: Sequence[str] = (),
) -> str:
    """README.md of the version.

    Args:
        version: what version.json says.
        examples: what ledger/examples.parquet holds; may be empty.
        said: what people said, as headings and paragraphs of Markdown; stands before what was measured.
        front: what they said for the front matter, in the terms of the Hub.
        licences: what the licences of the parts come to, as paragraphs of Markdown.
    """
    name = f"{prose(version['name'])} {prose(version['version'])}"
    heading = f"{prose(front['pretty_name'])} ({name})" if front and front.get("pretty_name") else name
    parts = [f"---\n{front_matter(version, front)}\n---", f"# {heading}"]
    parts += [f"> **Note.** {prose(text)}" for text in warnings(version)]
    parts.append(prose(what_it_is(version)))
    for heading, section in (
        *said,
        ("How to load it", _load(version)),
        ("Rows in, rows out", rows_in_rows_out(version)),
        ("What people judged", agreement_paragraphs(version)),
        ("What these preferences could teach", autopsy_paragraphs(version)),
        ("What a model made", generated_paragraphs(version)),
        ("What was mixed", mixed(version)),
        ("Near-duplicates", near(version)),
        ("What was found inside texts", found_inside(version)),
        ("What is also in evaluations", in_evaluations(version)),
        ("How good the detectors are", detectors_scores(version)),
        ("What is inside", [*inside(version), *content_paragraphs(version)]),
        ("Where it comes from", _origin(version, bool(said))),
        (LICENCES, licences),
        ("How it was made", _recipe(version)),
        ("Examples", _examples(examples)),
        ("What is not covered", ["\n".join(f"- {prose(text)}" for text in limits(version, bool(said)))]),
        ("How to verify it", _verify(version)),
    ):
        if paragraphs := list(section):
            parts += [f"## {heading}", *paragraphs]
    return "\n\n".join(parts) + "\n"


def _load(version: Mapping[str, Any]) -> Iterator[str]:
    yield "With this folder on disk or as a dataset repository:"
    yield block(
        'from datasets import load_dataset\n\nrows = load_dataset("PATH_OR_REPOSITORY", split="train")', "python"
    )
    if schema := version.get("schema"):
        rows = [(code(column["name"]), code(column["type"])) for column in schema[:200]]
        yield table(("column", "type"), rows)


def _origin(version: Mapping[str, Any], said: bool) -> Iterator[str]:
    """Where people said more, only what was recorded; that nothing was is not said a second time."""
    stated = version.get("license") or "unknown"
    if version.get("source") or not said:
        yield f"Source: {prose(version['source']) if version.get('source') else 'not recorded'}"
    if stated != "unknown" or not said:
        yield f"Licence{' as recorded' if said else ''}: {prose(stated)}"
    for heading, parents in (("made from", made_from(version)), ("held against", held_against(version))):
        if parents:
            rows = [(code(title(parent)), code(parent.get("digest", ""))) for parent in parents]
            yield table((heading, "digest"), rows)


def _recipe(version: Mapping[str, Any]) -> Iterator[str]:
    recipe = version.get("recipe") or {}
    if recipe.get("function"):
        yield f"Recipe {code(recipe.get('name') or '')}, the function {code(recipe['function'])}."
    if recipe:
        steps = recipe.get("steps") or []
        yield json_block({"parameters": recipe.get("parameters") or {}})
        if len(json.dumps(steps)) <= MOST_JSON:
            yield json_block({"steps": steps})
        else:
            yield f"Its {plural(len(steps), 'step')} with all fields are in `version.json`."
    environment = version.get("environment") or {}
    packages = environment.get("packages") or {}
    made = [("gristmill", version.get("gristmill")), ("python", environment.get("python"))]
    made += [("platform", environment.get("platform")), *sorted(packages.items())]
    if rows := [(code(name), code(value)) for name, value in made if value]:
        yield table(("made with", "version"), rows)


def _examples(examples: pl.DataFrame) -> Iterator[str]:
    if examples.is_empty():
        return
    for row in examples.filter(pl.col("role") == "kept").head(SAMPLES).iter_rows(named=True):
        where = f", from {code(row['source'])}" if row.get("source") else ""
        text = row.get("text") or ""
        cut = row.get("cut") or len(text) > SAMPLE_CHARACTERS
        yield f"Kept: {code(row['id'])}{where}{' (the beginning)' if cut else ''}"
        yield block(shorten(text, SAMPLE_CHARACTERS))


def _verify(version: Mapping[str, Any]) -> Iterator[str]:
    if digest := version.get("digest"):
        yield f"Digest of the {noun(version)}s in `data/`: {code(digest)}"
    yield f"`gristmill verify {title(version)}` checks every byte, and so does this, in the folder:"
    yield block("sha256sum --check SHA256SUMS", "sh")
