"""Live progress of a step: one line that is rewritten on a terminal, plain lines otherwise."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

from dataset_cards.versions.job import Job


@dataclass
class Progress:
    """Writes how far a step is, its rate, and the time left."""

    out: TextIO = field(default_factory=lambda: sys.stderr)
    every: float = 10.0  # seconds between plain lines
    _last: float = 0.0

    def show(self, label: str, done: int, tasks: int, rows: int, seconds: float, last: bool, note: str = "") -> None:
        """`done` of `tasks` tasks have written `rows` rows after `seconds`; `note` is put behind it."""
        rate = f"{rows / seconds:,.0f} rows/s" if rows and seconds > 0 else ""
        left = f"{_clock(seconds / done * (tasks - done))} left" if done else f"{_clock(seconds)} so far"
        counted = f"{rows:,} rows" if rows else ""
        line = "  ".join(part for part in (f"  {label:<18} {done}/{tasks} parts", counted, rate, left, note) if part)
        if self.out.isatty():
            self.out.write("\r\x1b[K" + ("" if last else line))
            self.out.flush()
        elif not last and time.monotonic() - self._last >= self.every and seconds >= self.every:
            self._last = time.monotonic()
            self.out.write(line + "\n")
            self.out.flush()


@dataclass
class Watch:
    """Reports the tasks of a job that became whole since it was made, by looking at the facts they leave."""

    progress: Progress | None
    label: str
    job: Job
    tasks: int

    def __post_init__(self) -> None:
        self._started = time.monotonic()
        self._seen = self.job.finished() if self.progress else set()
        self._done = self._rows = 0

    def look(self, last: bool, note: str = "") -> None:
        """Show how far it is; `last` for the last time."""
        if self.progress is None:
            return
        new = self.job.finished() - self._seen
        self._seen |= new
        self._done += len(new)
        self._rows += sum(part["rows"] for task in new for part in self.job.fact(task)["parts"])
        seconds = time.monotonic() - self._started
        self.progress.show(self.label, self._done, self.tasks, self._rows, seconds, last, note)


@contextmanager
def watched(progress: Progress | None, label: str, job: Job, tasks: int) -> Iterator[None]:
    """Show how far the tasks are while the block runs, twice a second."""
    watch, over = Watch(progress, label, job, tasks), threading.Event()

    def look() -> None:
        while not over.wait(0.5):
            watch.look(last=False)
        watch.look(last=True)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
