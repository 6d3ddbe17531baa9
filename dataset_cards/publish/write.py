"""Writing the documents of a version into its folder, or beside it where the store cannot be written."""

import errno
from collections.abc import Mapping

from ..verify import SUMS
from ..versions.files import Folder
from ..versions.lock import locked
from ..versions.store import Store
from ..versions.version import DatasetVersion
from .package import RECORD, Package


def write_inside(store: Store, package: Package) -> list[str]:
    """The documents into the folder of the version; rows and version.json stay as they are, SHA256SUMS comes last.

    A run that is killed leaves what `gristmill verify` names until it is run again.

    Raises:
        PermissionError: the store cannot be written.
    """
    version = package.version
    try:
        with locked(store.root / "locks", f"versions.{version.name}", lambda: None):
            documents = _documents(package)
            for path in _written_before(version) - package.paths:
                _remove(version.folder, path)
            for path in sorted(documents, key=lambda one: one == SUMS):
                version.folder.write_bytes(path, documents[path])
    except OSError as error:
        if isinstance(error, PermissionError) or error.errno == errno.EROFS:
            raise PermissionError(
                f"the documents of {version.ref} cannot be written to {version.folder}: {error.strerror or error}; "
                "give --to FOLDER to have them elsewhere; `gristmill card publish` needs no writing at all"
            ) from error
        raise
    return sorted(documents)


def write_beside(package: Package, address: str) -> list[str]:
    """The documents into another folder."""
    documents, folder = _documents(package), Folder.at(address)
    for path in sorted(documents, key=lambda one: one == SUMS):
        folder.write_bytes(path, documents[path])
    return sorted(documents)


def _documents(package: Package) -> Mapping[str, bytes]:
    return {item.path: package.read(item) for item in package.items if item.origin != "frozen"}


def _written_before(version: DatasetVersion) -> set[str]:
    """The documents of an earlier rendering, by the sums that were written with them."""
    if not version.folder.exists(SUMS):
        return set()
    lines = version.folder.read_bytes(SUMS).decode("utf-8", "replace").splitlines()
    frozen = {file["path"] for file in version.json["files"]} | {RECORD, SUMS}
    named = {line.partition("  ")[2] for line in lines} - frozen
    return named & set(version.folder.files())


def _remove(folder: Folder, path: str) -> None:
    folder.fs.rm_file(f"{folder.path}/{path}")
