"""Datasheet: what is in the data."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..cards import autopsy
from ..cards.account import dropped, ledger, limits, noun, what_it_is
from ..cards.agreement import agreement, sentence
from ..cards.agreement_card import agreement_paragraphs
from ..cards.agreement_doubts import doubts
from ..cards.content_shown import content_paragraphs
from ..cards.markdown import code, prose, table
from ..cards.paragraphs import detectors_scores, found_inside, in_evaluations, inside, near
from ..cards.plain import count, plural, share, size
from ..cards.sheet import as_markdown
from . import known
from .about import About
from .answers import Answer, Question, both, if_any, lowered, measured, said

Record = Mapping[str, Any]

_COLUMNS = 200
_LABELS = {
    "documents": "Rows have a text and no label.",
    "conversations": "The answers of the assistant are what a model learns to give; there is no other label.",
    "prompts": "Rows ask something and have no answer.",
    "preferences": "`chosen` and `rejected` say which answer was preferred.",
    "rankings": "`ranks` orders the responses of a row, 1 the best.",
    "judgements": "`answer` and `ranks` hold what each person or model answered.",
    "verifiable": "`answer` is the right one, and `verifier` names what checks it.",
    "teacher": "Token ids and log-probabilities of the teacher are what a student learns.",
}
_RELATED = {
    "parents": "`parents` holds the ids of the rows that a row was made from",
    "source": "`source` names where a row came from",
    "url": "`url` says at what address it was found",
    "record": "`record` holds the id of the row that was judged",
    "annotator": "`annotator` says by a name or pseudonym who judged it",
}


def _what(record: Record, about: About) -> Answer:
    return both([prose(what_it_is(record), 4000)], about.summary)


def _how_many(record: Record, about: About) -> Answer:
    rows = f"{plural(record.get('rows', 0), noun(record))} in {size(record.get('bytes', 0))}."
    return measured(rows, *inside(record), *lowered(content_paragraphs(record)))


def _sample(record: Record, about: About) -> Answer:
    book = ledger(record)
    whole = "Every row that was read is in it."
    gone = dropped(record) + book["quarantined"]
    part = (
        f"Of {plural(book['read'], 'row')} that came, {count(book['kept'])} ({share(book['kept'], book['read'])}) "
        f"stayed, {count(dropped(record))} fell to rules, and {count(book['quarantined'])} could not be read."
    )
    return if_any(about.collection.sampling, "No sampling is named.", [part if gone else whole])


def _columns(record: Record, about: About) -> Answer:
    schema = record.get("schema") or []
    rows = [(code(column["name"]), code(column["type"])) for column in schema[:_COLUMNS]]
    return measured(table(("column", "type"), rows) if rows else "version.json lists no columns.")


def _labels(record: Record, about: About) -> Answer:
    told = [_LABELS.get(str(record.get("kind")), "The kind of its rows has no label that gristmill knows.")]
    if judged := agreement(record):
        told.append(prose(sentence(judged), 2000))
    return measured(*told)


def _missing(record: Record, about: About) -> Answer:
    unread = ledger(record)["quarantined"]
    told = f"{plural(unread, 'input')} could not be read and {'is' if unread == 1 else 'are'} listed in the ledger."
    counted = [told if unread else "Every input could be read."]
    return if_any(about.collection.missing, "Nothing is named as missing.", counted)


def _related(record: Record, about: About) -> Answer:
    names = {str(column["name"]) for column in record.get("schema") or []}
    told = [text for name, text in _RELATED.items() if name in names]
    found = f"{'; '.join(told)}." if told else "No column relates one row to another."
    return measured(found, *near(record))


def _splits(record: Record, about: About) -> Answer:
    one = f"One split, `train`, has every row: {plural(record.get('rows', 0), noun(record))}."
    return measured(one, *in_evaluations(record))


def _errors(record: Record, about: About) -> Answer:
    told = [prose(text, 2000) for text in doubts(record)]
    scores = list(detectors_scores(record))
    told += ["How well the detectors that ran find what they look for:", *scores] if scores else []
    if not scores:
        told.append("No detector that ran was held against labelled rows.")
    if record.get("kind") in ("preferences", "rankings", "judgements") or agreement(record):
        told += lowered(agreement_paragraphs(record))
    told += [prose(text, 2000) for text in autopsy.sentences(record)]
    told += lowered(as_markdown(autopsy.sheets(record)))
    return both(told, about.limits.biases)


def _contained(record: Record, about: About) -> Answer:
    names = {str(column["name"]) for column in record.get("schema") or []}
    alone = "Every row is in `data/`; nothing has to be fetched."
    return measured(
        alone, "What stands at the addresses in `url` may have changed or gone." if "url" in names else None
    )


def _confidential(record: Record, about: About) -> Answer:
    return both(_looked(record), about.people.personal_data)


def _looked(record: Record) -> Iterator[str]:
    """What was found inside texts, and what nobody looked for."""
    yield from found_inside(record)
    searched = known.content(record).get("secrets")
    if searched is not None:
        rows = plural(searched.get("rows", 0), noun(record))
        yield (
            f"Keys and passwords of known forms were looked for when the version was frozen: {rows} with one."
            if searched.get("rows")
            else "Keys and passwords of known forms were looked for when the version was frozen; none was found."
        )
    stages = {str(stage).lower() for stage in (record.get("facts") or {}).get("spans") or {}}
    if searched is None and not any("secret" in stage for stage in stages):
        yield "Nobody looked for keys and passwords inside the texts."
    if all("secret" in stage for stage in stages):
        yield "Nobody looked for personal data inside the texts."


def _offensive(record: Record, about: About) -> Answer:
    book = ledger(record).get("dropped") or {}
    gone = sum(n for why, n in book.items() if "toxic" in str(why).lower())
    looked = any("toxic" in str(step.get("stage", "")).lower() for step in record.get("funnel") or ())
    told = f"Dropped as toxic: {plural(gone, 'row')}." if looked else "Nothing looked for toxic text in this version."
    return both([told], about.people.sensitive)


def _groups(record: Record, about: About) -> Answer:
    languages, rows = known.counts(record.get("languages")), record.get("rows", 0)
    cells = [(code(name), count(n), share(n, rows)) for name, n in list(languages.items())[:_COLUMNS]]
    shown = (
        table(("language", "rows", "of all"), cells, right=(1, 2)) if cells else "No language was measured or stated."
    )
    return if_any(about.people.groups, "No groups of people are named.", [shown])


def _told_apart(record: Record, about: About) -> Answer:
    found = known.personal(record)
    kinds = ", ".join(f"{code(kind)} in {plural(n, 'row')}" for kind, n in sorted(found.items())[:_COLUMNS])
    concerned = {
        "yes": "Yes: some of it is about or by people who can be told apart.",
        "no": "No: none of it is about or by people who can be told apart.",
        "unknown": "It could not be established whether people in it can be told apart.",
    }
    return both(
        [f"Found in texts: {kinds}." if kinds else None],
        about.people.personal_data,
        noted=concerned[about.people.concerned],
    )


COMPOSITION = (
    Question(asks="What is a row?", answer=_what),
    Question(asks="How many are there?", answer=_how_many),
    Question(asks="Is it everything there is, or a part of something larger?", answer=_sample),
    Question(asks="What does each row hold?", answer=_columns),
    Question(asks="Does a row have a label or target?", answer=_labels),
    Question(asks="Is anything missing from rows?", answer=_missing),
    Question(asks="Are relations between rows made plain?", answer=_related),
    Question(asks="How should it be split?", answer=_splits),
    Question(asks="What errors, noise or repetition is there?", answer=_errors),
    Question(asks="Does it stand alone, or depend on things elsewhere?", answer=_contained),
    Question(asks="Is any of it confidential?", answer=_confidential),
    Question(asks="Could any of it insult, threaten or frighten?", answer=_offensive),
    Question(asks="Does it tell groups of people apart?", answer=_groups),
    Question(asks="Can single people be told from it?", answer=_told_apart),
    Question(asks="Is any of it sensitive?", answer=lambda record, about: said(about.people.sensitive)),
    Question(
        asks="Anything else on what is in it?",
        answer=lambda record, about: both(
            ["\n".join(f"- {prose(text)}" for text in limits(record, said=True))],
            about.limits.gaps,
        ),
    ),
)
