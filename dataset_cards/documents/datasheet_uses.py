"""Datasheet: what the data is for, how it is given away, and who looks after it."""

from collections.abc import Mapping
from typing import Any

from ..cards.account import title
from ..cards.markdown import code, prose
from ..cards.sheet import as_markdown
from .about import About
from .answers import Answer, Question, both, if_any, lowered, measured, said
from .known import frozen_on
from .licensing.mix import mix
from .licensing.shown import sentences, sheets
from .statements import LONGEST
from .words import items, line, listed

Record = Mapping[str, Any]


def _known(record: Record, about: About) -> Answer:
    return Answer(said=tuple(items(about.uses.known)), noted="" if about.uses.known else "No use is named yet.")


def _where_told(record: Record, about: About) -> Answer:
    where = f", {line(about.contact.url)}" if about.contact.url else ""
    return said(noted=f"No list is named; {line(about.contact.name)}{where} can be asked.")


def _intended(record: Record, about: About) -> Answer:
    return Answer(said=tuple(items(about.uses.intended)))


def _consequences(record: Record, about: About) -> Answer:
    return said(about.limits.biases, about.limits.risks)


def _unsuitable(record: Record, about: About) -> Answer:
    return Answer(said=tuple(items(about.uses.unsuitable)))


def _how(record: Record, about: About) -> Answer:
    folder = (
        "As a folder of Parquet files with this datasheet, which is also a dataset repository for the Hugging Face Hub."
    )
    digest = f"Its rows are known by the digest {code(record['digest'])}." if record.get("digest") else None
    return both([folder, digest], noted=f"DOI: {line(about.doi)}." if about.doi else "It has no DOI.")


def _when(record: Record, about: About) -> Answer:
    frozen = frozen_on(record)
    return measured(
        f"Not before {frozen}, when it was frozen." if frozen else "version.json does not say when it was frozen."
    )


def _licence(record: Record, about: About) -> Answer:
    stated = str(record.get("license") or "unknown")
    recorded = (
        f"Recorded with the rows: {code(stated)}."
        if stated.lower() != "unknown"
        else "No licence was recorded with the rows."
    )
    named = f"To be named so: {about.licensing.attribution}" if about.licensing.attribution else None
    return both([recorded], about.licensing.reason, named, noted=f"Given away under {code(about.licensing.license)}.")


def _third_parties(record: Record, about: About) -> Answer:
    told = [f"{one.of} is taken as {one.license}: {one.reason}" for one in about.licensing.decisions]
    owners = [line(one.name) for one in about.collection.sources if one.licensed == "yes"]
    noted = f"Bought or licensed from their owners: {listed(owners)}." if owners else "No source is marked as bought."
    found = mix(record, about)
    counted = [
        "Worked out from the licences that were recorded and what people decided on them, by a table of terms:",
        "\n".join(f"- {prose(text, LONGEST)}" for text in sentences(found)),
        *lowered(as_markdown(sheets(found))),
    ]
    return Answer(measured=tuple(counted), said=tuple(items(told)), noted=noted)


def _contact(record: Record, about: About) -> Answer:
    one = about.contact
    return said(", ".join(text for text in (one.name, one.email, one.url) if text))


def _errata(record: Record, about: About) -> Answer:
    fixed = (
        f"{code(title(record))} never changes; a correction is another version, and `gristmill diff` shows what it "
        "changes, row by row."
    )
    return both([fixed], about.maintenance.updates)


USES = (
    Question(asks="What was it used for already?", answer=_known),
    Question(asks="Where are such uses listed?", answer=_where_told),
    Question(asks="What else could it be used for?", answer=_intended),
    Question(asks="What in it may have consequences for later uses?", answer=_consequences),
    Question(asks="What must it not be used for?", answer=_unsuitable),
    Question(asks="Anything else on its use?", answer=lambda record, about: said(about.limits.gaps)),
)
DISTRIBUTION = (
    Question(
        asks="Is it given to others?",
        answer=lambda record, about: said(noted=f"Yes, to all who keep to {code(about.licensing.license)}."),
    ),
    Question(asks="In what form?", answer=_how),
    Question(asks="When?", answer=_when),
    Question(asks="Under what licence or terms?", answer=_licence),
    Question(asks="Do others have rights in it?", answer=_third_parties),
    Question(
        asks="Do export controls or other rules bind who has it?",
        answer=lambda record, about: if_any(about.licensing.restrictions, "No such rule is named."),
    ),
    Question(asks="Anything else on giving it away?", answer=lambda record, about: said(about.licensing.reason)),
)
MAINTENANCE = (
    Question(asks="Who looks after it?", answer=lambda record, about: said(about.maintenance.by)),
    Question(asks="How can they be reached?", answer=_contact),
    Question(asks="Is there a list of errors?", answer=_errata),
    Question(asks="Will it be updated?", answer=lambda record, about: said(about.maintenance.updates)),
    Question(
        asks="Is there a limit to how long data on people is kept?",
        answer=lambda record, about: said(about.maintenance.older_versions, about.people.removal),
    ),
    Question(
        asks="Do older versions stay?",
        answer=lambda record, about: said(about.maintenance.older_versions),
    ),
    Question(
        asks="Can others add to it or correct it?",
        answer=lambda record, about: if_any(
            about.maintenance.contributions, f"No way is named but to write to {line(about.contact.name)}."
        ),
    ),
    Question(asks="Anything else on keeping it?", answer=lambda record, about: said(about.people.removal)),
)
