"""datatrove's Slurm executor, asking for no more than it was told to; loaded on the nodes, too."""

import faulthandler
import shlex
import sys
from typing import Any

from datatrove.executor import SlurmPipelineExecutor

from .cluster import speak

_NEEDED = ("job-name", "nodes", "output", "error", "array", "requeue")


class SlurmRanks(SlurmPipelineExecutor):  # type: ignore[misc]  # datatrove has no types
    """One array job and no second one that adds up datatrove's statistics, which nobody reads."""

    def get_sbatch_args(self, max_array: int = 1) -> dict[str, Any]:
        """The options of the array, and those that the user gave; the cluster's defaults for all others."""
        args = super().get_sbatch_args(max_array)
        given = {key: shlex.quote(value) for key, value in self._sbatch_args.items()}
        needed = {key: args[key] for key in _NEEDED}
        for key in ("output", "error"):  # in a path, Slurm takes % for the start of a pattern of its own
            folder, _, name = needed[key].rpartition("/")
            needed[key] = shlex.quote(folder.replace("%", "%%") + "/" + name)
        return {**needed, "ntasks": 1, **given}

    def get_launch_file_contents(self, sbatch_args: dict[str, Any], run_script: str) -> str:
        """The batch script, which starts this Python and not whichever is first on the node's PATH."""
        pickled = self.logging_dir.resolve_paths("executor.pik")
        command = shlex.join([sys.executable, "-m", "datatrove.tools.launch_pickled_pipeline", pickled])
        script: str = super().get_launch_file_contents(sbatch_args, command)
        return script

    def launch_merge_stats(self) -> None:
        """Leave it out: a job that depends on one that failed stays in the queue."""

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> Any:
        faulthandler.enable()  # into the log of the rank
        speak()
        return super()._run_for_rank(rank, local_rank, node_rank)
