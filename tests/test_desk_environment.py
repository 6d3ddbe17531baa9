"""The server's own environment is made whole or not at all, from exactly the locked bytes; old databases are upgraded.

What is installed here is one tiny package, with no network; that the real lock installs, every other desk test shows.
"""

import hashlib
import sqlite3
import subprocess
import threading
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from annotation.desk.desk import DeskError
from annotation.desk.environment import environment
from annotation.desk.home import serve, stop
from tests.desk_server import Client

OLD = "660d6c6b3360"  # the tables of argilla-server 2.4


def wheel(folder: Path) -> Path:
    """A package that holds one module."""
    folder.mkdir()
    path = folder / "tiny-1.0-py3-none-any.whl"
    info = "tiny-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("tiny.py", "here = True\n")
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", f"tiny.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path


def test_an_install_that_failed_is_made_again_and_of_two_at_once_one_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = wheel(tmp_path / "wheels")
    lock = tmp_path / "lock.txt"
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    lock.write_text(f"tiny==1.0 \\\n    --hash=sha256:{digest}\n")
    monkeypatch.setenv("GRISTMILL_DESK_ENV", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))

    good = package.read_bytes()
    with zipfile.ZipFile(package, "a") as file:
        file.writestr("more.py", "other = bytes\n")
    with pytest.raises(DeskError, match=r"(?s)put that right and run the same command again.*HASH"):
        environment(print, lock)
    package.write_bytes(good)

    said: list[list[str]] = [[], []]
    found: list[Path] = []

    def make(number: int) -> None:
        found.append(environment(said[number].append, lock))

    threads = [threading.Thread(target=make, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1]
    subprocess.run([found[0], "-I", "-c", "import tiny; assert tiny.here"], check=True)
    waited, installed = sorted(said, key=len)
    assert waited in ([], ["somebody else is installing the annotation server; waiting for them"])
    assert "is installed, in" in installed[-1]

    quiet: list[str] = []
    assert environment(quiet.append, lock) == found[0]
    assert quiet == []


def test_an_old_database_is_upgraded_on_a_copy_and_kept(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    made = "import alembic.config, argilla_server.database as d;" + (
        f"alembic.config.main(argv=['-c', d.ALEMBIC_CONFIG_FILE, 'upgrade', '{OLD}'])"
    )
    around = {"ARGILLA_HOME_PATH": str(home), "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    subprocess.run([environment(print), "-I", "-W", "ignore", "-c", made], env=around, check=True, capture_output=True)
    with closing(sqlite3.connect(home / "argilla.db")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute(
            "INSERT INTO workspaces (id, name, inserted_at, updated_at) VALUES (?, 'kept', '2024-01-01', '2024-01-01')",
            ("0" * 32,),
        )
        database.commit()
    (home / "argilla.db.new").write_bytes(b"left by somebody who was killed in an upgrade")
    (home / "server.lock").touch()
    try:
        running = serve(home, 0, print)
        names = [one["name"] for one in Client.owner(running).get("/me/workspaces")["items"]]
        assert names == ["kept"]
    finally:
        stop(home)
    assert not (home / "argilla.db.new").exists()
    with closing(sqlite3.connect(home / f"argilla.db.{OLD}")) as before:
        assert before.execute("SELECT version_num FROM alembic_version").fetchone() == (OLD,)
        assert before.execute("SELECT name FROM workspaces").fetchone() == ("kept",)
