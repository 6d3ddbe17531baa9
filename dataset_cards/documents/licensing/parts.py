"""What a version is put together of, as far as licences go: rows that state one, versions behind it, decisions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...cards.account import facts
from ...cards.plain import one_line
from ..about import Decision, Origin
from ..roots import Behind, behind, covered, ref
from .spdx import UNKNOWN, spdx

Told = Mapping[str, Any]

BY_ROWS, BY_VERSION, BY_NOBODY = "stated by the rows", "stated for the version", "stated nowhere"
_NOTHING = frozenset({"", "unknown", "none", "null", "n/a", "noassertion"})


@dataclass(frozen=True, kw_only=True)
class Part:
    """Rows under one licence, or a version that was given one.

    Attributes:
        what: what it is, in words; holds foreign text on one line.
        names: what a decision may call it: a ref, a source, a domain. The licence as stated is another such name.
        stated: the licence in the words in which it was stated; empty where none was.
        license: its SPDX expression after the decisions, or `unknown`.
        rows: how many rows of the version; None where that was not recorded.
        basis: `stated by the rows`, `stated for the version`, `stated nowhere`, or `decided: ` and the reason.
        source: where it comes from, in the words of who adopted it; empty where nobody said.
        groups: rows by source and by domain, by which a decision may settle it piece by piece.
    """

    what: str
    names: tuple[str, ...] = ()
    stated: str = ""
    license: str = UNKNOWN
    rows: int | None = None
    share: float | None = None
    basis: str = BY_NOBODY
    source: str = ""
    groups: tuple[Mapping[str, int], ...] = ()

    @property
    def decided(self) -> str:
        """The reason of the decision; empty where there was none."""
        return self.basis.removeprefix("decided: ") if self.basis.startswith("decided: ") else ""


def parts(record: Told, origins: Sequence[Origin] = ()) -> list[Part]:
    """Every part of a version as it was stated, before any decision; those with most rows first.

    Rows that state a licence are parts by it. Each version behind this one that is inside, and has one stated, is a
    part, unless it only repeats what is stated already; evaluation sets that were only held against are none. Rows
    without any statement, their own or a version's, are a part that is unknown. Of a model, those from elsewhere that
    it begins with or learned from are parts beside the data.

    Args:
        origins: sources as a person named them; one that says which versions hold it is another name of these.
    """
    found = behind(record)
    total = int(record.get("rows") or 0)
    own = _Stated.of(facts(record))
    rest = own.missing if own.counts else total
    made = [*_row_parts(own, ref(record), total)]
    told = {ref(one): one for one in record.get("ancestors") or ()} | {ref(one): one for one in found.roots}
    for root in found.roots:
        if ref(root) == ref(record):
            root = {**root, "sources": facts(record).get("sources")}
        made += _root(root, own, rest, _rows_of(root, record, found, rest or total), total)
    made += [_model(one) for one in found.models]
    # A version on the way may have been given a licence of its own; mostly it repeats that of its parents.
    on_the_way = sorted(set(found.reach) - {ref(one) for one in found.roots})
    for name in on_the_way:
        one = record if name == ref(record) else told.get(name, {})
        stated = _said(one.get("license"))
        if stated and spdx(stated) not in {part.license for part in made if part.license != UNKNOWN}:
            made.append(_version(one, name, stated, total if name == ref(record) else None, total))
    return _sorted(_also_called(part, origins, found) for part in made)


def _also_called(part: Part, origins: Sequence[Origin], found: Behind) -> Part:
    names = [
        one.name for one in origins if one.versions and {ref(root) for root in covered(one, found)} & {*part.names}
    ]
    return replace(part, names=(*part.names, *names))


def decide(made: Iterable[Part], decisions: Sequence[Decision]) -> tuple[list[Part], list[Decision]]:
    """The parts with what was decided on them, and the decisions that are about none of them."""
    idle = list(decisions)
    settled: list[Part] = []
    for part in made:
        used = _matching(part, decisions)
        pieces = [_settled(part, used)] if used else list(_by_group(part, decisions))
        settled += pieces
        taken = {one.decided for one in pieces}
        idle = [one for one in idle if one is not used and not (one.reason in taken and _in_groups(part, one))]
    return _sorted(settled), idle


@dataclass(frozen=True, kw_only=True)
class _Stated:
    """Rows by the licence they state; `others` state one that is not among `counts`, `missing` none."""

    counts: Mapping[str, int]
    others: int = 0
    missing: int = 0

    @classmethod
    def of(cls, held: Told) -> "_Stated":
        measured = (held.get("content") or {}).get("licenses") or {}
        counts = measured.get("counts") if "counts" in measured else held.get("licenses")
        silent = sum(n for name, n in (counts or {}).items() if not _said(name))
        spoken = {name: n for name, n in (counts or {}).items() if _said(name)}
        return cls(
            counts=spoken, others=int(measured.get("others") or 0), missing=int(measured.get("missing") or 0) + silent
        )


def _row_parts(stated: _Stated, name: str, total: int | None) -> Iterator[Part]:
    """Parts by the licence that rows state; without `total`, rows of the version `name`, of unknown number here."""
    rows_of = "rows" if total is not None else f"rows of {one_line(name)}"
    for text, rows in sorted(stated.counts.items()):
        many = rows if total is not None else None
        yield Part(
            what=f"{rows_of} that state {one_line(text, 80)}",
            stated=text,
            license=spdx(text),
            rows=many,
            share=_share(many, total),
            basis=BY_ROWS,
        )
    if stated.others:
        yield Part(
            what=f"{rows_of} that state a licence not told in version.json",
            rows=stated.others if total is not None else None,
            share=_share(stated.others, total),
            basis=BY_ROWS,
        )


def _root(root: Told, own: _Stated, rest: int, rows: int | None, total: int) -> Iterator[Part]:
    """What a version that was made from no other brings in."""
    name, stated = ref(root), _said(root.get("license"))
    inside = _Stated.of({"licenses": root.get("licenses"), "content": root.get("content")})
    if not own.counts:  # rows of other kinds carry no licence: those of the rows they were made of stand for them
        yield from _row_parts(inside, name, None)
        silent = inside.missing > 0 or not inside.counts
    else:
        # What is silent here may come from another root, where every row of this one states a licence.
        silent = rest > 0 and (inside.missing > 0 or not inside.counts)
        if silent and inside.counts and rows != rest:
            rows = None  # of those that came from it, nobody counted which state none
    if stated:
        repeated = spdx(stated) in {spdx(text) for text in (own.counts or inside.counts)}
        if silent or not repeated:
            yield _version(root, name, stated, rows, total)
    elif silent:
        yield Part(
            what=one_line(name) if not (own.counts or inside.counts) else f"rows of {one_line(name)} that state none",
            names=(name,),
            rows=rows,
            share=_share(rows, total),
            source=str(root.get("source") or ""),
            groups=_groups(root),
        )


def _version(one: Told, name: str, stated: str, rows: int | None, total: int) -> Part:
    return Part(
        what=one_line(name),
        names=(name,),
        stated=stated,
        license=spdx(stated),
        rows=rows,
        share=_share(rows, total),
        basis=BY_VERSION,
        source=str(one.get("source") or ""),
        groups=_groups(one),
    )


def _model(one: Told) -> Part:
    stated = _said(one.get("license"))
    if stated:
        return _version(one, ref(one), stated, None, 0)
    return Part(what=one_line(ref(one)), names=(ref(one),), source=str(one.get("source") or ""))


def _rows_of(root: Told, record: Told, found: Behind, rest: int) -> int | None:
    """How many rows of the version come from a root, where that is known."""
    if len(found.roots) == 1:
        return rest
    mixture = (facts(record).get("mixture") or {}).get("sources") or ()
    got = [int(one["got_rows"]) for one in mixture if one.get("source") == ref(root)]
    return sum(got) if got else None


def _groups(one: Told) -> tuple[Mapping[str, int], ...]:
    content = one.get("content") or {}
    listed = [(content.get(name) or {}).get("counts") for name in ("sources", "domains")]
    return tuple(group for group in (one.get("sources"), *listed) if group)


def _matching(part: Part, decisions: Sequence[Decision]) -> Decision | None:
    """The decision on a part: one that names it before one that names its licence, the first of each."""
    for one in decisions:
        if _plain(one.of) in map(_plain, part.names):
            return one
    for one in decisions:
        same = _plain(one.of) == _plain(part.stated or UNKNOWN)
        if same or (part.license != UNKNOWN and spdx(one.of) == part.license):
            return one
    return None


def _settled(part: Part, one: Decision) -> Part:
    return replace(part, license=spdx(one.license), basis=f"decided: {one.reason}", groups=())


def _by_group(part: Part, decisions: Sequence[Decision]) -> Iterator[Part]:
    """An unknown part cut by source or domain, as far as decisions name these; any other part as it is."""
    group = next((group for group in part.groups if any(one.of in group for one in decisions)), None)
    if part.license != UNKNOWN or group is None:
        yield part
        return
    named: dict[str, Decision] = {}
    for one in decisions:
        if one.of in group:
            named.setdefault(one.of, one)
    for name, one in sorted(named.items()):
        rows = group[name] if part.rows is None else min(group[name], part.rows)
        piece = replace(part, what=f"{one_line(name, 80)} in {part.what}", names=(name,), rows=rows)
        yield replace(_settled(piece, one), share=_part_of(part, rows))
    left = sum(group.values()) - sum(group[name] for name in named)
    if part.rows is not None:
        left = max(left, part.rows - sum(group[name] for name in named))
    if left:
        rows = left if part.rows is None else min(left, part.rows)
        yield replace(part, rows=rows, share=_part_of(part, rows))


def _in_groups(part: Part, one: Decision) -> bool:
    return any(one.of in group for group in part.groups)


def _part_of(part: Part, rows: int) -> float | None:
    return part.share * rows / part.rows if part.share is not None and part.rows else None


def _said(stated: object) -> str:
    """A licence as stated; empty where that says nothing."""
    text = str(stated or "")
    return "" if _plain(text) in _NOTHING else text


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _share(rows: int | None, total: int | None) -> float | None:
    return rows / total if rows is not None and total else None


def _sorted(made: Iterable[Part]) -> list[Part]:
    return sorted(made, key=lambda part: (-(part.rows or 0), part.what, part.stated, part.license, part.basis))
