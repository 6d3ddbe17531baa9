"""Runs the real argilla-server on SQLite alone: no Docker, no Elasticsearch, no Redis.

It is started by `annotation.desk.home` with the interpreter of the server's own environment. The order matters:
argilla-server reads its settings while it is imported, so the environment is set first.
"""

import argparse
import asyncio
import fcntl
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"


def main() -> None:
    """Serve until SIGTERM or SIGINT, then leave one database file that holds everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--first-port", type=int, required=True, help="0 for any free one")
    parser.add_argument("--last-port", type=int, required=True)
    parser.add_argument("--announce", action="store_true", help="say on stdout when it answers")
    given = parser.parse_args()
    home: Path = given.home
    os.umask(0o077)
    with _only_one(home):
        listener = _listener(given.first_port, given.last_port)
        port = listener.getsockname()[1]
        state = State(home, port)
        state.write(ready=False)
        _set_up(home)
        _serve(home, listener, state, given.announce)
        shutil.rmtree(home / "tmp", ignore_errors=True)


class State:
    """`server.json` of a home: who serves it and where. It tells the truth only while `server.lock` is held."""

    def __init__(self, home: Path, port: int) -> None:
        self.path = home / "server.json"
        self.content = {"pid": os.getpid(), "port": port, "url": f"http://{HOST}:{port}", "started": time.time()}

    def write(self, *, ready: bool) -> None:
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.content | {"ready": ready}))
        new.replace(self.path)


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """Hold `server.lock` for as long as this process lives; the kernel frees it however that ends."""
    with open(home / "server.lock", "a") as file:
        for _ in range(20):  # somebody who asks for the status holds it for a moment
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.1)
        else:
            sys.exit(f"another process serves {home} already")
        yield


def _listener(first: int, last: int) -> socket.socket:
    for port in range(first, last + 1):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a server that was killed leaves its port busy
        try:
            listener.bind((HOST, port))
        except OSError as error:
            listener.close()
            why = error.strerror
        else:
            return listener
    ports = f"port {first}" if first == last else f"any port from {first} to {last}"
    sys.exit(f"cannot listen on {ports} of {HOST}: {why}; choose another with --port, or stop the program that has it")


def _set_up(home: Path) -> None:
    """Everything argilla-server reads from the environment, and its working folder."""
    os.environ.update(
        ARGILLA_HOME_PATH=str(home),
        # Relative to the home, where we are: a path may hold signs that mean something in an address.
        ARGILLA_DATABASE_URL="sqlite+aiosqlite:///argilla.db?check_same_thread=False",
        ARGILLA_DATABASE_SQLITE_TIMEOUT="30",
        ARGILLA_SEARCH_ENGINE="embedded",
        ARGILLA_AUTH_SECRET_KEY=(home / "secret").read_text(),  # its default is a new one for every process
        ARGILLA_CORS_ORIGINS="[]",  # its default lets every web site ask
        ARGILLA_DOCS_ENABLED="false",  # that page loads scripts from elsewhere
        HF_HUB_DISABLE_TELEMETRY="1",
        HF_HUB_OFFLINE="1",
        DO_NOT_TRACK="1",
    )
    os.chdir(home)  # `.oauth.yaml` is looked for here
    scratch = home / "tmp"  # every start unpacks the web pages anew and never clears them away
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    tempfile.tempdir = str(scratch)


def _serve(home: Path, listener: socket.socket, state: State, announce: bool) -> None:
    from argilla_server.settings import settings

    if settings.enable_telemetry:
        sys.exit("telemetry is on although it was switched off; this release of argilla-server is not the locked one")
    from . import engine, jobs, notify, owner, pages, tables

    tables.prepare(home)
    engine.register()
    import argilla_server._app as argilla
    import uvicorn

    jobs.replace_redis(argilla)
    notify.skip_without_webhooks()
    pages.guard(argilla.app)
    asyncio.run(owner.ensure(json.loads((home / "owner.json").read_text())))

    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn hands them on after its own end; there is more to do
        signal.signal(number, lambda *_: None)
    config = uvicorn.Config(argilla.app, access_log=False, log_level="info", timeout_graceful_shutdown=5)
    server: Any = uvicorn.Server(config)
    begin = server.startup

    async def startup(sockets: Any = None) -> None:
        await begin(sockets=sockets)
        state.write(ready=True)
        if announce:
            print(f"the desk answers at {state.content['url']}", flush=True)

    server.startup = startup
    server.run(sockets=[listener])
    tables.close(home)
