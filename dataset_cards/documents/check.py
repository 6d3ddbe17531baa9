"""Every gap between a version and what people said of it, at once: `card check`."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from ..cards.plain import count, one_line, plural
from ..versions.version import DRAFT
from . import ab2013, eu_summary, known
from .about import About, Provider
from .licensing.mix import mix
from .licensing.spdx import UNKNOWN, spdx
from .load import Fault, Gap, Reading, asks, needed, reading_of, sections
from .roots import uncovered
from .unfilled import iso_day
from .yaml_text import Path

Record = Mapping[str, Any]

# Documents that only a provider can answer for, and what each still misses in about.yaml.
_ASK: Mapping[str, Callable[[Record, About], list[str]]] = {"eu_summary": eu_summary.missing, "ab2013": ab2013.missing}
LAWS = tuple(_ASK)
# Somebody else may have crawled what comes as a public or licensed data set.
_FROM_THE_WEB = ("web-crawl", "public-dataset", "licensed")
_DOES_NOT_APPLY = re.compile(r"\W*(?:not applicable|does not apply|no (?:people|persons?|personal data))\b", re.I)
MOST_NAMED = 5


def check(record: Record, about: bytes | None, name: str) -> list[Gap]:
    """What is missing or wrong before the documents of a version can be made; empty if nothing is.

    Args:
        record: what version.json says.
        about: the bytes of about.yaml; None if there is no such file.
        name: what the file is called in messages.
    """
    reading = reading_of(about or b"", name)
    faults = list(reading.faults)
    if not reading.read.broken:
        for told in (_provider, _laws, _contact, _days, _named, _sources, _people, _licence):
            faults += told(record, reading)
    return [*_of_version(record), *reading.gaps(faults)]


def _of_version(record: Record) -> Iterator[Gap]:
    place = one_line(known.ref(record))
    if record["version"] == DRAFT:
        yield Gap(place=place, what="is a draft, whose rows may change", mend="freeze it under a version such as 1.0.0")
    if tainted := record.get("tainted"):
        why = tainted if isinstance(tainted, str) else "; ".join(map(str, tainted))
        mend = "make the rows again with real people and a real model"
        yield Gap(place=place, what=f"is tainted: {one_line(why, 500)}", mend=mend)


def _provider(record: Record, reading: Reading) -> Iterator[Fault]:
    asked = at(reading, "documents")
    wanted = [one for one in LAWS if asked is None or one in _texts(asked)]
    if wanted and at(reading, "provider") is None:
        for path in needed(Provider, ("provider",)):
            among = "among documents" if asked is not None else "(made as long as documents lists none)"
            what = f"is empty, and {' and '.join(wanted)} {among} cannot be written without"
            yield reading.fault(path, what, asks(path))


def _laws(record: Record, reading: Reading) -> Iterator[Fault]:
    """What one of the laws asks for and a complete about.yaml may still leave open."""
    said = reading.about
    if said is None or said.provider is None:
        return
    wanted = [(name, missing) for name, missing in _ASK.items() if name in said.documents]
    by_place: dict[str, list[str]] = {}
    for name, missing in wanted:
        for place in missing(record, said):
            by_place.setdefault(place, []).append(name)
    for place, names in by_place.items():
        if place != "collection.sources" and not place.endswith(".versions"):  # those are told by name
            path = _path(place)
            settled = at(reading, *path) == "unknown"
            what = f"{'says unknown' if settled else 'is empty'}, and {' and '.join(names)} asks for it"
            yield reading.fault(path, what, asks(path))


def _contact(record: Record, reading: Reading) -> Iterator[Fault]:
    if at(reading, "contact", "email") is None and at(reading, "contact", "url") is None:
        yield reading.fault(
            ("contact",), "has neither email nor url", "write one of them; people must be able to write"
        )


def _days(record: Record, reading: Reading) -> Iterator[Fault]:
    frozen = known.frozen_on(record)
    # Whoever writes may live a day ahead of the UTC that the freeze is stamped with.
    latest = frozen + timedelta(days=1) if frozen else date.max
    places = [
        ("collection",),
        *(("collection", "sources", n) for n in range(len(_items(reading, "collection", "sources")))),
    ]
    for place in places:
        begin, end = (_day(at(reading, *place, key)) for key in ("begin", "end"))
        if begin and end and end < begin:
            mend = "write the last day of collecting, which is not before the first"
            yield reading.fault((*place, "end"), f"is {end}, before it began on {begin}", mend)
        for key, day in (("begin", begin), ("end", end)):
            if day and day > latest:
                what = f"is {day}, after the version was frozen on {frozen}"
                mend = (
                    "write when what is in this version was collected, or freeze it again if the clock was wrong then"
                )
                yield reading.fault((*place, key), what, mend)


def _named(record: Record, reading: Reading) -> Iterator[Fault]:
    """Versions, licences, sources and domains that a person names and that are not there."""
    refs = known.refs(record)
    said = sections(reading)
    if said is None:
        for n in range(len(_items(reading, "collection", "sources"))):
            for m, one in enumerate(_texts(_items(reading, "collection", "sources", n, "versions"))):
                if one not in refs:
                    path = ("collection", "sources", n, "versions", m)
                    what = f"names {one_line(one)!r}, which is not behind this version"
                    yield reading.fault(path, what, _one_of(refs))
    for line in uncovered(record, said) if said else ():
        dotted, _, told = line.partition(": ")
        what, _, mend = told.rpartition("; ")
        yield reading.fault(_path(dotted), what, mend.rstrip("."))
    shown = [*known.licences(record), *refs, *known.tallied(record, "sources"), *known.domains(record)]
    sources = [one for one in _items(reading, "collection", "sources") if isinstance(one, dict)]
    there = {"unknown", *(one.lower() for one in shown), *(str(one.get("name")).lower() for one in sources)}
    for n in range(len(_items(reading, "licensing", "decisions"))):
        of = at(reading, "licensing", "decisions", n, "of")
        if isinstance(of, str) and of.lower() not in there and not _cut(record):
            place = ("licensing", "decisions", n, "of")
            yield reading.fault(place, f"names {one_line(of)!r}, which nothing in this version is", _one_of(shown))


def _sources(record: Record, reading: Reading) -> Iterator[Fault]:
    sources = _items(reading, "collection", "sources")
    kinds = {one.get("kind") for one in sources if isinstance(one, dict)}
    place = ("collection", "sources")
    if (models := known.models(record)) and "synthetic" not in kinds:
        what = f"has none of kind synthetic, and {_some(models)} wrote rows"
        yield reading.fault(place, what, "add a source of kind synthetic, or take the rows out")
    if (domains := known.domains(record)) and not kinds & set(_FROM_THE_WEB):
        what = f"has none of kind web-crawl, and rows come from {_some(list(domains))}"
        mend = "add one of kind web-crawl, or of kind public-dataset or licensed if somebody else fetched the pages"
        yield reading.fault(place, what, mend)


def _people(record: Record, reading: Reading) -> Iterator[Fault]:
    concerned = at(reading, "people", "concerned")
    if concerned == "no" and (found := known.personal(record)):
        what = f"says no, and personal data was found: {', '.join(f'{k} in {count(n)}' for k, n in _first(found))} rows"
        mend = "write yes, and say in personal_data what was done with it; or unknown, and why"
        yield reading.fault(("people", "concerned"), what, mend)
    if concerned == "yes":
        for key in ("consent", "personal_data", "removal"):
            said = at(reading, "people", key)
            if isinstance(said, str) and _DOES_NOT_APPLY.match(said) and len(said.split()) < 8:
                path = ("people", key)
                what = f"says {one_line(said, 60)!r}, and people are concerned"
                yield reading.fault(path, what, asks(path))


def _licence(record: Record, reading: Reading) -> Iterator[Fault]:
    """A licence that nobody can look up, and what the parts ask that nobody has settled."""
    given = at(reading, "licensing", "license")
    unread = isinstance(given, str) and spdx(given) == UNKNOWN
    if unread:
        path = ("licensing", "license")
        what = f"says {one_line(given)!r}, which is no licence that is known here"
        yield reading.fault(path, what, f"{asks(path)}, or LicenseRef-NAME for one of your own")
    said = sections(reading)
    if said is None and at(reading, "licensing", "license") is not None:
        return  # decisions cannot be told from faults there until these are mended
    for one in mix(record, said).open:
        if not (unread and one.kind == "given"):
            mend = "decide it there with of, license and reason, or leave these rows out"
            yield reading.fault(("licensing", "decisions"), one.sentence.rstrip("."), mend)


def at(reading: Reading, *path: str | int) -> Any:
    """What the file says at a path, right or wrong; None where it says nothing."""
    value: Any = reading.read.values
    for part in path:
        if isinstance(part, str) and isinstance(value, dict):
            value = value.get(part)
        elif isinstance(part, int) and isinstance(value, list) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def _path(dotted: str) -> Path:
    """`("creators", 0, "name")` for `creators[0].name`."""
    return tuple(int(part) if part.isdigit() else part for part in re.findall(r"\w+", dotted))


def _items(reading: Reading, *path: str | int) -> list[Any]:
    found = at(reading, *path)
    return found if isinstance(found, list) else []


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _day(value: Any) -> date | None:
    try:
        return iso_day(value)
    except ValueError:
        return None  # told as a gap already, where the file was read


def _cut(record: Record) -> bool:
    """Whether version.json leaves out names that a decision may be about."""
    tallies = [known.content(record).get(key) for key in ("domains", "sources", "licenses")]
    return any(isinstance(one, Mapping) and one.get("others") for one in tallies)


def _one_of(names: list[str]) -> str:
    return f"name one of {_some(names)}" if names else "take it out"


def _some(names: list[str]) -> str:
    shown = ", ".join(one_line(name, 80) for name in names[:MOST_NAMED])
    return f"{shown} and {plural(len(names) - MOST_NAMED, 'other')}" if len(names) > MOST_NAMED else shown


def _first(found: Mapping[str, int]) -> list[tuple[str, int]]:
    return [
        (one_line(kind, 60), n) for kind, n in sorted(found.items(), key=lambda one: (-one[1], one[0]))[:MOST_NAMED]
    ]
