"""One run at a time per step, so that two runs do not do the same work twice."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .files import Folder


@contextmanager
def locked(folder: Folder, name: str, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock `name` in `folder` while the block runs; `waiting` is called once if somebody else has it.

    On a local disk this is a POSIX record lock: the kernel frees it when its holder dies, also by kill -9, and a child
    process does not inherit it. Object stores have no
    such thing; there two runs of one step may both do it, which costs time and nothing else, because parts are put
    whole and are the same bytes.
    """
    if not folder.local:
        yield
        return
    os.makedirs(folder.path, exist_ok=True)
    with open(os.path.join(folder.path, f"{name}.lock"), "w") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.lockf(file, fcntl.LOCK_EX)
        yield
