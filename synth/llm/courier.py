"""The thread that has requests under way: sends, waits, repeats, commits answers, and gives up when nothing helps."""

import asyncio
import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from dataset_cards.versions.job import Refused, Waiting

from .budget import Purse, Spent
from .cache import Cache, answer
from .fault import THROTTLED, UNREACHABLE, Fault
from .ledger import Ledger
from .llm import Failed, Reply, Request
from .pace import Window, delay


class Wire(Protocol):
    """Carries one request to a model and its answer back; all calls come from one event loop."""

    name: str  # of the server, for messages

    async def open(self) -> None: ...
    async def close(self) -> None: ...

    def forms(self, request: Request) -> tuple[Request, ...]:
        """The forms in which this request may be sent; the answer may be in the cache under any of them."""
        ...

    async def send(self, request: Request) -> tuple[Request, Reply]:
        """The request as it was sent and the answer; raises Fault."""
        ...


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much at once and how long.

    `tries` counts faults, not throttles. When a request runs out of tries while the server is unreachable, or `trip`
    requests have failed since the last answer, the server counts as down. `patience`: seconds of nothing but
    throttles until the run stops. `longest_wait`: a Retry-After beyond it, in seconds, ends the run with Waiting.
    """

    in_flight: int = 256
    tries: int = 8
    trip: int = 20
    patience: float = 600.0
    longest_wait: float = 300.0


@dataclass(frozen=True, kw_only=True)
class Books:
    """What is remembered about answers and money; without a cache nothing outlives the run."""

    ledger: Ledger
    purse: Purse
    cache: Cache | None = None


Outcome = tuple[Request, Reply | Failed | None]  # None: it was not answered because the run is being stopped


class Courier:
    """Runs an event loop in a thread from `start` to `close`. Each submitted request gives exactly one outcome."""

    def __init__(self, wire: Wire, books: Books, limits: Limits, window: Window) -> None:
        self.wire, self.books, self.limits, self.window = wire, books, limits, window
        self.stop: BaseException | None = None  # why nothing more is sent
        self._failing: set[str] = set()  # requests that failed since the last answer
        self._heard = time.monotonic()  # of the last answer
        self._fresh: list[tuple[Request, Request, Reply, queue.SimpleQueue[Outcome]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending: set[asyncio.Task[Any] | None] = set()  # the tasks that have a request under way
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="llm", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()
        if self.stop is not None:
            raise self.stop

    def submit(self, request: Request, out: queue.SimpleQueue[Outcome]) -> None:
        self._loop.call_soon_threadsafe(self._begin, request, out)

    def close(self) -> None:
        """Drop what is under way, keep what has arrived, and end the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self.stop = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        await self.wire.open()
        self._ready.set()
        try:
            await self._closing.wait()
            await self._cancel()
        finally:
            await self.wire.close()

    async def _cancel(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._commit()

    def _begin(self, request: Request, out: queue.SimpleQueue[Outcome]) -> None:
        task = self._loop.create_task(self._one(request, out))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _one(self, request: Request, out: queue.SimpleQueue[Outcome]) -> None:
        try:
            outcome = await self._tried(request, out)
        except asyncio.CancelledError:
            outcome = None
        except BaseException as error:  # a fault of ours: hand it to who asks, and stop
            self._halt(error)
            outcome = None
        if not isinstance(outcome, Reply):
            out.put((request, outcome))

    async def _tried(self, request: Request, out: queue.SimpleQueue[Outcome]) -> Reply | Failed | None:
        await self.window.enter()
        try:
            tries = alone = 0  # alone: faults in a row without an answer to anybody in between
            while self.stop is None:
                try:
                    await self.books.purse.reserve(request)
                except Spent as error:
                    self.stop = self.stop or error
                    return None
                if self.stop is not None:  # while this one waited for room
                    self.books.purse.settle(request, None)
                    return None
                began = time.monotonic()
                self._sending.add(asyncio.current_task())
                try:
                    sent, reply = await self.wire.send(request)
                except Fault as fault:
                    self._sending.discard(asyncio.current_task())
                    self.books.purse.settle(request, None, fault.paid)
                    alone = 1 if self._heard > began else alone + 1
                    wait = self._after(request, fault, alone)
                    if self.stop is not None:
                        return None
                    if fault.reason != THROTTLED:
                        tries += 1
                        if not fault.again or tries >= self.limits.tries:
                            return self._given_up(request, fault, tries)
                    await asyncio.sleep(wait)
                    continue
                except BaseException:
                    self.books.purse.settle(request, None, paid=True)
                    raise
                self.books.purse.settle(request, reply)
                self._answered(request, sent, reply, time.monotonic() - began, out)
                return reply
            return None
        finally:
            self._sending.discard(asyncio.current_task())
            self.window.leave()

    def _answered(
        self, request: Request, sent: Request, reply: Reply, seconds: float, out: queue.SimpleQueue[Outcome]
    ) -> None:
        self._failing.clear()
        self._heard = time.monotonic()
        self.window.answered(seconds)
        self.books.ledger.of(request.sampling.model).tries += 1
        self.books.ledger.answered(request.sampling.model, reply, seconds)
        self._fresh.append((request, sent, reply, out))
        if len(self._fresh) == 1:
            # Whatever else has arrived by the end of this turn of the loop shares the transaction.
            self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        try:
            self._commit()
        except BaseException as error:
            self._halt(error)

    def _commit(self) -> None:
        """Make answers durable, and only then pass them on."""
        fresh, self._fresh = self._fresh, []
        try:
            if self.books.cache is not None and fresh:
                ledger = self.books.ledger
                self.books.cache.keep((answer(sent, reply) for _, sent, reply, _ in fresh), ledger.run, ledger.counts())
        except BaseException:
            for request, _, _, out in fresh:
                out.put((request, None))
            raise
        for request, _, reply, out in fresh:
            out.put((request, reply))

    def _after(self, request: Request, fault: Fault, alone: int) -> float:
        """Count a fault, see whether it ends the run, and say how long to wait."""
        tally = self.books.ledger.of(request.sampling.model)
        tally.tries += 1
        tally.faults[fault.reason] += 1
        tally.perhaps_paid += fault.paid
        if fault.fatal:
            self._halt(Refused(f"{self.wire.name} will not answer: {fault.detail}"), drain=True)
        if fault.after is not None and fault.after > self.limits.longest_wait:
            minutes = fault.after / 60
            said = f"asks to be left alone for {minutes:,.0f} minutes; run again then"
            self._halt(Waiting(f"{self.wire.name} {said}"), drain=True)
        if fault.reason == THROTTLED:
            self.window.throttled()
            if (silent := time.monotonic() - self._heard) > self.limits.patience:
                said = f"has throttled every request for {silent / 60:,.0f} minutes ({fault.detail})"
                self._halt(Refused(f"{self.wire.name} {said}"), drain=True)
        elif fault.again:
            self._failing.add(request.key)
        return delay(alone, fault.after)

    def _given_up(self, request: Request, fault: Fault, tries: int) -> Failed | None:
        if fault.again and (fault.reason == UNREACHABLE or len(self._failing) >= self.limits.trip):
            n = len(self._failing)
            said = f"seems to be down: {n:,} requests failed since its last answer, the last with {fault}"
            self._halt(Refused(f"{self.wire.name} {said}"))
            return None
        self.books.ledger.of(request.sampling.model).failed[fault.reason] += 1
        return Failed(reason=fault.reason, detail=fault.detail, tries=tries)

    def _halt(self, why: BaseException, drain: bool = False) -> None:
        """Send nothing more and drop what is waiting; also what is under way, unless it may still be answered."""
        if self.stop is None or isinstance(self.stop, Spent):
            self.stop = why
        for task in self._tasks:
            if task is not asyncio.current_task() and not (drain and task in self._sending):
                task.cancel()


def stopped(why: BaseException, counts: Mapping[str, Mapping[str, Any]], purse: Purse, kept: bool) -> BaseException:
    """The reason to stop with what is done so far and how to go on."""
    answered = sum(count["answered"] for count in counts.values())
    cached = sum(count["cached"] for count in counts.values())
    done = f"{answered:,} requests were answered in this run and {cached:,} came from the cache"
    kept_said = "run again to go on: nothing that was answered is asked twice" if kept else "nothing is kept of them"
    if isinstance(why, Spent):
        limit = purse.budget
        unit = f" {purse.prices.currency}" if limit is not None and limit.money is not None and purse.prices else ""
        spent = f"{purse.spent:,.4g}" if unit else f"{purse.spent:,.0f}"
        said = f"stopped before --budget {limit}{unit} could be exceeded, with {spent}{unit or ' tokens'} spent"
        return Refused(f"{said}; {done}; raise --budget, and {kept_said}")
    if isinstance(why, Refused | Waiting):
        return type(why)(f"{why}; {done}; {kept_said}")
    return why
