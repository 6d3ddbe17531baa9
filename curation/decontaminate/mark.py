"""Dropping rows that hold an item of an evaluation set, and measuring on planted items how many would be found."""

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from curation.engine import Engine
from curation.rows import FIELDS, RowLayers
from curation.rule import above
from dataset_cards.versions.job import Job

from .items import Looking, gather, table_of
from .planted import planted
from .search import EXAMPLES, REASON, STAGE, Mark

_ALL_FIELDS = frozenset(name for names in FIELDS.values() for name in names)


@dataclass(frozen=True, kw_only=True)
class Decontaminate:
    """A row is dropped iff it holds more than `max_overlap` of the words of one text of an evaluation set.

    The inputs are rows of any type, their sidecars, and last the evaluation sets, named in `evaluations`. Each text of
    an evaluation row (its prompt, its answer, each message, ...) is an item of its own, because a question does harm
    without its answer. A row is everything it says, as one text.

    A word of an item is found if it lies in a run of `ngram` words of the item that the row has too; an item of fewer
    words must be there whole. At least `min_words` words, or all the item has, must be found. Words are those of
    `dedup.normalise` (no case, accents or punctuation), but numbers keep their value. Runs that more than `max_items`
    items have are a template; they count neither as found nor as words of the item. Items of fewer than
    `min_item_words` words, and items that are all template, are not looked for; they are counted.

    More than half of an item's words in common 8-grams: Tulu 3 (Lambert et al. 2024, arXiv:2411.15124, section 3.2).
    Words in common runs: Llama 2 (Touvron et al. 2023, arXiv:2307.09288, appendix A.6). Runs of 13 words, and none that
    more than 10 texts share: GPT-3 (Brown et al. 2020, arXiv:2005.14165, appendix C). `min_words` is our own, chosen
    on real sets (docs/decontaminate.md).

    Drops as `decontaminate/evaluation-text`. The sidecar has `decontaminate.overlap` (Float64, the largest share of
    any item) and the `.evaluation`, `.item` (id) and `.field` of that item. Of equal shares the first item is named.
    """

    revision: ClassVar[int] = 1

    evaluations: tuple[str, ...]  # what the last inputs are called, e.g. ("gsm8k-test@1.0.0",)
    fields: tuple[str, ...] = ()  # of evaluation rows; empty: every field that holds language
    ngram: int = 8
    max_overlap: float = 0.5
    min_words: int = 10
    min_item_words: int = 8
    max_items: int = 10
    planted: int = 200  # items that are planted to measure recall
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.evaluations or len(set(self.evaluations)) < len(self.evaluations):
            raise ValueError(f"Decontaminate(evaluations={self.evaluations}): name one or more, and each once")
        if unknown := sorted(set(self.fields) - _ALL_FIELDS):
            raise ValueError(f"Decontaminate(fields={unknown}): there are {', '.join(sorted(_ALL_FIELDS))}")
        for field in ("ngram", "min_words", "min_item_words", "max_items"):
            if getattr(self, field) < 1:
                raise ValueError(f"Decontaminate({field}={getattr(self, field)}): must be at least 1")
        if not 0 <= self.max_overlap < 1:
            raise ValueError(f"Decontaminate(max_overlap={self.max_overlap}): must be at least 0 and below 1")
        if self.planted < 0:
            raise ValueError(f"Decontaminate(planted={self.planted}): must not be negative")

    def run(self, job: Job) -> dict[str, Any]:
        """Index the evaluation sets, mark the rows, plant items; each phase goes on where it was stopped.

        Returns:
            `rules`; `decontamination`: by evaluation set what was looked for (`fields`, `rows_not_looked_for`), its
            `items_found` and the `rows_dropped`, and `examples` of both; `gold`: recall on planted items.
        """
        first = len(job.inputs) - len(self.evaluations)
        if first < 1:
            raise ValueError(f"{len(job.inputs)} inputs for Decontaminate: rows, then {len(self.evaluations)} sets")
        rows, evaluations = job.inputs[:first], job.inputs[first:]
        looking = Looking(
            ngram=self.ngram, min_item_words=self.min_item_words, max_items=self.max_items, fields=self.fields
        )
        engine, index = job.tool(Engine), Job(rows, job.folder / "index")
        engine.run("index", index, partial(gather, looking, evaluations, index), index.unfinished(1))
        mark = Mark(
            job=replace(job.bare(), inputs=rows),
            index=index,
            looking=looking,
            evaluations=self.evaluations,
            min_words=self.min_words,
            max_overlap=self.max_overlap,
        )
        engine.run("decontaminate", job, mark, job.unfinished(len(rows[0].parts)))
        facts = self._facts(job.facts(), index)
        rule = above("overlap", self.max_overlap)
        rules = [
            {"stage": STAGE, "signal": rule.signal, "reason": REASON, "kind": rule.kind, "limit": rule.limit}
            | {"field": "max_overlap"}
        ]
        gold = planted(mark.search(), table_of(index), RowLayers(rows), facts["evaluations"], self.planted, self.seed)
        return {"rules": rules, "decontamination": facts, **({"gold": [gold]} if gold else {})}

    def _facts(self, tasks: list[dict[str, Any]], index: Job) -> dict[str, Any]:
        """What the tasks found, added up by evaluation set."""
        owners = table_of(index).collect(["evaluation"]).get_column("evaluation")
        found = sorted({item for task in tasks for item in task["found"]})
        items = Counter(owners.gather(found).to_list())
        dropped: Counter[str] = Counter()
        for task in tasks:
            dropped.update(task["dropped_for"])
        evaluations = [
            {"evaluation": name, **texts, "items_found": items[number], "rows_dropped": dropped[name]}
            for number, (name, texts) in enumerate(zip(self.evaluations, index.fact(0)["texts"], strict=True))
        ]
        examples = [example for task in tasks for example in task["examples"]][:EXAMPLES]
        return {"evaluations": evaluations, "examples": examples}
