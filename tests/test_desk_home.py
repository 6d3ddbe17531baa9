"""A desk started, looked at, stopped, killed and started again, by the command and from Python."""

import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from annotation.desk.desk import DeskError
from annotation.desk.home import Running, Stopped, foreground, serve, status, stop
from annotation.desk.owner import owner
from dataset_cards.versions.errors import Misuse
from tests.desk_server import Client, answer, dataset, responses
from tests.shell import gristmill


def test_a_desk_lives_through_stops_kills_and_moved_clocks(tmp_path: Path) -> None:
    home = tmp_path / "a home? with #odd% signs"
    try:
        first = serve(home, 0, print)
        client = Client.owner(first)
        at, ids = dataset(client, records=8, answers=1)
        who = owner(home)
        session = client.sign_in(who["username"], who["password"])
        assert answer(client, ids[0]) is None

        assert stop(home)
        assert status(home) == Stopped(home=home)
        assert not stop(home)
        (tmp_path / "copy.db").write_bytes((home / "argilla.db").read_bytes())  # this one file is all of it
        with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
            assert copy.execute("SELECT count(*) FROM responses").fetchone() == (1,)
        database = sqlite3.connect(home / "argilla.db")
        # As a kill between an answer and the status of its record leaves it.
        database.execute("UPDATE records SET status = 'pending'")
        database.commit()
        database.close()

        # A machine that went down leaves the id of a process that may be anybody's now.
        with subprocess.Popen(["sleep", "60"]) as other:
            state = json.loads((home / "server.json").read_text())
            (home / "server.json").write_text(json.dumps(state | {"pid": other.pid, "ready": True}))
            assert status(home) == Stopped(home=home)
            assert not stop(home)
            again = serve(home, None, print)
            assert other.poll() is None
            other.kill()
        assert again.url == first.url
        assert again.owner_key == first.owner_key
        assert session.get("/me")["username"] == "owner"  # who was signed in still is
        assert client.get(at + "/progress")["completed"] == 1

        written: list[str] = []
        for number in range(1, 8):
            if number == 4:
                os.kill(again.pid, signal.SIGKILL)
                os.waitpid(again.pid, 0)
                assert status(home) == Stopped(home=home)
                again = serve(home, None, print)
            assert answer(client, ids[number]) is None
            written.append(ids[number])
        assert sum(map(len, responses(client, at))) == 8
        assert serve(home, None, print).pid == again.pid
        with pytest.raises(Misuse, match="stop that"):
            serve(home, 1, print)

        assert stop(home)
        (home / "owner.json").unlink()  # lost: a new one is made, and the old one is worth nothing
        anew = serve(home, None, print)
        assert anew.owner_key != first.owner_key
        assert client.ask("GET", "/me").status == 401
        assert len(responses(Client.owner(anew), at)) == 8
    finally:
        stop(home)


def test_a_port_that_is_taken_is_said_with_the_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DeskError, match=rf"port {port} of 127.0.0.1.*choose another with --port"):
            serve(tmp_path / "home", port, print)
    assert status(tmp_path / "home") == Stopped(home=tmp_path / "home")


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    tmp_path.chmod(0o755)
    with pytest.raises(Misuse, match="is not empty and is no desk's home"):
        serve(tmp_path, 0, print)
    assert [one.name for one in tmp_path.iterdir()] == ["thesis.tex"]
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    with pytest.raises(Misuse, match="is a file"):
        serve(tmp_path / "thesis.tex", 0, print)


def test_the_command_starts_shows_and_stops_a_desk(tmp_path: Path) -> None:
    def desk(*words: str) -> tuple[int, str, str]:
        done = gristmill(tmp_path, "desk", "serve", *words)
        return done.returncode, done.stdout, done.stderr

    home = str(tmp_path / "gristmill-desk")
    try:
        assert desk("--status") == (0, f"no desk runs in {home}; start it with `gristmill desk serve`\n", "")
        code, out, err = desk("--port", "0")
        running = status(Path(home))
        assert isinstance(running, Running)
        assert (code, err) == (0, "starting the annotation server\n")
        assert out == f"the desk answers at {running.url}\nsign in with the name and password in {home}/owner.json\n"
        assert "runs already" in desk()[1]
        code, out, _ = desk("--status", "--json")
        told = json.loads(out)
        assert (code, told["running"], told["url"], told["version"]) == (0, True, running.url, "2.8.0")
        assert (told["users"], told["records"]) == (1, 0)
        assert running.owner_key not in out
        assert "1 users, 0 datasets" in desk("--status")[1]
        assert desk("--stop") == (0, f"stopped; the data stay in {home}\n", "")
        assert desk("--stop") == (0, f"no desk runs in {home}\n", "")
        code, _, err = desk("--stop", "--status")
        assert (code, "give one of them" in err) == (2, True)
    finally:
        stop(Path(home))


def test_in_the_foreground_the_command_is_the_server_and_ends_cleanly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gristmill", "desk", "serve", "--foreground", "--port", "0", "--home", "home"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert "the desk answers at http://127.0.0.1:" in server.stdout.readline()
        running = status(tmp_path / "home")
        assert isinstance(running, Running)
        assert running.pid == server.pid
        with pytest.raises(Misuse, match="is served already"):
            foreground(tmp_path / "home", None, print)
        server.send_signal(signal.SIGTERM)
        _, said = server.communicate(timeout=60)
        assert (server.returncode, "Traceback" in said) == (0, False)
    assert status(tmp_path / "home") == Stopped(home=tmp_path / "home")
