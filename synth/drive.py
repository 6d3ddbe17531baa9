"""Many conversations with a model at once: each goes on as soon as its own answers are there."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from .llm.llm import LLM, Failed, Reply, Request

T = TypeVar("T")

# What a generator does with one row: it yields questions, is sent their answers in the same order, and returns.
Script = Generator[Sequence[Request], Sequence[Reply], T]


@dataclass(frozen=True, kw_only=True)
class NoAnswer:
    """A script that could not go on: one of its questions was not answered."""

    request: Request
    failed: Failed


@dataclass
class _Open(Generic[T]):
    """A script that waits for answers."""

    number: int
    script: Script[T]
    replies: list[Reply | None] = field(default_factory=list)
    missing: int = 0
    failed: NoAnswer | None = None


def drive(llm: LLM, scripts: Iterable[tuple[int, Script[T]]], most_open: int) -> Iterator[tuple[int, T | NoAnswer]]:
    """Each numbered script once with what it returned, as they finish; at most `most_open` are begun at a time.

    Two scripts that ask the very same question are given one answer, asked for once.
    """
    fresh = iter(scripts)
    ready: deque[Request] = deque()
    asked: dict[str, list[tuple[_Open[T], int]]] = {}
    done: deque[tuple[int, T | NoAnswer]] = deque()
    opened = 0

    def advance(one: _Open[T]) -> None:
        nonlocal opened
        try:
            replies = [reply for reply in one.replies if reply is not None]
            questions = list(one.script.send(replies) if replies else next(one.script))
        except StopIteration as end:
            opened -= 1
            done.append((one.number, end.value))
            return
        if not questions:
            raise RuntimeError("a script must ask something when it yields")
        for question in questions:
            try:
                question.key  # noqa: B018  reading it makes the body
            except ValueError as error:
                close(one, NoAnswer(request=question, failed=Failed(reason="unsendable", detail=str(error), tries=0)))
                return
        one.replies, one.missing = [None] * len(questions), len(questions)
        for place, question in enumerate(questions):
            if question.key not in asked:
                ready.append(question)
            asked.setdefault(question.key, []).append((one, place))

    def close(one: _Open[T], why: NoAnswer) -> None:
        nonlocal opened
        opened -= 1
        one.script.close()
        done.append((one.number, why))

    def requests() -> Iterator[Request | None]:
        """What can be asked now; None where that depends on answers that are still to come."""
        nonlocal opened
        while True:
            if ready:
                yield ready.popleft()
            elif opened < most_open and (start := next(fresh, None)) is not None:
                opened += 1
                advance(_Open(*start))
            elif opened:
                yield None
            else:
                return

    for request, reply in llm.ask(requests()):
        for one, place in asked.pop(request.key):
            one.missing -= 1
            if isinstance(reply, Failed):
                one.failed = one.failed or NoAnswer(request=request, failed=reply)
            else:
                one.replies[place] = reply
            if not one.missing:
                if one.failed is None:
                    advance(one)
                else:
                    close(one, one.failed)
        while done:
            yield done.popleft()
    yield from done
