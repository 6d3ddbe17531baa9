"""A version as version.json describes it, with the examples of its ledger, for tests of cards and reports."""

from typing import Any

import polars as pl

EXAMPLES = pl.Schema(
    {
        "role": pl.String,
        "stage": pl.String,
        "reason": pl.String,
        "signal": pl.String,
        "value": pl.Float64,
        "limit": pl.Float64,
        "id": pl.String,
        "source": pl.String,
        "url": pl.String,
        "text": pl.String,
        "cut": pl.Boolean,
    }
)

PAIRS = pl.Schema(
    {
        **{f"kept_{name}": pl.String for name in ("id", "source", "url", "text")},
        "kept_cut": pl.Boolean,
        **{f"dropped_{name}": pl.String for name in ("id", "source", "url", "text")},
        "dropped_cut": pl.Boolean,
        "jaccard": pl.Float64,
        "why": pl.String,
    }
)

KINDS = (
    "documents",
    "conversations",
    "prompts",
    "preferences",
    "rankings",
    "judgements",
    "verifiable",
    "teacher",
)


def few_facts(kind: str = "documents") -> dict[str, Any]:
    """An adopted version: files, a schema, and little else."""
    return {
        "gristmill": "0.1.0",
        "name": "pages",
        "version": "1.0.0",
        "kind": kind,
        "created": "2026-11-21T10:00:00Z",
        "digest": "sha256:" + "ab" * 32,
        "rows": 3,
        "bytes": 4567,
        "license": "unknown",
        "source": None,
        "languages": {},
        "schema": [{"name": "id", "type": "string"}, {"name": "text", "type": "string"}],
        "files": [{"path": "data/train-00000-of-00001.parquet", "rows": 3, "bytes": 4567, "sha256": "cd" * 32}],
        "parents": [],
        "recipe": None,
        "ledger": {"read": 3, "kept": 3, "quarantined": 0, "dropped": {}},
        "funnel": [],
        "facts": {},
        "environment": {"python": "3.11.7", "platform": "Linux x86_64", "packages": {"polars": "2.1.0"}},
        "tainted": [],
    }


def full() -> dict[str, Any]:
    """A curated version with every kind of fact; its ledger balances."""
    stages = {"Screen": [{"GopherQuality": {"min_words": 50, "max_words": 100000}}, {"Language": {"keep": ["en"]}}]}
    return few_facts() | {
        "rows": 1120,
        "license": "CC-BY-4.0",
        "source": "A crawl of 2026",
        "languages": {"en": 1117, "no": 3},
        "parents": [{"name": "raw", "version": "0.9", "digest": "sha256:" + "77" * 32}],
        "recipe": {
            "name": "web_text",
            "function": "curation.recipes:web_text",
            "parameters": {"language": "en", "input": "pages/*.warc.gz"},
            "steps": [
                {
                    "name": "web-text/screen",
                    "fingerprint": "0123456789abcdef",
                    "op": "Screen",
                    "fields": stages,
                    "inputs": [],
                }
            ],
        },
        "ledger": {
            "read": 2000,
            "kept": 1120,
            "quarantined": 2,
            "dropped": {
                "gopher-quality/too-short": 750,
                "language/other-language": 120,
                "near-duplicates/near-duplicate": 8,
            },
        },
        "funnel": [
            {"stage": "read", "read": 2000, "kept": 1998, "quarantined": 2, "dropped": {}},
            _stage("gopher-quality", 1998, {"gopher-quality/too-short": 750}),
            _stage("language", 1248, {"language/other-language": 120}),
            _stage("near-duplicates", 1128, {"near-duplicates/near-duplicate": 8}),
        ],
        "facts": {
            "signals": [
                {
                    "stage": "gopher-quality",
                    "signal": "words",
                    "rules": [{"reason": "too-short", "kind": "below", "limit": 50.0, "field": "min_words"}],
                    "edges": [0.0, 25.0, 50.0, 100.0, 1000.0],
                    "counts": [250, 500, 600, 648],
                    "documents": 1998,
                }
            ],
            "categories": [
                {
                    "stage": "language",
                    "signal": "language",
                    "rules": [{"reason": "other-language", "kind": "outside", "limit": ["en"], "field": "keep"}],
                    "counts": {"en": 1128, "de": 120},
                }
            ],
            "text": {
                "characters": 1234567,
                "bytes": 1300000,
                "lengths": {"edges": [256.0, 512.0, 1024.0, 2048.0], "counts": [300, 500, 320]},
            },
            "moves": [
                {
                    **{"stage": "gopher-quality", "reason": "too-short", "signal": "words", "kind": "below"},
                    **{"limit": 50.0, "field": "min_words", "kept": False},
                    "moved": [
                        {"step": -0.1, "limit": 45.0, "fewer": 0, "more": 31},
                        {"step": -0.05, "limit": 47.0, "fewer": 0, "more": 0},
                        {"step": -0.01, "limit": 49.0, "fewer": 0, "more": 1},
                        {"step": 0.01, "limit": 51.0, "fewer": 0, "more": 0},
                        {"step": 0.05, "limit": 53.0, "fewer": 7, "more": 0},
                        {"step": 0.1, "limit": 55.0, "fewer": 1012, "more": 0},
                    ],
                }
            ],
            "edits": {"gopher-quality": 0, "language": 0, "near-duplicates": 0, "pii": 0},
            "spans": {
                "pii": {"EMAIL_ADDRESS": {"spans": 1040, "rows": 900, "actions": {"mask": 1030, "drop": 10}}},
                "secrets": {},
            },
            "decontamination": {
                "evaluations": [
                    {
                        **{"evaluation": "quiz@1.0.0", "rows": 50, "rows_not_looked_for": 3},
                        **{"fields": {"prompt": {"texts": 50, "looked_for": 47}}, "items_found": 2, "rows_dropped": 5},
                    }
                ]
            },
            "gold": [
                {
                    **{"stage": "pii", "set": "our own sentences, revision 1", "rows": 400, "unit": "span"},
                    "results": [
                        {
                            **{"label": "EMAIL_ADDRESS", "support": 60, "precision": [0.98, 0.91, 0.995]},
                            **{"recall": [1.0, 0.94, 1.0], "f1": [0.99, 0.95, 1.0]},
                        },
                        {"label": "IBAN", "support": 0, "precision": None, "recall": None, "f1": None},
                        {
                            **{"label": "all", "support": 60, "precision": [0.5, 0.4, 0.6]},
                            **{"recall": [1.0, 0.94, 1.0], "f1": [0.667, 0.6, 0.7]},
                        },
                    ],
                    **{
                        "auc": [0.97, 0.95, 0.98],
                        "threshold": 0.5,
                        "not_covered": ["names of people: no model is run"],
                    },
                }
            ],
            "sources": {"a.warc.gz": 1100, "b|c.warc.gz": 20},
            "quarantine": {"broken-json": 2},
            "near_duplicates": {
                "s_curve": [[0.0, 0.0], [0.5, 0.1], [0.8, 0.9], [1.0, 1.0]],
                "threshold": 0.7,
                "pairs_verified": 10,
                "clusters": [{"kept": 4, "size": 9, "members": [{"row": 5, "jaccard": 0.93}]}],
            },
        },
    }


def _stage(name: str, read: int, dropped: dict[str, int]) -> dict[str, Any]:
    return {"stage": name, "read": read, "kept": read - sum(dropped.values()), "quarantined": 0, "dropped": dropped}


def example(role: str = "kept", text: str = "Some words.", **others: Any) -> dict[str, Any]:
    """One row of ledger/examples.parquet."""
    row = dict.fromkeys(EXAMPLES.names()) | {
        "role": role,
        "stage": "",
        "reason": "",
        "id": "1",
        "text": text,
        "cut": False,
    }
    return row | others


def too_short(role: str, words: float, text: str) -> dict[str, Any]:
    """An example beside the limit of `gopher-quality/too-short`."""
    measured = {"stage": "gopher-quality", "reason": "too-short", "signal": "words", "value": words, "limit": 50.0}
    return example(role, text, **measured)


def examples(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=EXAMPLES, orient="row")


def pair(kept: str, dropped: str, **others: Any) -> dict[str, Any]:
    """One row of ledger/pairs.parquet."""
    row = dict.fromkeys(PAIRS.names()) | {"kept_id": "k", "dropped_id": "d", "kept_cut": False, "dropped_cut": False}
    return row | {"kept_text": kept, "dropped_text": dropped, "jaccard": 0.8, "why": "large-cluster"} | others


def pairs(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=PAIRS, orient="row")


HOSTILE = (
    "<script>document.title='pwned';console.error('ran')</script>",
    "<img src=x onerror=\"console.error('ran')\">",
    "javascript:console.error('ran')",
    "</style><script>console.error('ran')</script>",
    "]]><svg onload=console.error('ran')>",
    "\"'><iframe srcdoc=\"<script>parent.console.error('ran')</script>\">",
    "</title></head><body onload=console.error('ran')>",
    "`` ``` ```` ~~~ --- {% raw %} {{ 7*7 }} ${x}",
    "| a | b |\n|---|---|\n| [x](javascript:alert(1)) | ![y](http://127.0.0.1:9/x.png) |",
    "---\nlicense: mit\n---\n# heading\n<!-- comment",
    "\x00\x07\x1b[31m \u202eevil\u202c \ufeff\u200b\r\n\ttab \U000e0041",
    "name\nwith\nnewlines.jsonl",
)


def hostile_version(text: str) -> dict[str, Any]:
    """A version that says `text` wherever outsiders have a say: files, columns, reasons, parameters."""
    version = full()
    facts = version["facts"] | {
        "sources": {text: 5},
        "quarantine": {text: 2},
        "categories": [{"stage": text, "signal": text, "rules": [], "counts": {text: 3}}],
        "signals": [{**version["facts"]["signals"][0], "stage": text, "signal": text}],
        "near_duplicates": {
            **{"threshold": 0.7, "s_curve_in_words": text},
            "clusters": [{text: text, "kept": text, "members": [{text: text}]}],
        },
        "moves": [{**version["facts"]["moves"][0], "stage": text, "reason": text, "field": text}],
        "edits": {text: 0},
        "decontamination": {"evaluations": [{"evaluation": text, "fields": {text: {"looked_for": 1}}}]},
        "spans": {text: {text: {"spans": 1, "rows": 1, "actions": {text: 1}}}, f"{text} in vain": {}},
        "gold": [
            {
                **{"stage": text, "set": text, "rows": 1, "unit": text, "not_covered": [text]},
                "results": [{"label": text, "support": 1, "precision": None, "recall": None, "f1": None}],
            }
        ],
    }
    steps = [{"name": text, "fingerprint": text, "op": text, "fields": {text: text}, "inputs": [text]}]
    dropped = {f"{text}/{text}": 880, "gopher-quality/too-short": 0}
    return version | {
        "source": text,
        "license": text,
        "languages": {text: 3},
        "schema": [{"name": text, "type": text}],
        "parents": [{"name": text, "version": text, "digest": text}],
        "recipe": {"name": text, "function": text, "parameters": {text: text}, "steps": steps},
        "ledger": {"read": 2000, "kept": 1120, "quarantined": 0, "dropped": dropped},
        "funnel": [{"stage": text, "read": 2000, "kept": 1120, "quarantined": 0, "dropped": dropped}],
        "facts": facts,
        "environment": {"python": text, "platform": text, "packages": {text: text}},
        "tainted": [text],
    }


def hostile_examples(text: str) -> pl.DataFrame:
    said = dict.fromkeys(("stage", "reason", "signal", "id", "source", "url"), text)
    beside = {"value": 1.0, "limit": 2.0}
    return examples(*(example(role, text * 40, **said, **beside) for role in ("dropped", "just-kept", "kept")))


def hostile_pairs(text: str) -> pl.DataFrame:
    said = {f"{side}_{name}": text for side in ("kept", "dropped") for name in ("id", "source", "url")}
    return pairs(pair(f"one {text} more", f"{text} two {text} less " * 40, **said, why=text))
