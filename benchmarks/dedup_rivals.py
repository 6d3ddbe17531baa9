"""The rivals of `dedup_speed`, each by its fastest way from Parquet to the rows that go; packages are imported in use.

Words are made in Python by `text.lower().split()`, the cheapest splitting there is. Where a package takes hashes, runs
of five words are hashed as tuples by Python's own `hash`, which saves joining strings (and differs from run to run).
Only gaoya has shingles of its own, in Rust, and datatrove a whole pipeline. All use 14 bands of 8 rows.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

BANDS, ROWS, THRESHOLD = 14, 8, 0.7


def texts_of(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        yield from pq.read_table(path, columns=["text"], use_threads=False)["text"].to_pylist()


def runs_of_five(text: str) -> Iterator[tuple[str, ...]]:
    words = text.lower().split()
    if 0 < len(words) < 5:
        return iter([tuple(words)])
    return zip(words, words[1:], words[2:], words[3:], words[4:], strict=False)


def hashes(text: str) -> np.ndarray:
    return np.fromiter(map(hash, runs_of_five(text)), np.int64).view(np.uint64)


def datasketch(paths: list[Path], where: Path) -> list[int]:
    """Ask for those that stay so far, then stay or go; the scheme that 2.0 brought, on hashes made before."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(num_perm=BANDS * ROWS, params=(BANDS, ROWS))
    permutations = MinHash(num_perm=BANDS * ROWS, scheme="affine32").permutations
    gone = []
    for row, text in enumerate(texts_of(paths)):
        sketch = MinHash(num_perm=BANDS * ROWS, scheme="affine32", permutations=permutations, hashfunc=int)
        sketch.update_batch((hashes(text) >> np.uint64(32)).tolist())
        if sketch.is_empty():
            continue
        if index.query(sketch):
            gone.append(row)
        else:
            index.insert(row, sketch, check_duplication=False)
    return gone


def rensa_flags(paths: list[Path], where: Path) -> list[int]:
    """The fastest calls of the package: one matrix, one question. It flags every member of a group, the first too."""
    from rensa import RMinHash, RMinHashLSH

    each = [hashes(text) for text in texts_of(paths)]
    bounds = np.cumsum([0, *map(len, each)]).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(np.concatenate(each), bounds, BANDS * ROWS, 1)
    index = RMinHashLSH(threshold=THRESHOLD, num_perm=BANDS * ROWS, num_bands=BANDS)
    return [row for row, flag in enumerate(index.query_duplicate_flags_matrix_one_shot(matrix)) if flag]


def rensa_inline(paths: list[Path], where: Path) -> list[int]:
    """The package's own deduplicator, which keeps the first; it takes joined 5-grams."""
    from rensa import RMinHashDeduplicator

    keeper = RMinHashDeduplicator(THRESHOLD, BANDS * ROWS, True, BANDS, 1)
    tokens = ((str(row), list(map(" ".join, runs_of_five(text)))) for row, text in enumerate(texts_of(paths)))
    with_words = [(row, words) for row, words in tokens if words]
    added = keeper.add_pairs(with_words)
    return [int(row) for (row, _), new in zip(with_words, added, strict=True) if not new]


def gaoya(paths: list[Path], where: Path) -> list[int]:
    """Insert all, ask for all, keep the first of those that its estimate calls similar; texts never leave Rust."""
    from gaoya.minhash import MinHashStringIndex

    index = MinHashStringIndex(
        hash_size=32,
        jaccard_threshold=THRESHOLD,
        num_bands=BANDS,
        band_size=ROWS,
        num_hashes=BANDS * ROWS,
        analyzer="word",
        lowercase=True,
        ngram_range=(5, 5),
        id_container="smallvec",
    )
    texts = list(texts_of(paths))
    index.par_bulk_insert_docs(list(range(len(texts))), texts)
    found = index.par_bulk_query(texts)
    return [row for row, alike in enumerate(found) if alike and min(alike) < row]


def datatrove(paths: list[Path], where: Path) -> list[int]:
    """Signatures, buckets, clusters, filter: the four stages with stock settings, one worker, in English."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.base import PipelineStep
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.writers import ParquetWriter
    from xxhash import xxh64_intdigest

    def run(steps: list[PipelineStep], tasks: int) -> None:
        LocalPipelineExecutor(
            steps, tasks=tasks, workers=1, logging_dir=str(where / "logs"), skip_completed=False
        ).run()

    source, signatures, buckets, removed, kept = (
        str(where / name) if name else str(paths[0].parent) for name in ("", "signatures", "buckets", "removed", "kept")
    )
    sign = MinhashDedupSignature(signatures)
    # It hands text to xxhash, which since 4.0 takes bytes only; this gives the same hashes.
    sign._hash_func = lambda shingle: xxh64_intdigest(shingle.encode())
    run([ParquetReader(source, glob_pattern="*.parquet"), sign], 1)
    run([MinhashDedupBuckets(signatures, buckets)], BANDS)
    run([MinhashDedupCluster(buckets, removed)], 1)
    run([ParquetReader(source, glob_pattern="*.parquet"), MinhashDedupFilter(removed), ParquetWriter(kept)], 1)
    ids = {
        id_ for path in Path(kept).glob("*.parquet") for id_ in pq.read_table(path, columns=["id"])["id"].to_pylist()
    }
    every = [id_ for path in paths for id_ in pq.read_table(path, columns=["id"])["id"].to_pylist()]
    return [row for row, id_ in enumerate(every) if id_ not in ids]


RIVALS = {
    "rensa==0.5.0": {"rensa, flags only": rensa_flags, "rensa, deduplicator": rensa_inline},
    "gaoya==0.2.2": {"gaoya": gaoya},
    "datasketch==2.0.0": {"datasketch": datasketch},
}
