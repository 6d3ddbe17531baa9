"""Tasks as array jobs of Slurm, through datatrove's SlurmPipelineExecutor."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curation.progress import Progress
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job, Refused

from .cluster import Share, follow, left_behind, place, refuse_private
from .work import ONE_THREAD, Work, environment

# Options of sbatch that the engine sets itself, or that would part it from its job.
_OURS = {"array", "chdir", "dependency", "error", "export", "export-file", "input", "job-name", "nodes", "ntasks"}
_OURS |= {"output", "parsable", "quiet", "test-only", "wait", "wrap"}
_WAITING = {"PENDING", "RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED"}
_WAITING |= {"RESIZING", "SIGNALING", "SPECIAL_EXIT", "STAGE_OUT", "STOPPED"}
# Ended for good without success; others, as NODE_FAIL, may be put in the queue again.
_FAILED = {"BOOT_FAIL", "CANCELLED", "DEADLINE", "FAILED", "OUT_OF_MEMORY", "TIMEOUT"}
_SILENCE = 600.0  # seconds for which Slurm's controller may not answer


@dataclass(frozen=True)
class SlurmEngine:
    """Array jobs on a Slurm cluster whose nodes see the store, the input and this Python under the same paths.

    `options` are sbatch's own long options, such as {"partition": "cpu", "time": "2:00:00", "mem-per-cpu": "4G"};
    what is not given is left to the cluster's defaults. `logs` is where Slurm writes the output of ranks when the store
    is no folder.

    Raises:
        Misuse: sbatch is not there, or an option cannot be given.
    """

    workers: int | None = None  # ranks at work at a time; None for as many as Slurm gives
    options: Mapping[str, str] = field(default_factory=dict)
    progress: Progress | None = None
    logs: str = "gristmill-slurm-logs"

    def __post_init__(self) -> None:
        for command in ("sbatch", "squeue", "scancel"):
            if shutil.which(command) is None:
                raise Misuse(f"--on slurm: there is no {command} here; run this on a machine that submits to Slurm")
        for key, value in self.options.items():
            if key in _OURS:
                raise Misuse(f"--slurm {key}={value}: gristmill sets --{key} itself")
            if not re.fullmatch(r"[a-z][a-z0-9-]*", key) or not value.isprintable():
                raise Misuse(f"--slurm {key}={value}: write a long option of sbatch, such as partition=cpu")

    def run(self, label: str, job: Job, work: Work, tasks: Sequence[int]) -> None:
        if not tasks:
            return
        refuse_private(job.folder, "slurm")
        for old in left_behind(job):  # by a run that was killed: its ranks are still doing the same tasks
            _Array(_job_name(old)).cancel()
        follow(label, job, work, tasks, self.workers, self._send, self.progress)

    def _send(self, run: Folder, ranks: int) -> "_Array":
        name = _job_name(run.path.rpartition("/")[2])
        logs = f"{run}/slurm" if run.local else str(Path(self.logs).resolve() / name)
        around: dict[str, str | None] = dict.fromkeys(ONE_THREAD, self.options.get("cpus-per-task", "1"))
        around |= {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)), "DATATROVE_COLORIZE_LOGS": "0"}
        # What Slurm told a job that this process may be part of would be taken for options of the new one.
        around |= {key: None for key in os.environ if key.startswith("SLURM_") and key != "SLURM_CONF"}
        with environment(around):
            try:
                _executor(run, ranks, name, logs, self.workers, self.options).launch_job()
            except subprocess.CalledProcessError as error:
                raise Misuse(
                    f"--on slurm: sbatch did not take the job; it said why above (code {error.returncode})"
                ) from error
        return _Array(name, logs)


def _job_name(run: str) -> str:
    """The name of the job of a run: its own, so that nothing else is looked at or cancelled."""
    return f"gristmill-{run}"


def _executor(run: Folder, ranks: int, name: str, logs: str, workers: int | None, options: Mapping[str, str]) -> Any:
    from .slurm_ranks import SlurmRanks

    return SlurmRanks(
        [Share(run)],
        tasks=ranks,
        time="",
        partition="",
        workers=-1 if workers is None else workers,
        job_name=name,
        qos="",
        sbatch_args=dict(options),
        logging_dir=place(run),
        skip_completed=False,
        slurm_logs_folder=logs,
        requeue_signals=None,
        with_srun=False,
    )


@dataclass
class _Array:
    """An array job, known by its name."""

    name: str
    logs: str = ""
    _answered: float = field(default_factory=time.monotonic)

    def state(self) -> str | None:
        states = self._states()
        if states is None:
            return "Slurm does not answer"
        if _FAILED & set(states.values()):
            return None
        waiting = Counter(state for state in states.values() if state in _WAITING)
        return ", ".join(f"{count} {state.lower()}" for state, count in sorted(waiting.items())) or None

    def cancel(self) -> None:
        _ask("scancel", f"--name={self.name}")
        end = time.monotonic() + 60
        while time.monotonic() < end and any(state in _WAITING for state in (self._states() or {}).values()):
            time.sleep(0.5)

    def loss(self) -> str:
        failed = {rank: state for rank, state in (self._states() or {}).items() if state in _FAILED}
        if not failed:
            return f"Slurm no longer knows the job {self.name}, and its ranks said nothing. Its logs are in {self.logs}"
        rank = min(failed)
        how = f"Rank {rank} of the job {self.name} ended as {failed[rank]}"
        found = sorted(Path(self.logs).glob(f"*_{rank}.out"))
        if not found:
            why = "" if failed[rank] == "CANCELLED" else "; do the nodes see that folder?"
            return f"{how} and wrote no log in {self.logs}{why}"
        lines = found[-1].read_text(errors="replace").splitlines()[-15:]
        return f"{how}. The end of its log {found[-1]}:\n" + "\n".join(f"  {line}" for line in lines)

    def _states(self) -> dict[int, str] | None:
        """The state of every rank that Slurm still knows; None if it does not answer.

        Raises:
            Refused: it has not answered for ten minutes.
        """
        done = _ask("squeue", "--noheader", "--array", "--states=all", f"--name={self.name}", "--format=%K %T")
        if done.returncode:
            if time.monotonic() - self._answered > _SILENCE:
                raise Refused(f"Slurm has not answered for {_SILENCE / 60:.0f} minutes: {done.stderr.strip()}")
            return None
        self._answered = time.monotonic()
        entries = [line.split() for line in done.stdout.splitlines()]
        return {int(rank): state for rank, state in entries if rank.isdigit()}


def _ask(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
