"""Which system calls a confined process may make: a list of what is allowed, compiled to a BPF filter for seccomp.

Not on the list, so refused with "operation not permitted": sockets of any kind, new processes and threads, other
programs, signals to others, tracing, mounts, owners and modes of files, io_uring, shared memory, keys, modules.
See seccomp(2). Numbers are the kernel's for x86-64 and 64-bit ARM, `name:x86-64:arm64`; -1 where there is none.
"""

import ctypes
import errno
import platform
import struct
from collections.abc import Iterable

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column, AUDIT_ARCH_*


def _numbers(table: str) -> dict[str, tuple[int, int]]:
    cells = (entry.split(":") for entry in table.split())
    return {name: (int(x86), int(arm)) for name, x86, arm in cells}


# What an interpreter needs that computes, reads and writes open files, waits, and ends.
_RUN = _numbers(
    """
    read:0:63  write:1:64  readv:19:65  writev:20:66  pread64:17:67  pwrite64:18:68  close:3:57  lseek:8:62
    dup:32:23  dup2:33:-1  dup3:292:24  pipe:22:-1  pipe2:293:59  poll:7:-1  ppoll:271:73  select:23:-1
    pselect6:270:72  fstat:5:80  mmap:9:222  mprotect:10:226  munmap:11:215  mremap:25:216  madvise:28:233
    brk:12:214  futex:202:98  restart_syscall:219:128  rt_sigaction:13:134  rt_sigprocmask:14:135
    rt_sigreturn:15:139  rt_sigpending:127:136  rt_sigsuspend:130:133  rt_sigtimedwait:128:137
    sigaltstack:131:132  alarm:37:-1  getitimer:36:102  setitimer:38:103  nanosleep:35:101
    clock_nanosleep:230:115  clock_gettime:228:113  clock_getres:229:114  gettimeofday:96:169  time:201:-1
    times:100:153  getrusage:98:165  sysinfo:99:179  uname:63:160  getpid:39:172  gettid:186:178  getuid:102:174
    geteuid:107:175  getgid:104:176  getegid:108:177  getgroups:115:158  umask:95:166  sched_yield:24:124
    sched_getaffinity:204:123  getrandom:318:278  exit:60:93  exit_group:231:94
    """
)
# What it takes to open and look at files; what may be opened is Landlock's part.
_FILES = _numbers(
    """
    open:2:-1  openat:257:56  stat:4:-1  lstat:6:-1  newfstatat:262:79  statx:332:291  access:21:-1
    faccessat:269:48  readlink:89:-1  readlinkat:267:78  getdents64:217:61  getcwd:79:17  chdir:80:49
    """
)
# "No such call" makes the C library take an older one, which the lists above decide about.
_ABSENT = _numbers("clone3:435:435  openat2:437:437  faccessat2:439:439")
# Allowed with some values of one argument. The other values reach other processes: fcntl can have a signal sent to one,
# prlimit64 can lower its limits.
_IOCTL, _FCNTL, _PRLIMIT, _TGKILL = _numbers("ioctl:16:29 fcntl:72:25 prlimit64:302:261 tgkill:234:131").values()
_TCGETS, _FIONBIO, _FIONCLEX, _FIOCLEX = 0x5401, 0x5421, 0x5450, 0x5451
_DUP_AND_FLAGS = (0, 1, 2, 3, 4, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC

_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000
_KILL = 0x80000000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def column() -> int:
    """Which column of the tables is this machine's.

    Raises:
        OSError: none is.
    """
    if platform.machine() not in _ARCHITECTURES:
        raise OSError(f"no list of system calls for {platform.machine()}; there are {', '.join(_ARCHITECTURES)}")
    return _ARCHITECTURES[platform.machine()][0]


def restrict(libc: ctypes.CDLL, pid: int, files: bool) -> None:
    """From here on this thread, and every one it could start, makes no call that is not on the list.

    Without `files` none can be opened either.

    Raises:
        OSError: the kernel takes no filter, or no list is known for this machine.
    """
    program = _filter(pid, files)
    code = ctypes.create_string_buffer(program)
    handle = _Program(len(program) // 8, ctypes.cast(code, ctypes.c_void_p))
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(handle), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp is refused here")


def _filter(pid: int, files: bool) -> bytes:
    at = column()
    allowed = [numbers[at] for table in (_RUN, _FILES if files else {}) for numbers in table.values()]
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _ARCHITECTURES[platform.machine()][1]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, 0x40000000),  # the x32 calls, which have numbers of their own
        (_RETURN, 0, 0, _KILL),
    ]
    for number in allowed:
        if number >= 0:
            program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    for numbers in _ABSENT.values():
        program += [(_EQUAL, 0, 1, numbers[at]), (_RETURN, 0, 0, _REFUSE | errno.ENOSYS)]
    program += _only(_IOCTL[at], 1, (_TCGETS, _FIONBIO, _FIONCLEX, _FIOCLEX))
    program += _only(_FCNTL[at], 1, _DUP_AND_FLAGS)
    program += _only(_PRLIMIT[at], 0, (0, pid))
    program += _only(_TGKILL[at], 0, (pid,))
    program.append((_RETURN, 0, 0, _REFUSE | errno.EPERM))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _only(number: int, place: int, values: Iterable[int]) -> list[tuple[int, int, int, int]]:
    checks = [step for value in values for step in ((_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW))]
    body = [(_LOAD, 0, 0, _ARGUMENTS + 8 * place), *checks, (_RETURN, 0, 0, _REFUSE | errno.EPERM)]
    return [(_EQUAL, 0, len(body), number), *body]
