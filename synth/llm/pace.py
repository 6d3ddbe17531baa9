"""How many requests are under way at once, and how long to wait before a try is repeated."""

import asyncio
import random
import time
from collections import deque

BASE, CAP = 0.25, 30.0  # seconds before the first repetition, and before any
START = 16.0
GENTLE = 0.9  # what is left of the limit after a throttle


def delay(alone: int, after: float | None) -> float:
    """Seconds until the next try: what the server asked for, else doubling up to a cap; jittered.

    `alone` are faults in a row while nobody was answered: a server that answers others gets no longer and longer
    pauses, since one request with bad luck would then hold up the end of a run.

    Jitter follows "equal jitter" (Brooker, Exponential Backoff and Jitter, AWS 2015): half fixed, half drawn.
    """
    if after is not None:
        return after * random.uniform(1.0, 1.05) + random.uniform(0.0, 0.02)
    return min(CAP, BASE * 2.0 ** (alone - 1)) * random.uniform(0.5, 1.0)


class Window:
    """A limit on requests under way that grows with answers and shrinks with throttles.

    AIMD (Jacobson 1988) with CUBIC's idea (Ha, Rhee, Xu 2008): right after a throttle it grows by one per round trip,
    and the longer nothing is throttled the faster, up to doubling, since a server that throttled one burst may take
    far more in a steady stream. It shrinks by a tenth at most once per round trip or second; the first throttle of all
    halves it. A throttled request keeps its place while it waits as long as the server asked: what is too much is
    parked and the rest goes on.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = min(START, float(most))
        self.busy = 0
        self.latency = 0.0
        self._cut: float | None = None
        self._queue: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        if self.busy < int(self.limit):
            self.busy += 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        self.busy -= 1
        self._admit()

    def answered(self, seconds: float) -> None:
        """A request took `seconds` and was answered."""
        self.latency = seconds if not self.latency else 0.9 * self.latency + 0.1 * seconds
        if self.busy >= int(self.limit):  # only a limit that was felt is worth raising
            self.limit = min(float(self.most), self.limit + min(1.0, self._growth() / self.limit))
            self._admit()

    def _growth(self) -> float:
        """By how much the limit rises per round trip."""
        if self._cut is None:
            return self.limit
        calm = (time.monotonic() - self._cut) / max(1.0, self.latency)
        return 1.0 + 2.0 * calm * calm

    def throttled(self) -> None:
        """The server said that it is too much."""
        now = time.monotonic()
        if self._cut is None or now - self._cut >= max(1.0, self.latency):
            self.limit = max(1.0, self.limit * (0.5 if self._cut is None else GENTLE))
            self._cut = now

    def _admit(self) -> None:
        while self._queue and self.busy < int(self.limit):
            place = self._queue.popleft()
            if not place.done():
                self.busy += 1
                place.set_result(None)
