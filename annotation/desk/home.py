"""A desk's home folder, and the annotation server that runs from it: start, look, stop.

A home holds owner.json (who signs in as the owner), secret (what signs sessions), argilla.db (all that was asked and
answered), server.log, and server.json with server.lock (who serves it now). The server holds the lock for as long as it
lives and the kernel frees it however that ends, so a process id that outlived a power cut is not taken for a server.
"""

import fcntl
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotation.desk.desk import DeskError
from annotation.desk.environment import environment
from annotation.desk.owner import furnished, owner
from dataset_cards.versions.errors import Misuse

HOST = "127.0.0.1"
FIRST_PORT, LAST_PORT = 6900, 6999
PATIENCE = 180.0  # seconds for a server to answer or to end; a large database may have to be migrated
LOG_BYTES = 10 << 20  # a longer log of earlier runs is set aside
# What argilla-server, its libraries or a user's own client read from the environment is not for this server.
FOREIGN = ("ARGILLA_", "HF_", "HUGGINGFACE", "SPACE_", "PYTHON", "OWNER_", "ADMIN_", "ANNOTATOR_")
BOOT = "import sys; sys.path.append(sys.argv.pop(1)); from server.launch import main; main()"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy does not lead to this machine


@dataclass(frozen=True, kw_only=True)
class Running:
    """A server that answers.

    Attributes:
        url: `http://127.0.0.1:<port>`.
        owner_key: the API key of the owner.
        started: seconds since 1970.
        version: of argilla-server.
    """

    url: str
    owner_key: str = field(repr=False)
    home: Path
    pid: int
    started: float
    version: str


@dataclass(frozen=True, kw_only=True)
class Starting:
    """A server that does not answer yet."""

    home: Path
    pid: int


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """No server."""

    home: Path


def default_home() -> Path:
    """$GRISTMILL_DESK, else ./gristmill-desk."""
    return Path(os.environ.get("GRISTMILL_DESK") or "gristmill-desk")


def start(home: Path, port: int | None = None) -> Running:
    """`serve` without a word."""
    return serve(home, port, lambda _: None)


def serve(home: Path, port: int | None, say: Callable[[str], None]) -> Running:
    """Start the server of this home in the background and wait until it answers; one that runs already is given back.

    Args:
        home: is made, readable by its owner alone, if it is not there.
        port: None for the one this home had last time, at first 6900 or the next free one; 0 for any free one.
        say: is told what takes long and what may surprise.

    Raises:
        Misuse: the folder or the port cannot be meant.
        DeskError: the server cannot be installed or does not start.
    """
    home = furnished(home)
    with _one_starter(home, say):
        found = _settled(home)
        if isinstance(found, Running):
            if port and not found.url.endswith(f":{port}"):
                raise Misuse(f"{home} is served at {found.url} now; stop that with --stop to serve it on port {port}")
            return found
        before = _state(home).get("port")
        command = _command(home, port, say)
        log = home / "server.log"
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(home / "server.log.1")
        say("starting the annotation server")
        running = _awaited(home, _spawn(command, log))
    if port is None and before is None and not running.url.endswith(f":{FIRST_PORT}"):
        say(f"port {FIRST_PORT} is taken by another program, so this desk is at {running.url}, and stays there")
    return running


def foreground(home: Path, port: int | None, say: Callable[[str], None]) -> None:
    """Become the server, for a supervisor such as systemd: this process is replaced and does not come back.

    Raises:
        Misuse, DeskError: as `serve`; also if a server runs already.
    """
    home = furnished(home)
    found = status(home)
    if not isinstance(found, Stopped):
        raise Misuse(f"{home} is served already, by process {found.pid}; stop it with --stop first")
    command = _command(home, port, say)
    os.execve(command[0], [*command, "--announce"], _around())


def status(home: Path) -> Running | Starting | Stopped:
    """Whether a server runs from this home. A stale process id is no server: the lock says whether one lives."""
    home = home.absolute()
    if not _held(home / "server.lock"):
        return Stopped(home=home)
    state = _state(home)
    if state.get("ready"):
        version = _version(state["url"])
        if version is not None:
            key = owner(home)["api_key"]
            return Running(
                url=state["url"], owner_key=key, home=home, pid=state["pid"], started=state["started"], version=version
            )
    return Starting(home=home, pid=state.get("pid", 0))


def stop(home: Path) -> bool:
    """End the server of this home, with every answer in one database file; False if there was none.

    Raises:
        DeskError: it does not end.
    """
    found = status(home)
    if isinstance(found, Stopped):
        return False
    if not found.pid:
        raise DeskError(f"a server of {home} is starting just now; try again in a moment")
    try:
        os.kill(found.pid, signal.SIGTERM)
    except ProcessLookupError:
        return True  # it ended by itself meanwhile
    until = time.monotonic() + PATIENCE
    while _held(found.home / "server.lock"):
        if time.monotonic() > until:
            raise DeskError(
                f"process {found.pid} does not end; `kill -9 {found.pid}` ends it, and loses no answer: each is on "
                "disk before the annotator is told so"
            )
        _ended(found.pid)
        time.sleep(0.05)
    _ended(found.pid)
    return True


@contextmanager
def _one_starter(home: Path, say: Callable[[str], None]) -> Iterator[None]:
    with open(home / "start.lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("somebody else is starting this desk; waiting for them")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _held(lock: Path) -> bool:
    try:
        with open(lock) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _state(home: Path) -> Mapping[str, Any]:
    """What the server wrote about itself; empty before it did."""
    try:
        state: dict[str, Any] = json.loads((home / "server.json").read_text())
    except FileNotFoundError:
        return {}
    return state


def _version(url: str) -> str | None:
    """The release that answers there; None while nobody does."""
    try:
        with DIRECT.open(f"{url}/api/v1/version", timeout=10) as answer:
            return str(json.load(answer)["version"])
    except (OSError, ValueError, KeyError):
        return None


def _command(home: Path, port: int | None, say: Callable[[str], None]) -> list[str]:
    before = _state(home).get("port")
    if port is not None:
        if not 0 <= port <= 65535:
            raise Misuse(f"--port {port}: ports go from 1 to 65535, and 0 takes any free one")
        first = last = port
    elif before:
        first = last = before
    else:
        first, last = FIRST_PORT, LAST_PORT
    ports = ["--first-port", str(first), "--last-port", str(last)]
    # Isolated, so that nothing of the user's Python gets in; `server` is found where this package lies.
    return [str(environment(say)), "-I", "-c", BOOT, str(Path(__file__).parent.parent), "--home", str(home), *ports]


def _around() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}


def _spawn(command: list[str], log: Path) -> int:
    """Start the server in a session of its own, so that it outlives the terminal; gives its process id."""
    with open(log, "a") as file:
        file.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')}\n")
    log.chmod(0o600)
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_APPEND, 0),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(command[0], command, _around(), file_actions=files, setsid=True)


def _settled(home: Path) -> Running | Stopped:
    """How things stand once no server is on its way up."""
    until = time.monotonic() + PATIENCE
    while isinstance(found := status(home), Starting):
        if time.monotonic() > until:
            raise DeskError(
                f"process {found.pid} serves {home} and has not answered for {PATIENCE:.0f} seconds; see "
                f"{home / 'server.log'}, and stop it with --stop"
            )
        time.sleep(0.05)
    return found


def _awaited(home: Path, child: int) -> Running:
    """The server that was started as `child`, once it answers.

    Raises:
        DeskError: it ended, or takes too long.
    """
    until = time.monotonic() + PATIENCE
    while True:
        found = status(home)
        if isinstance(found, Running):
            return found
        if _ended(child):
            raise DeskError(_why(home))
        if time.monotonic() > until:
            log = home / "server.log"
            raise DeskError(f"the server of {home} has not answered for {PATIENCE:.0f} seconds; see {log}")
        time.sleep(0.05)


def _ended(child: int) -> bool:
    """Whether a child of this process has ended; also takes its leftovers out of the process table."""
    try:
        return os.waitpid(child, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False  # no child of ours


def _why(home: Path) -> str:
    """Why the last start failed, from the end of its log."""
    last = (home / "server.log").read_text(errors="replace").rpartition("--- ")[2].splitlines()[1:]
    text = "\n".join(last[-12:]) or "it said nothing"
    return f"the annotation server did not start: {text}\n(the whole log is {home / 'server.log'})"
