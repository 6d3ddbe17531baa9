"""EU_SUMMARY.md: the public summary of training content that Article 53(1)(d) of the EU's AI Act asks for."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..cards.account import ROWS, ledger
from ..cards.markdown import code, prose
from ..cards.plain import count, plural, share
from .about import About
from .eu_sources import dates_of, sources, written
from .processing import processing
from .roots import Behind, astray, behind, left_over, ref
from .roots import uncovered as uncovered
from .statements import LEGEND, listed, measured, month, not_told, read, said, shown_table, statement, unanswered
from .volume import size_of, volume

MOST_ROWS = 50  # of any table; version.json has them all

_OPENING = (
    "For Article 53(1)(d) of Regulation (EU) 2024/1689 (the AI Act), in the sections of the Commission's template "
    "C(2025) 8311, first issued on 24 July 2025. Where the template has boxes to tick, the questions are in our words. "
    "This is not the official form and no legal advice: the provider holds every line against the template before it "
    "is published."
)
_CHECKS = (
    "Hold headings, questions and bands against the template that is in force: we could not read the official file.",
    "Set the version of the summary, the date of its last update, and links to earlier ones.",
    "The summary is of a model: bring in whatever else the model was trained on, at every stage, that is not a version "
    "behind this one. Of a model that was changed from another on the market, the template asks for what was added.",
    "Choose the band of section 1.3 from tokens counted by the model's own tokenizer, and leave out repeats.",
    "Say which of the public datasets count as large; the template is reported to mean more than 3 % of all public "
    "datasets of a modality.",
    "Order crawled domains by the size of what was taken from them. Public crawls that somebody else compiled belong "
    "into section 2.1.",
    "Say whether user data came from using the model, or from other services and products.",
    "Say which models that wrote data are on the market, and link to their summaries.",
    "Link to the copyright policy, and say which opt-out protocols were honoured, also by those who gave you data.",
    "What a person wrote in about.yaml was not checked by anybody here.",
)


def eu_summary(record: Mapping[str, Any], about: About) -> str:
    """EU_SUMMARY.md of a version of any kind; every part of the template, in its order.

    Args:
        record: what version.json says.
        about: what about.yaml says of the same version.
    """
    found = behind(record)
    parts = ["# Public summary of training content", _OPENING, LEGEND, listed(_which(record))]
    parts += ["## 1. General information", "### 1.1. Provider identification", listed(_provider(about))]
    parts += ["### 1.2. Model identification", listed(_model(record, found, about))]
    parts += ["### 1.3. Modalities, overall training data size and other characteristics"]
    parts += _size(record, found, about)
    parts += sources(found, about)
    parts += ["## 3. Data processing aspects"]
    parts += ["### 3.1. Respect of reservation of rights from text and data mining exception or limitation"]
    parts += [listed(_reserved(about))]
    parts += ["### 3.2. Removal of illegal content", listed(_illegal(record, about))]
    parts += ["### 3.3. Other information", *processing(record, found)]
    parts += ["## What must be checked by the provider", listed(_checks(record, about))]
    return "\n\n".join(parts) + "\n"


def missing(record: Mapping[str, Any], about: About) -> list[str]:
    """Places in about.yaml that this summary needs and that are empty or wrong, as `collection.sources[0].crawler`."""
    found = behind(record)
    places = []
    if about.provider is None:
        places.append("provider")
    else:
        places += ["provider.code_of_practice"] if about.provider.code_of_practice is None else []
        places += ["provider.builds_on"] if about.provider.builds_on is None and not found.models else []
    for number, origin in enumerate(about.collection.sources):
        asked = {"web-crawl": ("crawler", "begin", "end"), "synthetic": ("model",)}.get(origin.kind, ())
        places += [f"collection.sources[{number}].{field}" for field in asked if getattr(origin, field) is None]
    places += astray(found, about)
    untold = written(found) and not any(one.kind == "synthetic" for one in about.collection.sources)
    if left_over(found, about) or untold:
        places.append("collection.sources")
    return places


def _which(record: Mapping[str, Any]) -> Iterator[str]:
    yield measured(f"Written for version {code(ref(record))}, digest {code(record.get('digest', 'not told'))}")
    yield measured(f"Its facts are of {code(record.get('created', 'a day not told'))}, when the version was frozen")


def _provider(about: About) -> Iterator[str]:
    if about.provider is None:
        yield unanswered("About.yaml has no section `provider`, so nobody is named who answers for a model")
    else:
        yield said("Provider", about.provider.name)
        yield said("Address", about.provider.address)
        if about.provider.representative:
            yield said("Authorised representative in the Union", about.provider.representative)
        else:
            yield read("Authorised representative in the Union: none named")
    yield said("Contact", about.contact.name)
    for label, address in (("Email", about.contact.email), ("Page", about.contact.url)):
        if address:
            yield statement("said", f"{label}: {code(address, 2000)}", 1)


def _model(record: Mapping[str, Any], found: Behind, about: About) -> Iterator[str]:
    provider = about.provider
    if provider is None:
        yield unanswered("Which models were trained on this is not told")
    else:
        yield from (said("Model", name) for name in provider.models)
    if record.get("kind") == "model":
        trained = f"trained here in {plural(found.stages, 'stage')}" if found.stages else "taken in as it came"
        yield measured(f"The version is a model that was {trained}")
    for one in found.models:
        if ref(one) != ref(record):
            stated = code(one.get("source") or "not stated", 300)
            yield measured(f"It begins with or learned from {code(ref(one))}, which came from {stated}")
    if provider is not None and provider.builds_on:
        yield said("Models it was made from", provider.builds_on)
    elif not found.models:
        yield unanswered("Whether the model was made from another one is not told")
    if provider is not None and provider.placed:
        yield statement("said", f"Placed on the Union market: {provider.placed}")
    else:
        yield unanswered("No day is told on which a model was placed on the Union market")


def _size(record: Mapping[str, Any], found: Behind, about: About) -> Iterator[str]:
    band, reasons = size_of(volume(record, found))
    kinds = [f"{_rows(one)} of {code(ref(one))}" for one in found.learned]
    yield measured("Text alone: every type of row that a version can have holds text, and no image, audio or video")
    yield shown_table(("modality", "size of this version", "types of content"), [("text", band, "; ".join(kinds))])
    lines = [*reasons, said("Types of content", about.summary), said("Purpose", about.purpose)]
    collected = about.collection
    latest = max([collected.end, *(one.end for one in collected.sources if one.end)])
    lines.append(read(f"Latest date of acquisition: {month(latest)}"))
    if collected.ongoing:
        lines.append(statement("said", "The collection goes on after that day"))
    else:
        lines.append(read("The collection has ended: it is not said to go on"))
    for one in found.learned:
        lines += _linguistic(one)
    lines.append(said("What there is too much or too little of", about.limits.biases))
    if about.people.groups:
        lines.append(said("Groups of people", about.people.groups))
    lines.append(said("What is not in it", about.limits.gaps))
    yield listed(lines)


def _linguistic(one: Mapping[str, Any]) -> Iterator[str]:
    rows, languages = one.get("rows") or 0, one.get("languages") or {}
    if languages:
        most = sorted(languages.items(), key=lambda item: (-item[1], item[0]))
        named = ", ".join(f"{code(name)} {share(n, rows)}" for name, n in most[:MOST_ROWS])
        more = f", and {count(len(most) - MOST_ROWS)} more" if len(most) > MOST_ROWS else ""
        if (missing := rows - sum(languages.values())) > 0:
            more += f"; of {share(missing, rows)} none is known"
        yield measured(f"Languages of {code(ref(one))}, by share of rows: {named}{more}")
    else:
        yield unanswered(f"The languages of {code(ref(one))} were not measured and no row states one")
    if dates := dates_of(one):
        yield measured(f"Dates that rows of {code(ref(one))} state of themselves: {code(dates[0])} to {code(dates[1])}")


def _reserved(about: About) -> Iterator[str]:
    provider = about.provider
    if provider is None or provider.code_of_practice is None:
        yield unanswered("Whether the provider signed the code of practice for general-purpose AI is not told")
    else:
        yield statement(
            "said", f"Signatory of the code of practice for general-purpose AI: {provider.code_of_practice}"
        )
    if provider is None:
        yield unanswered("No copyright policy is told")
    else:
        yield said("Copyright policy, and how opt-outs were respected", provider.copyright_policy)
    for origin in about.collection.sources:
        if origin.crawler:
            yield said(f"Crawler of {prose(origin.name)}", origin.crawler)


def _illegal(record: Mapping[str, Any], about: About) -> Iterator[str]:
    if about.provider is None:
        yield unanswered("What was done to keep illegal content out is not told")
    else:
        yield said("Measures", about.provider.illegal_content)
    toxic = sum(n for reason, n in ledger(record).get("dropped", {}).items() if "toxic" in reason.lower())
    if toxic:
        yield measured(f"{plural(toxic, 'row')} dropped as toxic, which is not what the law calls illegal")


def _checks(record: Mapping[str, Any], about: About) -> Iterator[str]:
    yield from (f"- {text}" for text in _CHECKS)
    yield from (not_told(place) for place in missing(record, about))


def _rows(one: Mapping[str, Any]) -> str:
    noun = ROWS.get(str(one.get("kind")), "row")
    return plural(one["rows"], noun) if isinstance(one.get("rows"), int) else f"{noun}s"
