"""Answers of the OpenAI chat protocol: from bytes to a Reply, from a status to a Fault."""

import email.utils
import re
import time
from collections.abc import Mapping
from typing import Any

import orjson

from .fault import THROTTLED, Fault
from .llm import Choice, Reply, Token

MOST_TOKENS = 1 << 40  # of one answer; more is a mistake of the server
EXCERPT = 300  # characters of what a server said that go into a message

_BROKEN = ("error", "abort")  # what OpenRouter, vLLM and SGLang say of an answer that ended before its end
_BUSY = {408: "timeout", 409: "server-error", 425: "server-error"}
_FATAL = {401: "it refused the API key", 402: "it wants to be paid first", 403: "it refused the API key"}


def parsed(data: bytes) -> Reply:
    """The answer in the body of a chat completion.

    Raises:
        Fault: "unreadable": it is no JSON, or not the JSON of a chat completion; "cut-off": it ended before its end.
    """
    try:
        return reply_of(orjson.loads(data))
    except ValueError as error:
        raise _unreadable(f"no JSON ({error}): {excerpt(data)}") from error


def reply_of(value: Any) -> Reply:
    """The answer in a chat completion that is JSON already."""
    try:
        choice = value["choices"][0]
        message = choice["message"]
        text, refusal = message.get("content"), message.get("refusal")
        finish = choice.get("finish_reason") or "stop"
        if finish in _BROKEN:
            raise Fault("cut-off", f"the server broke it off (finish_reason {finish})", paid=True)
        logprobs = (choice.get("logprobs") or {}).get("content")
        tokens = tuple(_token(token) for token in logprobs) if logprobs else None
        reasoning = message.get("reasoning_content") or message.get("reasoning")
        if refusal or finish == "content_filter":
            text, finish = text or refusal or "", "refusal"
        if not isinstance(text, str):
            if text is not None or "content" not in message:
                raise TypeError(f"the content is {text!r}")
            text = ""  # everything went into the reasoning, shown or not
        return Reply(
            text=text,
            finish=str(finish),
            prompt_tokens=_count(value, "prompt_tokens"),
            completion_tokens=_count(value, "completion_tokens"),
            logprobs=tokens,
            reasoning=str(reasoning) if reasoning else None,
        )
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        said = f"{type(error).__name__}: {error}"
        raise _unreadable(f"no chat completion ({said}): {excerpt(orjson.dumps(value))}") from error


def _count(value: Mapping[str, Any], name: str) -> int:
    """Tokens as the server counted them; 0, which stands for nobody counted, where that is no count."""
    usage = value.get("usage")
    count = usage.get(name) if isinstance(usage, Mapping) else None
    return count if isinstance(count, int) and 0 < count < MOST_TOKENS else 0


def _unreadable(detail: str) -> Fault:
    return Fault("unreadable", detail, paid=True)


def _token(token: Mapping[str, Any]) -> Token:
    top = tuple(Choice(other["token"], float(other["logprob"])) for other in token.get("top_logprobs") or ())
    return Token(token["token"], float(token["logprob"]), top)


def status_fault(status: int, data: bytes, headers: Mapping[str, str]) -> Fault:
    """What an HTTP status other than 200 means."""
    said = f"status {status}: {excerpt(data)}"
    if status == 429:
        if b"insufficient_quota" in data or b"billing_hard_limit" in data:
            return Fault("rejected", f"the account has no money left ({said})", again=False, fatal=True)
        return Fault(THROTTLED, said, after=retry_after(headers))
    if status == 529 or (status == 503 and retry_after(headers) is not None):  # overloaded, and it says so
        return Fault(THROTTLED, said, after=retry_after(headers))
    if status in _FATAL:
        # A server may repeat the key in what it says, so that is not passed on.
        return Fault("rejected", f"{_FATAL[status]} (status {status})", again=False, fatal=True)
    if status == 404:
        return Fault("rejected", f"there is no such model or address ({said})", again=False, fatal=True)
    if status >= 500 or status in _BUSY:
        return Fault(_BUSY.get(status, "server-error"), said, after=retry_after(headers))
    return Fault("rejected", said, again=False)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by `retry-after-ms` or `Retry-After` (seconds or a date, RFC 9110 10.2.3); None if not said."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if (said := headers.get(name)) is None:
            continue
        if re.fullmatch(r"\s*\d+(\.\d+)?\s*", said):
            return float(said) * unit
        try:
            return max(email.utils.parsedate_to_datetime(said).timestamp() - time.time(), 0.0)
        except ValueError:
            continue  # neither: as if it had said nothing
    return None


def excerpt(data: bytes) -> str:
    """The start of what a server said, as text of one line."""
    text = " ".join(data[: 4 * EXCERPT].decode("utf-8", "replace").split())
    return text[:EXCERPT] + ("..." if len(text) > EXCERPT else "") if text else "nothing"
