"""A model that is none: deterministic, scriptable, with faults on demand. What it says may only become a draft.

Rules are tried in order; the first whose pattern is found speaks. Without a rule it echoes the last message, or, asked
for structured output, gives the smallest value that fits the schema. A file of rules (TOML, or JSON with the same
names):

    [[rule]]
    when = "How many (\\w+)"        # a regular expression, searched in the last message
    say = "There are 3 {1}."        # {1} is its first group, {0} the whole match, {n} the number of the sample

    [[rule]]
    when = "Rate"
    anywhere = true                 # searched in all messages, one `role: content` after another
    say = ["Rating: 4", "Rating: 5"]  # the n-th sample gets the n-th answer, and so on in a circle
    fault = "throttle"              # before it answers
    times = 2                       # so often per request; left out: always

Faults: throttle, 500, timeout, drop, cut (the stream ends early), malformed (no JSON) cost a try each and are repeated
as for a real model. reject is final. refusal, empty, length change the answer itself.
"""

import asyncio
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_cards.versions.errors import Misuse

from .courier import Books, Limits
from .fault import THROTTLED, Fault
from .flow import Flow
from .llm import Choice, Failed, Reply, Request, Token

_FAULTS = {
    "throttle": Fault(THROTTLED, "asked for", after=0.0),
    "500": Fault("server-error", "status 500: asked for", after=0.0),
    "timeout": Fault("timeout", "asked for", after=0.0, paid=True),
    "drop": Fault("dropped", "asked for", after=0.0, paid=True),
    "cut": Fault("cut-off", "asked for", after=0.0, paid=True),
    "malformed": Fault("unreadable", "asked for", after=0.0, paid=True),
    "reject": Fault("rejected", "status 400: asked for", again=False),
}
_ANSWERS = ("refusal", "empty", "length")
REFUSAL = "I'm sorry, but I can't help with that."


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When what is said; see the top of this file."""

    when: str
    say: tuple[str, ...] = ()
    anywhere: bool = False
    fault: str | None = None
    times: int | None = None

    def __post_init__(self) -> None:
        if self.fault is not None and self.fault not in (*_FAULTS, *_ANSWERS):
            raise Misuse(f"the fake model has no fault {self.fault!r}; it has {', '.join((*_FAULTS, *_ANSWERS))}")
        try:
            re.compile(self.when)
        except re.error as error:
            raise Misuse(
                f"a rule of the fake model has when = {self.when!r}, no regular expression ({error})"
            ) from error


def read_rules(path: str) -> tuple[Rule, ...]:
    """The rules in a file.

    Raises:
        Misuse: it cannot be read as that; the message says what is wrong with it.
    """
    try:
        data = Path(path).read_bytes()
        value = json.loads(data) if path.endswith(".json") else tomllib.loads(data.decode())
        return tuple(_rule(entry) for entry in value["rule"])
    except OSError as error:
        raise Misuse(f"rules of the fake model in {path}: {error.strerror}") from error
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        said = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise Misuse(f"rules of the fake model in {path}: {said}; write [[rule]] with when and say") from error


def _rule(entry: dict[str, Any]) -> Rule:
    said = entry.get("say", ())
    fields = {**entry, "say": (said,) if isinstance(said, str) else tuple(said)}
    return Rule(**fields)


class Fake:
    """The fake model as a tool of a run. It keeps no cache, so that no real run finds its answers."""

    taint = "answers come from the fake model"

    def __init__(self, *, books: Books, rules: Iterable[Rule] = (), limits: Limits | None = None) -> None:
        self.books = Books(ledger=books.ledger, purse=books.purse)
        self._flow = Flow(FakeWire(tuple(rules)), self.books, limits or Limits())

    def ask(self, requests: Iterable[Request | None]) -> Iterator[tuple[Request, Reply | Failed]]:
        """As LLM.ask."""
        return self._flow.ask(requests)


class FakeWire:
    """Answers by rule."""

    name = "the fake model"

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._rules = [(re.compile(rule.when), rule) for rule in rules]
        self._faults: Counter[str] = Counter()  # by request: how often it was given a fault

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def forms(self, request: Request) -> tuple[Request, ...]:
        return (request,)

    async def send(self, request: Request) -> tuple[Request, Reply]:
        await asyncio.sleep(0)
        found = self._found(request)
        fault = None
        if found is not None and (rule := found[1]).fault is not None:
            given = self._faults[request.key]
            if rule.times is None or given < rule.times:
                self._faults[request.key] += 1
                fault = rule.fault
        if fault in _FAULTS:
            known = _FAULTS[fault]
            raise Fault(known.reason, known.detail, known.again, known.after, known.paid)
        return request, _answer(request, found, fault)

    def _found(self, request: Request) -> tuple[re.Match[str], Rule] | None:
        everything = "\n".join(f"{message.role}: {message.content}" for message in request.messages)
        for pattern, rule in self._rules:
            text = everything if rule.anywhere else request.messages[-1].content
            if match := pattern.search(text):
                return match, rule
        return None


def _answer(request: Request, found: tuple[re.Match[str], Rule] | None, fault: str | None) -> Reply:
    text = _said(request, found)
    if fault == "empty":
        text = ""
    if fault == "refusal":
        text = REFUSAL
    ends = [at for stop in request.sampling.stop if (at := text.find(stop)) >= 0]
    text = text[: min(ends)] if ends else text
    tokens = re.findall(r"\s*\S+|\s+$", text)
    most = max(len(tokens) // 2, 1) if fault == "length" else request.sampling.max_tokens
    finish = "refusal" if fault == "refusal" else "length" if len(tokens) > most or fault == "length" else "stop"
    tokens = tokens[:most]
    return Reply(
        text="".join(tokens),
        finish=finish,
        prompt_tokens=sum(len(message.content.split()) for message in request.messages),
        completion_tokens=len(tokens),
        logprobs=tuple(_token(token, request.logprobs) for token in tokens) if request.logprobs else None,
    )


def _said(request: Request, found: tuple[re.Match[str], Rule] | None) -> str:
    if found is None or not found[1].say:
        if request.schema is not None:
            schema = json.loads(request.schema)
            return json.dumps(smallest(schema, schema), ensure_ascii=False)
        return request.messages[-1].content
    match, rule = found
    said = rule.say[request.nth % len(rule.say)]
    parts = {str(n): part or "" for n, part in enumerate((match[0], *match.groups()))} | {"n": str(request.nth)}
    # Braces that name nothing stay, since answers are often JSON.
    return re.sub(r"\{(\d+|n)\}", lambda gap: parts.get(gap[1], gap[0]), said)


def _token(token: str, choices: int) -> Token:
    """The said token at probability 1/2, then made-up ones at 1/4, 1/8 ..."""
    half = -0.6931471805599453
    top = tuple(Choice(token if n == 0 else f"{token}~{n}", (n + 1) * half) for n in range(choices))
    return Token(token, half, top)


def smallest(schema: Any, root: Any) -> Any:
    """The smallest value of the usual kinds of JSON schema: what is required, and nothing else."""
    if ref := schema.get("$ref"):
        target = root
        for name in ref.removeprefix("#/").split("/"):
            target = target[name]
        return smallest(target, root)
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            return smallest(schema[name][0], root)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    kind = schema.get("type", "object")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            properties = schema.get("properties", {})
            return {name: smallest(properties.get(name, {"type": "null"}), root) for name in schema.get("required", ())}
        case "array":
            return [smallest(schema.get("items", {"type": "null"}), root) for _ in range(schema.get("minItems", 0))]
        case "string":
            return "x" * max(schema.get("minLength", 1), 1)
        case "integer" | "number":
            return max(schema.get("minimum", 0), schema.get("exclusiveMinimum", -1) + 1)
        case "boolean":
            return False
    return None
