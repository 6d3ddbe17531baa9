"""A new about.yaml: every question, what the facts know already, and no answer that a person must give."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ..cards.account import limits, noun, what_it_is
from ..cards.plain import count, one_line, plural, share
from . import known
from .about import About, Document
from .licensing.mix import mix
from .load import part_of
from .questions import QUESTIONS, bare
from .yaml_text import Path

Record = Mapping[str, Any]

WIDTH = 110  # of comments
MOST = 8  # names of a kind


def template(record: Record) -> str:
    """The text of about.yaml for a version.

    It loads as YAML; its gaps are exactly the fields that it leaves empty and that must be filled.
    """
    version = one_line(known.ref(record))
    lines = [
        *_comment(f"What only a person can say of {version}. `gristmill card check {version} --about FILE` lists", ""),
        *_comment("what is still missing. Take care to quote texts with a colon, or begin them after `>-`:", ""),
        *("#   reason: >-", "#     First line: more of it,", "#     and on."),
        *_comment("Lines that begin with # are for you; those with -> say what was measured or recorded.", ""),
    ]
    return "\n".join([*lines, *_section(About, (), "", _hints(record))]) + "\n"


def _section(model: type[BaseModel], path: Path, indent: str, hints: Mapping[str, list[str]]) -> Iterator[str]:
    """The fields of a section, each under its question; of a list of sections, one item."""
    for name, field in model.model_fields.items():
        here = (*path, name)
        part, many = part_of(field.annotation)
        if not path:
            yield ""
        yield from _comment(QUESTIONS[bare(here)], indent)
        for hint in hints.get(bare(here), ()):
            yield from _comment(f"-> {hint}", indent)
        if part is None:
            yield from _empty(name, field, many, indent)
            continue
        yield f"{indent}{name}:"
        if many:
            inside = list(_section(part, here, f"{indent}    ", hints))
            # The first field stands beside the dash; what explains it goes above.
            at = next(n for n, line in enumerate(inside) if not line.lstrip().startswith("#"))
            yield from inside[:at]
            yield f"{indent}  - {inside[at].lstrip()}"
            yield from inside[at + 1 :]
        else:
            yield from _section(part, here, f"{indent}  ", hints)


def _empty(name: str, field: FieldInfo, many: bool, indent: str) -> Iterator[str]:
    """A field without an answer; those whose default is an answer have it."""
    if name == "documents":
        yield f"{indent}{name}:"
        yield from (f"{indent}  - {document}" for document in get_args(Document))
    elif many:
        yield f"{indent}{name}:"
        yield f"{indent}  -"
    elif isinstance(field.default, bool):
        yield f"{indent}{name}: {'yes' if field.default else 'no'}"
    else:
        yield f"{indent}{name}:"


def _comment(text: str, indent: str) -> Iterator[str]:
    shown = one_line(text, 2000)
    mark = f"{indent}# "
    after = f"{mark}   " if text.startswith("-> ") else mark
    # Foreign names may be longer than a line: they are cut rather than left to run on, and never leave the comment.
    yield from textwrap.wrap(shown, WIDTH, initial_indent=mark, subsequent_indent=after, break_on_hyphens=False)


def _hints(record: Record) -> dict[str, list[str]]:
    """By the path of a question, what version.json knows that an answer must not contradict."""
    facts, book = record.get("facts") or {}, record.get("ledger") or {}
    hints: dict[str, list[str]] = {
        "title": [f"{known.ref(record)}: {plural(record.get('rows', 0), noun(record))}"],
        "summary": [what_it_is(record)],
        "creators": _made_by(record),
        "collection.how": [f"The source as recorded: {record['source']}"] if record.get("source") else [],
        "collection.begin": _dates(record),
        "collection.end": [f"The version was frozen on {known.frozen_on(record)}"] if known.frozen_on(record) else [],
        "collection.sources": list(_sources(record)),
        "collection.missing": _missing(book),
        "people.concerned": _personal(record),
        "people.personal_data": _masked(facts),
        "people.sensitive": _undone(record),
        "licensing.license": list(_licences(record)),
        "licensing.decisions": _undecided(record),
        "limits.biases": _weights(record),
        "limits.gaps": [f"Languages: {_shares(record.get('languages') or {}, record.get('rows', 0))}"]
        if record.get("languages")
        else ["The language of the rows was not measured"],
        "limits.risks": limits(record),
    }
    return {path: [hint for hint in told if hint] for path, told in hints.items()}


def _made_by(record: Record) -> list[str]:
    recipe = record.get("recipe") or {}
    return [f"Made by the recipe {recipe['name']}"] if recipe.get("name") else []


def _dates(record: Record) -> list[str]:
    ends = known.written_between(record)
    return [f"Rows say that they were written between {ends[0]} and {ends[1]}"] if ends else []


def _sources(record: Record) -> Iterator[str]:
    for one in known.behind(record)[1:]:
        stated = one.get("source") or "none"
        yield f"Behind it is {known.ref(one)}, licence {one.get('license') or 'unknown'}, source {stated}"
    if found := known.tallied(record, "sources"):
        yield f"Rows name the sources {_counted(found)}"
    if found := known.domains(record):
        yield f"Rows were fetched from {_counted(found)}: that needs a source of kind web-crawl or public-dataset"
    if models := known.models(record):
        yield f"Models that wrote rows, each for a source of kind synthetic: {', '.join(models[:MOST])}"


def _missing(book: Mapping[str, Any]) -> list[str]:
    dropped = sum((book.get("dropped") or {}).values())
    gone = [f"{plural(dropped, 'row')} were dropped, by rules that the documents list"] if dropped else []
    bad = book.get("quarantined", 0)
    return [*gone, f"{plural(bad, 'input')} could not be read"] if bad else gone


def _personal(record: Record) -> list[str]:
    if found := known.personal(record):
        return [f"Personal data was found, in rows: {_counted(found)}. With that, no is no answer"]
    looked = any("secret" not in str(stage).lower() for stage in (record.get("facts") or {}).get("spans") or {})
    return ["Personal data was looked for and none found" if looked else "Nobody looked for personal data in it here"]


def _masked(facts: Mapping[str, Any]) -> list[str]:
    actions: dict[str, int] = {}
    for kinds in (facts.get("spans") or {}).values():
        for told in kinds.values():
            for action, n in (told.get("actions") or {}).items():
                actions[str(action)] = actions.get(str(action), 0) + n
    return [f"What was done with what was found: {_counted(actions)}"] if actions else []


def _undone(record: Record) -> list[str]:
    return [text for text in limits(record) if "toxic" in text]


def _licences(record: Record) -> Iterator[str]:
    for one in known.behind(record):
        yield f"{known.ref(one)} states {one.get('license') or 'unknown'}"
    if rows := known.tallied(record, "licenses"):
        yield f"Rows state {_counted(rows)}"


def _undecided(record: Record) -> list[str]:
    return [f"To be decided: {one.sentence}" for one in mix(record, None).open]


def _weights(record: Record) -> list[str]:
    sources = known.counts((record.get("facts") or {}).get("sources"))
    return [f"Largest sources: {_shares(sources, record.get('rows', 0))}"] if sources else []


def _counted(found: Mapping[str, int]) -> str:
    shown = [f"{one_line(name, 80)} {count(n)}" for name, n in list(found.items())[:MOST]]
    return ", ".join(shown) + (f" and {len(found) - MOST} more" if len(found) > MOST else "")


def _shares(found: Mapping[str, int], rows: int) -> str:
    top = sorted(found.items(), key=lambda one: (-one[1], one[0]))[:MOST]
    return ", ".join(f"{one_line(name, 80)} {share(n, rows)}" for name, n in top)
