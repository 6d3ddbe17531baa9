"""The part of the Hub card that a person says: sections of text, and fields of the front matter."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..cards.card import LICENCES
from ..cards.hub import hub_license
from ..cards.markdown import block, code, prose
from ..cards.plain import one_line
from . import known
from .about import About
from .licensing.mix import mix
from .licensing.shown import sentences
from .licensing.spdx import UNKNOWN, spdx
from .statements import LONGEST
from .words import creator, items, line, listed, origin, paragraphs

Record = Mapping[str, Any]
Section = tuple[str, list[str]]

ANOTHER = 0.02  # of all rows, from which on a language counts as one of several
# What each kind of rows trains, in the words of huggingface.co/tasks.
_TASKS = {
    "documents": ["text-generation"],
    "conversations": ["text-generation"],
    "prompts": ["text-generation"],
    "preferences": ["text-generation"],
    "rankings": ["text-ranking"],
    "judgements": ["text-classification"],
    "verifiable": ["question-answering"],
    "teacher": ["text-generation"],
}
_LANGUAGE_BY_KIND = {"synthetic": "machine-generated", "web-crawl": "found", "public-dataset": "found"}
_ON_THE_HUB = re.compile(r"https?://(?:www\.)?huggingface\.co/datasets/([\w.-]+(?:/[\w.-]+)?)/?(?:[?#].*)?")


def said_sections(record: Record, about: About) -> list[Section]:
    """Headings and their paragraphs, as Markdown in which everything said stays text."""
    sections = [
        ("Summary", [f"**{line(about.title)}**", *paragraphs(about.summary)]),
        ("What it was made for", [*paragraphs(about.purpose), *_made_by(about)]),
        ("What it is for", items(about.uses.intended)),
        ("What it is not for", items(about.uses.unsuitable)),
        ("What it was used for", items(about.uses.known)),
        ("What to know before using it", _labelled(_limits(about))),
        ("Where it was collected", list(_collection(about))),
        ("People and consent", _labelled(_people(about))),
        ("Licence", list(_licence(record, about))),
        ("Who looks after it", _labelled(_maintenance(about))),
        ("Citation", list(_citation(record, about))),
    ]
    return [(heading, said) for heading, said in sections if said]


def said_front(about: About, record: Record) -> dict[str, Any]:
    """Fields of the Hub's front matter; those that nothing tells are not there."""
    license_id, license_name = hub_license(_spdx(about))
    # A row or two in a hundred that a model takes for another language make no second one.
    spoken = [n for n in known.counts(record.get("languages")).values() if n >= ANOTHER * record.get("rows", 0)]
    fields: dict[str, Any] = {
        "pretty_name": one_line(about.title),
        "license": license_id,
        "license_name": license_name,
        "annotations_creators": _annotators(record),
        "language_creators": _writers(record, about),
        "multilinguality": ["multilingual" if len(spoken) > 1 else "monolingual"] if spoken else [],
        "source_datasets": _source_datasets(about),
        "task_categories": _TASKS.get(str(record.get("kind")), []),
        "tags": [one_line(word, 60) for word in about.keywords],
    }
    return {key: value for key, value in fields.items() if value}


def _made_by(about: About) -> list[str]:
    return [f"Made by {line(listed([creator(one) for one in about.creators]))}.", f"Funding: {line(about.funding)}"]


def _limits(about: About) -> Iterator[tuple[str, str]]:
    yield "Biases", about.limits.biases
    yield "Gaps", about.limits.gaps
    yield "Risks", about.limits.risks


def _collection(about: About) -> Iterator[str]:
    said = about.collection
    yield from paragraphs(said.how)
    yield f"Collected from {said.begin} to {said.end}{', and still going on' if said.ongoing else ''}."
    yield from _labelled([("By", said.who)])
    yield "Sources:"
    yield from items(origin(one) for one in said.sources)
    yield from _labelled([("How this part was chosen", said.sampling), ("What is missing", said.missing)])


def _people(about: About) -> Iterator[tuple[str, str | None]]:
    said = about.people
    concerned = {
        "yes": "Some of it is about or by people who can be told apart.",
        "no": "None of it is about or by people who can be told apart.",
        "unknown": "Whether it is about or by people who can be told apart could not be established.",
    }
    yield "People in it", concerned[said.concerned]
    yield "Groups", said.groups
    yield "Consent", said.consent
    yield "Personal data", said.personal_data
    yield "What may hurt or expose somebody", said.sensitive
    yield "Having something taken out", said.removal
    yield "Review", said.review


def _licence(record: Record, about: About) -> Iterator[str]:
    said = about.licensing
    yield f"Given away under {code(said.license)}."
    yield from paragraphs(said.reason)
    yield from _labelled([("Name the authors so", said.attribution), ("Other rules", said.restrictions)])
    if said.decisions:
        yield "Decided where the data alone does not tell:"
        yield "\n".join(
            f"- {code(one.of)} is taken as {code(one.license)}: {line(one.reason)}" for one in said.decisions
        )
    found = mix(record, about)
    if record.get("kind") != "model" and found.parts:
        yield f"What the licences inside ask together is below, under \u201c{LICENCES}\u201d."
    else:  # a card of a model has no such section
        yield "What the licences inside ask together:"
        yield "\n".join(f"- {prose(text, LONGEST)}" for text in sentences(found))


def _spdx(about: About) -> str:
    """In canonical form where it can be read."""
    given = about.licensing.license
    found = spdx(given)
    return given if found == UNKNOWN else found


def _maintenance(about: About) -> Iterator[tuple[str, str | None]]:
    said, contact = about.maintenance, about.contact
    yield "By", said.by
    yield "Updates", said.updates
    yield "Older versions", said.older_versions
    yield "Corrections and additions", said.contributions
    yield "Contact", ", ".join(text for text in (contact.name, contact.email, contact.url) if text)


def _citation(record: Record, about: About) -> Iterator[str]:
    year = str(record.get("created") or "")[:4]
    names = "; ".join(one.name for one in about.creators)
    shown = [f"{names} ({year})" if year else names, about.title, f"version {record['version']}"]
    if about.doi:
        shown.append(f"https://doi.org/{about.doi}")
    elif record.get("digest"):
        shown.append(str(record["digest"]))
    yield "Cite this version, since others may hold other rows:"
    yield block(". ".join(one_line(text, 500) for text in shown))


def _labelled(said: Iterator[tuple[str, str | None]] | Sequence[tuple[str, str | None]]) -> list[str]:
    """Paragraphs that begin with what they are about; those with nothing to say are left out."""
    found: list[str] = []
    for label, text in said:
        if text:
            first, *more = paragraphs(text)
            found += [f"**{label}.** {first}", *more]
    return found


def _annotators(record: Record) -> list[str]:
    """Who labelled rows, where facts tell; who the people were, experts or a crowd, they do not."""
    facts, kind = record.get("facts") or {}, record.get("kind")
    if facts.get("judged") or facts.get("constitutional"):
        return ["machine-generated"]
    return ["no-annotation"] if kind in ("documents", "prompts") and not facts.get("agreement") else []


def _writers(record: Record, about: About) -> list[str]:
    kinds = [_LANGUAGE_BY_KIND.get(one.kind) for one in about.collection.sources]
    told = ["machine-generated"] if known.models(record) else []
    return sorted({*(kind for kind in kinds if kind), *told})


def _source_datasets(about: About) -> list[str]:
    """Ids of those on the Hub; `original` where something was collected for this."""
    found = []
    for one in about.collection.sources:
        there = _ON_THE_HUB.fullmatch(one.url or "")
        if there and one.kind in ("public-dataset", "licensed"):
            found.append(there[1])
        elif one.kind not in ("public-dataset", "licensed"):
            found.append("original")
    return sorted(set(found))
