"""What a desk's home holds before its server first runs: how the owner signs in, and what sessions are signed with."""

import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from annotation.desk.desk import DeskError
from dataset_cards.versions.errors import Misuse


def furnished(home: Path) -> Path:
    """The folder, made absolute, with what a server needs in it, for nobody else to read.

    Raises:
        Misuse: the name is taken by a file, or by a folder with something else in it.
        DeskError: owner.json is damaged.
    """
    home = home.absolute()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = [one.name for one in home.iterdir()]
        served = "owner.json" in names or "server.lock" in names
        # Without either it was cut short while it was made, or is somebody's folder with other things in it.
        if not served and not all(name.startswith(("secret", "owner.json")) for name in names):
            raise Misuse(f"{home} is not empty and is no desk's home; name another folder with --home")
        home.chmod(0o700)
        _write_once(home / "secret", lambda: secrets.token_hex(32))
        _write_once(home / "owner.json", _new_owner)
    except (FileExistsError, NotADirectoryError) as error:
        raise Misuse(f"{home} is a file; name a folder with --home") from error
    owner(home)
    return home


def _new_owner() -> str:
    who = {"username": "owner", "password": secrets.token_urlsafe(15), "api_key": secrets.token_urlsafe(48)}
    return json.dumps(who, indent=1) + "\n"


def _write_once(path: Path, content: Callable[[], str]) -> None:
    """Write a file that only its owner may read, unless it is there; it is there whole or not at all."""
    if path.exists():
        path.chmod(0o600)
        return
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(new, path)
    except FileExistsError:
        pass  # somebody else was first, and theirs counts
    finally:
        new.unlink()


def owner(home: Path) -> Mapping[str, str]:
    """`username`, `password` and `api_key` of the desk's owner.

    Raises:
        DeskError: owner.json is missing or damaged.
    """
    path = home / "owner.json"
    try:
        read = json.loads(path.read_text())
        return {name: str(read[name]) for name in ("username", "password", "api_key")}
    except FileNotFoundError as error:
        raise DeskError(f"{path} is missing; stop the desk and serve it again, and a new owner is written") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DeskError(
            f"{path} is damaged; remove it, stop the desk and serve it again: the owner gets a new password and key"
        ) from error
