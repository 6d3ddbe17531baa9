"""Preferences as a preference trainer reads them: one prompt, two answers, and which tokens of the answers count.

What both answers begin with, as in a conversation that forks late, is part of the question. In answers of several
turns only what the assistant says counts: what the user says in between is nobody's choice.

A prompt is never cut: a shorter one is another question, and cutting from the left takes the system turn first. Both
answers are cut at the same length, so that none is judged by more of it than the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pyarrow as pa

from dataset_cards.versions.errors import Misuse
from train.chat import BadTemplate, answer_ids, special_in_text, turns, with_template
from train.encode import Encoded, Fault, Row
from train.inputs import Inputs
from train.models import load_tokenizer

Message = Mapping[str, str]

IDS, MASK = pa.list_(pa.int32()), pa.list_(pa.int8())
COLUMNS = pa.schema(
    [("prompt_ids", IDS), ("chosen_ids", IDS), ("rejected_ids", IDS), ("chosen_mask", MASK), ("rejected_mask", MASK)]
)


@dataclass(frozen=True)
class Paired(Inputs):
    """Inputs whose rankings are read as preferences; everything else is read as it lies.

    Attributes:
        most: pairs made of one ranking at most, those furthest apart first.
    """

    most: int = 6

    @classmethod
    def of(cls, inputs: Inputs, most: int) -> "Paired":
        return cls(inputs.tables, inputs.models, inputs.tools, most)

    def rows(self, role: str) -> Iterator[dict[str, Any]]:
        for row in super().rows(role):
            if "responses" in row:
                yield from ranked(row, self.most)
            else:
                yield row


def ranked(row: Row, most: int) -> Iterator[dict[str, Any]]:
    """The pairs of a ranking, under ids `ID/BETTER-WORSE` (places from 1).

    At most `most` of those of which one is better: whose ranks are furthest apart, of equals the first. After them come
    all that share a rank or say the same, with margin 0, so that they are counted as what says nothing.
    """
    ranks, said = row["ranks"], [one["content"] for one in row["responses"]]
    pairs = [(a, b) if ranks[a] <= ranks[b] else (b, a) for a, b in combinations(range(len(ranks)), 2)]
    told = [(a, b) for a, b in pairs if ranks[a] != ranks[b] and said[a] != said[b]]
    chosen = sorted(told, key=lambda pair: ranks[pair[0]] - ranks[pair[1]])[:most]
    for better, worse in (*chosen, *(pair for pair in pairs if pair not in told)):
        yield {
            "id": f"{row['id']}/{better + 1}-{worse + 1}",
            "prompt": row["prompt"],
            "chosen": [{"role": "assistant", "content": said[better]}],
            "rejected": [{"role": "assistant", "content": said[worse]}],
            "margin": None if (better, worse) in told else 0.0,
        }


def pair(tokenizer: Any, row: Row, max_length: int) -> Encoded | Fault:
    """A preference under COLUMNS: `*_mask` is 1 for each answer token that is learned from.

    Args:
        max_length: of the prompt and one answer together, in tokens.
    """
    if row["margin"] == 0:
        return Fault("no-preference")
    if found := special_in_text(tokenizer, [*row["prompt"], *row["chosen"], *row["rejected"]]):
        return Fault("special-tokens-in-text", found)
    prompt, chosen, rejected = forked(row["prompt"], row["chosen"], row["rejected"])
    if _said_by_others(chosen) != _said_by_others(rejected):
        return Fault("prompt-mismatch", "after different answers, users say different things")
    try:
        asked, better, better_mask = answered(tokenizer, prompt, chosen)
        _, worse, worse_mask = answered(tokenizer, prompt, rejected)
    except BadTemplate as error:
        return Fault("template-error", str(error))
    room = max_length - len(asked)
    if room < 1:
        return Fault("prompt-too-long", f"{len(asked)} tokens")
    lost = max(len(better) - room, 0) + max(len(worse) - room, 0)
    better, better_mask, worse, worse_mask = better[:room], better_mask[:room], worse[:room], worse_mask[:room]
    if better == worse:
        return Fault("identical-after-truncation")
    if not any(better_mask) or not any(worse_mask):
        return Fault("no-trainable-token")
    columns = {
        "prompt_ids": asked,
        "chosen_ids": better,
        "rejected_ids": worse,
        "chosen_mask": better_mask,
        "rejected_mask": worse_mask,
    }
    return Encoded(
        columns=columns,
        tokens=2 * len(asked) + len(better) + len(worse),
        learned=sum(better_mask) + sum(worse_mask),
        lost=lost,
    )


def forked(
    prompt: Sequence[Message], chosen: Sequence[Message], rejected: Sequence[Message]
) -> tuple[list[Message], list[Message], list[Message]]:
    """The three with what both answers begin with moved to the prompt, up to where the assistant speaks again."""
    same = 0
    while same < min(len(chosen), len(rejected)) and chosen[same] == rejected[same]:
        same += 1
    while same and chosen[same - 1]["role"] == "assistant":
        same -= 1
    return [*prompt, *chosen[:same]], list(chosen[same:]), list(rejected[same:])


def answered(tokenizer: Any, prompt: Sequence[Message], answer: Sequence[Message]) -> tuple[list[int], ...]:
    """The tokens of a prompt, of its answer, and 1 for each of the answer's that the assistant has to produce, else 0.

    Raises:
        BadTemplate: the template refuses the messages.
    """
    asked, said = answer_ids(tokenizer, prompt, answer)
    if len(answer) == 1:
        return asked, said, [1] * len(said)
    ids, mask = turns(tokenizer, [*prompt, *answer])
    whole = [*asked, *said]
    if ids[: len(whole)] != whole:
        raise BadTemplate("the template writes a conversation differently with and without its answers marked")
    return asked, said, mask[len(asked) : len(whole)]


def same_tokenizer(tokenizer: Any, inputs: Inputs) -> None:
    """Whether the role `reference`, where it is given, reads tokens as the model does.

    Raises:
        Misuse: it does not, and its log-probabilities would be those of other texts.
    """
    if "reference" in inputs:
        other = with_template(load_tokenizer(inputs.model("reference")))
        if other.get_vocab() != tokenizer.get_vocab():
            raise Misuse("the reference has another tokenizer than the model; give one that the model descends from")


def _said_by_others(answer: Sequence[Message]) -> list[Message]:
    return [one for one in answer if one["role"] != "assistant"]
