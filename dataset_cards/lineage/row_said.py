"""The story of a row as an indented tree for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..cards.plain import figure, one_line, plural
from .decisions import rule_text
from .outline import Twig

GONE_CACHE = "what it measured is no longer in the cache"


def twigs(up: Mapping[str, Any], down: Sequence[Mapping[str, Any]]) -> list[Twig]:
    """Where a row comes from, and what became of it."""
    nothing = "nothing in this store was made from this version" if up["rows"] else "it went no further than this"
    below = tuple(Twig(fate_text(one)) for one in down) or (Twig(nothing),)
    return [_version(up), Twig(""), Twig("what became of it:", below)]


def _version(up: Mapping[str, Any]) -> Twig:
    if "damaged" in up:
        return Twig(f"{up['version']} cannot be read: {up['damaged']}")
    below: list[Twig] = []
    for row in up["rows"]:
        below.append(_row(row))
    for one in up["dropped"]:
        below.append(Twig(_left(one)))
    below += _steps(up.get("decisions") or [])
    if count := up["duplicates"]["count"]:
        below.append(Twig(f"{plural(count, 'row')} dropped as its duplicates: {_some(up['duplicates']['ids'], count)}"))
    below += _beside(up)
    below += [Twig(f"{_gone(one)}") for one in up["gone"]]
    below += [_version(one) for one in up["made_from"]]
    if up["not_in"]:
        below.append(Twig(f"not in {', '.join(up['not_in'])}"))
    return Twig(f"{up['version']}  {up['kind']}", tuple(below))


def _row(row: Mapping[str, Any]) -> Twig:
    copies = f", {row['copies']:,} copies" if row["copies"] > 1 else ""
    told = [Twig(f"{key}: {_value(row[key])}") for key in _FIELDS if key in row]
    if row["made_from"]:
        told.append(Twig(f"made from: {_some(row['made_from'], len(row['made_from']))}"))
    told += _steps(row["decisions"])
    gone = [one for one in row["decisions"] if one["cache"] is None]
    if gone and row["limits"]:
        kept = "; ".join(f"{one['stage']}: {one['signal']} {rule_text(one)}" for one in row["limits"])
        told.append(Twig(f"limits it kept to: {kept}"))
    said = f'row "{one_line(row["id"])}"{copies}: {plural(row["characters"], "character")}'
    return Twig(said, (Twig(f"“{row['text']}{'…' if row['characters'] > len(row['text']) else ''}”"), *told))


_FIELDS = ("source", "url", "license", "created", "language", "origin", "record", "annotator", "margin", "votes")


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(f"{one.get('annotator') or 'somebody'} {one.get('choice')}" for one in value)
    return figure(value) if isinstance(value, float) else str(value)


def _steps(decisions: Sequence[Mapping[str, Any]]) -> Iterator[Twig]:
    for one in decisions:
        if one["cache"] is None:
            yield Twig(f"step {one['step']}: {GONE_CACHE}")
        elif one["id"] is None:
            yield Twig(f"step {one['step']}: does not have it")
        else:
            yield Twig(f"step {one['step']}: {_verdict(one)}", tuple(_measured(one)))


def _verdict(one: Mapping[str, Any]) -> str:
    said = (
        f"dropped for {one['dropped']}" if one.get("dropped") else "dropped before" if one.get("before") else "passed"
    )
    edited = f"; text or language changed by {', '.join(one['edited'])}" if one.get("edited") else ""
    files = one.get("files") or []
    return f"{said}{edited}{f'; read from {_some(files, len(files))}' if files else ''}"


def _measured(one: Mapping[str, Any]) -> Iterator[Twig]:
    for found in one.get("measured") or ():
        asked = ", ".join(f"{rule_text(rule)} ({rule['reason']})" for rule in found["rules"])
        yield Twig(f"{found['stage']}: {found['signal']} {figure(found['value'])}{f'; {asked}' if asked else ''}")


def _left(one: Mapping[str, Any]) -> str:
    value = f" ({one['signal']} {figure(one['value'])}, limit {figure(one['limit'])})" if one.get("signal") else ""
    twin = f', as a duplicate of "{one_line(one["duplicate_of"])}"' if one.get("duplicate_of") else ""
    source = f"; source: {one['source']}" if one.get("source") else ""
    return f'"{one_line(one["id"])}" was dropped by {one["stage"]} for {one["reason"]}{value}{twin}{source}'


def _beside(up: Mapping[str, Any]) -> Iterator[Twig]:
    if spans := up.get("spans"):
        words = (f"{one['type']} at {one['start']} to {one['end']}: {one['action']}" for one in spans["first"])
        yield Twig(f"{plural(spans['count'], 'span')} found by detectors", tuple(Twig(one) for one in words))
    if pairs := up.get("pairs"):
        words = (
            f'kept "{one_line(one["kept_id"])}", dropped "{one_line(one["dropped_id"])}", Jaccard {one["jaccard"]:.3f}'
            for one in pairs["first"]
        )
        yield Twig(f"{plural(pairs['count'], 'pair')} of near-duplicates shown", tuple(Twig(one) for one in words))
    if judged := up.get("judgements"):
        words = (f"{one['annotator']} said {one['answer'] or 'nothing'}" for one in judged["first"])
        yield Twig(f"{plural(judged['count'], 'judgement')}", tuple(Twig(one) for one in words))


def _gone(one: Mapping[str, Any]) -> str:
    what = "the store has other bytes under this name" if one["state"] == "replaced" else "gone from this store"
    return f"{one['version']}: {what}; it was {one['digest']}"


def fate_text(one: Mapping[str, Any]) -> str:
    """What became of rows in one version or model, as a sentence."""
    roles = ", ".join(" as ".join(part for part in (via["version"], via["role"]) if part) for via in one["from"])
    return f"{one['version']} ({one['kind'] or 'unknown kind'}, from {roles}): {_fate(one)}"


def _fate(one: Mapping[str, Any]) -> str:
    why = f"; {one['why']}" if one.get("why") else ""
    match one["fate"]:
        case "here" | "made-from" | "judged" | "dropped":
            return "; ".join(_parts(one))
        case "absent":
            return "nothing of it came this far"
        case "nothing-taken":
            return "nothing was taken from these rows, they were only compared"
        case "gone" | "replaced":
            return f"cannot be told, it is no longer in this store as it was: {one['digest']}"
        case "damaged":
            return f"cannot be told: {one['why']}"
        case "learned":
            return f"learned from it{why}{_also(one)}"
        case "through":
            return f"learned from it through {', '.join(one['through'])}{_also(one)}"
        case "measured-by":
            return "was measured by it, and learned nothing from it"
        case "left-out":
            return f"left it out: {_reasons(one)}"
        case _:
            return f"cannot be told{why}"


def _parts(one: Mapping[str, Any]) -> Iterator[str]:
    if same := one["same"]["count"]:
        yield f"there under the same id ({_some(one['same']['ids'], same)})"
    if made := one["made"]["count"]:
        what = "judgement" if one["fate"] == "judged" else "row"
        yield f"{plural(made, what)} made from it ({_some(one['made']['ids'], made)})"
    if one["dropped"]["count"]:
        yield f"left out: {_reasons(one)}"


def _also(one: Mapping[str, Any]) -> str:
    return f"; left out: {_reasons(one)}" if one.get("dropped", {}).get("count") else ""


def _reasons(one: Mapping[str, Any]) -> str:
    return "; ".join(dict.fromkeys(_why(entry) for entry in one["dropped"]["first"]))


def _why(entry: Mapping[str, Any]) -> str:
    twin = f', a duplicate of "{one_line(entry["duplicate_of"])}"' if entry.get("duplicate_of") else ""
    return f'"{one_line(entry["id"])}" by {entry["stage"]} for {entry["reason"]}{twin}'


def _some(names: Sequence[object], count: int) -> str:
    shown = ", ".join(f'"{one_line(name, 80)}"' for name in names[:5])
    return f"{shown} and {count - 5:,} more" if count > 5 else shown
