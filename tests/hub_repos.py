"""The repositories behind the stand-in of the Hub: commits of files by the names that git gives them."""

import hashlib
import json
from dataclasses import dataclass, field

GITATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n*.safetensors filter=lfs diff=lfs merge=lfs -text\n"
LARGE = 10 << 20  # bytes from which any file is an LFS object


@dataclass(frozen=True)
class Blob:
    """A file of a commit; `lfs` is the SHA-256 of a large one."""

    data: bytes
    lfs: bool = False

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def oid(self) -> str:
        """What git calls it: of a large file, the name of its pointer."""
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(self.data)}\n"
        stored = pointer.encode() if self.lfs else self.data
        return hashlib.sha1(b"blob %d\0" % len(stored) + stored).hexdigest()


@dataclass
class Repo:
    private: bool
    commits: dict[str, dict[str, Blob]] = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)
    head: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    def commit(self, files: dict[str, Blob], title: str) -> str:
        told = json.dumps([self.head, title, sorted((path, blob.oid) for path, blob in files.items())])
        self.head = hashlib.sha1(told.encode()).hexdigest()
        self.commits[self.head] = files
        self.titles.append(title)
        return self.head

    def resolve(self, revision: str) -> str | None:
        if revision == "main":
            return self.head
        found = self.tags.get(revision, revision)
        return found if found in self.commits else None


def new_repo(private: bool) -> Repo:
    repo = Repo(private)
    repo.commit({".gitattributes": Blob(GITATTRIBUTES)}, "initial commit")
    return repo


def is_lfs(path: str, size: int) -> bool:
    return size > 0 and (path.endswith((".parquet", ".safetensors")) or size >= LARGE)
