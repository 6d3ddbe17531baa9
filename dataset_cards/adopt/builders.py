"""What each shape makes of a row: the columns of its kind, and notes for `metadata` that let the row be read back."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from dataset_cards.versions.schemas import content_id

from .fields import Unmappable
from .turns import (
    Messages,
    as_answer,
    as_prompt,
    from_openai,
    from_sharegpt,
    from_transcript,
    shared_start,
)

Row = Mapping[str, Any]
Built = tuple[dict[str, Any], dict[str, Any]]  # columns, notes


def document(row: Row) -> Built:
    return {"text": row["text"]}, {}


def conversation(row: Row) -> Built:
    messages, notes = from_openai(row["messages"], "messages")
    return {"messages": messages}, notes


def sharegpt(row: Row) -> Built:
    messages, notes = from_sharegpt(row["conversations"])
    if (system := row.get("system")) is None:
        return {"messages": messages}, notes
    if not isinstance(system, str):
        raise Unmappable("mistyped-field", "system: must be text")
    # The field is noted, so that it is not mistaken for a first turn when the row is written back.
    spoken = [{"role": "system", "content": system}] if system else []
    return {"messages": spoken + messages}, {**notes, "system": system}


def prompt_only(row: Row) -> Built:
    prompt, notes = as_prompt(row["prompt"])
    return {"prompt": prompt}, notes


def prompt_completion(row: Row) -> Built:
    prompt, notes = as_prompt(row["prompt"])
    completion, more = as_answer(row["completion"], "completion")
    # The last message is the completion unless it is said otherwise.
    boundary = {"prompt_messages": len(prompt)} if len(completion) != 1 else {}
    return {"messages": prompt + completion}, {**notes, **more, **boundary}


def instruction(row: Row) -> Built:
    prompt, notes = _instruction(row)
    return {"prompt": prompt}, notes


def instruction_answer(answer: str) -> Callable[[Row], Built]:
    """A builder for instruction, perhaps input or context, and an answer in the field `answer`."""

    def build(row: Row) -> Built:
        prompt, notes = _instruction(row)
        return {"messages": [*prompt, {"role": "assistant", "content": row[answer]}]}, notes

    return build


def instruction_pair(row: Row) -> Built:
    prompt, notes = _instruction(row)
    chosen, more = as_answer(row["chosen"], "chosen")
    rejected, still_more = as_answer(row["rejected"], "rejected")
    distinct(chosen, rejected)
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected}, {**notes, **more, **still_more}


def _instruction(row: Row) -> tuple[Messages, dict[str, Any]]:
    """Instruction, empty line, input: the user's message. System and history go before it.

    The fields are noted as they were: what is noted tells where the message has to be cut to get them back.
    """
    text = row["instruction"]
    notes = {name: row[name] for name in ("input", "context", "system", "history") if name in row}
    for name in ("input", "context"):
        if not isinstance(added := row.get(name) or "", str):
            raise Unmappable("mistyped-field", f"{name}: must be text")
        text += f"\n\n{added}" if added else ""
    messages: Messages = []
    if not isinstance(system := row.get("system") or "", str):
        raise Unmappable("mistyped-field", "system: must be text")
    if system:
        messages.append({"role": "system", "content": system})
    if not isinstance(history := row.get("history") or [], list):
        raise Unmappable("mistyped-field", "history: must be a list")
    for n, turn in enumerate(history):
        if not (isinstance(turn, list | tuple) and len(turn) == 2 and all(isinstance(said, str) for said in turn)):
            raise Unmappable("mistyped-field", f"history[{n}]: must be a question and an answer")
        messages += [{"role": "user", "content": turn[0]}, {"role": "assistant", "content": turn[1]}]
    return [*messages, {"role": "user", "content": text}], notes


def pair(row: Row) -> Built:
    """Prompt, chosen, rejected; where the two repeat the prompt as messages, it is taken off them."""
    chosen, notes = as_answer(row["chosen"], "chosen")
    rejected, more = as_answer(row["rejected"], "rejected")
    prompt, still_more = as_prompt(row["prompt"])
    notes = {**notes, **more, **still_more}
    if chosen[0]["role"] != "assistant" or rejected[0]["role"] != "assistant":
        shared = shared_start(chosen, rejected)
        if isinstance(row["prompt"], str):
            # A system message and earlier turns may surround the prompt.
            if prompt[-1] not in shared:
                raise Unmappable("prompts-differ", "chosen and rejected do not both begin with the prompt")
            prompt = shared
        elif shared[: len(prompt)] != prompt:
            raise Unmappable("prompts-differ", "chosen and rejected do not both begin with the prompt")
        chosen, rejected = _answers(chosen, rejected, len(prompt))
    distinct(chosen, rejected)
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected}, notes


def pair_of_messages(row: Row) -> Built:
    """Chosen and rejected as whole conversations: what they share is the prompt."""
    chosen, notes = from_openai(row["chosen"], "chosen")
    rejected, more = from_openai(row["rejected"], "rejected")
    prompt = shared_start(chosen, rejected)
    chosen, rejected = _answers(chosen, rejected, len(prompt))
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected}, {**notes, **more}


def pair_of_transcripts(row: Row) -> Built:
    """HH-RLHF: all before the last turn of Assistant is the prompt."""
    chosen = _closed(from_transcript(row["chosen"], "chosen"), "chosen")
    rejected = _closed(from_transcript(row["rejected"], "rejected"), "rejected")
    if chosen[:-1] != rejected[:-1]:
        raise Unmappable("prompts-differ", "chosen and rejected differ before the last turn of Assistant")
    if chosen[-2]["role"] == "assistant":
        raise Unmappable("no-question", "the last turn of Assistant follows another of its own")
    distinct(chosen, rejected)
    return {"prompt": chosen[:-1], "chosen": chosen[-1:], "rejected": rejected[-1:]}, {}


def _closed(messages: Messages, place: str) -> Messages:
    if messages[-1]["role"] != "assistant":
        raise Unmappable("ends-with-human", f"{place}: the last turn is not Assistant's")
    if not messages[-1]["content"].strip():
        raise Unmappable("empty-answer", f"{place}: the last turn of Assistant is empty")
    return messages


def _answers(chosen: Messages, rejected: Messages, start: int) -> tuple[Messages, Messages]:
    distinct(chosen, rejected)
    chosen, rejected = chosen[start:], rejected[start:]
    if not (chosen and rejected and chosen[0]["role"] == rejected[0]["role"] == "assistant"):
        raise Unmappable("prompts-differ", "chosen and rejected do not part at a message of the assistant")
    return chosen, rejected


def distinct(chosen: Messages, rejected: Messages) -> None:
    if chosen == rejected:
        raise Unmappable("same-answers", "chosen and rejected are the same, so nothing is preferred")


def judgement(row: Row) -> Built:
    return {name: row[name] for name in ("record", "annotator", "answer")}, {}


def unpaired(row: Row) -> Built:
    """A completion that is good or not: one answer about the conversation that has this prompt and completion."""
    prompt, _ = as_prompt(row["prompt"])
    completion, _ = as_answer(row["completion"], "completion")
    if not isinstance(annotator := row.get("annotator") or "unknown", str):
        raise Unmappable("mistyped-field", "annotator: must be text")
    columns = {
        "record": content_id("conversations", {"messages": prompt + completion}),
        "annotator": annotator,
        "answer": json.dumps(row["label"]),
    }
    return columns, {"prompt": row["prompt"], "completion": row["completion"]}


def verifiable(row: Row) -> Built:
    prompt, notes = as_prompt(row["prompt"])
    return {"prompt": prompt, "answer": _written(row["answer"])}, notes


def question_answer(row: Row) -> Built:
    return {"prompt": [{"role": "user", "content": row["question"]}], "answer": _written(row["answer"])}, {}


def _written(answer: Any) -> str:
    """A number as JSON writes it, so that 7 and 7.0 stay apart."""
    return answer if isinstance(answer, str) else json.dumps(answer)


def gsm8k(row: Row) -> Built:
    """Cobbe et al. 2021 (arXiv 2110.14168): the final number follows `####`; the way to it is noted as `solution`."""
    _, _, final = row["answer"].rpartition("####")
    columns = {"prompt": [{"role": "user", "content": row["question"]}], "answer": final.strip(), "verifier": "number"}
    return columns, {"solution": row["answer"]}


def teacher(row: Row) -> Built:
    prompt, notes = as_prompt(row["prompt"])
    completion, more = as_answer(row["completion"], "completion")
    columns = {"prompt": prompt, "completion": completion}
    return {**columns, **{name: row[name] for name in ("topk_ids", "topk_logprobs", "tokenizer")}}, {**notes, **more}
