"""What a field of an outside row looks like; the shapes are told apart by these."""

from collections.abc import Callable, Mapping
from typing import Any

from .turns import TURN


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_messages(value: Any) -> bool:
    """Whether this is a list of `{"role", "content"}` objects."""
    return _objects_with(value, "role", "content")


def is_sharegpt(value: Any) -> bool:
    """Whether this is a list of `{"from", "value"}` objects."""
    return _objects_with(value, "from", "value")


def is_transcript(value: Any) -> bool:
    """Whether this is text with turns marked as in HH-RLHF."""
    return isinstance(value, str) and TURN.search(value) is not None


def is_list(value: Any) -> bool:
    return isinstance(value, list)


def is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def is_said(value: Any) -> bool:
    """Text or messages: the two forms in which TRL's fields come."""
    return is_text(value) or is_messages(value)


def _objects_with(value: Any, *names: str) -> bool:
    return (
        isinstance(value, list) and bool(value) and all(isinstance(m, Mapping) and set(names) <= set(m) for m in value)
    )


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_judged(value: Any) -> bool:
    return value is None or isinstance(value, str) or is_number(value)


def is_list_of(value: Any, test: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and bool(value) and all(test(item) for item in value)


def are_responses(value: Any) -> bool:
    return is_list_of(value, lambda item: is_text(item) or (isinstance(item, Mapping) and "content" in item))


def are_numbers(value: Any) -> bool:
    return is_list_of(value, is_number)


def are_scored(value: Any) -> bool:
    return is_list_of(value, lambda one: isinstance(one, Mapping) and {"response", "overall_score"} <= set(one))


def is_reply(value: Any) -> bool:
    """Text, but no transcript: where a prompt lies inside a transcript, another shape takes it out."""
    return is_messages(value) or (is_text(value) and not is_transcript(value))


def has_final(value: Any) -> bool:
    return is_text(value) and "\n#### " in value


def no_final(value: Any) -> bool:
    return is_number(value) or (is_text(value) and not has_final(value))


def is_answer(value: Any) -> bool:
    return is_text(value) or is_number(value)
