"""The row types: what a row of each kind holds, and what is wrong with a row that claims to be one.

Field names follow TRL's dataset formats, so that any trainer reads a version as it lies. Two choices matter:

* `chosen`, `rejected` and `completion` hold only what answers; what precedes stands in `prompt` (TRL's explicit
  prompt). The conversational form is the only one, so nobody has to ask which of the two a version is in.
* Every type ends with `metadata`, one JSON object as a string, where fields without a place of their own survive.
  Trainers ignore it, but for the ids of drawn tokens in teacher rows.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from .errors import Misuse

ROLES = ("system", "user", "assistant", "tool")
CHOICES = ("chosen", "rejected", "tie")

_TEXT = pa.string()
_MESSAGES = pa.list_(pa.struct([("role", _TEXT), ("content", _TEXT)]))
_VOTES = pa.list_(pa.struct([("annotator", _TEXT), ("choice", _TEXT)]))
_RESPONSES = pa.list_(pa.struct([("id", _TEXT), ("content", _TEXT), ("origin", _TEXT)]))
_TEXTS = pa.list_(_TEXT)
_INTS = pa.list_(pa.int64())


def _schema(**fields: pa.DataType) -> pa.Schema:
    return pa.schema({"id": _TEXT, **fields, "metadata": _TEXT})


# `origin` is "human" or the name of a model, `parents` are ids of the rows this one was made from, and a vote is one
# person's choice between chosen and rejected. Ranks: smaller is better, equal is a tie, only the order counts.
# `verifier` is null where nobody has said yet how an answer is checked. Log-probabilities are natural logarithms.
SCHEMAS: Mapping[str, pa.Schema] = {
    "documents": _schema(text=_TEXT, source=_TEXT, url=_TEXT, license=_TEXT, created=_TEXT, language=_TEXT),
    "conversations": _schema(messages=_MESSAGES, source=_TEXT, origin=_TEXT, parents=_TEXTS),
    "prompts": _schema(prompt=_MESSAGES, source=_TEXT),
    "preferences": _schema(
        prompt=_MESSAGES,
        chosen=_MESSAGES,
        rejected=_MESSAGES,
        margin=pa.float64(),
        votes=_VOTES,
        source=_TEXT,
        origin=_TEXT,
        parents=_TEXTS,
    ),
    "rankings": _schema(prompt=_MESSAGES, responses=_RESPONSES, ranks=_INTS),
    "judgements": _schema(
        record=_TEXT, annotator=_TEXT, answer=_TEXT, ranks=_INTS, seconds=pa.float64(), guidelines=_TEXT
    ),
    "verifiable": _schema(prompt=_MESSAGES, answer=_TEXT, verifier=_TEXT),
    "teacher": _schema(
        prompt=_MESSAGES,
        completion=_MESSAGES,
        topk_ids=pa.list_(_INTS),
        topk_logprobs=pa.list_(pa.list_(pa.float32())),
        tokenizer=_TEXT,
    ),
}

# What may not be null, besides `id`: the fields a row is about. Its id is a hash of the same fields where the source
# gives none.
CONTENT: Mapping[str, tuple[str, ...]] = {
    "documents": ("text",),
    "conversations": ("messages",),
    "prompts": ("prompt",),
    "preferences": ("prompt", "chosen", "rejected"),
    "rankings": ("prompt", "responses", "ranks"),
    "judgements": ("record", "annotator", "answer"),
    "verifiable": ("prompt", "answer"),
    "teacher": ("prompt", "completion", "topk_ids", "topk_logprobs", "tokenizer"),
}


def schema(kind: str) -> pa.Schema:
    """The Arrow schema of a row type.

    Raises:
        Misuse: naming the kinds there are.
    """
    if kind not in SCHEMAS:
        raise Misuse(f"{kind!r} is no row type; there are {', '.join(SCHEMAS)}")
    return SCHEMAS[kind]


def content_id(kind: str, row: Mapping[str, Any]) -> str:
    """The id of a row whose source gives none: `sha256:` and the first 32 hex digits over what the row is about.

    Of documents the text itself is hashed, as when they are read for curation; of all others, the canonical JSON of
    their content fields.
    """
    text = row["text"] if kind == "documents" else None
    if text is None:
        content = {name: row[name] for name in CONTENT[kind]}
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def problems(kind: str, row: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with one row, each with its place, e.g. `messages[2].role: "bot" is not one of ...`.

    Types come first; what the fields mean together is looked at only when every field has its type. A field that
    is absent counts as null.

    Raises:
        ValueError: there is no such kind.
    """
    fields = schema(kind)
    found = [f"{name}: {kind} rows have no such field" for name in row if name not in fields.names]
    for field in fields:
        value = row.get(field.name)
        if value is not None:
            found += _typed(value, field.type, field.name)
        elif field.name == "id" or field.name in CONTENT[kind]:
            found.append(f"{field.name}: missing")
    return found or [problem for law in (_common, *_LAWS[kind]) for problem in law(row)]


def _typed(value: Any, wanted: pa.DataType, place: str) -> Iterator[str]:
    """Whether a Python value can be stored as `wanted` without changing; nulls inside lists are wrong."""
    if pa.types.is_list(wanted):
        if not isinstance(value, list | tuple):
            yield f"{place}: {_name(value)} where a list belongs"
            return
        for n, item in enumerate(value):
            yield from _typed(item, wanted.value_type, f"{place}[{n}]")
    elif pa.types.is_struct(wanted):
        if not isinstance(value, Mapping):
            yield f"{place}: {_name(value)} where an object belongs"
            return
        names = [wanted.field(n).name for n in range(wanted.num_fields)]
        yield from (f"{place}.{name}: no such field" for name in value if name not in names)
        for n, name in enumerate(names):
            # Who wrote a response or cast a vote may be unknown.
            if not (value.get(name) is None and name in ("origin", "annotator")):
                yield from _typed(value.get(name), wanted.field(n).type, f"{place}.{name}")
    elif pa.types.is_string(wanted):
        if not isinstance(value, str):
            yield f"{place}: {_name(value)} where text belongs"
        elif not value.isascii() and (at := _lone_surrogate(value)) is not None:
            yield f"{place}: half a surrogate pair at character {at}, which UTF-8 cannot hold"
    elif pa.types.is_integer(wanted):
        if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**63:
            yield f"{place}: {_name(value)} where a whole number of 64 bits belongs"
    elif not _storable(value, wanted):
        yield f"{place}: {value if isinstance(value, float) else _name(value)} where a finite number belongs"


def _storable(value: Any, wanted: pa.DataType) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if isinstance(value, int):
        return abs(value) <= 2**53  # beyond, a float64 skips whole numbers
    return math.isfinite(value) and (pa.types.is_float64(wanted) or abs(value) < 2.0**127)


def _name(value: Any) -> str:
    known: dict[type, str] = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return known.get(type(value), f"{type(value).__name__} {value!r:.40}")


def _lone_surrogate(text: str) -> int | None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start
    return None


def _common(row: Mapping[str, Any]) -> Iterator[str]:
    if not row["id"].strip():
        yield "id: empty"
    if (metadata := row.get("metadata")) is not None:
        try:
            sound = isinstance(json.loads(metadata), dict)
        except ValueError:
            sound = False
        if not sound:
            yield "metadata: not a JSON object"


def _messages(messages: list[Mapping[str, Any]], place: str) -> Iterator[str]:
    if not messages:
        yield f"{place}: no messages"
    for n, message in enumerate(messages):
        if message["role"] not in ROLES:
            yield f"{place}[{n}].role: {json.dumps(message['role'])} is not one of {', '.join(ROLES)}"


def _spoken(messages: list[Mapping[str, Any]], place: str) -> Iterator[str]:
    """A model that is trained on an empty answer learns to say nothing."""
    for n, message in enumerate(messages):
        if message["role"] == "assistant" and not message["content"].strip():
            yield f"{place}[{n}].content: the assistant says nothing"


def _conversation(row: Mapping[str, Any]) -> Iterator[str]:
    messages = row["messages"]
    yield from _messages(messages, "messages")
    yield from _spoken(messages, "messages")
    if messages and all(message["role"] != "assistant" for message in messages):
        yield "messages: no message of the assistant, so there is nothing to learn; as a question it belongs in prompts"


def _prompt(row: Mapping[str, Any]) -> Iterator[str]:
    messages = row["prompt"]
    yield from _messages(messages, "prompt")
    if messages and messages[-1]["role"] == "assistant":
        yield f"prompt[{len(messages) - 1}].role: ends with the assistant; what it says belongs to the answer"
    if messages and not any(message["content"].strip() for message in messages):
        yield "prompt: empty"


def _answer(name: str) -> Callable[[Mapping[str, Any]], Iterator[str]]:
    def law(row: Mapping[str, Any]) -> Iterator[str]:
        messages = row[name]
        yield from _messages(messages, name)
        yield from _spoken(messages, name)
        if messages and messages[0]["role"] != "assistant":
            first = json.dumps(messages[0]["role"])
            yield f"{name}[0].role: {first} is not assistant; what precedes the answer belongs in prompt"
        if len(messages) > 1 and messages[-1]["role"] != "assistant":
            yield f"{name}[{len(messages) - 1}].role: {json.dumps(messages[-1]['role'])} is not assistant"

    return law


def _preference(row: Mapping[str, Any]) -> Iterator[str]:
    if row["chosen"] == row["rejected"]:
        yield "rejected: the same as chosen, so nothing is preferred"
    if (margin := row.get("margin")) is not None and margin < 0:
        yield f"margin: {margin} is negative, which says that rejected is the better one"
    for n, vote in enumerate(row.get("votes") or ()):
        if vote["choice"] not in CHOICES:
            yield f"votes[{n}].choice: {json.dumps(vote['choice'])} is not one of {', '.join(CHOICES)}"


def _ranking(row: Mapping[str, Any]) -> Iterator[str]:
    responses, ranks = row["responses"], row["ranks"]
    if len(responses) < 2:
        yield f"responses: {len(responses)} where a ranking needs two or more"
    if len(ranks) != len(responses):
        yield f"ranks: {len(ranks)} for {len(responses)} responses"
    names = [response["id"] for response in responses]
    yield from (f"responses[{n}].id: {json.dumps(name)} twice" for n, name in enumerate(names) if name in names[:n])


def _judgement(row: Mapping[str, Any]) -> Iterator[str]:
    yield from _filled("record", "annotator")(row)
    if (seconds := row.get("seconds")) is not None and seconds < 0:
        yield f"seconds: {seconds} is negative"


def _filled(*names: str) -> Callable[[Mapping[str, Any]], Iterator[str]]:
    return lambda row: (f"{name}: empty" for name in names if not row[name].strip())


def _teacher(row: Mapping[str, Any]) -> Iterator[str]:
    ids, logprobs = row["topk_ids"], row["topk_logprobs"]
    if len(ids) != len(logprobs):
        yield f"topk_logprobs: {len(logprobs)} positions, but topk_ids has {len(ids)}"
    for n, (some_ids, some_logprobs) in enumerate(zip(ids, logprobs, strict=False)):
        if len(some_ids) != len(some_logprobs):
            yield f"topk_logprobs[{n}]: {len(some_logprobs)} values for {len(some_ids)} token ids"
        if any(value > 0 for value in some_logprobs):
            yield f"topk_logprobs[{n}]: {max(some_logprobs)} is above 0, so it is no log-probability"


_LAWS: Mapping[str, tuple[Callable[[Mapping[str, Any]], Iterable[str]], ...]] = {
    "documents": (),
    "conversations": (_conversation,),
    "prompts": (_prompt,),
    "preferences": (_prompt, _answer("chosen"), _answer("rejected"), _preference),
    "rankings": (_prompt, _ranking),
    "judgements": (_judgement,),
    "verifiable": (_prompt, _filled("answer")),
    "teacher": (_prompt, _answer("completion"), _teacher, _filled("tokenizer")),
}
