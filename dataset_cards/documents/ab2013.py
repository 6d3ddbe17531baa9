"""AB2013.md: the documentation of training data that California Civil Code 3111 asks developers to post."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..cards.account import ROWS
from ..cards.detectors import looked_in_vain, spans, times
from ..cards.markdown import code, prose
from ..cards.plain import count, plural
from .about import About
from .eu_sources import dates_of, license_of, licenses_of, written
from .processing import processing
from .roots import Behind, astray, behind, left_over, ref
from .statements import LEGEND, listed, measured, not_told, period, read, said, statement, unanswered

_OPENING = (
    "For California AB 2013, Civil Code sections 3110 and 3111: the twelve points of the high-level summary of the "
    "datasets, in their order and in our words. This is a draft from facts and from what a person said, and no legal "
    "advice: the developer holds it against the law before it is posted."
)
POINTS = (
    "Sources or owners of the datasets",
    "How the datasets further the intended purpose",
    "Number of data points",
    "Types of data points",
    "Copyright, trademark, patent or public domain",
    "Whether the datasets were purchased or licensed",
    "Whether they include personal information",
    "Whether they include aggregate consumer information",
    "Cleaning, processing and other modification, and its purpose",
    "Time period of collection",
    "Dates of first use in development",
    "Whether synthetic data generation was or is used",
)
_CHECKS = (
    "Whether the law binds you at all: it has exceptions, such as for systems that only serve security and integrity, "
    "the operation of aircraft, or national security.",
    "The law is about a system or service. Add every other dataset it was trained on; this document tells of one "
    "version alone.",
    "The law counts testing and validating as training (section 3110): add the datasets you measured it by.",
    "What counts as personal or as aggregate consumer information is defined in section 1798.140; detectors look for "
    "patterns and find neither all of it nor only that.",
    "No count tells whether a text is protected. A licence that rows state is what their source wrote, and not proof.",
    "Post it again before every substantial modification.",
    "What a person wrote in about.yaml was not checked by anybody here.",
)
_PUBLIC_DOMAIN = ("cc0-1.0", "pddl-1.0", "unlicense", "public-domain", "cc-pddc")
# What stands for the labels of a row, by its type; the others hold text without labels.
_LABELS = {
    "preferences": "which of two answers was chosen and which rejected, with votes where people gave them",
    "rankings": "ranks of several answers to one prompt",
    "judgements": "what each annotator answered to a question about a row",
    "verifiable": "the right answer to each problem, and how an answer is checked",
    "teacher": "probabilities that a teacher model gave to tokens",
}
_UNLABELLED = {
    "documents": "running text, one document in each",
    "conversations": "messages with the role of who speaks",
    "prompts": "messages that ask for an answer, without one",
}


def ab2013(record: Mapping[str, Any], about: About) -> str:
    """AB2013.md of a version of any kind: the twelve points of section 3111(a), each once and in order.

    Args:
        record: what version.json says.
        about: what about.yaml says of the same version.
    """
    found = behind(record)
    answers = (
        listed(_owners(found, about)),
        listed(_furthers(about)),
        listed(_amount(found, about)),
        listed(_types(record, found, about)),
        listed(_protected(found, about)),
        listed(_bought(found, about)),
        listed(_personal(record, about)),
        listed(_aggregate(about)),
        "\n\n".join([*processing(record, found), said("How the data came together", about.collection.how)]),
        listed(_when(found, about)),
        listed(_first_used(about)),
        listed(_synthetic(record, found, about)),
    )
    which = measured(f"Written for version {code(ref(record))}, digest {code(record.get('digest', 'not told'))}")
    parts = [
        "# Training data documentation (California AB 2013)",
        _OPENING,
        LEGEND,
        listed([which, *_developer(about)]),
    ]
    for number, (point, answer) in enumerate(zip(POINTS, answers, strict=True), start=1):
        parts += [f"## {number}. {point}", answer]
    parts += ["## What must be checked by the provider", listed(_checks(record, about))]
    return "\n\n".join(parts) + "\n"


def missing(record: Mapping[str, Any], about: About) -> list[str]:
    """Places in about.yaml that one of the points needs and that are empty or settle nothing."""
    found = behind(record)
    places = []
    if about.provider is None:
        places.append("provider")
    elif about.provider.aggregate is None:
        places.append("provider.aggregate")
    if about.people.concerned == "unknown":
        places.append("people.concerned")
    sources = enumerate(about.collection.sources)
    places += [f"collection.sources[{number}].licensed" for number, one in sources if one.licensed == "unknown"]
    places += astray(found, about)
    return places + (["collection.sources"] if left_over(found, about) else [])


def _developer(about: About) -> Iterator[str]:
    if about.provider is None:
        yield unanswered("About.yaml has no section `provider`, so no developer is named")
        return
    yield said("Developer", about.provider.name)
    yield from (said("System or model", name) for name in about.provider.models)


def _owners(found: Behind, about: About) -> Iterator[str]:
    for origin in about.collection.sources:
        where = f", at {code(origin.url, 2000)}" if origin.url else ""
        yield statement("said", f"{prose(origin.name)} ({origin.kind}){where}")
    if about.provider is None:
        yield unanswered("Who owns the data is not told")
    else:
        yield said("Owners and licensors", about.provider.owns)
    for one in found.roots:
        source = f", from {code(one['source'], 300)}" if one.get("source") else ""
        yield measured(f"At the root: {code(ref(one))}{source}")
    for one in left_over(found, about):
        yield unanswered(f"No source in about.yaml is about {code(ref(one))}")
    if not found.roots:
        yield unanswered("What this was trained on is not in its record: it was taken in as it came")


def _furthers(about: About) -> Iterator[str]:
    yield said("Purpose of the data", about.purpose)
    yield from (said("Intended use", use) for use in about.uses.intended)


def _amount(found: Behind, about: About) -> Iterator[str]:
    for one in found.learned:
        if isinstance(one.get("rows"), int):
            noun = ROWS.get(str(one.get("kind")), "row")
            yield measured(f"{code(ref(one))}: {plural(one['rows'], noun)}, in the range {_range(one['rows'])}")
        else:
            yield unanswered(f"How many rows {code(ref(one))} has is not in the record")
    if not found.learned:
        yield unanswered("The number of data points is not in the record")
    if about.collection.ongoing:
        yield statement("said", "The data goes on growing; the numbers are those of the version named above")


def _types(record: Mapping[str, Any], found: Behind, about: About) -> Iterator[str]:
    for one in found.learned:
        kind = str(one.get("kind"))
        if kind in _LABELS:
            yield measured(f"{code(ref(one))} has labels: {_LABELS[kind]}")
        elif kind in _UNLABELLED:
            yield measured(f"{code(ref(one))} has no labels: {_UNLABELLED[kind]}")
        else:
            yield unanswered(f"The type of the rows of {code(ref(one))} is not in the record")
    if columns := record.get("schema"):
        yield measured("Columns: " + ", ".join(code(one["name"]) for one in columns[:100]))
    yield said("General characteristics", about.summary)


def _protected(found: Behind, about: About) -> Iterator[str]:
    if about.provider is None:
        yield unanswered("Whether any of it is protected is not told")
    else:
        yield said("Protected or public domain", about.provider.owns)
    yield said(f"Given away under {code(about.licensing.license)}, because", about.licensing.reason)
    stated = {ref(one): one for one in (*found.roots, *found.learned)}
    for name in sorted(stated):
        yield measured(f"Licence of {code(name)}: {code(license_of(stated[name]), 1000)}")
    if stated and all(name.lower() in _PUBLIC_DOMAIN for one in stated.values() for name in licenses_of(one)):
        yield measured("Every licence stated gives the data to the public domain")


def _bought(found: Behind, about: About) -> Iterator[str]:
    for origin in about.collection.sources:
        name = prose(origin.name)
        if origin.licensed == "unknown":
            yield unanswered(f"Whether {name} was purchased or licensed is not settled")
        else:
            yield statement("said", f"Purchased or licensed from its owner, {name}: {origin.licensed}")
    for one in left_over(found, about):
        yield unanswered(f"Whether {code(ref(one))} was purchased or licensed is not told")


def _personal(record: Mapping[str, Any], about: About) -> Iterator[str]:
    if about.people.concerned == "unknown":
        yield unanswered("Whether it is about or by people who can be told apart is not settled")
    else:
        yield statement("said", f"About or by people who can be told apart: {about.people.concerned}")
    yield said("Personal data", about.people.personal_data)
    stages = [stage for stage in (record.get("facts") or {}).get("spans") or {} if "secret" not in str(stage).lower()]
    for stage, kind, n, rows, done in spans(record):
        if stage in stages:
            yield measured(f"{code(stage)} found {code(kind)} {times(n, rows)}: {code(done) if done else 'left'}")
    yield from (measured(f"{code(one)} looked and found none") for one in looked_in_vain(record) if one in stages)
    if not stages:
        yield measured("No stage of this recipe looked for personal data in texts")


def _aggregate(about: About) -> Iterator[str]:
    if about.provider is None or about.provider.aggregate is None:
        yield unanswered("Whether there is aggregate consumer information is not told")
    else:
        yield said("Aggregate consumer information", about.provider.aggregate)


def _when(found: Behind, about: About) -> Iterator[str]:
    yield statement("said", f"Collected: {period(about.collection.begin, about.collection.end)}")
    if about.collection.ongoing:
        yield statement("said", "Notice: the collection of data is ongoing")
    else:
        yield read("The collection is not said to be ongoing")
    for origin in about.collection.sources:
        if when := period(origin.begin, origin.end):
            yield statement("said", f"{prose(origin.name)}: {when}")
    for one in found.learned:
        if dates := dates_of(one):
            yield measured(f"Dates that rows of {code(ref(one))} state: {code(dates[0])} to {code(dates[1])}")


def _first_used(about: About) -> Iterator[str]:
    if about.provider is None:
        yield unanswered("When the data was first used in development is not told")
    else:
        yield statement("said", f"First used in development: {about.provider.first_used}")


def _synthetic(record: Mapping[str, Any], found: Behind, about: About) -> Iterator[str]:
    by_models = written(found)
    named = [one for one in about.collection.sources if one.kind == "synthetic"]
    for origin in named:
        model = f", by {prose(origin.model)}" if origin.model else ""
        yield said(f"Yes, for {prose(origin.name)}{model}", origin.how)
    for version, model, rows in by_models:
        yield measured(f"Yes: {count(rows)} rows of {code(version)} say that {code(model)} wrote them")
    if not by_models and (record.get("facts") or {}).get("generated"):
        yield measured("Yes: the last recipe asked a model for rows")
    elif not named and not by_models and left_over(found, about):
        yield unanswered("No source in about.yaml is of this kind, but some versions have no source")
    elif not named and not by_models:
        yield read("No source in about.yaml is of the kind synthetic, and no row names a model that wrote it")
    if found.aside:
        names = ", ".join(map(code, found.aside))
        yield measured(f"Only read, and nothing of them inside, whoever wrote them: {names}")


def _range(rows: int) -> str:
    """`1,000 to 9,999`: the power of ten that holds the number."""
    if rows < 10:
        return "0 to 9"
    low = 10 ** (len(str(rows)) - 1)
    return f"{count(low)} to {count(low * 10 - 1)}"


def _checks(record: Mapping[str, Any], about: About) -> Iterator[str]:
    yield from (f"- {text}" for text in _CHECKS)
    yield from (not_told(place) for place in missing(record, about))
