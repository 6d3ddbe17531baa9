"""The engine that a command asks for."""

import os
from collections.abc import Sequence

from curation.progress import Progress
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder

from .cluster import refuse_private
from .engine import Engine
from .local import LocalEngine


def engine_for(
    on: str,
    workers: int | None,
    store: Folder,
    progress: Progress | None = None,
    ray_address: str | None = None,
    slurm: Sequence[str] = (),
) -> Engine:
    """The engine for `--on local`, `ray` or `slurm`.

    Args:
        workers: how many tasks are done at a time; None for as many as there are cores, or as the cluster gives.
        store: where the work lies.
        ray_address: a Ray cluster; None to start Ray on this machine.
        slurm: options of sbatch, written `key=value`.

    Raises:
        Misuse: what that needs is not here, or an option cannot be meant.
    """
    if slurm and on != "slurm":
        raise Misuse(f"--slurm {slurm[0]}: only --on slurm takes it")
    if on == "local":
        return LocalEngine(workers or os.cpu_count() or 1, progress)
    refuse_private(store, on)
    if on == "ray":
        from .ray import RayEngine

        return RayEngine(workers=workers, address=ray_address, progress=progress)
    from .slurm import SlurmEngine

    return SlurmEngine(workers=workers, options=_options(slurm), progress=progress)


def _options(words: Sequence[str]) -> dict[str, str]:
    """`mem_per_cpu=2G` and the like, by the names that sbatch has for them."""
    options: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        key = key.strip().lstrip("-").replace("_", "-")
        if not equals or not key or not value:
            raise Misuse(f"--slurm {word}: write it as key=value, such as partition=cpu")
        if key in options:
            raise Misuse(f"--slurm {key} was given twice")
        options[key] = value
    return options
