"""What a person sees of a run: each step as it goes by, and a stop when too much of the input is bad."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from .cards.plain import one_line, visible
from .versions.files import Folder
from .versions.job import Refused
from .versions.step import Step, in_order
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
        self._check(step, step, self.store.done(step)["funnel"])

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
        self._check(step, step, funnel)

    def waiting(self, what: str) -> None:
        self._line(what, "another run is doing this step; waiting for it")

    def warn(self, text: str) -> None:
        self.out.write(f"gristmill: {visible(text)}\n")

    def tell(self, text: str) -> None:
        self.out.write(f"{visible(text)}\n")

    def check(self, target: Step) -> None:
        """Stop if too much of what `target` was made from was bad input, whichever run read it.

        Raises:
            Refused: naming the step, the shares and the first bad pieces.
        """
        history = self.store.done(target)["history"]
        for step in in_order(target):
            self._check(step, target, history[step.id])

    def _line(self, name: str, text: str) -> None:
        clear = "\r\x1b[K" if self.out.isatty() else ""
        self.out.write(f"{clear}{name:<28}  {text}\n")
        self.out.flush()

    def _check(self, step: Step, target: Step, funnel: Sequence[Mapping[str, Any]]) -> None:
        """Stop once more than `max_quarantined` of what a step read was bad input."""
        for entry in funnel:
            bad, read = entry["quarantined"], entry["read"]
            if bad > self.max_quarantined * read:
                worst, place = self._aside(step, target)
                raise Refused(
                    f"{step.name}: {bad:,} of {read:,} rows ({bad / read:.1%}) could not be read, more than "
                    f"--max-quarantined {self.max_quarantined:g} allows.\n{worst}"
                    f"All stand with file, position and reason in {place}."
                    " Mend the input, or accept the loss with a higher --max-quarantined; what was read is kept."
                )

    def _aside(self, step: Step, target: Step) -> tuple[str, str]:
        """The first pieces that could not be read, as lines, and where all of them are.

        They lie beside the rows of `step`, unless that cache was deleted; the last step has them all in its ledger.
        """
        own, ledger = self.store.folder(step), self.store.folder(target) / "ledger"
        parts = [name for name in own.names() if name.startswith("quarantine-")]
        if parts:
            return _first(own, parts), f"{own}/quarantine-*.parquet"
        if ledger.exists("quarantine.parquet"):
            return _first(ledger, ["quarantine.parquet"]), f"{ledger}/quarantine.parquet"
        return "", f"{own}, which is gone"


def _first(folder: Folder, names: Sequence[str], most: int = 3) -> str:
    """The first entries of quarantine files, one per line."""
    import polars as pl

    lines: list[str] = []
    for name in names:
        with folder.open(name) as file:
            rows = pl.read_parquet(file, columns=["file", "position", "reason"]).head(most - len(lines))
        # Members of an archive are called whatever its maker liked.
        lines += [f"  {one_line(file)}, {one_line(position)}: {reason}\n" for file, position, reason in rows.rows()]
        if len(lines) >= most:
            break
    return "".join(lines)
