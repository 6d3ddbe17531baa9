"""Facts on agreement as version.json holds them, for tests of cards and reports."""

from typing import Any

from tests.sample_version import few_facts


def comparisons() -> dict[str, Any]:
    """Three annotators, of whom the third is fast and worse than a guess."""
    return {
        **{"task": "comparisons", "level": "nominal", "records": 500, "judgements": 1500, "annotators": 3},
        **{"twice": 480, "discarded": 12, "question": None},
        "labels": {"1": 700, "2": 600, "tie": 150, "both-bad": 50},
        "measures": [
            measure("percent agreement", [0.7133, 0.6812, 0.7431], "pairs of people, averaged over records"),
            measure("Krippendorff's alpha (nominal)", [0.5204, 0.4711, 0.5690], "Krippendorff 2011"),
            {**measure("Fleiss' kappa", None, "Fleiss 1971"), "why": "everybody always said the same"},
        ],
        "by_annotator": [
            person("a1", agreement=[0.8, 0.76, 0.84], gold=[0.92, 0.81, 0.97], weight=0.91, repeat=[0.9, 0.7, 0.97]),
            person("a2", agreement=[0.79, 0.75, 0.83], gold=[0.9, 0.79, 0.96], weight=0.88),
            person("a3", agreement=[0.31, 0.27, 0.35], gold=[0.1, 0.04, 0.21], weight=0.1, flags=["fast", "position"]),
        ],
        "by_pair": [
            pair("a1", "a2", agreement=[0.9, 0.86, 0.93], kappa=[0.82, 0.75, 0.88]),
            pair("a1", "a3", agreement=[0.3, 0.25, 0.36], kappa=[-0.1, -0.2, 0.01]),
            pair("a2", "a3", agreement=None, kappa=None) | {"records": 0},
        ],
        "by_slice": [
            {"slice": "source", "value": "web", "records": 100, "agreement": [0.7, 0.6, 0.8], "alpha": [0.5, 0.4, 0.6]}
        ],
        "decided": {"unanimous": 300, "majority": 120, "weighted": 0, "adjudicated": 60, "tie": 20},
        "guidelines": [{"revision": "0123456789abcdef", "text": "Take the better one.", "judgements": 1500}],
        "notes": ["the pool shrank to two on the last day"],
    }


def rankings() -> dict[str, Any]:
    """Rankings: Kendall's measures, no labels."""
    measures = [
        measure("percent agreement", [0.67, 0.64, 0.70], "order of two responses (first, second, tie)"),
        measure("Kendall's tau-b", [0.399, 0.345, 0.456], "Kendall 1945"),
        measure("Kendall's W", [0.636, 0.595, 0.676], "Legendre 2005"),
    ]
    pairs = [pair("a1", "a2", agreement=[0.66, 0.6, 0.7], tau=[0.39, 0.3, 0.5])]
    slices = [{"slice": "source", "value": "web", "records": 9, "agreement": [0.7, 0.6, 0.8], "tau": [0.4, 0.2, 0.6]}]
    return {
        **{"task": "rankings", "level": "ranking", "records": 200, "judgements": 600, "annotators": 3, "twice": 200},
        **{"measures": measures, "by_pair": pairs, "by_slice": slices, "decided": {"mean": 170, "unanimous": 30}},
    }


def ratings() -> dict[str, Any]:
    """Two questions, each measured alone."""
    asked = {
        "helpful": {
            "labels": {"1": 10, "5": 590},
            "measures": [measure("Krippendorff's alpha (ordinal)", [0.84, 0.81, 0.87], "Krippendorff 2011")],
            "by_annotator": [{"annotator": "a1", "judgements": 200, "agreement": [0.5, 0.4, 0.6], "gold_items": 0}],
            "by_pair": [pair("a1", "a2", agreement=[0.5, 0.4, 0.6])],
        },
        "harmless": {
            "labels": {"1": 300, "5": 300},
            "measures": [measure("Krippendorff's alpha (ordinal)", [0.6, 0.5, 0.7], "Krippendorff 2011")],
        },
    }
    people = [{"annotator": "a1", "judgements": 200, "agreement": None, "median_seconds": 30.25, "flags": []}]
    return {
        **{"task": "ratings", "level": "ordinal", "records": 200, "judgements": 600, "annotators": 3, "twice": 200},
        **{"questions": asked, "by_annotator": people},
    }


def measure(name: str, value: list[float] | None, how: str) -> dict[str, Any]:
    return {"name": name, "value": value, "records": 480, "how": how}


def person(name: str, **others: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = dict.fromkeys(("agreement", "gold", "reliability", "weight", "repeat", "first_shown"))
    seen = {"annotator": name, "judgements": 500, "gold_items": 50, "median_seconds": 12.1, "flags": []}
    return nothing | seen | {"first_shown": [0.6, 0.55, 0.65]} | others


def pair(a: str, b: str, **others: Any) -> dict[str, Any]:
    return {"a": a, "b": b, "records": 200, "agreement": None, "kappa": None, "tau": None} | others


def judged(facts: dict[str, Any], kind: str = "preferences", **others: Any) -> dict[str, Any]:
    """A version whose rows people decided."""
    return few_facts(kind) | {"rows": 480, "facts": {"agreement": facts, **others}}


def hostile(text: str) -> dict[str, Any]:
    """Facts that say `text` wherever annotators, their answers or whoever wrote the task have a say."""
    facts = comparisons()
    numbers = [0.5, 0.4, 0.6]
    part = {
        "labels": {text: 5, f"{text}2": 3},
        "measures": [measure(f"Krippendorff's alpha {text}", numbers, text) | {"why": text}],
        "by_annotator": [person(text, gold=[0.1, 0.0, 0.2], flags=[text, "position"])],
        "by_pair": [pair(text, other, agreement=numbers, kappa=numbers) for other in ("a1", "a2")]
        + [pair("a1", "a2", agreement=numbers, kappa=numbers)],
        "by_slice": [{"slice": text, "value": text, "records": 1, "agreement": numbers, "alpha": None}],
    }
    return facts | {
        **{"task": text, "level": text, "question": text, "decided": {text: 3, "tie": 1}, "notes": [text]},
        **part,
        "questions": {text: part},
        "guidelines": [{"revision": text, "text": text * 3, "judgements": 1}],
    }
