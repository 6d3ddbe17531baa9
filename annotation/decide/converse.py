"""The op that turns demonstrations and reviews into conversations."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import polars as pl

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.job import Job

from ..judged import ADJUDICATION, FIRST
from ..tasks.conversation import split
from .decide import By, decide
from .rows import (
    Dropped,
    Kept,
    Made,
    Row,
    decided_facts,
    inputs,
    keep_judgements,
    kind_of,
    noted,
    source_of,
    write_rows,
)
from .texts import judged_texts, mended
from .told import agreement_facts
from .trust import trust
from .votes import votes

ACCEPT, FIX, REJECT = "accept", "fix", "reject"
HUMAN = "human"


@dataclass(frozen=True, kw_only=True)
class Converse:
    """Inputs: prompts or conversations, and what people wrote or decided about them; out come conversations.

    `demonstrations`: each text that somebody wrote is a row `ID/ANNOTATOR` of its own, so the ledger counts
    demonstrations; a prompt without any counts as one that was dropped. A draft that was left as it stood keeps its
    origin, everything else is of origin `human`.

    `review`: `accept` keeps the row, `fix` puts the mended text in place of the last message, `reject` drops it. Where
    reviewers disagree, `by` decides; where nothing won, the row is dropped as `undecided`. Of several mended texts
    the one that most wrote is taken, then the one that was written first.

    Attributes:
        by: see `decide`; of reviews.
        slices, license, source: as in `Prefer`.
    """

    revision: ClassVar[int] = 1

    task: Literal["demonstrations", "review"] = "demonstrations"
    by: By = "majority"
    slices: tuple[str, ...] = ("source",)
    license: str = "unknown"
    source: str | None = None
    seed: int = 0

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card.

        Raises:
            Misuse: the source or an answer is none that conversations can be made from.
        """
        source, table = inputs(job, "Converse")
        wanted = ("conversations",) if self.task == "review" else ("prompts", "conversations")
        kind_of(source, wanted, f"Converse ({self.task})")
        judgements = judged_texts(table)
        people: dict[str, Any] = {}
        make: Callable[[Row], Iterator[Made]]
        units: Callable[[Row], int]
        if self.task == "review":
            trusted = trust(judgements, model="confusion" if self.by == "dawid-skene" else "one-coin", seed=self.seed)
            people = {"reliability": trusted.reliability, "weight": trusted.weight if self.by == "weighted" else None}
            decided = decide(judgements, by=self.by, trusted=trusted)
            make, units = _reviews(judgements, decided), _one
        else:
            written = _written(judgements)
            make, units = _demonstrations(written), _many(written)
        write_rows(job, source, kind="conversations", stage=self.task, make=make, units=units)
        keep_judgements(job, table)
        facts = agreement_facts(
            table,
            judgements.drop("text"),
            task=self.task,
            level="nominal",
            source=source,
            slices=self.slices,
            decided=decided_facts(job) if self.task == "review" else None,
            seed=self.seed,
            **people,
        )
        return {"kind": "conversations", "license": self.license, "source": self.source, "agreement": facts}


@dataclass(frozen=True)
class _Written:
    """What was written about one prompt: (annotator, text, by an adjudicator?); who gave answers that do not count."""

    texts: tuple[tuple[str, str, bool], ...] = ()
    again: tuple[str, ...] = ()


def _written(judgements: pl.DataFrame) -> dict[str, _Written]:
    texts: dict[str, list[tuple[str, str, bool]]] = {}
    given: dict[str, Counter[str]] = {}
    for batches in (FIRST, ADJUDICATION):
        for one in votes(judgements, batches).iter_rows(named=True):
            second = batches is ADJUDICATION
            texts.setdefault(one["record"], []).append((one["annotator"], one["answer"], second))
    asked = judgements.filter(pl.col("batch").is_in([*FIRST, *ADJUDICATION]))
    for record, annotator in asked.filter(~pl.col("discarded")).select("record", "annotator").iter_rows():
        given.setdefault(record, Counter())[annotator] += 1
    found = {}
    for record in asked.get_column("record").unique(maintain_order=True):
        counted = Counter(annotator for annotator, _, _ in texts.get(record, ()))
        again = sorted((given.get(record, Counter()) - counted).elements())
        found[record] = _Written(tuple(texts.get(record, ())), tuple(again))
    return found


def _many(written: Mapping[str, _Written]) -> Callable[[Row], int]:
    def units(row: Row) -> int:
        one = written.get(row["id"], _Written())
        return max(len(one.texts) + len(one.again), 1)

    return units


def _one(row: Row) -> int:
    return 1


def _demonstrations(written: Mapping[str, _Written]) -> Callable[[Row], Iterator[Made]]:
    def make(row: Row) -> Iterator[Made]:
        one = written.get(row["id"])
        if one is None or not (one.texts or one.again):
            yield Dropped(id=row["id"], reason="all-discarded" if one else "no-demonstration")
            return
        yield from (Dropped(id=f"{row['id']}/{name}", reason="answered-again") for name in one.again)
        before, draft = split(row)
        replaced = any(second for _, _, second in one.texts)
        for name, text, second in one.texts:
            if replaced and not second:
                yield Dropped(id=f"{row['id']}/{name}", reason="adjudicated")
                continue
            left = draft is not None and text == draft
            notes = {"annotator": name, "draft": None if draft is None else "left" if left else "changed"}
            yield Kept(
                row=_conversation(
                    row, f"{row['id']}/{name}", [*before, _said(text)], row.get("origin") if left else HUMAN, notes
                )
            )

    return make


def _reviews(judgements: pl.DataFrame, decided: pl.DataFrame) -> Callable[[Row], Iterator[Made]]:
    given = pl.concat([votes(judgements), votes(judgements, ADJUDICATION)])
    if strange := given.filter(~pl.col("answer").is_in([ACCEPT, FIX, REJECT])).head(1).to_dicts():
        one = strange[0]
        raise Misuse(
            f"record {one['record']!r}: {one['annotator']} answered {one['answer']!r:.60}; "
            f"reviews are decided by {ACCEPT}, {FIX} and {REJECT}"
        )
    cases = {one["record"]: one for one in decided.iter_rows(named=True)}
    texts = {str(key[0]): part for key, part in given.filter(pl.col("answer") == FIX).group_by("record")}

    def make(row: Row) -> Iterator[Made]:
        case = cases.get(row["id"], {"how": None, "reason": "no-votes"})
        how, label = case["how"], case.get("label")
        if how is None:
            yield Dropped(id=row["id"], reason=case["reason"])
        elif label is None:
            yield Dropped(id=row["id"], reason="undecided", how=how)
        elif label == REJECT:
            yield Dropped(id=row["id"], reason="rejected", how=how)
        elif label == ACCEPT:
            notes = {"review": ACCEPT, "decided": how}
            yield Kept(row=_conversation(row, row["id"], row["messages"], row["origin"], notes), how=how)
        else:
            part = texts[row["id"]]
            second = part.filter(pl.col("batch").is_in(list(ADJUDICATION)))
            text = mended(second if how == "adjudicated" else part)
            if text is None:
                yield Dropped(id=row["id"], reason="no-mended-text", how=how)
                return
            notes = {"review": FIX, "decided": how, "reviewed_origin": row["origin"]}
            yield Kept(row=_conversation(row, row["id"], [*split(row)[0], _said(text)], HUMAN, notes), how=how)

    return make


def _said(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def _conversation(
    row: Row, name: str, messages: list[Any], origin: str | None, notes: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "id": name,
        "messages": messages,
        "source": source_of(row),
        "origin": origin,
        "parents": [row["id"]],
        "metadata": noted(row["metadata"], notes),
    }
