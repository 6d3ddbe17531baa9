"""The files at an address, on this machine or elsewhere, and what there is no input, with the reason."""

import os
import posixpath
import re
import stat
from collections import Counter
from collections.abc import Iterable
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.store import MARKER

from .formats import SUFFIXES, TABULAR, by_name
from .identity import WHOLE_FILE, WHOLE_INPUT, InputFile, local_stamp, remote_stamp

# Files that describe a data set and lie beside its data.
SIDECARS = {
    "dataset_info.json",
    "dataset_infos.json",
    "dataset_dict.json",
    "state.json",
    "version.json",
    "croissant.json",
}
CARD = "README.md"
SIGNS = "*?["
GIVE = "give a file, a folder, a glob or a URL such as s3://bucket/x"
STORE = "a store of gristmill"
UNKNOWN = "no known format"

LeftOut = dict[str, str]  # name -> why it is no input


class NoInput(Misuse):
    """There is nothing to read at an address; the message says what was found instead."""


def find_files(address: str) -> tuple[list[InputFile], LeftOut]:
    """The files at `address` in the order of their names, and what was left out.

    Raises:
        NoInput: as `Input.find` says.
    """
    if not address.strip():
        raise NoInput(f"the address of the input is empty; {GIVE}")
    path = local_path(address)
    files, left_out = _remote(address) if path is None else _local(address, path)
    return sorted(files, key=lambda file: (file.name, file.path)), left_out


def local_path(address: str) -> str | None:
    """The path that `address` means on this machine, or None if it is a URL of another place.

    A path is taken as it stands: `::`, `#` and `%` mean something in URLs only.
    """
    if not os.path.lexists(address):
        if found := re.match(r"(?:file|local):(?://)?(?=.)", address):
            address = address[found.end() :]
        elif "://" in address:
            return None
        address = os.path.expanduser(address)
    return os.path.join(os.getcwd(), address).rstrip("/") or "/"


def _local(address: str, path: str) -> tuple[list[InputFile], LeftOut]:
    left_out: LeftOut = {}
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        mode = 0
    except OSError as error:
        raise NoInput(f"{address} cannot be opened: {error.strerror}") from error
    if stat.S_ISDIR(mode):
        root, names = path, _choose(_walk(path, left_out), left_out)
    elif stat.S_ISREG(mode):
        root, names = os.path.split(path)[0], [os.path.basename(path)]
    elif mode:
        raise NoInput(f"{address} is {_kind(mode)}, and only files can be read twice; write what it gives to a file")
    elif any(sign in path for sign in SIGNS):
        root = _fixed(path)
        found = (full for full in LocalFileSystem().glob(path) if not os.path.isdir(full))
        names = _outside_stores(root, [os.path.relpath(full, root) for full in found], left_out)
    else:
        raise NoInput(f"there is nothing at {address}; {GIVE}")
    files = _local_files(root, names, left_out)
    if not files:
        raise NoInput((_nothing_in if stat.S_ISDIR(mode) else _no_match)(address, left_out))
    return files, left_out


def _walk(root: str, left_out: LeftOut) -> list[str]:
    """Everything in a folder that is no folder, by its path from there, but for hidden folders, stores and links."""
    names: list[str] = []

    def unlisted(error: OSError) -> None:
        left_out[os.path.relpath(error.filename, root)] = f"cannot be listed: {error.strerror}"

    for folder, folders, files in os.walk(root, onerror=unlisted):
        below = "" if folder == root else os.path.relpath(folder, root)
        if MARKER in files:
            left_out[below or "."] = STORE
            folders.clear()
            continue
        folders[:] = [name for name in folders if not _hidden(name)]
        left_out |= {
            os.path.join(below, name): "a link to a folder"
            for name in folders
            if os.path.islink(os.path.join(folder, name))
        }
        names += [os.path.join(below, name) for name in files]
    return names


def _outside_stores(root: str, names: Iterable[str], left_out: LeftOut) -> list[str]:
    """Names that a glob matched, without those in a store below its fixed folder: nobody named that store."""
    inside: dict[str, str] = {}  # folder -> the store that it lies in, if any

    def store_of(folder: str) -> str:
        if folder and folder not in inside:
            mine = os.path.lexists(os.path.join(root, folder, MARKER))
            inside[folder] = folder if mine else store_of(os.path.dirname(folder))
        return inside.get(folder, "")

    outside = [name for name in names if not store_of(os.path.dirname(name))]
    left_out |= {store: STORE for store in inside.values() if store}
    return outside


def _local_files(root: str, names: Iterable[str], left_out: LeftOut) -> list[InputFile]:
    """Regular files and links to them; opening a pipe would wait for ever."""
    states: dict[str, os.stat_result | None] = {}
    for name in names:
        try:
            state = os.stat(os.path.join(root, name))
        except OSError:  # a link that leads nowhere: reading it says so
            states[name] = None
        else:
            if stat.S_ISREG(state.st_mode):
                states[name] = state
            else:
                left_out[name] = _kind(state.st_mode)
    all_whole = sum(state.st_size for state in states.values() if state) <= WHOLE_INPUT
    files = []
    for name, known in states.items():
        path = os.path.join(root, name)
        if known is None:
            files.append(InputFile(shown(name), path, 0, ""))
            continue
        whole = all_whole or known.st_size <= WHOLE_FILE
        stamp = local_stamp(path, known.st_size, known.st_mtime_ns, whole)
        files.append(InputFile(shown(name), path, known.st_size, stamp, known.st_mtime_ns))
    return files


def shown(name: str) -> str:
    """A name of the filesystem as text that every encoding can write; its bytes need not be UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _remote(address: str) -> tuple[list[InputFile], LeftOut]:
    left_out: LeftOut = {}
    try:
        fs, path = fsspec.core.url_to_fs(address)
    except (ValueError, ImportError, OSError) as error:
        raise NoInput(f"the address {address} cannot be opened: {error}") from error
    fs.invalidate_cache()
    if fs.isfile(path):
        found = {path: fs.info(path)}
        names = {posixpath.basename(path): path}
    elif fs.isdir(path):
        root, found = path.rstrip("/"), fs.find(path, detail=True)
        every = {posixpath.relpath(full, root or "/"): full for full in found}
        stores = {posixpath.dirname(name) for name in every if posixpath.basename(name) == MARKER}
        left_out |= {store or ".": STORE for store in stores}
        outside = [name for name in every if not stores & {"", *_above(name)}]
        names = {name: every[name] for name in _choose(outside, left_out)}
    elif any(sign in path for sign in SIGNS):
        root = _fixed(path)
        found = {full: info for full, info in fs.glob(path, detail=True).items() if info["type"] == "file"}
        names = {posixpath.relpath(full, root or "/"): full for full in found}
        if not names:
            raise NoInput(_no_match(address, left_out))
    else:
        raise NoInput(f"there is nothing at {address}; {GIVE}")
    if not names:
        raise NoInput(_nothing_in(address, left_out))
    return [_remote_file(fs, full, name, found[full]) for name, full in names.items()], left_out


def _above(name: str) -> list[str]:
    """The folders in which `a/b/c` lies: `a/b` and `a`."""
    parts = name.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def _remote_file(fs: Any, path: str, name: str, info: dict[str, Any]) -> InputFile:
    return InputFile(name, path, int(info.get("size") or 0), remote_stamp(fs, path, info), None, fs)


def _fixed(pattern: str) -> str:
    """The folder of a glob above its first sign."""
    return posixpath.dirname(pattern[: min(pattern.index(sign) for sign in SIGNS if sign in pattern)])


def _choose(names: Iterable[str], left_out: LeftOut) -> list[str]:
    """Which files of a folder are input, by their names."""
    seen = [name for name in names if not _hidden(name)]
    tabular = {posixpath.dirname(name) for name in seen if by_name(name) in TABULAR}
    chosen = []
    for name in seen:
        if not by_name(name):
            left_out[name] = UNKNOWN
        elif _describes(name, tabular):
            left_out[name] = "describes the data"
        else:
            chosen.append(name)
    return chosen


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in name.split("/"))


def _describes(name: str, tabular: set[str]) -> bool:
    """Whether a file only describes data beside it: a card, a schema, or a cache that `datasets` left."""
    folder, base = posixpath.split(name)
    if base in SIDECARS or (base.startswith("cache-") and base.endswith(".arrow")):
        return True
    return base == CARD and (folder in tabular or posixpath.join(folder, "data") in tabular)


def _no_match(address: str, left_out: LeftOut) -> str:
    but = f" but {_seen(left_out)}" if left_out else ""
    return f"no file matches {address}{but}; check the pattern, and quote it so that no shell expands it"


def _nothing_in(address: str, left_out: LeftOut) -> str:
    known = ", ".join(sorted(suffix for suffixes in SUFFIXES.values() for suffix in suffixes))
    if not left_out:
        return f"the folder {address} holds no files; known formats are {known}"
    if left_out.get(".") == STORE:
        return f"the folder {address} is {STORE}; its rows lie in versions/NAME/VERSION/data"
    return (
        f"the folder {address} holds no file in a known format; it holds {_seen(left_out)}; known formats are {known}"
    )


def _seen(left_out: LeftOut) -> str:
    kinds = Counter(
        posixpath.splitext(name)[1] or posixpath.basename(name) if why == UNKNOWN else why
        for name, why in left_out.items()
    )
    return ", ".join(f"{shown(kind)} ({count})" for kind, count in kinds.most_common(8))
