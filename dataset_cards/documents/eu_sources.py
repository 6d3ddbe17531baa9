"""Section 2 of the EU's public summary of training content: the list of data sources."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..cards.markdown import code
from ..cards.plain import count, plural
from .about import About, Origin, SourceKind
from .known import counts
from .roots import Behind, Told, covered, left_over, ref
from .statements import listed, measured, period, read, said, shown_table, statement, unanswered

MOST_ROOTS = 200
MOST_LICENCES = 20  # of one version
NOBODY = ("", "human", "unknown")  # what `origin` says of a row that names no model

# Heading, kind of source, and what a yes says.
_SECTIONS: Sequence[tuple[str, SourceKind | None, str]] = (
    ("### 2.1. Publicly available datasets", "public-dataset", "Publicly available datasets were used"),
    ("### 2.2. Private non-publicly available datasets obtained from third parties", None, ""),
    (
        "#### 2.2.1. Datasets commercially licensed by rightsholders or their representatives",
        "licensed",
        "Licensing agreements with rightsholders or their representatives were concluded",
    ),
    (
        "#### 2.2.2. Private datasets obtained from other third parties",
        "private",
        "Private datasets were obtained from third parties without such an agreement",
    ),
    (
        "### 2.3. Data crawled and scraped from online sources",
        "web-crawl",
        "Crawlers were used by the provider or on its behalf",
    ),
    ("### 2.4. User data", "user-data", "Data from users of the provider's models, services or products was used"),
    (
        "### 2.5. Synthetic data",
        "synthetic",
        "Data was made by AI models, by the provider or on its behalf",
    ),
    ("### 2.6. Other sources of data", "other", "Sources other than those of sections 2.1 to 2.5 were used"),
)


def sources(found: Behind, about: About) -> Iterator[str]:
    """The paragraphs of section 2, its headings included."""
    yield "## 2. List of data sources"
    yield from _at_the_root(found, about)
    for heading, kind, question in _SECTIONS:
        yield heading
        if kind is not None:
            yield from _section(kind, question, found, about)


def _at_the_root(found: Behind, about: About) -> Iterator[str]:
    if found.roots:
        yield measured("Every row goes back to these versions, which were made from no other here")
        rows = [
            (code(ref(one)), code(one.get("kind") or "not told"), _rows(one), code(license_of(one)), _source(one))
            for one in found.roots[:MOST_ROOTS]
        ]
        yield shown_table(("version", "kind", "rows", "licence", "where it came from"), rows, right=(2,))
        if (more := len(found.roots) - MOST_ROOTS) > 0:
            yield measured(f"{plural(more, 'more version')} of this sort; version.json has them under `ancestors`")
    else:
        yield unanswered("What this was trained on is not in its record: it was taken in as it came")
    lines = [
        unanswered(f"No source in about.yaml is about {code(ref(one))}, so its section is not settled")
        for one in left_over(found, about)
    ]
    if found.aside:
        names = ", ".join(map(code, found.aside))
        lines.append(measured(f"Only read, and no training content: {names}. Nothing of them is inside"))
    if found.lenders:
        names = ", ".join(code(ref(one)) for one in found.lenders)
        lines.append(measured(f"Models and classifiers that wrote or judged rows and lent none: {names}"))
    if lines:
        yield listed(lines)


def _section(kind: SourceKind, question: str, found: Behind, about: About) -> Iterator[str]:
    origins = [one for one in about.collection.sources if one.kind == kind]
    by_models = written(found) if kind == "synthetic" else []
    if origins:
        lines = [read(f"{question}: yes"), measured("Modality: text")]
        lines += [line for origin in origins for line in _entry(origin, found)]
    elif by_models:
        lines = [measured(f"{question}: yes, as rows say of themselves")]
        lines.append(unanswered("No source in about.yaml is of this kind"))
    elif left_over(found, about):
        lines = [unanswered(f"{question}: no source in about.yaml is of this kind, but some versions have no source")]
    else:
        also = ", and no row names a model" if kind == "synthetic" else ""
        lines = [read(f"{question}: no; no source in about.yaml is of this kind{also}")]
    yield listed(lines)
    if kind == "synthetic":
        yield from _models(by_models)
    if kind == "web-crawl" and origins:
        yield from _domains(found, about)


def _entry(origin: Origin, found: Behind) -> Iterator[str]:
    """One source as a list inside the list."""
    yield said("Source", origin.name)
    yield said("How it was obtained", origin.how, 1)
    if origin.url:
        yield statement("said", f"Address: {code(origin.url, 2000)}", 1)
    if origin.crawler:
        yield said("Crawler and its behaviour", origin.crawler, 1)
    if origin.kind == "web-crawl" and not origin.crawler:
        yield unanswered("The crawler and how it treats robots.txt and other opt-outs are not told", 1)
    if origin.model:
        yield said("Written by the model", origin.model, 1)
    if when := period(origin.begin, origin.end):
        yield statement("said", f"Collected: {when}", 1)
    for one in covered(origin, found) if origin.versions else ():
        yield measured(f"Held by {code(ref(one))}: {_rows(one)} rows, licence {code(license_of(one))}", 1)


def written(found: Behind) -> list[tuple[str, str, int]]:
    """Version, model and rows, of the rows that say a model wrote them; most first in each version."""
    rows = []
    for one in _each(found.learned, found.roots):
        rows += [(ref(one), name, n) for name, n in counts(tally(one, "origins")).items() if name.lower() not in NOBODY]
    return rows


def _models(rows: Sequence[tuple[str, str, int]]) -> Iterator[str]:
    if rows:
        yield measured("Rows that say which model wrote them")
        cells = [(code(version), code(model), count(n)) for version, model, n in rows]
        yield shown_table(("version", "model", "rows"), cells, right=(2,))


def _domains(found: Behind, about: About) -> Iterator[str]:
    """The most frequent domains of each dataset that counted them, as many as the template asks for."""
    small = about.provider is not None and about.provider.small == "yes"
    asked = "5 %, at most 1,000, as of a small or medium-sized enterprise" if small else "10 %"
    told = [(one, tally(one, "domains")) for one in _each(found.learned, found.roots)]
    told = [(one, domains) for one, domains in told if domains.get("counts")]
    if not told:
        yield unanswered("No domains are counted in version.json, so none are listed here")
    for one, domains in told:
        rows = list(counts(domains).items())
        different = int(domains.get("different") or len(rows))
        wanted = min(-(-different * 5 // 100), 1000) if small else -(-different // 10)
        least = "at least " if domains.get("slack") else ""
        lines = [
            measured(
                f"Domains of {code(ref(one))}: {least}{plural(different, 'different one')}; the top {asked} are "
                f"{plural(wanted, 'domain')}. They are in the order of rows, not of bytes"
            )
        ]
        if missing := domains.get("missing"):
            lines.append(measured(f"{plural(int(missing), 'row')} without an address"))
        if wanted > len(rows):
            told_of = f"Only the first {count(len(rows))} are in version.json; the provider adds the rest"
            lines.append(unanswered(told_of))
        yield listed(lines)
        cells = [(code(name), count(n)) for name, n in rows[:wanted]]
        yield shown_table(("domain", "rows"), cells, right=(1,))


def tally(one: Told, key: str) -> Mapping[str, Any]:
    """A count of values in the content of a version; empty where nobody counted."""
    found: Mapping[str, Any] = (one.get("content") or {}).get(key) or {}
    return found


def dates_of(one: Told) -> tuple[str, str] | None:
    """The earliest and the latest date that rows state of themselves."""
    ends = [(each["earliest"], each["latest"]) for each in tally(one, "dates").values() if each.get("earliest")]
    return (min(str(first) for first, _ in ends), max(str(last) for _, last in ends)) if ends else None


def license_of(one: Told) -> str:
    """All of `licenses_of` on one line."""
    names = licenses_of(one)
    more = f", and {count(len(names) - MOST_LICENCES)} more" if len(names) > MOST_LICENCES else ""
    return ", ".join(names[:MOST_LICENCES]) + more


def licenses_of(one: Told) -> list[str]:
    """What the version states and what its rows state; rows that state none fall under what the version states."""
    stated, rows = str(one.get("license") or "unknown"), set(map(str, one.get("licenses") or ()))
    names = (rows or {stated}) if stated.lower() == "unknown" else {stated, *rows} - {"unknown"}
    return sorted("not stated" if name.lower() == "unknown" else name for name in names)


def _rows(one: Told) -> str:
    return count(one["rows"]) if isinstance(one.get("rows"), int) else "not told"


def _source(one: Told) -> str:
    return code(one["source"], 300) if one.get("source") else "not stated"


def _each(*groups: Iterable[Told]) -> list[Told]:
    """Every version once, in order."""
    found = {ref(one): one for group in groups for one in group}
    return list(found.values())
