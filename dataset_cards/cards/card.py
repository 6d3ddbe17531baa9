"""The card of a version: README.md, written from its facts alone and ready for the Hugging Face Hub."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from . import mixture
from .account import (
    dropped,
    facts,
    held_against,
    ledger,
    limits,
    made_from,
    near_duplicates,
    noun,
    reasons,
    s_curve,
    title,
    top,
    warnings,
    what_it_is,
)
from .agreement_card import agreement_paragraphs
from .detectors import EVALUATIONS, INTERVALS, SPAN_HEADER, evaluations, gold, idle, looked_in_vain, spans
from .generated_shown import generated_paragraphs
from .hub import front_matter
from .markdown import block, code, json_block, prose, table
from .plain import count, figure, plural, share, shorten, size

SAMPLES = 3
SAMPLE_CHARACTERS = 400
MOST_JSON = 30_000  # characters; version.json has it all
MOST_ROWS = 30  # of any table; version.json has them all


def render_card(version: Mapping[str, Any], examples: pl.DataFrame) -> str:
    """README.md of the version.

    Args:
        version: what version.json says.
        examples: what ledger/examples.parquet holds; may be empty.
    """
    parts = [f"---\n{front_matter(version)}\n---", f"# {prose(version['name'])} {prose(version['version'])}"]
    parts += [f"> **Note.** {prose(text)}" for text in warnings(version)]
    parts.append(prose(what_it_is(version)))
    for heading, section in (
        ("How to load it", _load(version)),
        ("Rows in, rows out", _ledger(version)),
        ("What people judged", agreement_paragraphs(version)),
        ("What a model made", generated_paragraphs(version)),
        ("What was mixed", _mixture(version)),
        ("Near-duplicates", _near_duplicates(version)),
        ("What was found inside texts", _found(version)),
        ("What is also in evaluations", _evaluations(version)),
        ("How good the detectors are", _gold(version)),
        ("What is inside", _inside(version)),
        ("Where it comes from", _origin(version)),
        ("How it was made", _recipe(version)),
        ("Examples", _examples(examples)),
        ("What is not covered", ["\n".join(f"- {prose(text)}" for text in limits(version))]),
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


def _ledger(version: Mapping[str, Any]) -> Iterator[str]:
    book = ledger(version)
    yield (
        f"{count(book['read'])} read = {count(book['kept'])} kept + {count(dropped(version))} dropped + "
        f"{count(book['quarantined'])} quarantined"
    )
    if funnel := version.get("funnel"):
        rows = [
            (code(step["stage"]), *(count(number) for number in _amounts(step)), share(step["kept"], book["read"]))
            for step in funnel
        ]
        header = ("stage", "read", "dropped", "quarantined", "kept", "kept of all read")
        yield table(header, rows, right=range(1, 6))
    if found := [reason for reason in reasons(version) if reason.dropped]:
        shown = sorted(found, key=lambda reason: -reason.dropped)[:MOST_ROWS]
        yield table(
            ("reason", "dropped when", "rows", "of all read"),
            [
                (code(r.full), code(r.rule) if r.rule else "", count(r.dropped), share(r.dropped, book["read"]))
                for r in shown
            ],
            right=(2, 3),
        )
        if len(found) > len(shown):
            yield f"{plural(len(found) - len(shown), 'smaller reason')} left out here; version.json has them all."
    if quarantine := facts(version).get("quarantine"):
        yield table(("quarantined because", "inputs"), _counted(quarantine), right=(1,))
    if remarks := idle(version):
        yield "\n".join(f"- {prose(text)}" for text in remarks)
    if book["read"] != book["kept"]:
        yield (
            "Every row that was read and not kept is in `ledger/rows.parquet` with its reason, unreadable input in "
            "`ledger/quarantine.parquet`. `report.html` shows the thresholds over the measurements, with examples."
        )


def _amounts(step: Mapping[str, Any]) -> tuple[int, int, int, int]:
    return step["read"], sum(step["dropped"].values()), step["quarantined"], step["kept"]


def _counted(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(code(name), count(number)) for name, number in top(counts, MOST_ROWS)]


def _mixture(version: Mapping[str, Any]) -> Iterator[str]:
    yield from (prose(text) for text in mixture.about(version))
    if rows := mixture.sources(version):
        yield table(mixture.HEADER, [(code(name), *rest) for name, *rest in rows[:MOST_ROWS]], right=range(1, 8))


def _near_duplicates(version: Mapping[str, Any]) -> Iterator[str]:
    found = near_duplicates(version)
    if found.get("threshold") is not None:
        yield (
            "A document is dropped if its Jaccard index with an earlier one that stays is at least "
            f"{figure(found['threshold'])}."
        )
    if found.get("s_curve_in_words"):
        yield prose(found["s_curve_in_words"])
    if points := s_curve(version):
        rows = [(figure(index), share(round(10_000 * chance), 10_000)) for index, chance in points]
        yield table(("Jaccard index of a pair", "chance that it is compared"), rows, right=(0, 1))
    if (verified := found.get("pairs_verified")) is not None:
        yield f"{plural(verified, 'pair')} were compared word by word. `report.html` shows some side by side."
    if capped := found.get("capped"):
        yield f"{plural(capped, 'document')} had more candidates than were compared."


def _found(version: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{code(stage)} found nothing." for stage in looked_in_vain(version))
    if rows := spans(version):
        cells = [(code(stage), code(kind), found, many, prose(done)) for stage, kind, found, many, done in rows]
        yield table(SPAN_HEADER, cells[:MOST_ROWS], right=(2, 3))
        if len(rows) > MOST_ROWS:
            yield f"{plural(len(rows) - MOST_ROWS, 'more type')} left out here; version.json has them all."
        yield "Their places, without what stands there, are in `ledger/spans.parquet`."


def _evaluations(version: Mapping[str, Any]) -> Iterator[str]:
    if rows := evaluations(version):
        cells = [(code(name), prose(looked), *counts) for name, looked, *counts in rows[:MOST_ROWS]]
        yield table(EVALUATIONS, cells, right=(2, 3, 4))


def _gold(version: Mapping[str, Any]) -> Iterator[str]:
    sets = gold(version)
    for one in sets:
        yield f"{code(one.stage)}: {prose(one.about)}"
        if one.rows:
            cells = [(code(label), *(prose(cell) for cell in measured)) for label, *measured in one.rows]
            yield table(one.header, cells[:MOST_ROWS], right=range(1, len(one.header)))
            if len(cells) > MOST_ROWS:
                yield f"{plural(len(cells) - MOST_ROWS, 'more label')} left out here; version.json has them all."
    if any(one.rows for one in sets):
        yield INTERVALS


def _inside(version: Mapping[str, Any]) -> Iterator[str]:
    rows = version.get("rows", 0)
    text = facts(version).get("text") or {}
    if "characters" in text:
        average = f", {count(round(text['characters'] / rows))} on average" if rows else ""
        weight = f" ({size(text['bytes'])} as UTF-8)" if "bytes" in text else ""
        yield f"{count(text['characters'])} characters of text{weight}{average}."
    lengths = text.get("lengths") or {}
    if counts := lengths.get("counts"):
        edges = [figure(edge) for edge in lengths["edges"]]
        bins = [(f"{low} to {high}", count(n)) for low, high, n in zip(edges, edges[1:], counts, strict=False) if n]
        if len(bins) <= MOST_ROWS:
            yield table(("characters", "rows"), bins, right=(1,))
    for heading, counts in (
        ("language", version.get("languages")),
        ("licence", facts(version).get("licenses")),
        ("source", facts(version).get("sources")),
    ):
        if counts:
            yield table((heading, "rows"), _counted(counts), right=(1,))
            if len(counts) > MOST_ROWS:
                yield f"{plural(len(counts) - MOST_ROWS, 'smaller ' + heading)} left out here."


def _origin(version: Mapping[str, Any]) -> Iterator[str]:
    yield f"Source: {prose(version['source']) if version.get('source') else 'not recorded'}"
    yield f"Licence: {prose(version.get('license') or 'unknown')}"
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
