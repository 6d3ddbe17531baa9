"""Requests in, outcomes out: the cache first, then the model, never the same question twice at once."""

import queue
from collections.abc import Iterable, Iterator

from .budget import Spent
from .courier import Books, Courier, Limits, Outcome, Wire, stopped
from .llm import Failed, Reply, Request
from .pace import Window


class Flow:
    """Asks through a wire. Several `ask` may be under way in one thread; they share the window and the connections."""

    def __init__(self, wire: Wire, books: Books, limits: Limits) -> None:
        self.wire, self.books, self.limits = wire, books, limits
        self.window = Window(limits.in_flight)  # what was learned about the server outlives one ask
        self._courier: Courier | None = None
        self._asking = 0

    def ask(self, requests: Iterable[Request | None]) -> Iterator[tuple[Request, Reply | Failed]]:
        """As LLM.ask."""
        self._asking += 1
        try:
            yield from self._asked(iter(requests))
        finally:
            self._asking -= 1
            if self._courier is not None and not self._asking:
                courier, self._courier = self._courier, None
                courier.close()
            self._record()

    def _asked(self, source: Iterator[Request | None]) -> Iterator[tuple[Request, Reply | Failed]]:
        out: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        waiting: dict[str, list[Request]] = {}  # by key: who waits for the same answer
        count, more = 0, True
        while more or waiting:
            while more and count < 2 * self.limits.in_flight and not self._stopping():
                try:
                    request = next(source)
                except StopIteration:
                    more = False
                    break
                if request is None:  # what comes next depends on answers that are still to come
                    if not waiting:
                        raise RuntimeError("the requests wait for an answer, but no request is under way")
                    break
                tally = self.books.ledger.of(request.sampling.model)
                tally.requests += 1
                try:
                    reply = self._known(request)
                except ValueError as error:
                    tally.failed["unsendable"] += 1
                    yield request, Failed(reason="unsendable", detail=str(error), tries=0)
                    continue
                if reply is not None:
                    tally.cached += 1
                    yield request, reply
                    continue
                count += 1
                waiting.setdefault(request.key, []).append(request)
                if len(waiting[request.key]) == 1:
                    self._running().submit(request, out)
            if not waiting:
                if self._stopping():
                    break
                continue
            asked, outcome = out.get()
            for n, asker in enumerate(waiting.pop(asked.key)):
                count -= 1
                if outcome is None:
                    continue
                if n:
                    self._shared(asker, outcome)
                    outcome = _as_cached(outcome)
                yield asker, outcome
        if self._courier is not None and (why := self._courier.stop) is not None:
            ledger = self.books.ledger
            raise stopped(why, ledger.counts(), self.books.purse, self.books.cache is not None) from (
                None if isinstance(why, Spent) else why
            )

    def _known(self, request: Request) -> Reply | None:
        if self.books.cache is None:
            _ = request.body  # whatever cannot be sent is found here
            return None
        for form in self.wire.forms(request):
            if (reply := self.books.cache.get(form.key)) is not None:
                return reply
        return None

    def _shared(self, request: Request, outcome: Reply | Failed) -> None:
        """Count a request that got the outcome of its twin."""
        tally = self.books.ledger.of(request.sampling.model)
        if isinstance(outcome, Failed):
            tally.failed[outcome.reason] += 1
        else:
            tally.cached += 1

    def _running(self) -> Courier:
        if self._courier is None:
            courier = Courier(self.wire, self.books, self.limits, self.window)
            courier.start()
            self._courier = courier
        return self._courier

    def _stopping(self) -> bool:
        return self._courier is not None and self._courier.stop is not None

    def _record(self) -> None:
        if self.books.cache is not None:
            self.books.cache.keep((), self.books.ledger.run, self.books.ledger.counts())


def _as_cached(outcome: Reply | Failed) -> Reply | Failed:
    if isinstance(outcome, Failed) or outcome.cached:
        return outcome
    return Reply(**{**outcome.__dict__, "cached": True})
