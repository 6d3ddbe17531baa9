"""Versions as version.json describes them, with what is behind them, for tests of the documents of the law."""

from typing import Any

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from dataset_cards.documents.about import About
from tests.about_sample import sample_about, sample_fields
from tests.sample_version import few_facts

MARKS = ("*(measured)*", "*(said)*", "*(read)*", "*(open)*")
# Fields that take no text of any sort.
KEPT = ("kind", "url", "email", "orcid", "begin", "end", "licensed", "concerned", "placed", "first_used", "ongoing")


def ancestor(ref: str, *parents: str, **changes: Any) -> dict[str, Any]:
    name, version = ref.split("@")
    told = {
        **{"name": name, "version": version, "kind": "documents", "digest": "sha256:" + "11" * 32, "rows": 2000},
        **{"bytes": 99, "created": "2026-04-01T00:00:00Z", "license": "unknown", "source": None, "languages": {}},
        **{"recipe": None, "parents": list(parents), "only_read": [], "licenses": {}, "sources": {}, "text": {}},
        "content": {},
    }
    return told | changes


def parent(ref: str) -> dict[str, str]:
    name, version = ref.split("@")
    return {"name": name, "version": version, "digest": "sha256:" + "11" * 32}


def tally(counts: dict[str, int], **others: Any) -> dict[str, Any]:
    return {"counts": counts, "different": len(counts), "others": 0, "missing": 0} | others


def corpus() -> dict[str, Any]:
    """Documents of two roots, held against a quiz and judged by a classifier, of which nothing is inside."""
    return few_facts() | {
        "name": "notices",
        "rows": 1100,
        "license": "CC-BY-4.0",
        "languages": {"no": 800, "en": 300},
        "parents": [parent("crawl@1.0.0"), parent("written@1.0.0"), parent("quiz@1.0.0"), parent("toxicity@1.0.0")],
        "ancestors": [
            ancestor("crawl@1.0.0", source="Harbours <b>of</b> Norway", license="NLOD-2.0"),
            ancestor("written@1.0.0", rows=400, content={"origins": tally({"Qwen2.5-7B-Instruct": 390, "human": 10})}),
            ancestor("quiz@1.0.0", kind="verifiable", rows=50),
            ancestor("comments@1.0.0"),
            ancestor("toxicity@1.0.0", "comments@1.0.0", recipe="classifier"),
        ],
        "recipe": {"name": "web_text", "function": "curation.recipes:web_text", "parameters": {}, "steps": []},
        "ledger": {"read": 2400, "kept": 1100, "quarantined": 2, "dropped": {"near-duplicates/copy": 1298}},
        "funnel": [
            {"stage": "read", "read": 2400, "kept": 2398, "quarantined": 2, "dropped": {}},
            {"stage": "near-duplicates", "read": 2398, "kept": 1100, "quarantined": 0, "dropped": {"copy": 1298}},
            {"stage": "pii", "read": 1100, "kept": 1100, "quarantined": 0, "dropped": {}},
        ],
        "facts": {
            "content": {
                "lengths": {"text": {"characters": 900_000, "bytes": 950_000, "words": 150_000}},
                "domains": tally({f"harbour{n}.example": 100 - n for n in range(20)}, missing=400),
                "dates": {"created": {"earliest": "2025-11", "latest": "2026-03-30", "by_year": {}}},
                "modality": tally({"text": 1100}),
            },
            "spans": {"pii": {"EMAIL_ADDRESS": {"spans": 12, "rows": 9, "actions": {"mask": 12}}}},
            "decontamination": {"evaluations": [{"evaluation": "quiz@1.0.0", "rows": 50, "items_found": 0}]},
        },
    }


def chats() -> dict[str, Any]:
    """Conversations in part written by a model, made from prompts that somebody gave away."""
    return few_facts("conversations") | {
        "name": "chats",
        "rows": 120,
        "license": "MIT",
        "parents": [parent("prompts@1.0.0")],
        "ancestors": [ancestor("prompts@1.0.0", kind="prompts", rows=120, license="MIT", source="hub: prompts")],
        "schema": [{"name": "id", "type": "string"}, {"name": "messages", "type": "list<struct<role: string>>"}],
        "recipe": {"name": "teach", "function": "synth.recipes:teach", "parameters": {}, "steps": []},
        "ledger": {"read": 121, "kept": 120, "quarantined": 0, "dropped": {"teach/unreadable": 1}},
        "funnel": [{"stage": "teach", "read": 121, "kept": 120, "quarantined": 0, "dropped": {"teach/unreadable": 1}}],
        "facts": {
            "content": {
                "lengths": {"messages": {"characters": 5000, "bytes": 5100, "words": 900}},
                "origins": tally({"Qwen2.5-7B-Instruct": 100, "human": 15}, missing=5),
                "languages": tally({"en": 120}),
            }
        },
    }


def model(*stages: str) -> dict[str, Any]:
    """A model trained from `base` in stages, each on a version of its own; measured by `test@1.0.0`."""
    behind, model = [ancestor("base@1.0.0", kind="model", source="A hub"), ancestor("test@1.0.0")], "base@1.0.0"
    for stage in stages:
        behind += [ancestor(f"raw-{stage}@1.0.0"), ancestor(f"data-{stage}@1.0.0", f"raw-{stage}@1.0.0")]
        last, model = model, f"{stage}@1.0.0"
        behind.append(ancestor(model, last, f"data-{stage}@1.0.0", kind="model"))
    told = behind.pop()
    eaten = [{"role": "data", "ref": told["parents"][1]}, {"role": "model", "ref": last}]
    inputs = [*eaten, {"role": "held_out", "ref": "test@1.0.0"}]
    return few_facts("model") | {
        "name": told["name"],
        "parents": [parent(one["ref"]) for one in inputs],
        "ancestors": behind,
        "facts": {"training": {"stage": stages[-1], "inputs": inputs, "preflight": {"tokens": 5_000_000_000}}},
    }


def origin(name: str, kind: str, **others: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "how": "Somebody got it.", "licensed": "no"} | others


def about_with(*origins: dict[str, Any], **provider: Any) -> Any:
    """The sample about.yaml with other sources, and other answers of the provider."""
    fields = sample_fields()
    answers = {"builds_on": "None: trained from scratch.", "small": "no", "code_of_practice": "yes"}
    answers |= {"aggregate": "There is none: no row tells of groups of consumers."} | provider
    sources = list(origins) or fields["collection"]["sources"]
    return sample_about(collection=fields["collection"] | {"sources": sources}, provider=fields["provider"] | answers)


def about_corpus() -> Any:
    """What a person would say of `corpus`."""
    crawled, made = sample_fields()["collection"]["sources"]
    return about_with(crawled | {"versions": ["crawl@1.0.0"]}, made | {"versions": ["written@1.0.0"]})


def about_chats() -> Any:
    """What a person would say of `chats`."""
    return about_with(
        origin("Open prompts", "public-dataset", url="https://hub.example/prompts", end="2026-02-01"),
        origin("Answers", "synthetic", model="Qwen2.5-7B-Instruct", versions=["chats@1.0.0"]),
    )


def parse(text: str) -> list[Token]:
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    return [*tokens, *(child for token in tokens for child in token.children or [])]


def active(text: str) -> set[str]:
    kinds = {"html_block", "html_inline", "link_open", "image", "blockquote_open", "fence", "code_block", "hr"}
    return {token.type for token in parse(text)} & kinds


def hostile_about(text: str) -> About:
    """An about.yaml that says `text`, and something besides, wherever it may say anything."""

    def told(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: one if key in KEPT else told(one) for key, one in value.items()}
        return [told(one) for one in value] if isinstance(value, list) else f"{text} said"

    fields = sample_fields()
    for choice in ("small", "code_of_practice"):
        del fields["provider"][choice]
    return sample_about(**told({key: fields[key] for key in fields if key not in ("doi", "documents")}))


REFS = st.sampled_from(["crawl@1.0.0", "written@1.0.0", "notices@1.0.0", "quiz@1.0.0", "nobody", "a@b@c"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40).map(lambda text: f"{text} w")
ORIGINS = st.builds(
    origin,
    TEXTS,
    st.sampled_from(["public-dataset", "licensed", "private", "web-crawl", "user-data", "synthetic", "other"]),
    how=TEXTS,
    versions=st.lists(REFS, max_size=3),
    model=st.none() | TEXTS,
    crawler=st.none() | TEXTS,
    licensed=st.sampled_from(["yes", "no", "unknown"]),
    begin=st.none() | st.dates().map(str),
    url=st.none() | st.text("`|<>[]()*_~\\&", max_size=9).map("https://h.example/{}".format),
)
