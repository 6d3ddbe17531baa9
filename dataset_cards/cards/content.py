"""What was counted in the rows themselves, for card and report: sentences, tables, warnings, what nobody looked for."""

from collections.abc import Mapping
from typing import Any

from . import content_counts, content_kinds, content_talk
from .plain import count, one_line, plural
from .sheet import Sheet

Facts = Mapping[str, Any]


def content(version: Facts) -> Facts:
    """Facts on the rows; empty where nobody measured."""
    found: Facts = (version.get("facts") or {}).get("content") or {}
    return found


def sentences(version: Facts) -> list[str]:
    """What tables do not show, or what should be read before them."""
    facts = content(version)
    return [*content_counts.sentences(facts), *content_talk.sentences(facts), *content_kinds.sentences(facts)]


def sheets(version: Facts) -> list[Sheet]:
    """Every table there is something for, under the question it answers."""
    facts = content(version)
    shown = version.get("facts") or {}
    found = [
        *content_counts.sheets(facts, {name for name in ("sources", "licenses") if shown.get(name)}),
        *content_talk.sheets(facts),
        *content_kinds.sheets(facts),
    ]
    return [sheet for sheet in found if sheet.rows]


def warnings(version: Facts) -> list[str]:
    """What must not be overlooked: secrets, answers that cannot be checked, questions with two answers."""
    facts, found = content(version), []
    secrets = facts.get("secrets") or {}
    if held := secrets.get("rows"):
        kinds = ", ".join(one_line(kind, 60) for kind in secrets.get("kinds") or {})
        found.append(
            f"{count(held)} of {plural(secrets['looked_at'], 'row')} hold what looks like a key or a password "
            f"({kinds}). Whoever reads these rows can use them."
        )
    return [*found, *content_kinds.warnings(facts)]


def limits(version: Facts) -> list[str]:
    """What was not looked for in the rows, or not in all of them; nothing of a version that nobody measured."""
    facts = content(version)
    if not facts:
        return []
    found = []
    if "secrets" not in facts:
        found.append(
            "Rows were not searched for keys and passwords when they were frozen: nothing to do it with was there."
        )
    elif not facts["secrets"]["rows"]:
        found.append("No key or password of a known form was found in the rows; other forms are not looked for.")
    if "languages" not in facts and version.get("kind") != "judgements":
        found.append("No language was measured: nothing to recognise it with was there.")
    elif (facts.get("languages") or {}).get("how", {}).get("recognised"):
        found.append(
            "Languages that no source stated were recognised by a model from the beginning of each text; it is wrong "
            "now and then, most often on short texts, and says nothing where it is not sure."
        )
    if duplicates := facts.get("duplicates"):
        part = "" if duplicates["part"] == 1 else f", in {share_of(duplicates['part'])} of the contents, drawn by hash"
        found.append(
            f"Equal rows were counted, byte for byte{part}; rows that are only alike were not looked for by this."
        )
    return [*found, *content_talk.limits(facts), *content_kinds.limits(facts)]


def share_of(part: float) -> str:
    """`1 in 4`, of a part that is a power of a half."""
    return f"1 in {count(round(1 / part))}"
