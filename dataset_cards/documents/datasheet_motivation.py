"""Datasheet: why the data was made, and how it was collected."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..cards.account import held_against, made_from, title
from ..cards.agreement import agreement, sentence
from ..cards.markdown import code, prose, table
from ..cards.paragraphs import mixed
from . import known
from .about import About
from .answers import Answer, Question, both, if_any, said
from .words import creator, items, line, listed, origin

Record = Mapping[str, Any]
_MOST = 30  # rows of a table
_OF_OTHERS = ("public-dataset", "licensed", "private")


def _creators(record: Record, about: About) -> Answer:
    return said(f"{listed([creator(one) for one in about.creators])}.")


def _acquired(record: Record, about: About) -> Answer:
    kinds = {one.kind for one in about.collection.sources}
    told = {
        "web-crawl": "Text that stands on the web, taken as it stood there.",
        "synthetic": "Text that a model wrote; no observation stands behind it.",
        "user-data": "Text that users wrote.",
        "public-dataset": "Rows of published data, as their publishers give them.",
        "licensed": "Rows that their owner gave under a contract.",
        "private": "Rows that were never public.",
        "other": "Rows that came in another way, told below.",
    }
    return Answer(
        measured=tuple(_origins(record)),
        said=tuple(items(map(origin, about.collection.sources))),
        noted=" ".join(told[kind] for kind in told if kind in kinds),
    )


def _origins(record: Record) -> Iterator[str]:
    if models := known.models(record):
        yield f"Models that wrote rows: {', '.join(map(code, models[:_MOST]))}."
    for heading, counts in (("source", known.tallied(record, "sources")), ("domain", known.domains(record))):
        if counts:
            rows = [(code(name), f"{n:,}") for name, n in list(counts.items())[:_MOST]]
            yield table((f"{heading} that rows name", "rows"), rows, right=(1,))
            if len(counts) > _MOST:
                yield f"{len(counts) - _MOST:,} more are in version.json."


def _mechanisms(record: Record, about: About) -> Answer:
    recipe = record.get("recipe") or {}
    how = (
        f"The rows were made by the recipe {code(recipe['name'])}; part 4 has its stages." if recipe.get("name") else ""
    )
    return both([how], about.collection.how)


def _sampling(record: Record, about: About) -> Answer:
    return if_any(about.collection.sampling, "No sampling is named.", mixed(record))


def _who(record: Record, about: About) -> Answer:
    judged = agreement(record)
    return both([prose(sentence(judged), 2000)] if judged else [], about.collection.who)


def _when(record: Record, about: About) -> Answer:
    frozen = known.frozen_on(record)
    ends = known.written_between(record)
    facts = [f"The version was frozen on {frozen}." if frozen else None]
    facts.append(f"Rows say that they were written between {code(ends[0])} and {code(ends[1])}." if ends else None)
    on = ", and collecting goes on" if about.collection.ongoing else ""
    return both(facts, noted=f"From {about.collection.begin} to {about.collection.end}{on}.")


def _through_whom(record: Record, about: About) -> Answer:
    parents = [f"{title(one)}" for one in made_from(record)]
    others = listed([one.name for one in about.collection.sources if one.kind in _OF_OTHERS])
    way = f"Through others who had it: {line(others)}." if others else "No source there is a collection of others."
    made = f"The version was made from {', '.join(map(code, parents))}." if parents else None
    return both([made], about.collection.how, noted=way)


def _other(record: Record, about: About) -> Answer:
    read = [title(one) for one in held_against(record)]
    only = f"Versions that were only read, to leave their items out: {', '.join(map(code, read))}." if read else None
    return if_any(about.collection.missing, "Nothing is named as missing.", [only])


MOTIVATION = (
    Question(asks="What was it made for?", answer=lambda record, about: said(about.purpose)),
    Question(asks="Who made it, and for whom?", answer=_creators),
    Question(asks="Who paid for it?", answer=lambda record, about: said(about.funding)),
    Question(asks="Anything else on why it exists?", answer=lambda record, about: said(about.summary)),
)
COLLECTION = (
    Question(asks="How did each row come about: seen, reported by somebody, or derived?", answer=_acquired),
    Question(asks="With what was it collected, and how was that checked?", answer=_mechanisms),
    Question(asks="If it is a sample, how was it drawn?", answer=_sampling),
    Question(asks="Who took part in collecting, and how were they paid?", answer=_who),
    Question(asks="When was it collected?", answer=_when),
    Question(asks="Was there an ethical review?", answer=lambda record, about: said(about.people.review)),
    Question(asks="Was it had from the people themselves or through others?", answer=_through_whom),
    Question(asks="Were these people told?", answer=lambda record, about: said(about.people.consent)),
    Question(asks="Did they agree?", answer=lambda record, about: said(about.people.consent)),
    Question(asks="Can they take that back, and how?", answer=lambda record, about: said(about.people.removal)),
    Question(
        asks="Was it studied what the data and its use may do to them?",
        answer=lambda record, about: said(about.people.review, about.limits.risks),
    ),
    Question(asks="Anything else on how it was collected?", answer=_other),
)
