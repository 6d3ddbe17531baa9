"""Options of the command line about where the tasks of a run are done."""

from enum import StrEnum
from typing import Annotated

import typer


class On(StrEnum):
    """Where the tasks of a run are done."""

    local = "local"
    ray = "ray"
    slurm = "slurm"


OnOption = Annotated[On, typer.Option(help="Where tasks run: on this machine, on Ray, or as jobs of Slurm.")]
RayOption = Annotated[
    str | None, typer.Option(envvar="RAY_ADDRESS", help="With --on ray: a cluster; else Ray is started here.")
]
SlurmOption = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="With --on slurm: an option of sbatch, as time=2:00:00; repeat for more."),
]
PartOption = Annotated[int, typer.Option(min=1, help="Megabytes of input per task; changes no row.")]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="Processes at work; as many as there are cores, or as the cluster gives.")
]
