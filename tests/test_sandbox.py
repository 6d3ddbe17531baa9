"""Code under test can reach nothing outside its sandbox. That it cannot make itself right: test_sandbox_forgery.

Attacks run with Landlock, and again without it, as on a kernel that has none.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from synth.verify.sandbox import unguarded
from synth.verify.verdict import Verdict
from tests.sandboxed import SQUARE, TESTS, refused, run


def test_this_machine_can_guard_code() -> None:
    assert unguarded() == ""


def test_right_code_is_right_and_wrong_code_is_wrong(landlock: bool) -> None:
    assert run(SQUARE, landlock=landlock) == Verdict(outcome="right", reason="passes every test")
    assert run("def f(x): return x + x", landlock=landlock) == Verdict(
        outcome="wrong", reason="a test fails: line 2 of the tests"
    )


def test_no_process_and_no_thread_can_be_started(landlock: bool) -> None:
    attacks = [
        "import os; os.fork()",
        "import subprocess; subprocess.run(['/bin/true'])",
        "import os; os.execv('/bin/true', ['true'])",
        "import os; os.posix_spawn('/bin/true', ['true'], {})",
        "import threading; threading.Thread(target=print).start()",
    ]
    assert refused(attacks, landlock)


def test_a_fork_bomb_does_not_go_off() -> None:
    code = """
import os
def f(x):
    while True:
        try:
            os.fork()
        except OSError:
            pass
"""
    verdict = run(code)
    assert verdict == Verdict(outcome="wrong", reason="used more than 1 seconds of CPU")


def test_nothing_can_be_written(landlock: bool, tmp_path: Path) -> None:
    attacks = [
        "open('{folder}/new', 'w')",
        "open('{folder}/there', 'a')",
        "open('/dev/shm/gristmill-test', 'wb')",
        "import tempfile; tempfile.TemporaryFile()",
        "import os; os.truncate('{folder}/there', 0)",
        "import os; os.remove('{folder}/there')",
        "import os; os.rename('{folder}/there', '{folder}/gone')",
        "import os; os.mkdir('{folder}/made')",
        "import os; os.chmod('{folder}/there', 0)",
        "import os; os.utime('{folder}/there', (0, 0))",
        "import os; os.symlink('/etc/passwd', '{folder}/link')",
        "import os; os.link('{folder}/there', '{folder}/again')",
        "import os; os.mkfifo('{folder}/pipe')",
        "import os; os.memfd_create('memory')",
    ]
    there = tmp_path / "there"
    there.write_text("untouched")
    changed = there.stat().st_mtime_ns
    assert refused([attack.replace("{folder}", str(tmp_path)) for attack in attacks], landlock)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert there.read_text() == "untouched"
    assert there.stat().st_mtime_ns == changed


def test_no_secret_can_be_read(landlock: bool) -> None:
    attacks = [
        "open('/etc/passwd').read()",
        "open('/etc/shadow').read()",
        "open('/proc/self/environ').read()",
        f"open('/proc/{os.getpid()}/environ').read()",
        f"open('/proc/{os.getpid()}/mem', 'rb').read(1)",
        f"open('/proc/{os.getpid()}/cmdline').read()",
        "import os; os.listdir('/')",
        "import os; os.listdir('/proc')",
        f"open({str(Path(__file__).resolve())!r}).read()",
        "import os; os.open('/', os.O_PATH); os.open('/', os.O_RDONLY)",
        "import ctypes; ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0 or open('/etc/passwd')",
    ]
    assert refused(attacks, landlock)


def test_the_environment_is_empty(monkeypatch: pytest.MonkeyPatch, landlock: bool) -> None:
    monkeypatch.setenv("API_KEY", "sk-secret")
    code = "import os\ndef f():\n    return sorted(os.environ)"
    assert run(code, "assert f() == ['LC_ALL', 'PYTHONHASHSEED']", landlock).outcome == "right"


def test_no_file_of_the_parent_is_open_inside(tmp_path: Path) -> None:
    """Three standard streams on /dev/null and the two pipes of the questions."""
    code = """
import os
def f():
    count = 0
    for number in range(1000):
        try:
            os.fstat(number)
            count += 1
        except OSError:
            pass
    return count
"""
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        assert run(code, "assert f() == 5").outcome == "right"


@contextmanager
def listening(family: int, address: object) -> Iterator[list[object]]:
    """A server that notes who came."""
    came: list[object] = []
    with socket.socket(family, socket.SOCK_STREAM) as server:
        server.bind(address)
        server.listen()
        server.settimeout(0.2)

        def serve() -> None:
            while not done.is_set():
                try:
                    connection, who = server.accept()
                except TimeoutError:
                    continue
                came.append(who)
                connection.close()

        done = threading.Event()
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield [server.getsockname(), came]
        finally:
            done.set()
            thread.join()


def test_no_network_is_reached(landlock: bool) -> None:
    with listening(socket.AF_INET, ("127.0.0.1", 0)) as (address, came):
        host, port = address  # type: ignore[misc]
        attacks = [
            f"import socket; socket.create_connection(({host!r}, {port}))",
            f"import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ({host!r}, {port}))",
            "import socket; socket.getaddrinfo('localhost', 80)",
            "import socket; socket.socket(socket.AF_INET6)",
            "import socket; socket.socketpair()",
            "import ctypes; ctypes.CDLL(None).socket(2, 1, 0) >= 0 or open('/etc/shadow')",
            f"import urllib.request; urllib.request.urlopen('http://{host}:{port}')",
        ]
        assert refused(attacks, landlock)
        socket.create_connection((host, port)).close()  # the server does listen
        time.sleep(0.3)
        assert len(came) == 1  # type: ignore[arg-type]


def test_no_unix_socket_is_reached(tmp_path: Path, landlock: bool) -> None:
    path = str(tmp_path / "socket")
    with listening(socket.AF_UNIX, path) as (_, came):
        assert refused([f"import socket; socket.socket(socket.AF_UNIX).connect({path!r})"], landlock)
        assert came == []


def test_no_other_process_is_touched(landlock: bool) -> None:
    attacks = [
        f"import os; os.kill({os.getpid()}, 9)",
        f"import os; os.kill({os.getpid()}, 0)",
        "import os; os.kill(-1, 9)",
        "import os; os.killpg(0, 9)",
        f"import os; os.pidfd_open({os.getpid()})",
        f"import resource; resource.prlimit({os.getpid()}, resource.RLIMIT_CPU, (0, 0))",
        f"import os; os.setpriority(os.PRIO_PROCESS, {os.getpid()}, 19)",
        f"import fcntl; fcntl.fcntl(0, fcntl.F_SETOWN, {os.getpid()})",
        "import os; os.setuid(0); os.setns(0)",
        "import os; os.chroot('/')",
    ]
    assert refused(attacks, landlock)


def test_many_threads_examine_at_once_and_nothing_is_left_behind() -> None:
    def pair(n: int) -> list[str]:
        return [run(f"def f(x): return x + {n}", f"assert f(1) == {1 + n + wrong}").outcome for wrong in (0, 1)]

    before = set(os.listdir("/proc/self/fd"))
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(pair, range(6))) == [["right", "wrong"]] * 6
    assert len(set(os.listdir("/proc/self/fd"))) <= len(before) + 1
    own = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    commands = [_command(Path("/proc") / number) for number in own]
    assert not [one for one in commands if "child.subject" in one or "child.examiner" in one]


def test_an_ordinary_user_is_guarded_too() -> None:
    if os.geteuid() != 0:
        pytest.skip("this user is an ordinary one: every other test shows it")
    program = (
        "import os\n"
        "from synth.verify.sandbox import examine\n"
        f"both = examine({SQUARE!r}, {TESTS!r}), examine('open(\"/etc/passwd\")', {TESTS!r})\n"
        "print(os.geteuid(), *(verdict.outcome for verdict in both))"
    )
    # A user of another name in a namespace of its own, without any of root's rights.
    command = ["unshare", "--user", "--map-user=1000", sys.executable, "-c", program]
    done = subprocess.run(command, cwd=Path(__file__).resolve().parent.parent, capture_output=True, text=True)
    if done.stderr.startswith("unshare:"):
        pytest.skip(f"this machine lets nobody become an ordinary user: {done.stderr.strip()}")
    assert done.stdout.split() == ["1000", "right", "wrong"], done.stderr


def test_nothing_goes_on_alone_when_whoever_waits_is_killed() -> None:
    root = Path(__file__).resolve().parent.parent
    program = (
        "from synth.verify.sandbox import Limits, examine\n"
        "examine('print()\\nwhile True: pass', 'assert f(1)', limits=Limits(cpu_seconds=300, wall_seconds=300))"
    )
    waiting = subprocess.Popen([sys.executable, "-c", program], cwd=root)
    children: list[Path] = []
    end = time.monotonic() + 60
    while len(children) < 2 or any("synth.verify.child" not in _command(child) for child in children):
        assert time.monotonic() < end, "the two processes never started"
        time.sleep(0.1)
        started = Path(f"/proc/{waiting.pid}/task/{waiting.pid}/children").read_text().split()
        children = [Path("/proc") / number for number in started]
    time.sleep(1)  # until both are confined
    waiting.kill()
    waiting.wait()
    while any(child.exists() and "synth.verify.child" in _command(child) for child in children):
        assert time.monotonic() < end, "a process goes on"
        time.sleep(0.1)


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_text()
    except OSError:  # it is just ending
        return ""
