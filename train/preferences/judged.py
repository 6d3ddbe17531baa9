"""Answers that were judged one by one, good or bad, as a trainer for unpaired judgements reads them.

Where the judgements come from:

* `preferences`: the chosen answer of each pair counts as good, the rejected one as bad;
* `conversations` with the role `judgements`, as `review` collects them: `accept` speaks for the last answer of the
  conversation, `fix` and `reject` speak against it, and the majority decides;
* `conversations` with `ratings` in their metadata, as `ratings` makes them: good from one number on, bad up to another;
* `conversations` with `"desirable": true` or `false` in their metadata.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from dataset_cards.versions.errors import Misuse
from train.chat import BadTemplate, question, special_in_text
from train.encode import Encoded, Fault, Row
from train.inputs import Inputs

from .pairs import IDS, MASK, answered, forked

COLUMNS = pa.schema([("prompt_ids", IDS), ("completion_ids", IDS), ("completion_mask", MASK), ("label", pa.bool_())])
SPEAKS = {"accept": 1, "fix": -1, "reject": -1}
VOTES = ("main", "calibration", "adjudication")  # batches of judgements that count; gold and repeats are no votes
FIRST, SECOND = 0, 1  # an adjudication stands over first answers


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How ratings become good and bad.

    Attributes:
        name: of the scale that counts; empty for the mean of all.
        good, bad: good from this mean on, bad up to that one; what lies between is left out.
    """

    name: str = ""
    good: float = 4.0
    bad: float = 2.0


@dataclass(frozen=True)
class Judged(Inputs):
    """Inputs whose `data` and `held_out` are rows `id, asked, prompt, completion, desirable` of one answer each.

    `desirable` is null where nobody said, where as many said one as the other, or where a rating lies between.
    """

    scale: Scale = field(default_factory=Scale)

    @classmethod
    def of(cls, inputs: Inputs, scale: Scale) -> "Judged":
        return cls(inputs.tables, inputs.models, inputs.tools, scale)

    def rows(self, role: str) -> Iterator[dict[str, Any]]:
        if role not in ("data", "held_out"):
            yield from super().rows(role)
            return
        said = verdicts(super().rows("judgements")) if "judgements" in self else None
        for row in super().rows(role):
            if "messages" in row:
                yield _last_answer(row, _desirable(row, said, self.scale))
            else:
                yield from _halves(row)


def verdicts(judgements: Iterator[Row]) -> dict[str, int]:
    """Votes for the answer in each record less those against it; each person's last answer is one vote.

    Raises:
        Misuse: an answer is not one of SPEAKS.
    """
    last: dict[tuple[str, int], dict[str, tuple[str, str]]] = {}
    for one in judgements:
        notes = json.loads(one["metadata"] or "{}")
        batch = notes.get("batch") or "main"
        if batch not in VOTES:
            continue
        answer = "" if notes.get("discarded") else str(one["answer"])
        if answer and answer not in SPEAKS:
            raise Misuse(f"the judgement of {one['record']!r} is {answer!r:.60}; here it is one of {', '.join(SPEAKS)}")
        given = last.setdefault((one["record"], SECOND if batch == "adjudication" else FIRST), {})
        at = str(notes.get("at") or "")
        if at >= given.get(one["annotator"], ("", ""))[0]:
            given[one["annotator"]] = (at, answer)
    found = {}
    for (record, _), given in sorted(last.items()):  # second looks come after first ones, and replace them
        counted = Counter(answer for _, answer in given.values() if answer)
        if counted:
            found[record] = sum(SPEAKS[answer] * many for answer, many in counted.items())
    return found


def _desirable(row: Row, said: Mapping[str, int] | None, scale: Scale) -> bool | None:
    notes = json.loads(row["metadata"] or "{}")
    if said is not None:
        votes = said.get(row["id"], 0)
        return votes > 0 if votes else None
    if isinstance(notes.get("desirable"), bool):
        return bool(notes["desirable"])
    ratings = notes.get("ratings") or {}
    means = [one["mean"] for name, one in ratings.items() if scale.name in ("", name)]
    if not means:
        return None
    mean = sum(means) / len(means)
    return True if mean >= scale.good else False if mean <= scale.bad else None


def _last_answer(row: Row, desirable: bool | None) -> dict[str, Any]:
    messages = row["messages"]
    place = max(place for place, one in enumerate(messages) if one["role"] == "assistant")
    return {
        "id": row["id"],
        "asked": question(row),
        "prompt": messages[:place],
        "completion": [messages[place]],
        "desirable": desirable,
    }


def _halves(row: Row) -> Iterator[dict[str, Any]]:
    """Both answers of a pair under ids `ID/chosen` and `ID/rejected`; of a tie, neither is good or bad."""
    prompt, chosen, rejected = forked(row["prompt"], row["chosen"], row["rejected"])
    for name, answer, good in (("chosen", chosen, True), ("rejected", rejected, False)):
        yield {
            "id": f"{row['id']}/{name}",
            "asked": question(row),
            "prompt": prompt,
            "completion": answer,
            "desirable": None if row["margin"] == 0 else good,
        }


def asked(row: Row) -> str:
    """What a row asks, the same for both kinds of rows and for what they are compared with."""
    return str(row["asked"]) if "asked" in row else question(row)


def single(tokenizer: Any, row: Row, max_length: int) -> Encoded | Fault:
    """A judged answer under COLUMNS; prompts are never cut, answers at their end.

    Args:
        max_length: of the prompt and the answer together, in tokens.
    """
    if row["desirable"] is None:
        return Fault("no-preference", "judged neither good nor bad")
    if found := special_in_text(tokenizer, [*row["prompt"], *row["completion"]]):
        return Fault("special-tokens-in-text", found)
    try:
        prompt, answer, mask = answered(tokenizer, row["prompt"], row["completion"])
    except BadTemplate as error:
        return Fault("template-error", str(error))
    room = max_length - len(prompt)
    if room < 1:
        return Fault("prompt-too-long", f"{len(prompt)} tokens")
    if not any(mask[:room]):
        return Fault("no-trainable-token")
    columns = {
        "prompt_ids": prompt,
        "completion_ids": answer[:room],
        "completion_mask": mask[:room],
        "label": row["desirable"],
    }
    read = len(prompt) + min(len(answer), room)
    return Encoded(columns=columns, tokens=read, learned=sum(mask[:room]), lost=max(len(answer) - room, 0))
