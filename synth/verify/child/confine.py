"""How a process gives up, for good, what the code it is about to run must not have. Needs Linux, and no privilege.

Limits of resources, no capabilities, files only to read and only where Python lives (Landlock), and a list of allowed
system calls (seccomp). Where the kernel has no Landlock, no file can be opened at all, and only the modules in
`PRELOADED` can be imported.
"""

import ctypes
import importlib
import os
import resource
import signal
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from . import seccomp

PRELOADED = """
    abc array base64 binascii bisect cmath collections.abc contextlib copy csv dataclasses datetime decimal difflib enum
    fractions functools hashlib heapq inspect io itertools json keyword math numbers operator pprint queue random re
    secrets statistics string struct sys textwrap time types typing unicodedata unittest uuid zlib
"""

OPEN_FILES = 64

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_CAPSET = (126, 91)
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CAPABILITY_VERSION = 0x20080522

# Rights in the order of their bits; the number is how many a version of Landlock's interface knows.
_RIGHTS_BY_VERSION = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_NETWORK, _SCOPES = 0b11, 0b11

_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
_SHARED = ("/usr/share/zoneinfo", "/etc/localtime", "/dev/urandom", "/dev/zero")


@dataclass(frozen=True, kw_only=True)
class Cage:
    """`cpu_seconds` and `memory` (bytes of address space) of one process; without `landlock` no file is opened."""

    cpu_seconds: int
    memory: int
    landlock: bool


def confine(cage: Cage, parent: int) -> None:
    """Confine this process, which must have one thread; nothing it runs later can undo any of it.

    Raises:
        OSError: the kernel refuses a part of it; nothing may be run then.
    """
    for module in () if cage.landlock else PRELOADED.split():
        importlib.import_module(module)
    libc = ctypes.CDLL(None, use_errno=True)
    column = seccomp.column()
    # Whoever waits for the outcome may be killed; what it started must not go on alone.
    _call(libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "the signal at the parent's end")
    if os.getppid() != parent:
        os._exit(1)
    _limit(cage)
    _call(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _call(libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "protection from tracing")
    if cage.landlock:
        _landlock(libc, [*sys.path, os.path.join(sys.base_prefix, "lib"), *_LIBRARIES, *_SHARED])
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    _call(libc.syscall(_CAPSET[column], header, bytes(24)), "giving up capabilities")
    seccomp.restrict(libc, os.getpid(), files=cage.landlock)


def landlock_version() -> int:
    """The version of the kernel's Landlock interface; 0 where there is none."""
    version: int = ctypes.CDLL(None, use_errno=True).syscall(_CREATE_RULESET, None, 0, 1)
    return max(0, version)


def _limit(cage: Cage) -> None:
    limits = {
        resource.RLIMIT_AS: cage.memory,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))
    # First a signal that says why; a process that catches it is killed a second later.
    resource.setrlimit(resource.RLIMIT_CPU, (cage.cpu_seconds, cage.cpu_seconds + 1))


def _landlock(libc: ctypes.CDLL, readable: Sequence[str]) -> None:
    version = landlock_version()
    rights = (1 << _RIGHTS_BY_VERSION[min(version, max(_RIGHTS_BY_VERSION))]) - 1
    fields = [rights, _NETWORK if version >= 4 else 0, _SCOPES if version >= 6 else 0]
    size = 8 if version < 4 else 16 if version < 6 else 24
    attributes = struct.pack("=3Q", *fields)[:size]
    ruleset = _call(libc.syscall(_CREATE_RULESET, attributes, size, 0), "Landlock")
    for path in readable:
        if os.path.exists(path):
            _allow(libc, ruleset, path, _READ_FILE | (_READ_DIR if os.path.isdir(path) else 0))
    _allow(libc, ruleset, os.devnull, _READ_FILE | _WRITE_FILE)
    _call(libc.syscall(_RESTRICT_SELF, ruleset, 0), "Landlock")
    os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    _call(libc.syscall(_ADD_RULE, ruleset, 1, struct.pack("=Qi", rights, place), 0), f"Landlock for {path}")
    os.close(place)


def _call(result: int, what: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what} is refused here")
    return result
