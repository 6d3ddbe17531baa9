"""The autopsy of preferences, in one pass over their columns."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ...versions.schemas import schema
from ...versions.table import Table, from_arrow
from ..instruments import Instruments, Reads
from ..tally import Tally
from .answers import OPENINGS, answer, asked, looks, nearly_the_same, turns
from .keys import Hashes, hashes, messages, mixed, prompt_keys, within
from .noted import SPLITS, noted, shown_first
from .people import People
from .repeats import Repeats
from .rules import POSITION, REFUSAL, Rules, gaps, of_like_length
from .shares import cluster_of
from .together import together

COLUMNS = ("prompt", "chosen", "rejected", "margin", "votes", "source", "metadata")
MOST_ASKED = 10_000  # pairs whose refusals are told; that is Python, about 0.4 CPU seconds for 1,000 answers
MOST_READ = 8000  # characters of an answer that the instrument is given
MOST_FITTED = 50_000  # pairs from which the rules together are learned
MOST_SLICES = 10
BINARY = {*OPENINGS, "echo", POSITION}  # whose differences are -1, 0 or 1


def autopsy(rows: Table, instruments: Instruments) -> dict[str, Any]:
    """`{"autopsy": {...}}`: how far content-blind rules get, and what else a reward model could learn from the rows.

    A pair of margin 0 is a tie: it is counted and no rule is asked. Every share is [value, low, high] with the 95 %
    interval of `shares.limits`, clustered by prompt. docs/autopsy.md says what each entry is.

    Args:
        rows: preferences.
        instruments: `refused` is asked about some MOST_ASKED pairs, drawn by a hash of the pair.
    """
    found = _Autopsy(rows, instruments.refused)
    for batch in _frames(rows, COLUMNS):
        if batch.height:
            found.add(batch)
    return {"autopsy": found.json()}


class _Autopsy:
    def __init__(self, rows: Table, refused: Reads | None) -> None:
        count = rows.rows
        self.refused = refused
        self.asked_of = min(1.0, MOST_ASKED / count) if count else 1.0
        self.fitted_of = min(1.0, MOST_FITTED / count) if count else 1.0
        self.pairs = self.ties = self.several_turns = self.same = self.nearly = 0
        self.refusals = {"asked": 0, "chosen": 0, "rejected": 0, "both": 0}
        self.rules = Rules(_slices(rows))
        self.repeats = Repeats(count)
        self.people = People()
        self.gaps: list[npt.NDArray[np.float32]] = []
        self.gap_prompts: list[Hashes] = []
        self.names: list[str] = []

    def add(self, batch: pl.DataFrame) -> None:
        texts = batch.select(chosen=answer("chosen"), rejected=answer("rejected"), asked=asked("prompt"))
        prompts = prompt_keys(batch)
        cluster = cluster_of(prompts)
        one, other = (hashes(batch.select(messages(name)).to_series()) for name in ("chosen", "rejected"))
        judged = batch.select((pl.col("margin") > 0).fill_null(True)).to_series().to_numpy()
        said = pl.DataFrame({key: noted(batch.get_column("metadata"), key) for key in SPLITS})
        self.repeats.add(prompts, one, other, judged, said)
        self.pairs += batch.height
        self.ties += int((~judged).sum())
        self.several_turns += int((batch.select(turns("prompt")).to_series() > 1).sum())
        self.same += int((one == other).sum())
        self.nearly += int(nearly_the_same(texts.get_column("chosen"), texts.get_column("rejected")).sum())

        chosen, rejected = (looks(texts.get_column(name), texts.get_column("asked")) for name in ("chosen", "rejected"))
        ahead = gaps(chosen, rejected)
        place = shown_first(batch.get_column("metadata")).to_numpy()
        self.people.add(batch.get_column("votes"), np.sign(ahead["characters"]), judged, cluster)
        alike = of_like_length(chosen.get_column("words").to_numpy(), rejected.get_column("words").to_numpy())
        part = self._part(batch.get_column("source"))
        self.rules.count(part[judged])
        self.rules.add({name: gap[judged] for name, gap in ahead.items()}, alike[judged], cluster[judged], part[judged])
        known = judged & (place != 0)
        self.rules.add({POSITION: place[known]}, alike[known], cluster[known], part[known])
        key = mixed(prompts, one, other)
        self._ask(texts, judged & within(key, self.asked_of), alike, cluster, part)
        self._keep(chosen, rejected, place, prompts, judged & within(key, self.fitted_of))

    def _part(self, sources: pl.Series) -> npt.NDArray[np.int64]:
        """The number of each row's slice, -1 for none."""
        known = {name: number for number, name in enumerate(self.rules.slices)}
        if not known:
            return np.full(sources.len(), -1, np.int64)
        numbers = sources.cast(pl.String).replace_strict(known, default=-1, return_dtype=pl.Int64)
        return numbers.fill_null(-1).to_numpy()

    def _ask(
        self,
        texts: pl.DataFrame,
        drawn: npt.NDArray[np.bool_],
        alike: npt.NDArray[np.bool_],
        cluster: npt.NDArray[np.int64],
        part: npt.NDArray[np.int64],
    ) -> None:
        """Which of some pairs' answers refuse."""
        if self.refused is None or not drawn.any():
            return
        some = texts.select(pl.col("chosen", "rejected").str.slice(0, MOST_READ)).filter(pl.Series(drawn))
        told = self.refused(pl.concat([some.get_column("chosen"), some.get_column("rejected")]))
        chosen, rejected = told[: some.height].to_numpy(), told[some.height :].to_numpy()
        for name, many in (
            ("asked", some.height),
            ("chosen", chosen.sum()),
            ("rejected", rejected.sum()),
            ("both", (chosen & rejected).sum()),
        ):
            self.refusals[name] += int(many)
        sign = {REFUSAL: chosen.astype(np.int64) - rejected.astype(np.int64)}
        self.rules.add(sign, alike[drawn], cluster[drawn], part[drawn])

    def _keep(
        self,
        chosen: pl.DataFrame,
        rejected: pl.DataFrame,
        place: npt.NDArray[np.int64],
        prompts: Hashes,
        drawn: npt.NDArray[np.bool_],
    ) -> None:
        """The features of some pairs, for the rules together."""
        names = [name for name in chosen.columns if name != "markdown"]  # the sum of others
        columns = [
            (np.log1p(chosen.get_column(name).to_numpy()) - np.log1p(rejected.get_column(name).to_numpy()))
            if name not in BINARY
            else (chosen.get_column(name) - rejected.get_column(name)).to_numpy()
            for name in names
        ]
        self.names = [*names, POSITION]
        self.gaps.append(np.column_stack([*columns, place])[drawn].astype(np.float32))
        self.gap_prompts.append(prompts[drawn])

    def json(self) -> dict[str, Any]:
        counted = {
            "pairs": self.pairs,
            "ties": self.ties,
            "several_turns": self.several_turns,
            "same_answers": self.same,
            "nearly_same_answers": self.nearly,
            "rules": self.rules.json(),
            "slices": self.rules.sliced_json(),
            **self.repeats.json(),
            "openings": dict(OPENINGS),
        }
        if self.refused is not None:
            counted["refusals"] = {**self.refusals, "sampled": self.asked_of < 1}
        if self.gaps:
            gaps_of_all = np.concatenate(self.gaps).astype(np.float64)
            told = together(self.names, gaps_of_all, np.concatenate(self.gap_prompts))
            counted["together"] = {**told, "sampled": self.fitted_of < 1}
        if (people := self.people.json()) is not None:
            counted["annotators"] = people
        return counted


def _frames(rows: Table, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """The columns row group by row group; one that is not there, or has no type, is missing in every row."""
    kinds = from_arrow(schema("preferences").empty_table()).schema
    there = set(rows.schema().names)
    for batch in rows.frames([name for name in columns if name in there]):
        absent = [name for name in columns if name not in there or batch.schema[name] == pl.Null]
        yield batch.with_columns(pl.lit(None, kinds[name]).alias(name) for name in absent)


def _slices(rows: Table) -> tuple[str, ...]:
    """The sources of most pairs, where there are several."""
    tally = Tally()
    for batch in _frames(rows, ["source"]):
        tally.add(batch.get_column("source").cast(pl.String))
    counts = tally.json(MOST_SLICES)["counts"]
    return tuple(counts) if len(counts) > 1 else ()
