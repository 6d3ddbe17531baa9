"""How many secrets are found in a scanner's own samples, how many false ones in 37 MB of real text, and at what cost.

    python -m benchmarks.secrets --data FOLDER

The truth is what CredSweeper reports on its own samples (its filters and model included). In the real text (e-mails,
PEPs, RFCs, EIPs) nobody labelled anything: every span is listed with what stands before it, for a person to judge. The
cost is compared with running every pattern over every text, which is what a scanner without anchors does, in one run.
"""

import argparse
import io
import json
import tarfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import zstandard

from curation.measures import proportion
from curation.secrets.find import Secret, anchored, secrets
from curation.secrets.rules import RULES

TEXTS = ("spamassassin_emails", "python_peps", "rust_rfcs", "ethereum_eips")
NAIVE_BYTES = 2_000_000


def rows(path: Path) -> Iterator[dict[str, str]]:
    with zstandard.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def members(path: Path) -> dict[str, str]:
    """The text files of an archive by name; those that are not UTF-8 are no text."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(zstandard.open(path).read())) as archive:
        for member in archive:
            if member.isfile():
                data = archive.extractfile(member).read()  # type: ignore[union-attr]
                try:
                    found[member.name.removeprefix("./")] = data.decode()
                except UnicodeDecodeError:
                    continue
    return found


def find(texts: list[str]) -> list[list[Secret]]:
    offsets = anchored(pl.Series(texts, dtype=pl.String)).to_list()
    return [secrets(text, at) if at else [] for text, at in zip(texts, offsets, strict=True)]


def samples(data: Path) -> None:
    files = members(data / "pii" / "credsweeper_samples.tar.zst")
    expected: dict[str, set[tuple[str, str]]] = {}
    for row in rows(data / "pii" / "credsweeper_expected.jsonl.zst"):
        name = next((name for name in files if name.endswith("/" + row["path"]) or name == row["path"]), None)
        if row["level"] == "reported" and name:
            expected.setdefault(name, set()).add((row["rule"], row["value"].strip()))
    hits: Counter[str] = Counter()
    misses: Counter[str] = Counter()
    right = false = 0
    for name, spans in zip(files, find(list(files.values())), strict=True):
        contents = [files[name][span.start : span.end] for span in spans]
        wanted = expected.get(name, set())
        for rule, value in wanted:
            covered = any(value in content or (len(content) >= 8 and content in value) for content in contents)
            (hits if covered else misses)[
                "private keys"
                if "PEM" in rule
                else "passwords and the like"
                if rule in ("Password", "Secret", "Key", "Auth", "API", "Token", "Credential", "CMD Password")
                else "tokens"
            ] += 1
        for content in contents:
            known = any(content in value or value in content for _, value in wanted)
            right, false = right + known, false + (not known)
    print(f"CredSweeper's samples, {len(files)} text files; recall by kind of what CredSweeper reports:")
    for kind in (*sorted({*hits, *misses}), "all"):
        h, m = (hits.total(), misses.total()) if kind == "all" else (hits[kind], misses[kind])
        print(f"  {kind:<24}{h:>5} of {h + m:<5}{shown(proportion(h, h + m))}")
    print(f"  precision against its report {right} of {right + false}  {shown(proportion(right, right + false))}")


def shown(triple: list[float] | None) -> str:
    return "-" if triple is None else f"{triple[0]:.3f} ({triple[1]:.3f} to {triple[2]:.3f})"


def real_text(data: Path) -> None:
    texts = [row.get("text") or row["raw"] for name in TEXTS for row in rows(data / "quality" / f"{name}.jsonl.zst")]
    size = sum(len(text.encode()) for text in texts)
    costs = []
    for _ in range(3):
        before = time.process_time()
        spans = find(texts)
        costs.append((time.process_time() - before) / size * 1e9)
    part, taken = [], 0
    for text in texts:
        part.append(text)
        taken += len(text.encode())
        if taken > NAIVE_BYTES:
            break
    before = time.process_time()
    for text in part:
        encoded = text.encode()
        for rule in RULES:
            rule.pattern.search(encoded)
    naive = (time.process_time() - before) / taken * 1e9
    cost = sorted(costs)[1]
    print(f"\n{len(texts):,} documents, {size / 1e6:.0f} MB of real text: {sum(map(len, spans))} spans")
    for text, one in zip(texts, spans, strict=True):
        for span in one:
            print(f"  {span.kind:<24}{text[max(0, span.start - 40) : span.start + 12]!r}")
    print(f"cost: {cost:.1f} CPU-s/GB; every pattern over every text: {naive:.0f} CPU-s/GB; ratio {naive / cost:.0f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    samples(data)
    real_text(data)
