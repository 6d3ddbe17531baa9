"""Where the numbered tasks of a step run: on this machine, on Ray, or on Slurm, through datatrove's executors."""

from .choice import engine_for
from .engine import Engine
from .local import LocalEngine
from .work import Lost, Work

__all__ = ["Engine", "LocalEngine", "Lost", "Work", "engine_for"]
