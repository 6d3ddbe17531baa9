"""The process that talks to Ray, and what Ray's processes do for it."""

import importlib
import os
import socket
import subprocess
import sys
from typing import Any

import dill

from dataset_cards.versions.files import Folder

from .cluster import Share, fail, place
from .local import died
from .orphans import leave_with
from .work import ONE_THREAD, Lost

# The least that Ray takes: rows travel through the store, never through Ray's memory.
_OBJECT_STORE_BYTES = 80 << 20
_ENVIRONMENT = {**ONE_THREAD, "DATATROVE_COLORIZE_LOGS": "0"}


def drive(pipe: Any, address: str | None, workers: int | None) -> None:
    """Connect to Ray, say how many can work at a time, and do runs as they are asked for until the pipe ends.

    What cannot be connected to is answered with a sentence.
    """
    os.setsid()  # Ctrl-C is for the process that asks, which ends this one
    leave_with(os.getppid(), session=True)
    os.environ.update(_ENVIRONMENT, RAY_USAGE_STATS_ENABLED="0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "error")
    ray: Any = importlib.import_module("ray")  # an extra: what has types where it is installed has none elsewhere
    quiet = {"logging_level": "ERROR", "log_to_driver": False}
    try:
        if address is None:
            count = workers or os.cpu_count() or 1
            ray.init("local", num_cpus=count, object_store_memory=_OBJECT_STORE_BYTES, include_dashboard=False, **quiet)
        else:
            _knock(address)
            ray.init(address, runtime_env={"env_vars": _ENVIRONMENT}, **quiet)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        pipe.send(f"--on ray: {'Ray did not start' if address is None else f'no Ray answers at {address}'}: {error}")
        return
    cores = int(ray.cluster_resources().get("CPU", 0))
    if not cores:
        pipe.send(f"--on ray: the cluster at {address} has no CPUs to work with")
        return
    pipe.send(min(workers or cores, cores))
    while True:
        try:
            run, ranks = pipe.recv()
        except EOFError:
            break
        _execute(run, ranks, min(workers or cores, cores))
        pipe.send(None)
    ray.shutdown()


def _knock(address: str) -> None:
    """Find out whether anybody is at home: Ray tries for four minutes.

    Raises:
        OSError: nobody answers at the host and port of the address.
    """
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()


def _execute(run: Folder, ranks: int, workers: int) -> None:
    from .ray_ranks import RayRanks

    RayRanks(
        [Share(run)],
        tasks=ranks,
        workers=workers,
        logging_dir=place(run),
        skip_completed=False,
        mem_per_cpu_gb=0,  # not reserved: it would keep cores idle on a machine with little memory per core
    ).run()


def rank_in_own_process(executor: Any, run: Folder, rank: int) -> None:
    """Do a rank in a fresh Python process and wait for it.

    Ray's process forks for each rank and waits for ever when the fork is killed; and what has threads in it, such as
    the driver of an object store, does not survive a fork.

    Raises:
        Lost: that process was killed; it is noted for the process that wants the work, too.
        RuntimeError: the rank failed, and has noted why.
    """
    leave_with(os.getppid())
    script = f"from curation.engine.ray_ranks import do_rank; do_rank({os.getpid()}, {rank})"
    done = subprocess.run([sys.executable, "-c", script], input=dill.dumps(executor), env=_around(), check=False)
    if done.returncode < 0:
        lost = Lost(died(f"rank {rank}", done.returncode))
        fresh: Folder = dill.loads(dill.dumps(run))
        fail(fresh, rank, lost)
        raise lost
    if done.returncode:
        raise RuntimeError(f"rank {rank} failed")


def _around() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
