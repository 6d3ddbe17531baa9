"""Where a version comes from, in the words of PROV-O: the versions behind it, and the recipe that made it."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..cards.plain import count, one_line, plural
from ..versions.ancestors import only_read
from .about import About
from .croissant_context import as_said
from .croissant_license import license_node

Record = Mapping[str, Any]
Node = dict[str, Any]

LONGEST = 2000  # characters of one parameter; version.json has it whole
MOST_STEPS = 500  # of a recipe that are named; version.json has them all
_PART = re.compile(r"[A-Za-z0-9._+-]+")
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


def prov(record: Record, about: About | None) -> Node:
    """`prov:wasDerivedFrom` its parents, `prov:wasInfluencedBy` what is behind these, `prov:wasGeneratedBy` the recipe.

    An ancestor names its own parents by their addresses, in a text and not as nodes: mlcroissant writes every node out
    wherever it is named, and of versions that share ancestors there are more ways than a file could hold.
    """
    known = {_ref(one): one for one in record.get("ancestors") or ()}
    aside = set(only_read(record))
    parents = {ref: known.get(ref, one) for one in record.get("parents") or () if (ref := _ref(one)) not in aside}
    read = [known.get(ref, one) for one in record.get("parents") or () if (ref := _ref(one)) in aside]
    behind = [known[ref] for ref in sorted(_behind(known, list(parents)))]
    found: Node = {
        "prov:wasDerivedFrom": [_entity(one, known) for one in parents.values()],
        "prov:wasInfluencedBy": [_entity(one, known) for one in behind],
        "prov:hadPrimarySource": list(_sources(record, about)),
        "prov:wasGeneratedBy": _activity(record, read),
        "prov:generatedAtTime": one_line(record["created"], 40),
    }
    if about:
        found["prov:wasAttributedTo"] = [
            {"@type": "prov:Agent", "prov:label": as_said(one.name)} for one in about.creators
        ]
    return {name: value for name, value in found.items() if value}


def address(one: Record) -> str | None:
    """`urn:dataset:NAME:VERSION:HEX`; none of what is no version of ours."""
    digest = _DIGEST.fullmatch(str(one.get("digest")))
    parts = str(one.get("name")), str(one.get("version"))
    if digest is None or not all(map(_PART.fullmatch, parts)):
        return None
    return "urn:dataset:" + ":".join((*parts, digest[1]))


def _ref(one: Record) -> str:
    return f"{one['name']}@{one['version']}"


def _behind(known: Mapping[str, Record], direct: list[str]) -> set[str]:
    """Refs of all whose rows went into these, without these themselves."""
    found: set[str] = set()
    todo = list(direct)
    while todo:
        one = known.get(todo.pop(), {})
        new = set(_inside(one)) & known.keys() - found
        found |= new
        todo += new
    return found - set(direct)


def _inside(one: Record) -> list[str]:
    """Refs of the parents whose rows, or what was made of them, are inside."""
    aside = set(one.get("only_read") or ())
    return [str(ref) for ref in one.get("parents") or () if ref not in aside]


def _entity(one: Record, known: Mapping[str, Record]) -> Node:
    node: Node = {"@type": "prov:Entity", "prov:label": one_line(_ref(one)), "version": one_line(one["version"])}
    if ident := address(one):
        node["@id"] = ident
    if one.get("digest"):
        node["identifier"] = one_line(one["digest"])
    if one.get("rows") is not None:
        made = f"made by the recipe {one_line(one['recipe'])}" if one.get("recipe") else "taken in as it came"
        node["description"] = f"{count(one['rows'])} rows of kind {one_line(one.get('kind'))}, {made}."
    if one.get("license"):
        node["license"] = license_node(str(one["license"]))
    if one.get("created"):
        node["prov:generatedAtTime"] = one_line(one["created"], 40)
    if one.get("source"):
        node["prov:hadPrimarySource"] = one_line(one["source"], LONGEST)
    found = [known[ref] for ref in _inside(one) if ref in known]
    if found:
        node["prov:wasDerivedFrom"] = [address(parent) or one_line(_ref(parent)) for parent in found]
    return node


def _sources(record: Record, about: About | None) -> Iterator[Node]:
    """Where data came from before it came here."""
    if about is None:
        if record.get("source") and not record.get("parents"):
            yield {"@type": "prov:Entity", "prov:label": one_line(record["source"], LONGEST)}
        return
    for one in about.collection.sources:
        node = {"@type": "prov:Entity", "prov:label": as_said(one.name), "description": as_said(one.how)}
        if one.url:
            node["url"] = as_said(one.url)
        if one.begin or one.end:
            # An open interval of ISO 8601-2, as schema.org asks for it.
            node["temporalCoverage"] = f"{one.begin or '..'}/{one.end or '..'}"
        yield node


def _activity(record: Record, read: list[Record]) -> Node:
    recipe = record.get("recipe") or {}
    label = one_line(recipe["name"]) if recipe.get("name") else "taken in as it came"
    node: Node = {
        "@type": "prov:Activity",
        "prov:label": label,
        "description": _told(record),
        "prov:endedAtTime": one_line(record["created"], 40),
        "prov:wasAssociatedWith": list(_software(record)),
    }
    if recipe:
        by, *_ = _software(record)
        followed = {"@type": "prov:Association", "prov:agent": by, "prov:hadPlan": _plan(recipe)}
        node["prov:qualifiedAssociation"] = followed
    if read:
        node["prov:used"] = [_entity(one, {}) for one in read]
    return node


def _told(record: Record) -> str:
    book = record["ledger"]
    gone = sum(book["dropped"].values())
    return (
        f"{plural(book['read'], 'row')} read, {count(book['kept'])} kept, {count(gone)} dropped and "
        f"{count(book['quarantined'])} quarantined. version.json holds every step with all of its fields."
    )


def _plan(recipe: Record) -> Node:
    """The function that was called, with its parameters as JSON, and its steps in the order in which they ran."""
    node: Node = {"@type": "prov:Plan", "prov:label": one_line(recipe.get("function") or recipe.get("name"))}
    parameters = [
        {"@type": "sc:PropertyValue", "name": one_line(name), "value": _json(value)}
        for name, value in (recipe.get("parameters") or {}).items()
    ]
    steps = [
        {"@type": "sc:HowToStep", "position": place, "name": one_line(one["name"]), "text": _step(one)}
        for place, one in enumerate(recipe.get("steps") or (), 1)
    ]
    if parameters:
        node["additionalProperty"] = parameters
    if steps:
        node["step"] = steps[:MOST_STEPS]
    if len(steps) > MOST_STEPS:
        node["description"] = f"The first {MOST_STEPS} of {count(len(steps))} steps; version.json has them all."
    return node


def _step(one: Record) -> str:
    return f"{one_line(one.get('op', ''))}, fingerprint {one_line(one.get('fingerprint', ''))}"


def _json(value: Any) -> str:
    return one_line(json.dumps(value, ensure_ascii=False, sort_keys=True), LONGEST)


def _software(record: Record) -> Iterator[Node]:
    environment = record.get("environment") or {}
    versions = [("gristmill", record.get("gristmill")), ("Python", environment.get("python"))]
    versions += sorted((environment.get("packages") or {}).items())
    for name, number in versions:
        if number and number != "not installed":
            label = {"@type": "prov:SoftwareAgent", "prov:label": one_line(name)}
            yield {**label, "softwareVersion": one_line(number, 60)}
