"""Pairs of answers as a reward model reads them, and what the rows say about each, for reports by slice."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from train.chat import BadTemplate, question, special_in_text
from train.encode import Encoded, Fault
from train.inputs import Inputs

from .blind import SURFACE, Sides, surface
from .scorer import reading

Row = Mapping[str, Any]

_TEXTS = pa.list_(pa.string())
_FLOATS = pa.list_(pa.float32())
COLUMNS = pa.schema(
    {
        "chosen_ids": pa.list_(pa.int32()),
        "rejected_ids": pa.list_(pa.int32()),
        "margin": pa.float32(),  # as it stands in the loss; 0 where the row has none
        "question": pa.string(),  # a digest of the prompt: answers to one question are no independent evidence
        "turns": pa.int32(),  # messages of the user before the answer
        "source": pa.string(),
        "origin": pa.string(),
        "chosen_origin": pa.string(),
        "rejected_origin": pa.string(),
        "shown_first": pa.int8(),  # 1 the chosen answer, -1 the rejected one, 0 not known
        "annotators": _TEXTS,  # who voted for one of the two, ties left out
        "for_chosen": pa.list_(pa.bool_()),  # how each of them voted
        "chosen_surface": _FLOATS,
        "rejected_surface": _FLOATS,
    }
)


@dataclass(frozen=True)
class PairInputs(Inputs):
    """Inputs whose rankings come as rows of pairs; see `from_ranking`."""

    most: int = 6

    @classmethod
    def of(cls, inputs: Inputs, most: int) -> "PairInputs":
        return cls(inputs.tables, inputs.models, inputs.tools, most)

    def rows(self, role: str) -> Iterator[dict[str, Any]]:
        ranked = role in ("data", "held_out") and self.kind(role) == "rankings"
        for row in super().rows(role):
            yield from from_ranking(row, self.most) if ranked else (row,)


def from_ranking(row: Row, most: int) -> Iterator[dict[str, Any]]:
    """Every two answers of a ranking as a row of preferences, the better one chosen.

    The margin is the number of ranks between them, where equal ranks count once: ranks say an order and no distance.
    Answers that share a rank come too, with margin 0, so that they are counted as what says nothing.

    Args:
        most: of a ranking, as many of the pairs that are no ties, taken by a hash of their ids; 0 for all.
    """
    level = {rank: place for place, rank in enumerate(sorted(set(row["ranks"])))}
    places = range(len(row["responses"]))
    ties: list[dict[str, Any]] = []
    pairs: list[dict[str, Any]] = []
    for first, second in combinations(places, 2):
        gap = level[row["ranks"][second]] - level[row["ranks"][first]]
        better, worse = (first, second) if gap >= 0 else (second, first)
        made = _pair(row, better, worse, abs(gap))
        (pairs if gap else ties).append(made)
    if most and len(pairs) > most:
        kept = {one["id"] for one in sorted(pairs, key=lambda one: _digest(one["id"]))[:most]}
        pairs = [one for one in pairs if one["id"] in kept]
    yield from (*pairs, *ties)


def _pair(row: Row, better: int, worse: int, gap: int) -> dict[str, Any]:
    chosen, rejected = row["responses"][better], row["responses"][worse]
    return {
        "id": f"{row['id']}/{chosen['id']}>{rejected['id']}",
        "prompt": row["prompt"],
        "chosen": [{"role": "assistant", "content": chosen["content"]}],
        "rejected": [{"role": "assistant", "content": rejected["content"]}],
        "margin": float(gap),
        "chosen_origin": chosen["origin"],
        "rejected_origin": rejected["origin"],
        "shown_first": 1 if better < worse else -1,
    }


def encoded_pair(tokenizer: Any, row: Row, max_length: int, margin_scale: float = 1.0) -> Encoded | Fault:
    """A row of preferences as a reward model reads it: both texts within `max_length`, and what reports go by."""
    margin = row.get("margin")
    if margin == 0:
        return Fault("no-preference")
    if _asked_later(row["chosen"]) != _asked_later(row["rejected"]):
        return Fault("prompt-mismatch", "what is said between the assistant's turns differs")
    if token := special_in_text(tokenizer, [*row["prompt"], *row["chosen"], *row["rejected"]]):
        return Fault("special-tokens-in-text", token)
    try:
        chosen = reading(tokenizer, row["prompt"], row["chosen"], max_length)
        rejected = reading(tokenizer, row["prompt"], row["rejected"], max_length)
    except BadTemplate as error:
        return Fault("template-error", str(error))
    if chosen.ids == rejected.ids:
        return Fault("identical-after-truncation", "" if chosen.lost else "they are the same before it too")
    votes = [vote for vote in row.get("votes") or () if vote["choice"] != "tie" and vote["annotator"]]
    columns = {
        "chosen_ids": chosen.ids,
        "rejected_ids": rejected.ids,
        "margin": 0.0 if margin is None else margin_scale * margin,
        "question": _digest(question(row)),
        "turns": sum(one["role"] == "user" for one in row["prompt"]),
        "source": row.get("source"),
        "origin": row.get("origin"),
        "chosen_origin": row.get("chosen_origin"),
        "rejected_origin": row.get("rejected_origin"),
        "shown_first": row["shown_first"] if "shown_first" in row else _shown_first(row.get("metadata")),
        "annotators": [vote["annotator"] for vote in votes],
        "for_chosen": [vote["choice"] == "chosen" for vote in votes],
        "chosen_surface": surface(_said(row["chosen"])),
        "rejected_surface": surface(_said(row["rejected"])),
    }
    return Encoded(
        columns,
        tokens=len(chosen.ids) + len(rejected.ids),
        learned=chosen.answer + rejected.answer,
        lost=chosen.lost + rejected.lost,
    )


def _asked_later(answer: Any) -> list[tuple[str, str]]:
    return [(one["role"], one["content"]) for one in answer if one["role"] != "assistant"]


def _said(answer: Any) -> str:
    return "\n\n".join(one["content"] for one in answer if one["role"] == "assistant")


def _shown_first(metadata: str | None) -> int:
    """Which answer stood first where the pair was judged, as adopting it noted under `winner`."""
    winner = str(json.loads(metadata).get("winner", "") if metadata else "").lower()
    return {"1": 1, "a": 1, "2": -1, "b": -1}.get(winner, 0)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Encoded pairs without their tokens, a column each (n,).

    Attributes:
        group: a number for each question, from 0.
        votes: who voted, for which pair, and whether for the chosen answer.
    """

    sides: Sides
    group: npt.NDArray[np.int64]
    turns: npt.NDArray[np.int64]
    source: list[str | None]
    origin: list[str | None]
    votes: list[tuple[str, int, bool]]


def pairs_at(path: Path) -> Pairs:
    """What `encode` wrote about the pairs in a file."""
    wanted = [name for name in COLUMNS.names if name not in ("chosen_ids", "rejected_ids", "margin")]
    batches = []
    with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as stream:
        for batch in stream:
            batches.append(batch.select(wanted))
    columns = pa.Table.from_batches(batches, schema=pa.schema([COLUMNS.field(name) for name in wanted])).to_pydict()
    known = {name: number for number, name in enumerate(dict.fromkeys(columns["question"]))}
    shape = (-1, len(SURFACE))
    return Pairs(
        sides=Sides(
            chosen=np.array(columns["chosen_surface"], dtype=np.float64).reshape(shape),
            rejected=np.array(columns["rejected_surface"], dtype=np.float64).reshape(shape),
            shown_first=np.array(columns["shown_first"], dtype=np.float64),
            chosen_origin=columns["chosen_origin"],
            rejected_origin=columns["rejected_origin"],
        ),
        group=np.array([known[name] for name in columns["question"]], dtype=np.int64),
        turns=np.array(columns["turns"], dtype=np.int64),
        source=columns["source"],
        origin=columns["origin"],
        votes=[
            (name, place, voted)
            for place, (names, choices) in enumerate(zip(columns["annotators"], columns["for_chosen"], strict=True))
            for name, voted in zip(names, choices, strict=True)
        ],
    )
