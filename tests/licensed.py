"""Versions under licences, and what a person says of them, for tests of mixes."""

from collections.abc import Mapping
from typing import Any

from dataset_cards.documents.about import About, Licensing
from dataset_cards.documents.licensing.mix import Mix
from tests.about_sample import sample_about
from tests.sample_version import few_facts

ABOUT = sample_about()
LETTER = "The author allowed it by letter of 2026-03-01."


def given(license_: str, *decisions: tuple[str, str]) -> About:
    """An about.yaml with this licence for the whole and decisions of what, taken as what."""
    said = [{"of": of, "license": taken, "reason": LETTER} for of, taken in decisions]
    licensing = Licensing.model_validate({"license": license_, "reason": "It keeps them all.", "decisions": said})
    collection = ABOUT.collection.model_copy(update={"sources": ABOUT.collection.sources[:1]})  # no model
    return ABOUT.model_copy(update={"licensing": licensing, "collection": collection})


def stating(counts: Mapping[str, int], missing: int = 0, **others: Any) -> dict[str, Any]:
    """A version whose rows state licences."""
    told = {"counts": dict(counts), "different": len(counts), "others": 0, "missing": missing}
    rows = sum(counts.values()) + missing
    return few_facts() | {"rows": rows, "facts": {"content": {"licenses": told}}} | others


def told(ref: str, license_: str, *parents: str, **others: Any) -> dict[str, Any]:
    """An ancestor, as version.json tells of it."""
    name, _, version = ref.partition("@")
    said = {"name": name, "version": version, "kind": "conversations", "digest": f"sha256:{name}", "rows": 10}
    recipe = "evolve" if parents else "adopt"
    return {**said, "license": license_, "source": None, "recipe": recipe, "parents": list(parents)} | others


def made_of(*ancestors: dict[str, Any], parents: tuple[str, ...] = (), **others: Any) -> dict[str, Any]:
    """A version of conversations, which state no licence by row, made of others."""
    refs = parents or tuple(f"{one['name']}@{one['version']}" for one in ancestors)
    links = [{"name": ref.partition("@")[0], "version": ref.partition("@")[2], "digest": "sha256:0"} for ref in refs]
    return few_facts("conversations") | {"rows": 20, "parents": links, "ancestors": list(ancestors)} | others


def kinds(found: Mix) -> list[tuple[str, bool]]:
    return sorted((one.kind, one.resolved) for one in found.conflicts)
