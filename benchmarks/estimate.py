"""How near the estimate of `plan` comes to what a run takes: CPU seconds, memory and disk, step by step.

    python -m benchmarks.estimate --data FOLDER

The corpus is real text (PEPs, RFCs, EIPs, e-mails, forum sentences), every document three times, two of them with
words changed at random places, as JSON Lines; `plain_text` runs over it with one worker, in a process of its own
after the estimate.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import zstandard

from curation.estimate.estimate import estimate
from curation.recipes import plain_text
from dataset_cards.versions.step import in_order
from dataset_cards.versions.store import Store

SETS = ("python_peps", "rust_rfcs", "ethereum_eips", "spamassassin_emails", "clickbait_headlines")


def corpus(data: Path, path: Path) -> None:
    dice = random.Random(1)
    with path.open("w") as out:
        for copy in range(3):
            for name in SETS:
                for row in map(
                    json.loads, zstandard.open(data / "quality" / f"{name}.jsonl.zst", "rt", encoding="utf-8")
                ):
                    words = (row.get("text") or row["raw"]).split(" ")
                    for _ in range(copy * len(words) // 8):
                        words[dice.randrange(len(words))] = f"word{dice.randrange(9999)}"
                    out.write(json.dumps({"text": " ".join(words)}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        corpus(data, place / "in.jsonl")
        target = plain_text(input=str(place / "in.jsonl"))
        store = Store.at(str(place / "store"))
        before = time.process_time()
        guess = estimate(target, in_order(target), store)
        print(
            f"input {guess.of / 1e6:.0f} MB, sampled {guess.sampled / 1e6:.0f} MB; the estimate itself took "
            f"{time.process_time() - before:.0f} CPU-s"
        )
        command = [sys.executable, "-c", _RUN, str(place / "in.jsonl"), str(place / "store")]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        real = [json.loads(line) for line in lines]
        print(
            f"{'step':<28}{'CPU-s':>8}{'estimated':>11}{'disk MB':>10}{'estimated':>11}"
            f"{'memory MB':>12}{'estimated':>11}"
        )
        for one, cost in zip(real, guess.steps, strict=True):
            print(
                f"{cost.step:<28}{one['cpu']:>8.1f}{cost.cpu_s:>11.1f}"
                f"{one['disk'] / 1e6:>10.1f}{cost.disk / 1e6:>11.1f}"
                f"{one['memory'] / 1e6:>12.0f}{cost.memory / 1e6:>11.0f}"
            )
        cpu = sum(one["cpu"] for one in real)
        print(f"{'all':<28}{cpu:>8.1f}{guess.cpu_s:>11.1f}   ratio {guess.cpu_s / cpu:.2f}")


# A run of its own, so that nothing the estimate loaded or compiled is counted as there already.
_RUN = """
import json, sys, time
from pathlib import Path
from curation.engine import LocalEngine
from curation.ingest import Cut
from curation.recipes import plain_text
from dataset_cards.versions.store import Quiet, Store

class Meter(Quiet):
    def started(self, step):
        Path("/proc/self/clear_refs").write_text("5")
        self.began = time.process_time()
    def finished(self, step, done, seconds):
        cpu = time.process_time() - self.began
        disk = sum(path.stat().st_size for path in Path(store.folder(step).path).rglob("*") if path.is_file())
        peak = next(int(line.split()[1]) << 10 for line in open("/proc/self/status") if line.startswith("VmHWM:"))
        print(json.dumps({"cpu": cpu, "disk": disk, "memory": peak}))

store = Store.at(sys.argv[2])
store.run(plain_text(input=sys.argv[1]), [LocalEngine(1), Cut()], Meter())
"""

if __name__ == "__main__":
    main()
