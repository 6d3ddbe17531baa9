"""The annotation server's own Python environment: made once from the lock file, shared by every desk of this machine.

argilla-server pins old releases of what gristmill needs new, so the two cannot live in one environment.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from annotation.desk.desk import DeskError

LOCK = Path(__file__).parent.parent / "server" / "lock.txt"
OLDEST, NEWEST = (3, 11), (3, 13)  # what the locked packages have binary files for


def environment(say: Callable[[str], None], lock: Path = LOCK) -> Path:
    """The interpreter of the environment, which is made first if this machine has none.

    It lies in `desk-<digest>` under $GRISTMILL_DESK_ENV, else under gristmill/ in $XDG_CACHE_HOME or ~/.cache; the
    digest is that of the lock file, the Python and the kind of machine, so a new lock makes a new environment. A
    half-made one is made again; of two who make it at once, one waits.

    Raises:
        DeskError: this Python cannot run the server, or the packages cannot be had.
    """
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        raise DeskError(
            f"the annotation server runs on Python {_dotted(OLDEST)} to {_dotted(NEWEST)}, and this is Python "
            f"{platform.python_version()}; install gristmill with one of those to serve a desk on this machine"
        )
    folder = _shelf() / f"desk-{_digest(lock)}"
    python = folder / "bin" / "python"
    done = folder / "done"
    if done.exists():
        return python
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _one_maker(folder.with_suffix(".lock"), say):
            if not done.exists():
                _make(folder, python, lock, say)
                done.touch()
    except OSError as error:
        raise DeskError(
            f"the server's environment cannot be made in {folder}: {error}; make room there or name another folder in "
            "GRISTMILL_DESK_ENV"
        ) from error
    return python


def _shelf() -> Path:
    if named := os.environ.get("GRISTMILL_DESK_ENV"):
        return Path(named).absolute()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache").absolute() / "gristmill"


def _digest(lock: Path) -> str:
    # The interpreter's place counts too: an environment is links to the Python it was made with.
    made_with = "\n".join((sys.version, platform.machine(), os.path.realpath(sys.base_prefix)))
    return hashlib.sha256(lock.read_bytes() + made_with.encode()).hexdigest()[:16]


@contextmanager
def _one_maker(lock: Path, say: Callable[[str], None]) -> Iterator[None]:
    with open(lock, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("somebody else is installing the annotation server; waiting for them")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(folder: Path, python: Path, lock: Path, say: Callable[[str], None]) -> None:
    """Make the environment from nothing; whatever a killed maker left goes first."""
    began = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    pins = [line.split("==")[0] for line in lock.read_text().splitlines() if "==" in line and line[0] not in " #"]
    say(f"installing the annotation server in {folder}: once on this machine, about 600 MB")
    _run([sys.executable, "-m", "venv", str(folder)], "a virtual environment cannot be made")
    # Only wheels, of which every byte is in the lock file: nothing that was fetched runs while it is installed.
    _install([str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off",
              "--require-hashes", "--only-binary", ":all:", "--no-deps", "-r", str(lock)], len(pins), say)  # fmt: skip
    say(f"the annotation server is installed, in {time.monotonic() - began:.0f} seconds")


def _run(command: list[str], failed: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env=_own())
    if done.returncode:
        last = (done.stderr or done.stdout).strip()
        raise DeskError(f"{failed}: {last}; on Debian and Ubuntu, `apt install python3-venv` may be what is missing")


def _install(command: list[str], packages: int, say: Callable[[str], None]) -> None:
    """Run pip, saying how far it is; its last lines are the reason if it fails."""
    last: deque[str] = deque(maxlen=12)
    fetched = 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=_own()
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            last.append(line.rstrip())
            if line.startswith("Collecting "):
                fetched += 1
                if fetched % 10 == 0:
                    say(f"  {fetched} of about {packages} packages fetched")
            elif line.startswith("Installing collected"):
                say("  all packages fetched; unpacking them")
    if pip.returncode:
        raise DeskError(
            "pip could not install the annotation server. This needs the network once, to pypi.org or to the mirror in "
            "pip's settings; put that right and run the same command again. The last lines of pip:\n" + "\n".join(last)
        )


def _own() -> dict[str, str]:
    """The environment without what would point the new interpreter back to ours."""
    return {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    }


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
