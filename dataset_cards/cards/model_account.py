"""What is known of a model version, in sentences and rows of text, for its card, its report and the terminal alike.

A trained model has `facts.training`, which is what its training.json says; an adopted one has `facts.model`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .account import facts, ledger, title
from .plain import count, figure, one_line, plural, share, size

# What each stage of training does, to be read after "a model that was trained to ...".
STAGES = {
    "pretrain": "continue documents",
    "sft": "answer as in the conversations it was shown",
    "reward": "score answers by what people or judges preferred",
    "dpo": "prefer the answers that were chosen",
    "kto": "prefer answers that were judged good, without pairs",
    "ppo": "give answers that a reward model scores high",
    "grpo": "give answers that a verifier accepts",
    "distill": "answer like its teacher",
    "compare": "be compared with models of other versions",
}
_LIMITS = {
    "pretrain": "It continues text. It was not taught to answer, to refuse or to stop.",
    "sft": "It imitates the answers it was shown, right or wrong: a lower loss on them does not make it truthful.",
    "reward": (
        "A reward model stands in for those who preferred. Scores of answers to different questions cannot be "
        "compared, and a model that is optimised against it for long learns what pleases it instead (Gao, Schulman "
        "and Hilton 2022, arXiv 2210.10760)."
    ),
    "dpo": "That it tells chosen from rejected answers does not show that what it writes by itself became better.",
    "kto": "That it tells good from bad answers does not show that what it writes by itself became better.",
    "ppo": "It was optimised against a reward model: a higher reward is no proof that people would prefer its answers.",
    "grpo": "Only what a verifier can check was rewarded: final answers, and not the way to them.",
    "compare": (
        "A small model and a small budget favour text that is easy to learn: data that pays off later looks worse here "
        "than it is."
    ),
    "distill": "What its teacher gets wrong it learned too, and the teacher's licence may bind it.",
}
MEASURES = ("measure", "before", "after", "better by", "rows", "how")
FINDINGS = ("found", "rows", "now", "said", "first")
EATEN = ("role", "version", "kind", "licence", "digest")
MOST_ROWS = 200  # of any table; training.json has them all
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def training(version: Mapping[str, Any]) -> Mapping[str, Any]:
    """What training.json says; empty for an adopted model."""
    return facts(version).get("training") or {}


def preflight(version: Mapping[str, Any]) -> Mapping[str, Any]:
    return training(version).get("preflight") or {}


def measures(version: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return training(version).get("measures") or []


def what_it_is(version: Mapping[str, Any]) -> str:
    """One paragraph from the facts alone."""
    run, name, weight = training(version), title(version), size(version.get("bytes", 0))
    if not run:
        kinds = ", ".join(one_line(one) for one in (facts(version).get("model") or {}).get("architectures") or [])
        return f"{name} is a model{f' ({kinds})' if kinds else ''} of {weight} that was adopted as it came."
    stage = str(run["stage"])
    made = {one["role"]: one_line(one["ref"]) for one in run["inputs"]}
    begun = f"It begins with {made['model']} and was" if "model" in made else "It was"
    does = f" to {STAGES[stage]}" if stage in STAGES else ""
    fed = f" with {plural(preflight(version).get('train', 0), 'row')} of {made['data']}" if "data" in made else ""
    sentences = [f"{name} is a model of {weight}.", f"{begun} trained{does} (stage {one_line(stage)}){fed}."]
    return " ".join([*sentences, *(in_words(one) for one in measures(version)[:1])])


def in_words(measure: Mapping[str, Any]) -> str:
    """A measure as a sentence, with what its interval allows to say."""
    rows = plural(measure["rows"], "held-out row")
    what, unit = one_line(measure["name"], 80), one_line(measure["unit"], 40)
    unit = "" if unit == "share" else f" {unit}"
    after, low, high = (figure(value) for value in measure["after"])
    if measure["before"] is None or measure["gain"] is None:
        return f"On {rows}, {what} is {after}{unit} (95 % interval {low} to {high})."
    before = figure(measure["before"][0])
    value, least, most = measure["gain"]
    if least > 0:
        verdict = "more than chance among these rows explains"
    elif most < 0:
        verdict = "which is worse, by more than chance among these rows explains"
    else:
        verdict = "which may be chance: the interval holds 0"
    by = f"better by {figure(value)}, 95 % interval {figure(least)} to {figure(most)}"
    return f"On {rows}, {what} went from {before} to {after}{unit} ({by}), {verdict}."


def measure_rows(version: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Under MEASURES; every cell is plain text."""
    return [
        (
            f"{one_line(one['name'], 80)} ({one_line(one['unit'], 40)}, {one['better']} is better)",
            triple(one["before"]),
            triple(one["after"]),
            triple(one["gain"]),
            count(one["rows"]),
            one_line(one["how"], 300),
        )
        for one in measures(version)
    ]


def triple(value: Sequence[float] | None) -> str:
    """A value with its interval."""
    if value is None:
        return "not measured"
    return f"{figure(value[0])} ({figure(value[1])} to {figure(value[2])})"


def eaten_rows(version: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Under EATEN."""
    return [
        tuple(one_line(one.get(key, "unknown"), 100) for key in ("role", "ref", "kind", "license", "digest"))
        for one in training(version).get("inputs") or []
    ]


def kept_rows(version: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What became of the rows that preflight read: what, how many, their share."""
    found = preflight(version)
    if not found:
        return []
    read, dropped = found["read"], found["dropped"]
    rows = [("read", read), ("learned from", found["train"]), ("measured by", found["held_out"])]
    rows += [(f"left out: {one_line(reason)}", n) for reason, n in sorted(dropped.items(), key=lambda one: -one[1])]
    return [(what, count(n), share(n, read)) for what, n in rows]


def preflight_sentences(version: Mapping[str, Any]) -> Iterator[str]:
    """Tokens, steps and memory, then what was found."""
    found = preflight(version)
    if not found:
        return
    yield (
        f"{count(found['tokens'])} tokens in an epoch, {count(found['learned'])} of them learned from "
        f"({share(found['learned'], found['tokens'])}), {count(found['lost'])} cut off; the longest row has "
        f"{count(found['longest'])}."
    )
    if found.get("steps"):
        yield f"{plural(found['steps'], 'optimiser step')}."
    if memory := found.get("memory"):
        told = ", ".join(f"{one_line(name)} {size(n)}" for name, n in memory.items() if n)
        yield f"Estimated memory: {size(sum(memory.values()))} ({told})."
    if not found.get("findings"):
        yield "Preflight found nothing wrong with the rows."


def finding_rows(version: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """What preflight found: check, rows, what was done, what was said, first ids."""
    return [
        (
            one_line(one["check"]),
            count(one["rows"]),
            "left out" if one["left_out"] else "stayed",
            one_line(one["detail"], 300),
            ", ".join(one_line(name, 60) for name in one["examples"][:3]),
        )
        for one in preflight(version).get("findings") or []
    ]


def pictures(version: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The plots of the run whose files lie in plots/, under a name that is safe in a link."""
    there = {str(file["path"]) for file in version.get("files") or []}
    return [
        plot
        for plot in training(version).get("plots") or []
        if _FILE.fullmatch(str(plot["name"])) and f"plots/{plot['name']}.svg" in there
    ]


def parameters(version: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every parameter of the run under its dotted name."""
    run = training(version)
    rows = dict(_flat("", run.get("parameters") or {}))
    if "seed" in run:
        rows["seed"] = figure(run["seed"])
    return sorted(rows.items())[:MOST_ROWS]


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            # A dataclass inside is written under its class, which says nothing to a reader.
            own = len(value) == 1 and str(key)[:1].isupper()
            yield from _flat(prefix if own else f"{prefix}.{key}" if prefix else str(key), inner)
    elif prefix:
        yield one_line(prefix, 80), figure(value)


def environment(version: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What ran."""
    found = training(version).get("environment") or version.get("environment") or {}
    rows = [("gristmill", version.get("gristmill"))]
    rows += [(key, found.get(key)) for key in ("python", "platform", "device", "processes", "threads")]
    rows += sorted((found.get("packages") or {}).items())
    return [(one_line(key), figure(value)) for key, value in rows if value not in (None, "")]


def cost(version: Mapping[str, Any]) -> str:
    """What the run took, as a sentence; empty if nobody looked."""
    spent = training(version).get("cost") or {}
    if "seconds" not in spent:
        return ""
    cpu = f", {figure(spent['cpu_seconds'])} CPU seconds" if "cpu_seconds" in spent else ""
    return f"Training and measuring took {figure(spent['seconds'])} seconds{cpu}."


def licences(version: Mapping[str, Any]) -> str:
    """Under which licence the model is, or what it ate is."""
    own = str(version.get("license") or "unknown")
    if own.lower() != "unknown":
        return f"Licence: {one_line(own)}."
    fed = [
        f"for {ref} none was stated" if licence.lower() == "unknown" else f"{ref} is under {licence}"
        for _, ref, _, licence, _ in eaten_rows(version)
    ]
    under = f" {'; '.join(fed)}." if fed else ""
    return f"Nobody has said under which licence this model may be used.{under}"


def warnings(version: Mapping[str, Any]) -> list[str]:
    """What a reader has to know before anything else."""
    found = []
    if version.get("version") == "draft":
        found.append("This is a draft. The model may change at any time; do not cite or release it.")
    if tainted := version.get("tainted"):
        why = tainted if isinstance(tainted, str) else "; ".join(str(item) for item in tainted)
        found.append(f"This version is tainted and can only be a draft: {one_line(why, 500)}.")
    if (first := next(iter(measures(version)), None)) and first["gain"] is not None and not first["gain"][1] > 0:
        found.append(f"It is not shown that training helped. {in_words(first)}")
    return found


def limits(version: Mapping[str, Any]) -> list[str]:
    """What is not covered."""
    run = training(version)
    if not run:
        found = [
            "Nothing was measured here, and what it was trained on is not known beyond what its source says.",
            "Only safetensors, configuration and tokenizer were taken: code of its own, if it needs any, is not here.",
        ]
        return found + ([] if version.get("source") else ["Nobody has said where it comes from."])
    found = [_LIMITS[run["stage"]]] if run["stage"] in _LIMITS else []
    found += [
        "Whether what it says is safe, true, fair or private was not measured, unless a table above says so; nor was "
        "what it can repeat of its rows (gristmill memorised tests that).",
        "Measures are on held-out rows like those it learned from. How it does on others is not known.",
        *_one_seed(run["stage"]),
        "Preflight finds questions that also stand in an evaluation if they differ in case and white space only; "
        "near-copies are looked for when the data is curated, if at all.",
        "What the versions it ate do not cover stands on their cards.",
    ]
    roles = {one["role"] for one in run["inputs"]}
    if "against" not in roles:
        found.append("No evaluation set was given to hold its rows against (-p against=NAME@VERSION).")
    if str(version.get("license") or "unknown").lower() == "unknown":
        found.append("No licence was stated for it.")
    return found


def _one_seed(stage: str) -> list[str]:
    if stage == "compare":
        return ["The model here is the first seed's of the better version; the comparison drew on all seeds."]
    return [
        "This is one run with one seed. Intervals are about the held-out rows, not about what another seed would give."
    ]


def lines(version: Mapping[str, Any]) -> list[str]:
    """What a terminal shows: what it ate, the measures, what became of the rows."""
    book = ledger(version)
    found = [f"{role:<8} {ref}  {kind}  {digest[:23]}" for role, ref, kind, _, digest in eaten_rows(version)]
    found += [""] if found else []
    found += [in_words(one) for one in measures(version)]
    found += [f"note: {one_line(note, 500)}" for note in training(version).get("notes") or []]
    if book["read"]:
        found += ["", *(f"{number:>12}  {what}" for what, number, _ in kept_rows(version))]
    return found
