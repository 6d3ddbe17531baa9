"""What the facts of a version say, in sentences and tables, for the card and the report alike."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import agreement, agreement_doubts, autopsy_warnings, content
from .plain import count, figure, one_line, plural, share, size, top

ROWS = {
    "documents": "document",
    "conversations": "conversation",
    "prompts": "prompt",
    "preferences": "preference",
    "rankings": "ranking",
    "judgements": "judgement",
    "verifiable": "verifiable problem",
    "teacher": "teacher output",
}

# What a reader expects to have been taken out, and the words by which a stage that does it can be told.
_EXPECTED = {
    "removes or masks personal data": ("pii", "personal"),
    "removes secrets such as keys and passwords": ("secret", "credential"),
    "removes toxic text": ("toxic",),
    "removes duplicates": ("dedup", "duplicate", "minhash"),
    "removes text that is also in benchmarks": ("contaminat",),
}


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One reason to drop: how many rows it took, and the line it drew where that was recorded."""

    stage: str
    name: str
    dropped: int
    signal: str | None = None
    kind: str | None = None
    limit: Any = None
    field: str | None = None

    @property
    def full(self) -> str:
        return qualified(self.stage, self.name)

    @property
    def rule(self) -> str:
        """The line as text, e.g. `words < 50`; empty where no rule was recorded."""
        match self.kind:
            case "below":
                return f"{self.signal} < {figure(self.limit)}"
            case "above":
                return f"{self.signal} > {figure(self.limit)}"
            case "outside":
                return f"{self.signal} not in {figure(self.limit)}"
            case "flagged":
                return f"{self.signal}"
            case _:
                return ""


def qualified(stage: str, name: str) -> str:
    """`stage/name`, also when `name` already says its stage."""
    return name if not stage or name.startswith(f"{stage}/") else f"{stage}/{name}"


def bare(stage: str, name: str) -> str:
    """The name of a reason or signal without its stage."""
    return name.removeprefix(f"{stage}/")


def facts(version: Mapping[str, Any]) -> Mapping[str, Any]:
    return version.get("facts") or {}


def ledger(version: Mapping[str, Any]) -> Mapping[str, Any]:
    """The ledger; a version without one read what it holds."""
    rows = version.get("rows", 0)
    return version.get("ledger") or {"read": rows, "kept": rows, "quarantined": 0, "dropped": {}}


def near_duplicates(version: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the search for near-duplicates found out about itself; the step's facts may stand among the others."""
    every = facts(version)
    own = {key: every[key] for key in ("s_curve", "pairs_verified", "capped", "threshold", "clusters") if key in every}
    return every.get("near_duplicates") or own


def s_curve(version: Mapping[str, Any]) -> list[tuple[float, float]]:
    """How likely two documents are to be compared, as (Jaccard index, chance), where that is neither 0 nor all."""
    points = [(float(x), float(y)) for x, y in near_duplicates(version).get("s_curve") or []]
    inside = [point for point in points if point[1] >= 0.0005]
    return inside[: 1 + next((n for n, point in enumerate(inside) if point[1] >= 0.9995), len(inside))]


def dropped(version: Mapping[str, Any]) -> int:
    return sum(ledger(version).get("dropped", {}).values())


def title(version: Mapping[str, Any]) -> str:
    return f"{one_line(version['name'])}@{one_line(version['version'])}"


def noun(version: Mapping[str, Any]) -> str:
    return ROWS.get(version.get("kind", ""), "row")


def reasons(version: Mapping[str, Any]) -> list[Reason]:
    """Every reason that took rows or could have, largest first inside its stage, in the order of the stages."""
    rules = {qualified(stage, rule["reason"]): (signal, rule) for stage, signal, rule in _rules(version)}
    taken = dict(ledger(version).get("dropped", {}))
    stages = [step["stage"] for step in version.get("funnel") or []]
    found = []
    for full in {**taken, **rules}:
        stage, _, name = full.rpartition("/")
        signal, rule = rules.get(full, (None, {}))
        found.append(
            Reason(
                stage=stage,
                name=name,
                dropped=taken.get(full, 0),
                signal=signal,
                kind=rule.get("kind"),
                limit=rule.get("limit"),
                field=rule.get("field"),
            )
        )
    order = {stage: place for place, stage in enumerate(stages)}
    return sorted(found, key=lambda reason: (order.get(reason.stage, len(order)), reason.stage, -reason.dropped))


def _rules(version: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for group in ("signals", "categories"):
        for measured in facts(version).get(group) or []:
            for rule in measured.get("rules") or []:
                yield measured["stage"], bare(measured["stage"], measured["signal"]), rule


def what_it_is(version: Mapping[str, Any]) -> str:
    """One paragraph from the facts alone."""
    rows = version.get("rows", 0)
    text = facts(version).get("text") or {}
    amount = f" with {plural(text['characters'], 'character')} of text" if "characters" in text else ""
    sentences = [f"{title(version)} holds {plural(rows, noun(version))}{amount} in {size(version.get('bytes', 0))}."]
    if languages := top(version.get("languages") or {}, 3):
        sentences.append("Languages: " + ", ".join(f"{name} ({share(n, rows)})" for name, n in languages) + ".")
    if judged := agreement.agreement(version):
        sentences.append(agreement.sentence(judged))
    book = ledger(version)
    if book["read"] != book["kept"]:
        sentences.append(
            f"{plural(book['read'], 'row')} {'was' if book['read'] == 1 else 'were'} read; {count(book['kept'])} "
            f"({share(book['kept'], book['read'])}) were kept, {count(dropped(version))} dropped and "
            f"{count(book['quarantined'])} quarantined, each with a reason."
        )
    recipe = version.get("recipe") or {}
    if recipe.get("name"):
        sentences.append(f"It was made by the recipe {one_line(recipe['name'])}.")
    elif not version.get("parents"):
        sentences.append("It was adopted as it came: nothing was measured, filtered or rewritten here.")
    if names := ", ".join(map(title, made_from(version))):
        sentences.append(f"It was made from {names}.")
    if names := ", ".join(map(title, held_against(version))):
        sentences.append(f"Rows that hold items of {names} were looked for, to leave them out.")
    if names := ", ".join(map(title, compared_with(version))):
        sentences.append(f"Words in a row that it shares with {names} were looked for and counted.")
    return " ".join(sentences)


def held_against(version: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The evaluation sets among the parents: versions that were read, and of which nothing is inside."""
    names = {one.get("evaluation") for one in (facts(version).get("decontamination") or {}).get("evaluations") or []}
    return [one for one in version.get("parents") or [] if f"{one['name']}@{one['version']}" in names]


def compared_with(version: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Parents that were read to measure overlap, and of which nothing is inside."""
    names = {one.get("version") for one in (facts(version).get("variety") or {}).get("against") or []}
    names.discard(((version.get("recipe") or {}).get("parameters") or {}).get("rows"))  # compared with its own source
    return [one for one in version.get("parents") or [] if f"{one['name']}@{one['version']}" in names]


def made_from(version: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parents whose rows, or what was made of them, are inside."""
    against = [*held_against(version), *compared_with(version)]
    return [one for one in version.get("parents") or [] if one not in against]


def warnings(version: Mapping[str, Any]) -> list[str]:
    """What a reader has to know before anything else: a draft, or rows that nobody should train from."""
    found = []
    if version.get("version") == "draft":
        found.append("This is a draft. Its rows may change at any time; do not cite it or train a release from it.")
    if tainted := version.get("tainted"):
        why = tainted if isinstance(tainted, str) else "; ".join(str(item) for item in tainted)
        found.append(f"This version is tainted and can only be a draft: {one_line(why, 500)}.")
    found += agreement_doubts.doubts(version)
    return [*found, *autopsy_warnings.warnings(version), *content.warnings(version)]


def limits(version: Mapping[str, Any], said: bool = False) -> list[str]:
    """What this version does not cover, as far as its facts tell; `said`: people told its licence and sources."""
    found = []
    if not said and str(version.get("license") or "unknown").lower() == "unknown":
        if set(facts(version).get("licenses") or {}) - {"unknown"}:
            found.append("No licence was stated for the whole; some rows state their own in the column license.")
        else:
            found.append("No licence is known for these rows. Find out whether you may use them before you do.")
    if not said and not version.get("source"):
        found.append("Nobody has said where these rows come from.")
    answers = version.get("kind") == "judgements"  # what was said of rows, which are on another card
    counted = content.content(version)
    recognised = ((counted.get("languages") or {}).get("how") or {}).get("recognised")
    ran = " ".join(_ran(version)).lower()
    missing = [what for what, words in _EXPECTED.items() if not any(word in ran for word in words)]
    if answers and len(missing) == len(_EXPECTED):
        found.append("Answers, and reasons given for them, are as they were written: nothing was looked for in them.")
    elif version.get("recipe"):
        found += [f"No stage that {what} ran in this recipe." for what in missing]
    elif {"secrets", "duplicates"} <= counted.keys():
        found.append("No stage ran here: personal data and toxic text were not looked for, and nothing was taken out.")
    else:
        found.append("No stage ran here: personal data, secrets, toxic text and duplicates were not looked for.")
    if made_from(version):
        found.append("What was done to its parents is on their cards and is not repeated here.")
    if not version.get("languages"):
        found += [] if answers else ["The language of the rows is not known."]
    elif "language" not in ran and not recognised:
        found.append("Languages are those that rows came with; no stage of this recipe checked them.")
    if quarantined := ledger(version)["quarantined"]:
        found.append(f"{plural(quarantined, 'input')} could not be read; see ledger/quarantine.parquet.")
    if "spans" in facts(version):
        found.append(
            "Personal data and secrets were looked for in texts alone: ids, sources, addresses and metadata are as "
            "they came, here and in the ledger."
        )
    for entry in facts(version).get("gold") or []:
        stage = one_line(entry.get("stage", ""))
        found += [f"{stage}: {one_line(sentence, 500)}" for sentence in entry.get("not_covered") or []]
    return [*found, *content.limits(version), *agreement_doubts.not_covered(version)]


def _ran(version: Mapping[str, Any]) -> list[str]:
    """Names of the stages and ops that ran, wherever the version mentions them."""
    names = [str(step.get("stage", "")) for step in version.get("funnel") or []]
    for step in (version.get("recipe") or {}).get("steps") or []:
        names.append(str(step.get("op", "")))
        names += _classes(step.get("fields"))
    return names


def _classes(value: Any) -> Iterator[str]:
    """Names of the stages among the fields of an op: a stage is written as `{"ClassName": {its fields}}`.

    Those in `veil` ran over excerpts alone, not over the rows.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "veil":
                continue
            if isinstance(item, Mapping) and str(key)[:1].isupper():
                yield str(key)
            yield from _classes(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _classes(item)
