"""What a person sees of a run: each step as it goes by, and a stop when too much of the input is bad."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TextIO

from .versions.job import Refused
from .versions.step import Step
from .versions.store import Store


@dataclass
class Console:
    """A watcher for a terminal. Counts what was done, so that the end of a run can say that nothing was."""

    store: Store
    out: TextIO
    max_quarantined: float = 0.01
    ran: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def cached(self, step: Step) -> None:
        self.kept.append(step.name)
        self._line(step.name, "done before")
        self._check(step, self.store.done(step))

    def started(self, step: Step) -> None:
        if self.out.isatty():
            self.out.write(f"{step.name:<28}")
            self.out.write("\r")
            self.out.flush()

    def finished(self, step: Step, done: Mapping[str, Any], seconds: float) -> None:
        self.ran.append(step.name)
        funnel = done["funnel"]
        rows = f"{funnel[0]['read']:>11,} rows in {funnel[-1]['kept']:>11,} out" if funnel else ""
        self._line(step.name, f"{rows}  {seconds:7.1f} s")
        self._check(step, done)

    def waiting(self, what: str) -> None:
        self._line(what, "another run is doing this step; waiting for it")

    def _line(self, name: str, text: str) -> None:
        clear = "\r\x1b[K" if self.out.isatty() else ""
        self.out.write(f"{clear}{name:<28}  {text}\n")
        self.out.flush()

    def _check(self, step: Step, done: Mapping[str, Any]) -> None:
        """Stop once more than `max_quarantined` of what a step read was bad input."""
        for entry in done["funnel"]:
            bad, read = entry["quarantined"], entry["read"]
            if bad > self.max_quarantined * read:
                raise Refused(
                    f"{step.name}: {bad:,} of {read:,} rows ({bad / read:.1%}) could not be read, more than "
                    f"--max-quarantined {self.max_quarantined:g} allows.\n{self._worst(step)}"
                    f"All stand with file, position and reason in {self.store.folder(step)}/quarantine-*.parquet."
                    " Mend the input, or accept the loss with a higher --max-quarantined; what was read is kept."
                )

    def _worst(self, step: Step, most: int = 3) -> str:
        """The first few entries, as lines."""
        import polars as pl

        folder = self.store.folder(step)
        for name in folder.names():
            if name.startswith("quarantine-"):
                with folder.open(name) as file:
                    rows = pl.read_parquet(file).head(most).iter_rows(named=True)
                return "".join(f"  {row['file']}, {row['position']}: {row['reason']}\n" for row in rows)
        return ""
