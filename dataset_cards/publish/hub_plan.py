"""What publishing to a repository of the Hub would do: what is missing there, what goes away, what is not ours."""

import fnmatch
import hashlib
import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils._validators import validate_repo_id

from ..verify import SUMS
from ..versions.errors import Misuse
from .hub_calls import Wait, patient
from .package import RECORD, Item, Package

ROWS = "data/train-*"  # what the card tells `datasets` to read as the rows


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository of the Hub; its `type` is what the Hub calls it: `dataset` or `model`."""

    name: str
    type: str

    def __str__(self) -> str:
        return f"hf://{self.name}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be done.

    Attributes:
        head: the commit that was looked at; None where there is no repository yet.
        private: whether only some can see it; None where there is none yet.
        send, there: files of ours that are missing or other ones, and those that are there already.
        remove: files of the version before, which this one does not have.
        replace: files of the same names as ours, which no version before brought.
        foreign: files that are not ours; they stay.
        tag: the commit behind the tag of this version, with these very files; None where there is no such tag.
        before: the version that is on the main branch now.
    """

    head: str | None = None
    private: bool | None = None
    send: tuple[Item, ...] = ()
    there: tuple[Item, ...] = ()
    remove: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    tag: str | None = None
    before: str | None = None


def repository(address: str, kind: str) -> Repository:
    """The repository at `hf://org/name`.

    Raises:
        Misuse: it is no such address, or of another type than versions of this kind go to.
    """
    type_ = "model" if kind == "model" else "dataset"
    found = re.fullmatch(r"hf://(?:(datasets|models)/)?([\w.-]+/[\w.-]+)/?", address)
    if found is None:
        raise Misuse(f"--to {address}: write a repository of the Hub as hf://org/name; its tag will be the version")
    if found[1] and found[1] != f"{type_}s":
        raise Misuse(f"--to {address}: versions of kind {kind} go to a {type_} repository; write hf://{found[2]}")
    try:
        validate_repo_id(found[2])
    except HFValidationError as error:
        raise Misuse(f"--to {address}: the Hub takes no such name: {str(error).rstrip('.')}; give another") from error
    return Repository(name=found[2], type=type_)


def look(api: HfApi, target: Repository, package: Package, wait: Wait) -> Plan:
    """Compare what is there with what goes; changes nothing.

    Raises:
        FileExistsError: the tag stands for other files, or the repository is another dataset's, or has rows of its own.
    """
    try:
        info = patient(lambda: api.repo_info(target.name, repo_type=target.type), wait)
    except RepositoryNotFoundError:
        return Plan(send=package.items)
    if info.sha is None:
        return Plan(private=info.private, send=package.items)
    there = tree(api, target, info.sha, wait)
    before = _record(api, target, info.sha, there, wait)
    _ours(target, package, before)
    refs = patient(lambda: api.list_repo_refs(target.name, repo_type=target.type), wait)
    tag = next((ref.target_commit for ref in refs.tags if ref.name == package.version.version), None)
    if tag is not None:
        same(target, package, tree(api, target, tag, wait), tag)
    old = _listed(api, target, info.sha, there, wait) if before else frozenset()
    send = tuple(item for item in package.items if not is_there(package, item, there.get(item.path)))
    foreign = sorted(there.keys() - package.paths - old)
    if rows := [path for path in foreign if target.type == "dataset" and fnmatch.fnmatch(path, ROWS)]:
        raise FileExistsError(
            f"{target} has {', '.join(rows[:5])}, which is not of {package.version.ref} and would be read as its rows; "
            "delete it in the repository, or publish to another one"
        )
    return Plan(
        head=info.sha,
        private=info.private,
        send=send,
        there=tuple(item for item in package.items if item not in send),
        remove=tuple(sorted((old & there.keys()) - package.paths)),
        replace=tuple(item.path for item in send if item.path in there and item.path not in old),
        foreign=tuple(foreign),
        tag=tag,
        before=f"{before['name']}@{before['version']}" if before else None,
    )


def tree(api: HfApi, target: Repository, revision: str, wait: Wait) -> dict[str, RepoFile]:
    """The files at a revision by their paths."""

    def listed() -> list[Any]:
        return list(api.list_repo_tree(target.name, recursive=True, revision=revision, repo_type=target.type))

    return {one.path: one for one in patient(listed, wait) if isinstance(one, RepoFile)}


def is_there(package: Package, item: Item, found: RepoFile | None) -> bool:
    """Whether a file there is this item, by size and hash: SHA-256 of large files, git's SHA-1 of others."""
    if found is None or found.size != item.size:
        return False
    if found.lfs is not None:
        return bool(found.lfs.sha256 == item.sha256)
    data = package.read(item)
    return bool(found.blob_id == hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest())


def same(target: Repository, package: Package, there: dict[str, RepoFile], commit: str) -> None:
    """Complain unless the files behind the tag are those that go.

    Raises:
        FileExistsError: naming the first of the files that differ.
    """
    differ = [item.path for item in package.items if not is_there(package, item, there.get(item.path))]
    if differ:
        tag = package.version.version
        raise FileExistsError(
            f"{target} has a tag {tag} already (commit {commit[:12]}), and other files behind it: "
            f"{', '.join(differ[:5])}{' and more' if len(differ) > 5 else ''}; what is published stays as it is: "
            "choose another version, or delete the tag by hand if nobody can have used it"
        )


def fetch(api: HfApi, target: Repository, revision: str, path: str, wait: Wait) -> bytes:
    """The bytes of a small file at a revision, past any cache."""
    with tempfile.TemporaryDirectory() as cache:

        def got() -> str:
            return str(
                api.hf_hub_download(target.name, path, repo_type=target.type, revision=revision, cache_dir=cache)
            )

        return Path(patient(got, wait)).read_bytes()


def _record(
    api: HfApi, target: Repository, revision: str, there: dict[str, RepoFile], wait: Wait
) -> dict[str, Any] | None:
    """version.json of what is on the main branch; None where nothing of gristmill's is."""
    if RECORD not in there:
        return None
    data = fetch(api, target, revision, RECORD, wait)
    try:
        record = json.loads(data)
    except ValueError:
        return None
    ours = isinstance(record, dict) and {"gristmill", "name", "version", "digest"} <= record.keys()
    return record if ours else None


def _ours(target: Repository, package: Package, before: dict[str, Any] | None) -> None:
    if before and before["name"] != package.version.name:
        raise FileExistsError(
            f"{target} holds {before['name']}@{before['version']}; one repository is for the versions of one name, so "
            f"publish {package.version.ref} to another"
        )


def _listed(api: HfApi, target: Repository, revision: str, there: dict[str, RepoFile], wait: Wait) -> frozenset[str]:
    """What the version before says are its files, in its SHA256SUMS."""
    if SUMS not in there:
        return frozenset()
    lines = fetch(api, target, revision, SUMS, wait).decode("utf-8", "replace").splitlines()
    return frozenset(line.partition("  ")[2] for line in lines) | {SUMS}
