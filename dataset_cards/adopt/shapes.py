"""The shapes in which others publish rows, and what gives a row of each its row type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dataset_cards.versions.schemas import problems

from . import builders, rank_builders
from .fields import Unmappable, finished, renamed
from .looks import (
    are_numbers,
    are_responses,
    are_scored,
    has_final,
    is_answer,
    is_flag,
    is_judged,
    is_list,
    is_messages,
    is_reply,
    is_said,
    is_sharegpt,
    is_text,
    is_transcript,
    no_final,
)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One way of writing rows of `kind`: the fields each row needs, with what each must hold, and those it may have."""

    name: str
    kind: str
    needs: Mapping[str, Callable[[Any], bool]]
    may: tuple[str, ...] = ()
    build: Callable[[Mapping[str, Any]], builders.Built]
    not_with: tuple[str, ...] = ()  # a true-or-false field of this name says that the rows are something else

    def fits(self, row: Mapping[str, Any]) -> bool:
        return all(name in row and test(row[name]) for name, test in self.needs.items()) and not any(
            isinstance(row.get(name), bool) for name in self.not_with
        )

    def map(self, row: Mapping[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
        """The outside row as a row of `kind`, sound by `schemas.problems`, with nothing of it lost.

        Raises:
            Unmappable: with a reason in kebab case.
        """
        fields, aside = renamed(row, mapping)
        if not self.fits(fields):
            raise Unmappable(*self._misfit(fields))
        columns, notes = self.build(fields)
        given = {name: value for name, value in fields.items() if name not in self.needs and name not in self.may}
        result = finished(self.kind, columns, given, {**aside, **notes})
        if found := problems(self.kind, result):
            raise Unmappable("invalid-" + found[0].split(":")[0].split(".")[0].split("[")[0], "; ".join(found))
        return result

    def _misfit(self, row: Mapping[str, Any]) -> tuple[str, str]:
        for name, test in self.needs.items():
            if row.get(name) is None:
                return "missing-field", f"{name}: absent; rows of the shape {self.name} need it"
            if not test(row[name]):
                return "mistyped-field", f"{name}: does not hold what the shape {self.name} needs"
        return "wrong-shape", f"the row does not have the shape {self.name}"


def _instructed(name: str, **needs: Callable[[Any], bool]) -> dict[str, Any]:
    return {"name": name, "needs": {"instruction": is_text, **needs}, "may": ("input", "context", "system", "history")}


_PAIR = {"prompt": is_said, "first": is_said, "second": is_said, "winner": is_judged}

SHAPES: tuple[Shape, ...] = (
    Shape(name="text", kind="documents", needs={"text": is_text}, build=builders.document),
    Shape(name="messages", kind="conversations", needs={"messages": is_messages}, build=builders.conversation),
    Shape(
        name="sharegpt",
        kind="conversations",
        needs={"conversations": is_sharegpt},
        may=("system",),
        build=builders.sharegpt,
    ),
    Shape(
        name="prompt-completion",
        kind="conversations",
        needs={"prompt": is_said, "completion": is_said},
        build=builders.prompt_completion,
        not_with=("label",),
    ),
    Shape(kind="conversations", build=builders.instruction_answer("output"), **_instructed("alpaca", output=is_text)),
    Shape(
        kind="conversations",
        build=builders.instruction_answer("response"),
        **_instructed("alpaca-response", response=is_text),
    ),
    Shape(
        kind="conversations",
        build=builders.instruction_answer("response"),
        **_instructed("dolly", context=is_text, response=is_text),
    ),
    Shape(name="prompt", kind="prompts", needs={"prompt": is_said}, build=builders.prompt_only),
    Shape(kind="prompts", build=builders.instruction, **_instructed("instruction")),
    Shape(
        name="prompt-chosen-rejected",
        kind="preferences",
        needs={"prompt": is_said, "chosen": is_reply, "rejected": is_reply},
        build=builders.pair,
    ),
    Shape(
        name="chosen-rejected-messages",
        kind="preferences",
        needs={"chosen": is_messages, "rejected": is_messages},
        build=builders.pair_of_messages,
    ),
    Shape(
        name="hh-rlhf",
        kind="preferences",
        needs={"chosen": is_transcript, "rejected": is_transcript},
        build=builders.pair_of_transcripts,
    ),
    Shape(
        kind="preferences",
        build=builders.instruction_pair,
        **_instructed("alpaca-chosen-rejected", chosen=is_reply, rejected=is_reply),
    ),
    Shape(name="judged-pair", kind="preferences", needs=_PAIR, build=rank_builders.judged_pair),
    Shape(
        name="ranked-responses",
        kind="rankings",
        needs={"prompt": is_said, "responses": are_responses, "ranks": are_numbers},
        build=rank_builders.ranked,
    ),
    Shape(
        name="scored-responses",
        kind="rankings",
        needs={"prompt": is_said, "responses": are_responses, "scores": are_numbers},
        build=rank_builders.scored,
    ),
    Shape(
        name="ultrafeedback",
        kind="rankings",
        needs={"instruction": is_text, "completions": are_scored},
        build=rank_builders.ultrafeedback,
    ),
    Shape(name="judged-pair", kind="rankings", needs=_PAIR, build=rank_builders.judged_pair_as_ranking),
    Shape(
        name="responses",
        kind="rankings",
        needs={"prompt": is_said, "responses": are_responses},
        build=rank_builders.unjudged,
    ),
    Shape(
        name="pair",
        kind="rankings",
        needs={"prompt": is_said, "first": is_said, "second": is_said},
        build=rank_builders.unjudged_pair,
    ),
    Shape(
        name="judgement",
        kind="judgements",
        needs={"record": is_text, "annotator": is_text, "answer": is_text},
        build=builders.judgement,
    ),
    Shape(
        name="unpaired-label",
        kind="judgements",
        needs={"prompt": is_said, "completion": is_said, "label": is_flag},
        may=("annotator",),
        build=builders.unpaired,
    ),
    Shape(
        name="prompt-answer",
        kind="verifiable",
        needs={"prompt": is_said, "answer": is_answer},
        build=builders.verifiable,
    ),
    Shape(
        name="question-answer",
        kind="verifiable",
        needs={"question": is_text, "answer": no_final},
        build=builders.question_answer,
    ),
    Shape(name="gsm8k", kind="verifiable", needs={"question": is_text, "answer": has_final}, build=builders.gsm8k),
    Shape(
        name="teacher",
        kind="teacher",
        needs={
            "prompt": is_said,
            "completion": is_said,
            "topk_ids": is_list,
            "topk_logprobs": is_list,
            "tokenizer": is_text,
        },
        build=builders.teacher,
    ),
)
