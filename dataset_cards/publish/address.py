"""Publishing to a folder or any fsspec address: rows first, SHA256SUMS last, and everything read back."""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..cards.plain import size
from ..versions.errors import Damaged, Misuse
from ..versions.files import Folder, json_bytes
from ..versions.version import sha256
from .package import Item, Package

CLAIM = ".publishing.json"  # what is on its way, so that nobody brings something else meanwhile
_BUCKETS = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "obs", "cos", "r2"})
_NOWHERE = frozenset({"http", "https", "memory", "data", "github"})  # only read, or gone with the command
_CHOICE = "hf://org/name, an address such as s3://bucket/prefix, or a folder"
SMALL = 1 << 22  # bytes that are read back in one piece
TRIES = 2  # per file, where what is read back is not what was sent


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What lies at the address now; `there` was there before this run."""

    address: str
    sent: tuple[Item, ...]
    there: tuple[Item, ...]


def keeps(address: str) -> None:
    """Complain about an address that keeps nothing, before hours go into what would be brought there.

    Raises:
        Misuse: it has no `//`, can only be read, is gone with the command, or cannot be opened.
    """
    if re.match(r"\w[\w+.-]*:(?!//)", address):
        raise Misuse(f"--to {address} is no address, since // is missing, and for a folder write ./{address}")
    if not _NOWHERE.isdisjoint(_protocols(_opened(address))):
        raise Misuse(f"--to {address}: nothing can be kept there; give {_CHOICE}")


def destination(address: str, package: Package) -> Folder:
    """The folder of the version below an address: `address/NAME/VERSION`.

    Raises:
        Misuse: the address is empty, of an unknown kind, or of one whose driver is not installed.
    """
    return _opened(address) / package.version.name / package.version.version


def _opened(address: str) -> Folder:
    if not address.strip():
        raise Misuse(f"--to is empty; give {_CHOICE}")
    try:
        return Folder.at(address)
    except (ImportError, ValueError) as error:
        raise Misuse(f"--to {address} cannot be opened: {error}; give {_CHOICE}") from error


def _protocols(folder: Folder) -> tuple[str, ...]:
    told = folder.fs.protocol
    return told if isinstance(told, tuple) else (told,)


def _has_bucket(target: Folder) -> None:
    """Complain about a bucket that is not there: drivers make one without asking who may read it.

    Raises:
        FileNotFoundError: naming it.
    """
    bucket = target.path.split("/")[0]
    if not _BUCKETS.isdisjoint(_protocols(target)) and not target.fs.exists(bucket):
        raise FileNotFoundError(f"there is no bucket {bucket} that you may see; make it first, or check the address")


def plan(target: Folder, package: Package) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """What would go, and what is there already; changes nothing.

    Raises:
        FileExistsError: something else lies there, or is on its way there.
    """
    _has_bucket(target)
    begun = _begun(target, package)
    if not begun and _complete(target, package):
        return (), package.items
    there = tuple(item for item in package.items if begun and _is_there(target, item))
    return tuple(item for item in package.items if item not in there), there


def publish(target: Folder, package: Package, tell: Callable[[str], None] = lambda said: None) -> Brought:
    """Bring a package to a folder and read every byte back; what lies there already is not sent again.

    Raises:
        FileExistsError: something else lies there, or is on its way there.
        FileNotFoundError: there is no such bucket.
        ConnectionError: a file was read back otherwise than it was sent.
    """
    _has_bucket(target)
    if not _begun(target, package) and _complete(target, package):
        return Brought(address=str(target), sent=(), there=package.items)
    with _written(target), _alone(target):
        # Whoever was at it may be done by now, so this is looked at again once nobody else can begin.
        if _claim(target, package) and _done_by_others(target, package):
            return Brought(address=str(target), sent=(), there=package.items)
        sent, there = [], []
        for item in package.items:
            if _is_there(target, item):
                there.append(item)
                continue
            tell(f"sending {item.path}, {size(item.size)}")
            _bring(target, package, item)
            sent.append(item)
        _release(target)
    return Brought(address=str(target), sent=tuple(sent), there=tuple(there))


def _bring(target: Folder, package: Package, item: Item) -> None:
    for _ in range(TRIES):
        with package.open(item) as source, target.create(item.path) as out:
            while block := source.read(1 << 22):
                out.write(block)
        if _is_there(target, item):
            return
    raise ConnectionError(
        f"{target}/{item.path} was read back {TRIES} times otherwise than it was sent: the way there or the disk is "
        f"damaged, or {package.version.folder}/{item.path} is; see `gristmill verify {package.version.ref}`"
    )


def _is_there(target: Folder, item: Item) -> bool:
    """Whether a file is there with these bytes, all of which are read."""
    target.fs.invalidate_cache()
    path = f"{target.path}/{item.path}"
    try:
        if target.fs.info(path)["size"] != item.size:
            return False
        if item.size <= SMALL:  # one request where opening takes several
            return hashlib.sha256(target.fs.cat_file(path)).hexdigest() == item.sha256
        with target.open(item.path) as file:
            return sha256(file) == item.sha256
    except FileNotFoundError:
        return False


def _files(target: Folder) -> set[str]:
    """What lies there, without what is being written."""
    names = {path: path.rpartition("/")[2] for path in target.files() if path != CLAIM}
    return {path for path, name in names.items() if not (name.startswith(".") and name.endswith(".partial"))}


def _complete(target: Folder, package: Package) -> bool:
    """Whether everything lies there, and nothing else; False where nothing does.

    Raises:
        FileExistsError: something else lies there.
    """
    if not _files(target):
        return False
    if other := [item.path for item in package.items if not _is_there(target, item)]:
        raise FileExistsError(
            f"{target} has other content: {', '.join(other[:5])}{' and more' if len(other) > 5 else ''} missing or "
            "not the same; what is published stays as it is: choose another version or address, or delete it by hand "
            "if nobody can have used it"
        )
    return True


def _done_by_others(target: Folder, package: Package) -> bool:
    """Whether somebody brought everything before our claim, which is then taken back."""
    done = True
    try:
        done = _complete(target, package)
    finally:
        if done:
            _release(target)
    return done


def _begun(target: Folder, package: Package) -> bool:
    """Whether this very content is on its way there, or was and was cut.

    Raises:
        FileExistsError: another content is, or files lie there that are not of this version.
    """
    if strange := sorted(_files(target) - package.paths):
        raise FileExistsError(
            f"{target} has {', '.join(strange[:5])}, which is not of {package.version.ref}; give another address, or "
            "move it away"
        )
    if not target.exists(CLAIM):
        return False
    try:
        begun = json.loads(target.read_bytes(CLAIM))
    except FileNotFoundError:  # who made it is done
        return False
    except ValueError as error:
        raise Damaged(
            f"{target}/{CLAIM} is damaged ({error}); delete {target} and run the same command again"
        ) from error
    if begun != _mark(package):
        raise FileExistsError(
            f"{target}: another content of {package.version.ref} is on its way there or was cut; wait until it is "
            f"done, or, if nobody is at it any more, delete {target} and run the same command again"
        )
    return True


def _mark(package: Package) -> dict[str, str]:
    return {"publishing": package.version.ref, "sums": package.items[-1].sha256}


@contextmanager
def _written(target: Folder) -> Iterator[None]:
    """Names the address where a disk is full: the error itself names no place."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(
            f"{target} cannot be written: {error.strerror}; mend that and run the same command again: what has "
            "arrived is not sent twice"
        ) from error


@contextmanager
def _alone(target: Folder) -> Iterator[None]:
    """On a disk, one publisher at a time; what a killed one left half-written is swept away."""
    target.fs.makedirs(target.path, exist_ok=True)
    if not target.local:
        yield
        return
    held = os.open(target.path, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)  # of the folder itself, so that no lock stays behind in it
        target.sweep()
        yield
    finally:
        os.close(held)


def _claim(target: Folder, package: Package) -> bool:
    """Say what is on its way, and whether nobody had said so before.

    At most one content can be on its way where a file can be made only if there is none, as on S3 and on a disk.

    Raises:
        FileExistsError: another content is on its way.
    """
    if _begun(target, package):
        return False
    try:
        if target.local:  # nobody else is in here
            target.write_bytes(CLAIM, json_bytes(_mark(package)))
        else:
            target.fs.pipe_file(f"{target.path}/{CLAIM}", json_bytes(_mark(package)), mode="create")
    except FileExistsError:
        return not _begun(target, package)
    return True


def _release(target: Folder) -> None:
    target.fs.invalidate_cache()
    try:
        target.fs.rm_file(f"{target.path}/{CLAIM}")
    except FileNotFoundError:
        return  # another publisher of the same content was done first
