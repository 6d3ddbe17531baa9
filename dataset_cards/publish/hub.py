"""Publishing to the Hugging Face Hub: contents first, one commit, a tag for the version, and everything read back."""

import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from logging import ERROR
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, HfApi
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import logging
from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

from ..cards.plain import plural, size
from ..verify import SUMS
from ..versions.errors import Misuse
from .hub_calls import CHANGED, CONFLICT, Wait, in_words, patient, telling
from .hub_plan import Plan, Repository, fetch, is_there, look, same, tree
from .package import RECORD, Item, Package

Operation = CommitOperationAdd | CommitOperationCopy | CommitOperationDelete
PER_COMMIT = 1000  # files; the client's own upload never commits more at once
TRIES = 5  # commits that somebody else may come before
SPOOL = 2 << 30  # bytes of files from a store elsewhere that lie on this disk at once
SMALL = 1 << 20  # bytes up to which a file of a store elsewhere is held in memory
READ_BACK = ("README.md", RECORD, SUMS)


@dataclass(frozen=True, kw_only=True)
class Published:
    """What is on the Hub now.

    Attributes:
        url: of the tag, for people.
        sent: the files that this run brought; those before were there.
    """

    url: str
    commit: str
    sent: tuple[Item, ...]
    plan: Plan


def hub_api() -> HfApi:
    """The Hub at HF_ENDPOINT, or the public one; the token is HF_TOKEN or that of `hf auth login`."""
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, library_name="gristmill")


def plan(api: HfApi, target: Repository, package: Package, wait: Wait = time.sleep) -> Plan:
    """What `publish` would do now; changes nothing."""
    with in_words(f"looking at {target}"), _quiet():
        return look(api, target, package, wait)


def publish(
    api: HfApi,
    target: Repository,
    package: Package,
    *,
    private: bool = False,
    tell: Callable[[str], None] = lambda said: None,
    wait: Wait = time.sleep,
) -> Published:
    """Bring a package to a repository, tag it with its version, and read everything back.

    Contents go first and are kept by their hash, so that a run which was cut is gone on with; nobody sees a half
    version, since all files change in one commit (of more than `PER_COMMIT` files: the documents in the last one).

    Raises:
        FileExistsError: the tag stands for other files, or the repository is not for this dataset.
        ConnectionError: the Hub did not do it; the message says what it answered, and what to do.
        Misuse: the repository is public, and a private one was asked for.
    """
    patiently = telling(tell, wait)
    with _quiet():
        found = plan(api, target, package, patiently)
        if found.head is None:
            with in_words(f"making {target}"):
                patient(
                    lambda: api.create_repo(target.name, repo_type=target.type, private=private, exist_ok=True),
                    patiently,
                )
        found, commit, sent = _committed(api, target, package, private, tell, patiently)
        if found.tag is None:
            with in_words(f"reading {target} back"):
                _read_back(api, target, package, commit, patiently)  # a tag is hard to take back
            tell(f"tagging {commit[:12]} as {package.version.version}")
            with in_words(f"tagging {target}"):
                _tagged(api, target, package, commit, patiently)
        with in_words(f"reading {target} back"):
            _read_back(api, target, package, package.version.version, patiently)
    kind = "datasets/" if target.type == "dataset" else ""
    url = f"{api.endpoint}/{kind}{target.name}/tree/{package.version.version}"
    return Published(url=url, commit=found.tag or commit, sent=sent, plan=found)


def public(target: Repository) -> str:
    """What is said to those who want a private repository where there is a public one."""
    return f"{target} exists and is public, but --private was given; make it private in its settings first"


def _committed(
    api: HfApi, target: Repository, package: Package, private: bool, tell: Callable[[str], None], wait: Wait
) -> tuple[Plan, str, tuple[Item, ...]]:
    """A commit with exactly these files, the plan it fulfilled, and what was sent for it."""
    sent: dict[str, Item] = {}
    for _ in range(TRIES):
        found = plan(api, target, package, wait)
        if private and found.private is False:
            raise Misuse(public(target))
        if found.tag is not None:
            return found, found.tag, tuple(sent.values())
        if not found.send and not found.remove and found.head is not None:
            return found, found.head, tuple(sent.values())
        tell(f"sending {plural(len(found.send), 'file')}, {size(sum(item.size for item in found.send))}")
        try:
            with in_words(f"publishing {package.version.ref} to {target}"):
                commit = _send(api, target, package, found, wait)
        except _Overtaken:
            tell("somebody else changed the repository meanwhile; looking at it again")
            continue
        sent |= {item.path: item for item in found.send}
        if commit is not None:
            return found, commit, tuple(sent.values())
    raise ConnectionError(
        f"{target} was changed by somebody else {TRIES} times while {package.version.ref} was on its way; "
        "run the same command again when they are done"
    )


class _Overtaken(Exception):
    """The main branch is not what the commit was meant to follow."""


def _send(api: HfApi, target: Repository, package: Package, found: Plan, wait: Wait) -> str | None:
    """All contents, and then the commits that name them; the last commit.

    Raises:
        _Overtaken: there is another commit on the main branch.
    """
    head = found.head
    with tempfile.TemporaryDirectory(prefix="gristmill-") as spool:
        adds = list(_uploaded(api, target, package, found.send, Path(spool)))
        removes = [CommitOperationDelete(path_in_repo=path, is_folder=False) for path in found.remove]
        groups = [[*adds[start : start + PER_COMMIT]] for start in range(0, len(adds), PER_COMMIT)] or [[]]
        for number, group in enumerate(groups, 1):
            last = number == len(groups)
            message = f"{package.version.ref}" if last else f"{package.version.ref}, part {number} of {len(groups)}"
            operations = [*group, *(removes if last else ())]

            def commit(
                operations: list[Operation] = operations, message: str = message, head: str | None = head
            ) -> str:
                made = api.create_commit(
                    target.name, operations, repo_type=target.type, commit_message=message, parent_commit=head
                )
                return str(made.oid)

            try:
                head = patient(commit, wait)
            except HfHubHTTPError as error:
                if error.response.status_code in (CHANGED, CONFLICT):
                    raise _Overtaken from error
                raise
    return head


def _uploaded(
    api: HfApi, target: Repository, package: Package, items: Sequence[Item], spool: Path
) -> Iterator[CommitOperationAdd]:
    """What a commit adds, with large contents sent already; the files of a store elsewhere go over this disk."""
    local = package.version.folder.local
    group: list[CommitOperationAdd] = []
    held = 0
    for number, item in enumerate(items):
        content: str | bytes
        if item.content is not None:
            content = item.content
        elif local:
            content = os.path.join(package.version.folder.path, item.path)
        elif item.size <= SMALL:
            content = package.read(item)
        else:
            content = str(spool / str(number))
            with package.open(item) as source, open(content, "wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 22)
            held += item.size
        group.append(CommitOperationAdd(path_in_repo=item.path, path_or_fileobj=content))
        if held > SPOOL or (not local and number == len(items) - 1):
            _emptied(api, target, group, spool)
            yield from group
            group, held = [], 0
    yield from group


def _emptied(api: HfApi, target: Repository, group: list[CommitOperationAdd], spool: Path) -> None:
    """Send the large files of the group, and free the disk of what has been sent."""
    paths = [one.path_or_fileobj for one in group]
    api.preupload_lfs_files(target.name, group, repo_type=target.type, free_memory=True)
    for one, path in zip(group, paths, strict=True):
        if isinstance(path, str) and one.path_or_fileobj == b"" and Path(path).parent == spool:
            os.remove(path)


def _tagged(api: HfApi, target: Repository, package: Package, commit: str, wait: Wait) -> None:
    """The tag of the version; one that somebody else made meanwhile has to stand for the same files."""
    tag = package.version.version
    try:
        patient(
            lambda: api.create_tag(
                target.name, repo_type=target.type, tag=tag, revision=commit, tag_message=package.version.ref
            ),
            wait,
        )
    except HfHubHTTPError as error:
        if error.response.status_code != CONFLICT:
            raise
        same(target, package, tree(api, target, tag, wait), tag)


def _read_back(api: HfApi, target: Repository, package: Package, revision: str, wait: Wait) -> None:
    """Hold what stands behind a tag or commit against what was to go.

    Raises:
        ConnectionError: something did not arrive as it was sent.
    """
    there = tree(api, target, revision, wait)
    wrong = [item.path for item in package.items if not is_there(package, item, there.get(item.path))]
    for item in package.items:
        if (
            item.path in READ_BACK
            and item.path not in wrong
            and fetch(api, target, revision, item.path, wait) != package.read(item)
        ):
            wrong.append(item.path)
    if wrong:
        hidden = " (is it named in the repository's .gitignore?)" if any(path not in there for path in wrong) else ""
        raise ConnectionError(
            f"{target} at {revision} does not have {', '.join(wrong[:5])} as it was sent{hidden}; "
            f"mend that, delete the tag {package.version.version} if there is one, and run the same command again"
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """No warnings of the client, which show signed links; its bars only where somebody sees them."""
    before, bars = logging.get_verbosity(), not are_progress_bars_disabled()
    logging.set_verbosity(ERROR)
    if bars and not sys.stderr.isatty():
        disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(before)
        if bars:
            enable_progress_bars()
