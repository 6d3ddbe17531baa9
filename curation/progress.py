"""Live progress of a step: one line that is rewritten on a terminal, plain lines otherwise."""

import sys
import time
from dataclasses import dataclass, field
from typing import TextIO


@dataclass
class Progress:
    """Writes how far a step is, its rate, and the time left."""

    out: TextIO = field(default_factory=lambda: sys.stderr)
    every: float = 10.0  # seconds between plain lines
    _last: float = 0.0

    def show(self, label: str, done: int, tasks: int, rows: int, seconds: float, last: bool) -> None:
        """`done` of `tasks` tasks have written `rows` rows after `seconds`."""
        rate = f"{rows / seconds:,.0f} rows/s" if rows and seconds > 0 else ""
        left = f"{_clock(seconds / done * (tasks - done))} left" if done else f"{_clock(seconds)} so far"
        counted = f"{rows:,} rows" if rows else ""
        line = "  ".join(part for part in (f"  {label:<18} {done}/{tasks} parts", counted, rate, left) if part)
        if self.out.isatty():
            self.out.write("\r\x1b[K" + ("" if last else line))
            self.out.flush()
        elif not last and time.monotonic() - self._last >= self.every and seconds >= self.every:
            self._last = time.monotonic()
            self.out.write(line + "\n")
            self.out.flush()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
