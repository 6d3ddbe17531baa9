"""Which licences fit together: what may become what, what is the least that keeps all, and what keeps nobody's."""

from collections.abc import Iterable

from .spdx import UNKNOWN, choices
from .terms import BLOCKING, plain, terms

Licences = frozenset[str]


def taken(expression: str) -> Licences:
    """Of a licence that leaves a choice, the set that asks for least; the first by name where several do.

    Raises:
        ValueError: not an expression as `spdx` returns it.
    """
    return min(choices(expression), key=_weight)


def _weight(one: Licences) -> tuple[int, int, int, list[str]]:
    told = [terms(licence) for licence in sorted(one)]
    known = frozenset[str]().union(*(each.duties for each in told if each))
    return len(known & BLOCKING) + told.count(None), int("share-alike" in known), len(known), sorted(one)


def becomes(licence: str, whole: str) -> bool:
    """Whether `whole` asks for all that `licence` does, so that what is made of the one may go under the other.

    Share-alike licences say themselves under which others; see terms.py. A licence that is not in the table only
    becomes itself.
    """
    if licence == whole:
        return True
    own, other = terms(licence), terms(whole)
    if own is None or own.no_derivatives or "permission" in own.duties:
        return False
    if not own.duties:
        return True
    if other is None:
        return False
    if plain(whole) in own.becomes:
        return True
    return not own.share_alike and own.duties <= other.duties


def least(licences: Iterable[str]) -> Licences:
    """The licences that together ask for all that `licences` do, and of which none is asked for by another.

    Everything in `licences` becomes something in it: one more licence never makes it ask for less.
    """
    every = sorted(set(licences))
    top = [
        one
        for one in every
        if not any(becomes(one, other) and not becomes(other, one) for other in every if other != one)
    ]
    return frozenset(one for one in every if one in top or not any(becomes(one, other) for other in top))


def together(licences: Iterable[str]) -> str:
    """An SPDX expression under which all of `licences` hold; `unknown` if one of them is."""
    every = set(licences)
    return UNKNOWN if UNKNOWN in every or not every else " AND ".join(sorted(least(every)))


def clash(one: str, other: str) -> bool:
    """Whether no licence of the whole keeps both: one wants its own terms for all, the other wants what these lack.

    Licences that only want a notice kept clash with none of these: their notice stays beside.
    """
    return one != other and (_refuses(one, other) or _refuses(other, one))


def _refuses(alike: str, other: str) -> bool:
    own, its = terms(alike), terms(other)
    if own is None or its is None or not own.share_alike or "permission" in own.duties | its.duties:
        return False
    ways = {plain(alike), *own.becomes}
    if its.share_alike:
        return not (ways & {plain(other), *its.becomes})
    lacking = [way for way in ways if (told := terms(way)) and its.duties & BLOCKING <= told.duties]
    # GPL 2 allows no terms on patents beyond its own (section 6; gnu.org/licenses/license-list.html#apache2).
    patents = "patents" in its.duties and alike.startswith(("GPL-", "LGPL-"))
    return not (lacking and (not patents or any("patents" in told.duties for way in ways if (told := terms(way)))))
