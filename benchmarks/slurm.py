"""The same recipe on this machine's processes, on Ray and on Slurm: are the bytes the same, and what does it cost?

    benchmarks/slurm_node.sh start NODE && export SLURM_CONF=NODE/slurm.conf
    python -m benchmarks.slurm --data FOLDER
    benchmarks/slurm_node.sh stop NODE

Runs `plain_text` over real documents of the test data (pages through many extractors, PEPs, RFCs) on each engine into a
store of its own, compares every file of the versions, and prints wall time and CPU of all processes together. Then it
disturbs runs on Slurm: one rank cancelled, one killed, the command interrupted, the command killed. Each must end with
a sentence or nothing, leave no job once it was run again, and give the same bytes. Linux only; without `sbatch` or Ray
that engine is left out and named.
"""

import argparse
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

FILES = [
    "dedup/same_page_many_extractors.jsonl.zst",
    "quality/python_peps.jsonl.zst",
    "quality/rust_rfcs.jsonl.zst",
    "quality/ethereum_eips.jsonl.zst",
]
MARK = "GRISTMILL_BENCHMARK_RUN"
TICK = os.sysconf("SC_CLK_TCK")


class Cpu:
    """CPU seconds of every process that has the mark of a run in its environment, looked at ten times a second.

    Daemons of Slurm carry no mark; what a process used since it was last looked at is lost, a few per cent.
    """

    def __init__(self, mark: str) -> None:
        self._mark = f"{MARK}={mark}".encode()
        self._seen: dict[tuple[str, str], float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def total(self) -> float:
        self._over.set()
        self._thread.join()
        return sum(self._seen.values())

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            for process in Path("/proc").iterdir():
                if process.name.isdigit():
                    self._look(process)

    def _look(self, process: Path) -> None:
        try:
            if self._mark not in (process / "environ").read_bytes():
                return
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            return
        self._seen[process.name, fields[19]] = (int(fields[11]) + int(fields[12])) / TICK


def command(folder: Path, store: str, on: str) -> list[str]:
    words = [sys.executable, "-m", "gristmill", "run", "plain_text", "-p", f"input={folder / 'in'}", "--part-mb", "1"]
    return [*words, "--as", "text@1.0.0", "--store", str(folder / store), "--workers", "2", "--on", on]


def contents(folder: Path, store: str) -> dict[str, bytes]:
    """Every file of the version, without what tells when it was made."""
    version = folder / store / "versions" / "text" / "1.0.0"
    found = {path.relative_to(version).as_posix(): path.read_bytes() for path in version.rglob("*") if path.is_file()}
    record = json.loads(found.pop("version.json"))
    created, seal = record.pop("created"), record.pop("seal")
    for name in ("README.md", "report.html", "SHA256SUMS", "croissant.json"):
        if name in found:
            text = found[name].decode().replace(created, "").replace(seal, "").replace(created[:10], "")
            found[name] = "\n".join(line for line in text.splitlines() if "  version.json" not in line).encode()
    return {**found, "version.json": json.dumps(record, sort_keys=True).encode()}


def whole(folder: Path, store: str, on: str) -> None:
    """Run to the end; print what it took."""
    mark = uuid.uuid4().hex
    cpu, began = Cpu(mark), time.monotonic()
    done = subprocess.run(
        command(folder, store, on), capture_output=True, text=True, check=False, env={**os.environ, MARK: mark}
    )
    seconds = time.monotonic() - began
    time.sleep(2)  # what Ray started ends a little later
    used = cpu.total()
    if done.returncode:
        raise SystemExit(f"{on} ended with {done.returncode}:\n{done.stderr}")
    print(f"{on:<8} {seconds:>7.1f} s wall {used:>7.1f} s CPU", flush=True)


def jobs() -> list[tuple[str, str, str]]:
    """Jobs of gristmill in the queue: id with index, name, state."""
    listed = subprocess.run(["squeue", "-h", "-r", "-o", "%i %j %T"], capture_output=True, text=True, check=True).stdout
    found = [tuple(line.split()) for line in listed.splitlines()]
    return [(job[0], job[1], job[2]) for job in found if job[1].startswith("gristmill-")]


def at_work(phase: str) -> str:
    """Wait until a rank of `phase` has started its Python; the id of its job."""
    end = time.monotonic() + 180
    while time.monotonic() < end:
        running = [job for job, name, state in jobs() if name.startswith(f"gristmill-{phase}-") and state == "RUNNING"]
        if running and ranks():
            return running[0]
        time.sleep(0.1)
    raise SystemExit(f"no rank of {phase} came to work within three minutes")


def ranks() -> list[int]:
    """The processes of ranks on this node."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if (
                process.name.isdigit()
                and b"launch_pickled_pipeline" in (process / "cmdline").read_bytes().split(b"\0")[2]
            ):
                found.append(int(process.name))
        except (OSError, IndexError):
            continue
    return found


def disturb(folder: Path, store: str, how: str) -> subprocess.CompletedProcess[str]:
    """Run on Slurm and disturb it once the screening is at work."""
    run = subprocess.Popen(
        command(folder, store, "slurm"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    job = at_work("screen")
    match how:
        case "scancel of one rank":
            subprocess.run(["scancel", job], check=True)
        case "kill -9 of one rank":
            os.kill(ranks()[0], signal.SIGKILL)
        case "Ctrl-C":
            run.send_signal(signal.SIGINT)
        case "kill -9 of the command":
            run.kill()
    _, errors = run.communicate(timeout=300)
    return subprocess.CompletedProcess([], run.returncode, "", errors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with the test data")
    options = parser.parse_args()
    ways = {"local": True, "ray": importlib.util.find_spec("ray") is not None, "slurm": bool(shutil.which("sbatch"))}
    folder = Path(tempfile.mkdtemp(prefix="gristmill-slurm-"))
    try:
        (folder / "in").mkdir()
        for name in FILES:
            shutil.copy(options.data / name, folder / "in")
        whole(folder, "warm", "local")  # compiles what is not compiled yet
        for on, there in ways.items():
            if not there:
                print(f"{on:<8} not installed here: left out")
                continue
            whole(folder, on, on)
            same = contents(folder, on) == contents(folder, "local")
            print(f"{'':<8} {len(contents(folder, on))} files, {'every byte the same' if same else 'NOT THE SAME'}")
        for how in (
            ("scancel of one rank", "kill -9 of one rank", "Ctrl-C", "kill -9 of the command") if ways["slurm"] else ()
        ):
            store = how.replace(" ", "-")
            done = disturb(folder, store, how)
            left = len(jobs())
            print(f"\n{how}: ended with {done.returncode}, {left} ranks left in the queue\n{said(done.stderr)}")
            whole(folder, store, "slurm")
            same = contents(folder, store) == contents(folder, "local")
            print(f"{'':<8} run again: {len(jobs())} ranks left, {'every byte the same' if same else 'NOT THE SAME'}")
    finally:
        shutil.rmtree(folder)


def said(errors: str) -> str:
    """The last words of the command, from its name on."""
    at = errors.rfind("gristmill: ")
    return errors[at:].strip() if at >= 0 else "(it said nothing)"


if __name__ == "__main__":
    main()
