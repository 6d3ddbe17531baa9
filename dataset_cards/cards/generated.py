"""What the facts say of rows that a model made, as sentences and tables: answers of no use, verdicts, variety."""

from collections.abc import Iterator, Mapping
from typing import Any

from .agreement import Interval, measured
from .plain import count, figure, one_line, plural, share
from .sheet import Sheet

Facts = Mapping[str, Any]

_SOLVED = ("problems", "right", "wrong", "cannot_tell")
MOST_OPENINGS = 5  # of each part
_VARIETY = (
    ("distinct-n", "different runs of n words as a share of all, per 10,000 (Li et al. 2016, arXiv 1510.03055)"),
    ("near-duplicates", "share of rows that have one among the others that were looked at"),
    ("compression", "bytes by compressed bytes; more is more alike (Shaib et al. 2024, arXiv 2403.00553)"),
    (
        "topics",
        "as varied as so many texts with nothing in common, at most 512 (Vendi score, Friedman and Dieng 2022, "
        "arXiv 2210.02410)",
    ),
    ("openings", "share of rows that begin with one of the ten most frequent first three words"),
)  # fmt: skip


def facts_of(version: Facts, name: str) -> Facts:
    """One of the facts; empty where the version does not have it."""
    found: Facts = (version.get("facts") or {}).get(name) or {}
    return found


def sentences(version: Facts) -> Iterator[str]:
    """How much came of asking."""
    for name, said in (("generated", "what a model said"), ("answered", "its answers to these")):
        if found := facts_of(version, name):
            results, bad = found.get("results", 0), found.get("unreadable", 0)
            text = f"{plural(results, 'result')} in {said}: {plural(found.get('rows', 0), 'row')}"
            yield f"{text}, {count(bad)} unreadable ({share(bad, results)}), the rest left out on purpose."
    if found := facts_of(version, "ground"):
        yield (
            f"{count(found.get('answered', 0))} of {plural(found.get('documents', 0), 'document')} gave "
            f"{plural(found.get('pairs', 0), 'pair')} whose quotation stands in the document"
            f"{', and which the model answered alike when asked again' if found.get('roundtrip') else ''}."
        )
    if kept := facts_of(version, "safety").get("kept"):
        yield "Kept: " + ", ".join(f"{count(many)} {one_line(side, 40)}" for side, many in kept.items()) + "."
    if (variety := facts_of(version, "variety")).get("sample", 0) < variety.get("rows", 0):
        yield f"Variety was measured on {count(variety['sample'])} of {plural(variety['rows'], 'row')}, drawn by hash."
    if (echo := variety.get("prompt_examples")) is not None:
        many = plural(echo["rows"], "row")
        yield f"{many} with {echo['words']} words in a row that stand in the prompts that asked for them."


def sheets(version: Facts) -> Iterator[Sheet]:
    """Every table that has something in it."""
    for sheet in (
        *(_judged(facts_of(version, "judged")), _reasoned(facts_of(version, "reasoned"))),
        *(_principles(facts_of(version, "constitutional")), _drafted(facts_of(version, "self_instruct"))),
        *(_variety(facts_of(version, "variety")), _openings(facts_of(version, "variety"))),
        *(_rounds(facts_of(version, "variety")), _overlap(facts_of(version, "variety"))),
    ):
        if sheet.rows:
            yield sheet


def prompts(version: Facts) -> list[tuple[str, str, str]]:
    """Name, fingerprint and text of each prompt."""
    return [
        (str(name), str(one.get("fingerprint", "")), str(one.get("text", "")))
        for name, one in facts_of(version, "prompts").items()
    ]


def pairs(version: Facts) -> list[tuple[str, str, str]]:
    """Near-duplicates to look at: what part of the rows, and both texts."""
    parts = facts_of(version, "variety").get("parts") or {}
    return [(str(part), str(one), str(two)) for part, found in parts.items() for one, two in found.get("pairs") or ()]


def _judged(found: Facts) -> Sheet:
    rows = [
        ("pairs", count(found.get("pairs", 0))),
        ("ties", count(found.get("ties", 0))),
        ("both orders say the same", _percent(found.get("consistent"))),
        ("choices of what stood first", _percent(found.get("first_place"))),
        ("agrees with the labels that came along", _percent(found.get("agrees"))),
    ]
    notes = (("choices of what stood first", "50 % is no bias"),) if found.get("first_place") else ()
    return _sheet("Verdicts of the model", ("measure", "value"), rows if found else [], notes=notes)


def _reasoned(found: Facts) -> Sheet:
    rows = [
        *(
            (name.replace("_", " "), count(found.get(name, 0)))
            for name in ("problems", "right", "wrong", "cannot_tell")
        ),
        ("mean pass rate of a problem", _percent(found.get("pass_rate"))),
        ("problems solved at least once", _percent(found.get("solved_share")) or count(found.get("solved", 0))),
    ]
    return _sheet("Solutions and what the verifier said", ("measure", "value"), rows if found else [])


def _principles(found: Facts) -> Sheet:
    rows = [
        (str(one["id"]), str(one.get("title", "")), count(one.get("applied", 0)), count(one.get("changed", 0)))
        for one in found.get("principles") or ()
    ]
    header = ("principle", "title", "answers held to it", "answers changed")
    return _sheet("Principles of the constitution", header, rows, names=(0, 1))


def _drafted(found: Facts) -> Sheet:
    names = ("results", "rows", "unreadable", "similar")
    rows = [(str(one["round"]), *(count(one.get(name, 0)) for name in names)) for one in found.get("rounds") or ()]
    return _sheet("Drafts by round", ("round", "drafts", "kept", "unreadable", "too similar"), rows)


def _variety(found: Facts) -> Sheet:
    rows = []
    for part, one in (found.get("parts") or {}).items():
        spread = one.get("distinct") or {}
        rows.append(
            (
                *(str(part), count(one.get("rows", 0)), count(one.get("words", 0))),
                *(_number(spread.get(n)) for n in ("1", "2", "3")),
                _percent(one.get("self_similar")),
                *(_number(one.get("compression")), _number(one.get("topics"))),
                _percent(one.get("opening_share")),
            )
        )
    many = ("distinct-1", "distinct-2", "distinct-3", "near-duplicates", "compression", "topics", "openings")
    return _sheet("Variety", ("part", "rows", "words", *many), rows, names=(0,), notes=_VARIETY)


def _openings(found: Facts) -> Sheet:
    rows = [
        (str(part), str(words), count(many))
        for part, one in (found.get("parts") or {}).items()
        for words, many in (one.get("openings") or ())[:MOST_OPENINGS]
    ]
    return _sheet("Most frequent openings", ("part", "first three words", "rows"), rows, names=(0, 1))


def _rounds(found: Facts) -> Sheet:
    rows = [
        (
            *(str(one["round"]), count(one.get("rows", 0)), _number(one.get("distinct"))),
            *(_percent(one.get("self_similar")), _number(one.get("topics")), _percent(one.get("opening_share"))),
        )
        for one in found.get("rounds") or ()
    ]
    header = ("round", "rows", "distinct-2", "near-duplicates", "topics", "openings")
    return _sheet("Variety by round", header, rows)


def _overlap(found: Facts) -> Sheet:
    rows = [
        (str(one["version"]), *(count(one.get(name, 0)) for name in ("texts", "rows_13", "rows_8")))
        for one in found.get("against") or ()
    ]
    header = ("version", "texts", "rows that share 13 words in a row", "8 words")
    return _sheet("Overlap with other versions", header, rows, names=(0,))


def _sheet(
    title: str,
    header: tuple[str, ...],
    rows: list[Any],
    names: tuple[int, ...] = (),
    notes: tuple[tuple[str, str], ...] = (),
) -> Sheet:
    right = tuple(n for n in range(1, len(header)) if n not in names)
    return Sheet(kind="generated", title=title, header=header, rows=rows, names=names, right=right, notes=notes)


def _percent(triple: Any) -> Interval | None:
    return measured(triple, percent=True)


def _number(value: Any) -> str | None:
    return None if value is None else figure(value)
