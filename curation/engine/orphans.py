"""Processes that end with the process they work for, however that ends."""

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path


def leave_with(process: int, session: bool = False) -> None:
    """End this process when `process`, on the same machine, is gone, killed or not; with `session`, all of its own."""
    born = _birth(process)

    def look() -> None:
        while born and _birth(process) == born:
            time.sleep(1.0)
        if session:
            kill_session(os.getsid(0))
        os._exit(1)

    threading.Thread(target=look, name="leave-with", daemon=True).start()


def kill_session(session: int) -> None:
    """Kill every process of a session but this one."""
    for entry in Path("/proc").iterdir():
        process = int(entry.name) if entry.name.isdigit() else os.getpid()
        with suppress(ProcessLookupError):  # it ended meanwhile
            if process != os.getpid() and os.getsid(process) == session:
                os.kill(process, signal.SIGKILL)


def _birth(process: int) -> str:
    """When a living process was started, in the kernel's words; empty for one that is gone.

    A killed process stays as a zombie until its parent asks for it, and its number may be given to another.
    """
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    state, start = fields[0], fields[19]
    return "" if state in "ZX" else start
