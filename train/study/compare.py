"""Which data makes the better small model: the same model and budget on each version, over several seeds."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder, json_bytes
from dataset_cards.versions.job import Job
from dataset_cards.versions.side_files import GONE
from dataset_cards.versions.table import write_parquet
from train.bench import Bench
from train.chat import BadTemplate, answer_ids, with_template
from train.inputs import Inputs
from train.measure import Floats, Measure, Triple
from train.models import load_causal, load_tokenizer
from train.outcome import Outcome, Plot, Sheet
from train.preflight import Preflight
from train.pretrain.bits import bits, held_out
from train.pretrain.pretrain import Pretrain
from train.quiet import quiet
from train.schedule import Schedule
from train.scoring import answer_logprobs
from train.trainer import train

DATA = "data-"  # roles of the versions that are compared: data-1, data-2, ...
SCORES = "scores.npz"
RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class Compare:
    """Every version trains `seeds` models by the same `pretrain`; all are measured on the same held-out documents.

    Two versions are told apart by the mean difference over documents and seeds, with an interval that draws documents
    and, of each version apart, seeds with replacement (2,000 times): what other seeds would have given is part of the
    noise. With few seeds such intervals are too narrow rather than too wide (Bouthillier et al. 2021, Accounting for
    Variance in Machine Learning Benchmarks, arXiv 2103.03098), so three are the least.

    Attributes:
        pretrain: how each model is trained; its seed is the first.
        seeds: models for each version.
    """

    revision: ClassVar[int] = 1
    stage: ClassVar[str] = "compare"
    eats: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **{f"{DATA}{n}": ("documents",) for n in range(1, 10)},
        "held_out": ("documents",),
        "against": Pretrain.eats["against"],
        "tokenizer": ("model",),
        "task": ("preferences",),
    }

    roles: tuple[str, ...] = ()
    pretrain: Pretrain
    seeds: int = 3
    must_improve: bool = True

    def __post_init__(self) -> None:
        if self.seeds < 3:
            raise ValueError(f"seeds={self.seeds}: with fewer than three, noise cannot be told from a difference")

    @property
    def seed(self) -> int:
        return self.pretrain.seed

    @property
    def schedule(self) -> Schedule:
        return self.pretrain.schedule

    def prepare(self, inputs: Inputs, out: Path) -> Preflight:
        """Each version is encoded as `pretrain` would; the report adds them up, and counts held-out rows once.

        Raises:
            Misuse: nothing of a version is left to learn from.
        """
        refs = {one["role"]: one["ref"] for one in inputs.eaten()}
        looks = [self._look(inputs, role, refs[role], out / role) for role in _data(inputs)]
        dropped: dict[str, int] = {}
        for look in looks:
            for check, rows in look.dropped.items():
                dropped[check] = dropped.get(check, 0) + rows
        gone = pl.concat(pl.read_parquet(out / role / "gone.parquet") for role in _data(inputs))
        write_parquet(Folder.at(str(out)), "gone.parquet", [gone], GONE)
        return replace(
            looks[0],
            read=sum(look.read for look in looks) - sum(look.held_out for look in looks[1:]),
            train=sum(look.train for look in looks),
            dropped=dropped,
            tokens=sum(look.tokens for look in looks),
            learned=sum(look.learned for look in looks),
            longest=max(look.longest for look in looks),
            steps=sum(look.steps for look in looks) * self.seeds,
            findings=tuple(finding for look in looks for finding in look.findings),
        )

    def _look(self, inputs: Inputs, role: str, ref: str, out: Path) -> Preflight:
        """One version; its findings name it."""
        try:
            found = self.pretrain.prepare(_one(inputs, role), out)
        except Misuse as error:
            raise Misuse(f"{ref}: {error}") from error
        if not found.train:
            raise Misuse(f"{ref}: nothing is left to learn from; are its rows those of held_out?")
        named = (replace(one, detail=f"{ref}: {one.detail}" if one.detail else f"of {ref}") for one in found.findings)
        return replace(found, findings=tuple(named))

    def fit(self, bench: Bench) -> Outcome:
        """Train every model that a run before this one has not, and compare; the model kept is the best version's."""
        roles = _data(bench.inputs)
        refs = {one["role"]: one["ref"] for one in bench.inputs.eaten()}
        scores = {role: [self._scored(bench, role, seed) for seed in range(self.seeds)] for role in roles}
        means = {role: float(np.mean([one["bits"].sum() for one in scores[role]])) for role in roles}
        ranked = sorted(roles, key=lambda role: means[role])
        _keep(bench, ranked[0])
        documents = scores[ranked[0]][0]["bytes"]
        rivals = [
            (better, worse, _apart([[one["bits"] for one in scores[role]] for role in (worse, better)], documents))
            for better, worse in combinations(ranked, 2)
        ]
        sheets = [_sheet("Bits per byte", refs, rivals, "lower by (bits)", self.seeds, len(documents))]
        if "task" in bench.inputs:
            tasks = [
                (better, worse, _apart([[one["task"] for one in scores[role]] for role in (better, worse)], None))
                for better, worse in combinations(ranked, 2)
            ]
            count = len(scores[ranked[0]][0]["task"])
            sheets.append(_sheet("Pairs told apart", refs, tasks, "higher by (share)", self.seeds, count))
        best = ranked[0]
        measure = Measure(
            name="bits per byte",
            unit="bits",
            better="lower",
            before=None,  # there is none: versions stand beside each other, in the tables
            after=_level(scores[best], documents),
            gain=None,
            rows=len(documents),
            how=f"held-out documents, {self.seeds} models of {refs[best]}",
        )
        curves = [
            {"step": point["step"], **{refs[role]: point["loss"]}}
            for role in roles
            for point in _outcome(bench, role, 0).curves
            if "loss" in point
        ]
        plot = Plot(name="loss", title="Loss by version, first seed", lines=tuple(refs[role] for role in roles))
        return Outcome(
            measures=(measure,),
            curves=curves,
            plots=(plot,),
            sheets=tuple(sheets),
            facts={"compared": {refs[role]: round(means[role] / documents.sum(), 5) for role in roles}},
            notes=tuple(_verdict(refs, rivals)),
        )

    def run(self, job: Job) -> dict[str, Any]:
        """Facts for the card.

        Raises:
            Refused: preflight found what blocks.
        """
        return train(job, self)

    def _scored(self, bench: Bench, role: str, seed: int) -> Mapping[str, Any]:
        """What one model makes of the held-out documents and pairs; trained now or by a run before this one."""
        folder = _place(bench, role, seed)
        if not (folder / SCORES).exists():
            op = replace(self.pretrain, seed=self.pretrain.seed + seed, roles=(), must_improve=False)
            one = replace(bench, inputs=_one(bench.inputs, role), folder=folder)
            folder.mkdir(parents=True, exist_ok=True)
            if not one.rows.exists():
                os.symlink(bench.rows / role, one.rows)
            outcome = op.fit(one)
            (folder / "outcome.json").write_bytes(json_bytes(outcome.json()))
            found = self._measured(one)
            partial = folder / f".{SCORES}"
            with partial.open("wb") as file:
                np.savez(file, allow_pickle=False, **found)
            os.replace(partial, folder / SCORES)
            shutil.rmtree(one.checkpoints, ignore_errors=True)
        with np.load(folder / SCORES) as file:
            return dict(file)

    def _measured(self, bench: Bench) -> dict[str, Floats]:
        with quiet():
            model, documents = load_causal(bench.model, bench.machine), held_out(bench.rows)
            found = {"bits": bits(model, documents, self.pretrain.context), "bytes": documents.bytes.astype(np.float64)}
            if "task" in bench.inputs:
                found["task"] = _told_apart(model, load_tokenizer(bench.model), bench.inputs.rows("task"))
        return found


def _data(inputs: Inputs) -> list[str]:
    return [role for role in inputs.tables if role.startswith(DATA)]


def _one(inputs: Inputs, role: str) -> Inputs:
    """The inputs of one pretraining run."""
    tables = {name: table for name, table in inputs.tables.items() if not name.startswith(DATA)}
    return Inputs({"data": inputs.tables[role], **tables}, inputs.models, inputs.tools)


def _place(bench: Bench, role: str, seed: int) -> Path:
    return bench.folder / "runs" / role / str(seed)


def _outcome(bench: Bench, role: str, seed: int) -> Outcome:
    return Outcome.of(json.loads((_place(bench, role, seed) / "outcome.json").read_bytes()))


def _keep(bench: Bench, role: str) -> None:
    shutil.rmtree(bench.model, ignore_errors=True)
    shutil.copytree(_place(bench, role, 0) / "model", bench.model)


def _told_apart(model: Any, tokenizer: Any, rows: Iterator[Mapping[str, Any]]) -> Floats:
    """1 for each pair whose chosen answer is likelier per token, 0.5 for ties (pairs,)."""
    words = with_template(tokenizer, model)
    sides: tuple[list[Any], list[Any]] = ([], [])
    for row in rows:
        try:
            both = [answer_ids(words, row["prompt"], row[side]) for side in ("chosen", "rejected")]
        except BadTemplate as error:
            raise Misuse(f"task: the chat template cannot write row {row['id']}: {error}; leave it out") from error
        for side, (asked, answered) in zip(sides, both, strict=True):
            side.append(([*asked, *answered], [0] * len(asked) + [1] * len(answered)))
    chosen, rejected = (sums / np.maximum(counts, 1) for sums, counts in (answer_logprobs(model, one) for one in sides))
    return np.where(chosen > rejected, 1.0, np.where(chosen == rejected, 0.5, 0.0))


def _apart(sides: Sequence[Sequence[Floats]], weights: Floats | None) -> Triple:
    """The mean of the first side minus that of the second, over documents, with its interval over documents and seeds.

    Args:
        sides: of each side, one array per seed (documents,).
        weights: what the values are sums over (documents,); 1 for each if not given.
    """
    first, second = (np.stack(side) for side in sides)
    over = np.ones(first.shape[1]) if weights is None else weights
    draw = np.random.default_rng(0)
    found = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        documents = draw.integers(first.shape[1], size=first.shape[1])
        a, b = (side[draw.integers(len(side), size=len(side))][:, documents].mean(0).sum() for side in (first, second))
        found[number] = (a - b) / over[documents].sum()
    value = float((first.mean(0).sum() - second.mean(0).sum()) / over.sum())
    low, high = np.percentile(found, [2.5, 97.5])
    return value, min(float(low), value), max(float(high), value)


def _level(scores: Sequence[Mapping[str, Any]], documents: Floats) -> Triple:
    nothing = [np.zeros(len(documents)) for _ in scores]
    return _apart([[one["bits"] for one in scores], nothing], documents)


def _sheet(
    title: str, refs: Mapping[str, str], rivals: Sequence[tuple[str, str, Triple]], what: str, seeds: int, rows: int
) -> Sheet:
    cells = tuple(
        (refs[a], refs[b], f"{value:.4f}", f"{low:.4f} to {high:.4f}", "yes" if low > 0 or high < 0 else "no")
        for a, b, (value, low, high) in rivals
    )
    header = ("version", "than", what, "95 % interval", "beyond noise")
    return Sheet(title=title, header=header, rows=cells, note=f"{rows:,} held-out rows, {seeds} seeds of each version.")


def _verdict(refs: Mapping[str, str], rivals: Sequence[tuple[str, str, Triple]]) -> Iterator[str]:
    for better, worse, (value, low, high) in rivals:
        said = f"by {value:.4f} bits per byte ({low:.4f} to {high:.4f})"
        if low > 0:
            yield f"{refs[better]} makes a better model than {refs[worse]}, {said}."
        else:
            yield f"{refs[better]} and {refs[worse]} cannot be told apart: {said} is within noise."
