"""datatrove's Ray executor with a process for each rank whose death is noticed; loaded on every machine at work."""

import faulthandler
import sys
from typing import Any

import dill
from datatrove.executor import RayPipelineExecutor
from datatrove.executor.base import PipelineExecutor
from datatrove.utils.stats import PipelineStats

from .cluster import speak
from .orphans import leave_with
from .ray_driver import rank_in_own_process


class RayRanks(RayPipelineExecutor):  # type: ignore[misc]  # datatrove has no types
    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> Any:
        """Called in a fork of Ray's process."""
        rank_in_own_process(self, self.pipeline[0].run, rank)
        return PipelineStats()


def do_rank(parent: int, rank: int) -> None:
    """Do one rank of the executor on standard input, in a process that was started by `parent` for it.

    Logs go straight to the store: datatrove's Ray executor writes them to a folder in /tmp first, which belongs to
    whoever used it first.
    """
    leave_with(parent)
    faulthandler.enable()
    speak()
    PipelineExecutor._run_for_rank(dill.load(sys.stdin.buffer), rank)
