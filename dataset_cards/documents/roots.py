"""What is at the root of a version, what was only read on the way, and which sources a person has named for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..cards.plain import one_line
from ..versions.ancestors import amounts, counted, only_read
from .about import About, Origin

Told = Mapping[str, Any]

# Recipes whose versions judge rows and lend none.
_JUDGES = ("classifier",)
_KEPT = ("name", "version", "kind", "rows", "license", "source")


@dataclass(frozen=True, kw_only=True)
class Behind:
    """The versions behind a version, by what they have to do with its content; each list sorted by ref.

    Attributes:
        learned: what its content is: the version itself or, of a model, the datasets it was trained on at any stage.
        roots: datasets that were made from no other, and whose rows, or what was made of them, are inside.
        models: of a model, those from elsewhere that it begins with or learned from.
        stages: how many models in a row were trained here, itself included; 0 of a dataset.
        lenders: models and classifiers that wrote or judged rows on the way.
        aside: refs of versions that were only read, such as evaluation sets.
        reach: of every dataset that is inside, by its ref, the refs of the roots behind it.
    """

    learned: Sequence[Told]
    roots: Sequence[Told]
    models: Sequence[Told]
    stages: int
    lenders: Sequence[Told]
    aside: Sequence[str]
    reach: Mapping[str, frozenset[str]]


def ref(one: Told) -> str:
    """`name@version`, as about.yaml has it; foreign text."""
    return f"{one.get('name')}@{one.get('version')}"


def behind(record: Told) -> Behind:
    """Sort the ancestors of a version.

    A parent that `ancestors` does not tell of, as in a record that was written before they were told, is a root.
    """
    own = _own(record)
    known = {ref(one): one for one in record.get("ancestors") or ()} | {ref(own): own}
    learned, roots, models, lenders = _none(), _none(), _none(), _none()
    made_from: dict[str, list[str]] = {}
    aside: set[str] = set()
    stages = 0
    if own["kind"] != "model":
        learned[ref(own)] = own
    todo, seen = [ref(own)], set[str]()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        one = known.get(name) or _unknown(name)
        aside |= set(one.get("only_read") or ())
        parents = {parent: known.get(parent) or _unknown(parent) for parent in _inside(one)}
        if one.get("kind") == "model":
            stages += bool(parents)
            if not parents:
                models[name] = one
            learned |= {parent: told for parent, told in parents.items() if told.get("kind") != "model"}
            todo += parents
            continue
        lent = {parent: told for parent, told in parents.items() if _lends_none(told)}
        lenders |= lent
        made_from[name] = [parent for parent in parents if parent not in lent]
        if not made_from[name]:
            roots[name] = one
        todo += made_from[name]
    reach = {name: frozenset(_ends(name, made_from)) for name in made_from}
    told = (*learned, *roots, *models, *lenders)
    return Behind(
        learned=_sorted(learned),
        roots=_sorted(roots),
        models=_sorted(models),
        stages=stages,
        lenders=_sorted(lenders),
        aside=sorted(aside - set(told)),
        reach=reach,
    )


def covered(origin: Origin, found: Behind) -> list[Told]:
    """The roots that a source is about: all of them if it names no version, else those at or behind what it names."""
    if not origin.versions:
        return list(found.roots)
    named = {one for version in origin.versions for one in found.reach.get(version, ())}
    return [one for one in found.roots if ref(one) in named]


def left_over(found: Behind, about: About) -> list[Told]:
    """The roots that no source in about.yaml is about."""
    named = {ref(one) for origin in about.collection.sources for one in covered(origin, found)}
    return [one for one in found.roots if ref(one) not in named]


def uncovered(record: Told, about: About) -> list[str]:
    """Gaps of about.yaml: roots that no source is about, and sources that name versions which are not inside.

    Each is one line: its place in about.yaml, a colon, what is wrong there, a semicolon, what to write.
    """
    found = behind(record)
    return [
        *(
            f"collection.sources: has none about {one_line(ref(one))}, which is at the root of this version; add one "
            "whose versions name it."
            for one in left_over(found, about)
        ),
        *(
            f"{place}: names versions of which nothing is inside this one; write refs of those that are, or none."
            for place in astray(found, about)
        ),
    ]


def astray(found: Behind, about: About) -> list[str]:
    """Places in about.yaml where a source names versions of which nothing is inside."""
    sources = enumerate(about.collection.sources)
    return [f"collection.sources[{n}].versions" for n, one in sources if not set(one.versions) <= set(found.reach)]


def _own(record: Told) -> Told:
    """The version itself, as an ancestor is told."""
    facts = record.get("facts") or {}
    content = facts.get("content") or {}
    return {
        **{key: record.get(key) for key in _KEPT},
        "recipe": (record.get("recipe") or {}).get("name"),
        "parents": [ref(one) for one in record.get("parents") or ()],
        "only_read": only_read(record),
        "text": amounts(record),
        **{key: counted(record, key) for key in ("licenses", "languages")},
        "content": content,
    }


def _unknown(name: str) -> Told:
    label, _, version = name.rpartition("@")
    return {"name": label, "version": version}


def _inside(one: Told) -> list[str]:
    aside = one.get("only_read") or ()
    return [parent for parent in one.get("parents") or () if parent not in aside]


def _lends_none(one: Told) -> bool:
    return one.get("kind") == "model" or one.get("recipe") in _JUDGES


def _ends(name: str, made_from: Mapping[str, Sequence[str]]) -> Iterator[str]:
    todo, seen = [name], set[str]()
    while todo:
        one = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        if not made_from.get(one):
            yield one
        todo += made_from.get(one, ())


def _none() -> dict[str, Told]:
    return {}


def _sorted(found: Mapping[str, Told]) -> list[Told]:
    return [found[name] for name in sorted(found)]
