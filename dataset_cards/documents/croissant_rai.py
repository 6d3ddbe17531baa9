"""The properties of Croissant RAI 1.0: measured where the version was measured, otherwise in a person's own words."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..cards.account import bare, facts, limits, reasons, warnings
from ..cards.agreement import agreement, guidelines, judged, measured, questions, remarks, sentence
from ..cards.agreement import is_percent as share_by_name
from ..cards.agreement_doubts import doubts
from ..cards.detectors import looked_in_vain, spans, times
from ..cards.mixture import about as mixture
from ..cards.plain import count, one_line, plural, shorten, visible
from .about import About, Collection, Origin
from .croissant_context import as_said

Record = Mapping[str, Any]

_LONGEST = 20_000  # characters of one guideline
# By kinds of sources, the values that the specification recommends for rai:dataCollectionType.
_COLLECTED = {
    "public-dataset": "Secondary Data analysis",
    "licensed": "Secondary Data analysis",
    "web-crawl": "Web Scraping",
    "user-data": "User-generated content data",
    "synthetic": "Others: text written by a model",
    "private": "Others: data that is not public",
    "other": "Others",
}


def rai(record: Record, about: About | None) -> dict[str, str | list[str]]:
    """The properties there is something to say for; the others are left out."""
    state, biases = _warned(record)
    found: dict[str, str | list[str]] = {
        **_collected(record, about),
        "dataPreprocessingProtocol": list(_stages(record)),
        "dataManipulationProtocol": " ".join(_edits(record)),
        **_annotated(record),
        "machineAnnotationTools": _detectors(record),
        "dataLimitations": [*state, *limits(record, said=about is not None)],
        "dataBiases": biases,
        "personalSensitiveInformation": list(_private(record)),
    }
    if about:
        for name, said in _said(about).items():
            measured_here = found.get(name) or []
            found[name] = said if isinstance(said, str) else [*said, *measured_here]
    return {f"rai:{name}": value for name, value in found.items() if value}


def _collected(record: Record, about: About | None) -> dict[str, str | list[str]]:
    if about is None:
        return {"dataCollectionRawData": one_line(record["source"], 2000) if record.get("source") else ""}
    collection = about.collection
    kinds = [one.kind for one in collection.sources]
    return {
        "dataCollection": as_said(_whole(collection)),
        "dataCollectionType": list(dict.fromkeys(_COLLECTED[kind] for kind in kinds)),
        "dataCollectionMissingData": as_said(collection.missing or ""),
        "dataCollectionRawData": as_said(" ".join(map(_source, collection.sources))),
        "dataCollectionTimeframe": [collection.begin.isoformat(), collection.end.isoformat()],
    }


def _whole(collection: Collection) -> str:
    said = [collection.how, collection.who]
    if collection.sampling:
        said.append(collection.sampling)
    if collection.ongoing:
        said.append("The collection goes on; this version holds what came until the last day that is given.")
    return " ".join(said)


def _source(origin: Origin) -> str:
    notes = [
        *([f"crawler: {origin.crawler}"] if origin.crawler else []),
        *([f"model: {origin.model}"] if origin.model else []),
        *([origin.url] if origin.url else []),
    ]
    return f"{origin.name}: {origin.how}" + (f" ({'; '.join(notes)})" if notes else "")


def _said(about: About) -> dict[str, str | list[str]]:
    """What only a person can say; a list stands before what was measured."""
    people, uses, plan = about.people, about.uses, about.maintenance
    private = [people.personal_data, people.sensitive, people.consent, people.removal, people.review]
    return {
        "dataUseCases": [as_said(text) for text in (about.purpose, *uses.intended, *uses.known)],
        "dataLimitations": [as_said(about.limits.gaps), *(as_said(f"Not for: {text}") for text in uses.unsuitable)],
        "dataBiases": [as_said(about.limits.biases)],
        "dataSocialImpact": as_said(about.limits.risks),
        "personalSensitiveInformation": [as_said(text) for text in (*private, people.groups) if text],
        "dataReleaseMaintenancePlan": as_said(
            f"Maintained by {plan.by}. Updates: {plan.updates} Older versions: {plan.older_versions}"
        ),
    }


def _warned(record: Record) -> tuple[list[str], list[str]]:
    """What a reader is warned of first: the state of the version, and what was measured in its rows."""
    unmeasured = {**record, "facts": {name: one for name, one in facts(record).items() if name != "content"}}
    state = warnings(unmeasured)
    people = doubts(record)  # they are told with the annotation
    return [text for text in state if text not in people], [text for text in warnings(record) if text not in state]


def _stages(record: Record) -> Iterator[str]:
    """One sentence for each stage, in their order, with its counts and the lines it drew."""
    rules = {one.full: one.rule for one in reasons(record)}
    for stage in record.get("funnel") or ():
        said = f"{one_line(stage['stage'])}: {plural(stage['read'], 'row')} read, {count(stage['kept'])} kept"
        gone = [
            f"{one_line(bare(stage['stage'], why))} {count(n)}" + (f" ({rules[why]})" if rules.get(why) else "")
            for why, n in stage["dropped"].items()
            if n
        ]
        if gone:
            said += ", dropped: " + ", ".join(gone)
        if stage["quarantined"]:
            said += f", {count(stage['quarantined'])} could not be read"
        yield said + "."
    yield from mixture(record)


def _edits(record: Record) -> Iterator[str]:
    """Which stages changed texts or languages, and what was put in the place of personal data and secrets."""
    for stage, many in (facts(record).get("edits") or {}).items():
        if many:
            yield f"{one_line(stage)} changed the text or language of {plural(many, 'row')}."
    for stage, name, found, rows, done in spans(record):
        yield f"{one_line(stage)} found {one_line(name)} {times(found, rows)}: {done}."


def _private(record: Record) -> Iterator[str]:
    for stage, name, found, rows, done in spans(record):
        yield f"{one_line(name)}: found {times(found, rows)} by {one_line(stage)} ({done})."
    for stage in looked_in_vain(record):
        yield f"{one_line(stage)} looked and found nothing."


def _annotated(record: Record) -> dict[str, str | list[str]]:
    """What is known of people who judged rows, how far they agreed, and how their answers became one."""
    told = agreement(record)
    if not told:
        return {}
    protocol = [f"Task: {one_line(told.get('task', judged(told)))}."]
    if labels := told.get("labels"):
        given = (f"{one_line(label, 60)} ({plural(n, 'time')})" for label, n in labels.items())
        protocol.append(f"Answers given: {', '.join(given)}.")
    protocol += [f"{title}: {shorten(visible(text), _LONGEST)}" for title, text in guidelines(record) if text]
    analysis = [sentence(told)]
    for question, part in questions(told):
        for one in part.get("measures") or ():
            if (value := measured(one.get("value"), share_by_name(one["name"]))) is not None:
                asked = f"{one_line(question, 60)}: " if question else ""
                analysis.append(f"{asked}{one_line(one['name'], 80)} {value}; {one_line(one.get('how') or '')}.")
    if decided := told.get("decided"):
        ways = ", ".join(f"{one_line(how, 40)} {count(n)}" for how, n in decided.items() if n)
        analysis.append(f"How the final answers came about: {ways}.")
    items, answers = told.get("records") or 0, told.get("judgements") or 0
    each = f"{answers / items:.2f} on average: {sentence(told).partition(';')[0].rstrip('.')}." if items else ""
    return {
        "dataAnnotationProtocol": " ".join(protocol),
        "dataAnnotationAnalysis": [*analysis, *doubts(record), *remarks(record)],
        "annotationsPerItem": each,
    }


def _detectors(record: Record) -> list[str]:
    """The stages that measured something of rows, and the models that judged them."""
    told = facts(record)
    names = [one["stage"] for group in ("signals", "categories", "gold") for one in told.get(group) or ()]
    names += list(told.get("spans") or ())
    made = f"gristmill {one_line(record.get('gristmill', ''), 40)}"
    tools = [f"{one_line(name)} ({made})" for name in dict.fromkeys(map(str, names))]
    if model := (told.get("judged") or {}).get("model"):
        tools.append(f"{one_line(model)}, which judged rows")
    return tools
