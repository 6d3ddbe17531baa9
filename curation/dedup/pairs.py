"""What a report shows of a near-duplicate search: the largest clusters, and pairs for people to judge."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from .leaders import MEMBERS, Floats, Store
from .shingles import Hashes, Offsets, mix

LARGEST = 50  # clusters described in the facts
FROM_CLUSTERS = 20  # pairs, one from each of the largest clusters
NEAR_THRESHOLD = 30
_SPARE = NEAR_THRESHOLD + FROM_CLUSTERS  # some may be shown as the pair of their cluster
_BAND = 0.05  # of the Jaccard index

Pair = dict[str, Any]


def describe(store: Store) -> list[dict[str, Any]]:
    """The largest clusters: the row that stays, the documents it stands for, the first that went, the least alike."""
    count = int(store.counts[0])
    sizes: npt.NDArray[np.int64] = store.sizes[:count]
    order = np.argsort(-sizes, kind="stable")[:LARGEST]
    clusters = []
    for leader in order[sizes[order] > 1].tolist():
        size = int(sizes[leader])
        shown = min(size - 1, MEMBERS)
        members = zip(store.members[leader, :shown].tolist(), store.likeness[leader, :shown].tolist(), strict=True)
        clusters.append(
            {
                "kept": int(store.rows[leader]),
                "size": size,
                "members": [{"row": row, "jaccard": jaccard} for row, jaccard in members],
                "least_alike": {"row": int(store.least_alike[leader]), "jaccard": float(store.least[leader])},
            }
        )
    return clusters


def largest(clusters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The LARGEST clusters, the earliest first among equals."""
    return sorted(clusters, key=lambda cluster: (-cluster["size"], cluster["kept"]))[:LARGEST]


def near_threshold(kept: Offsets, dropped: Offsets, jaccard: Floats, least: float) -> list[Pair]:
    """Of some dropped documents, those of the lower half between the threshold and 1 that `nearest` would choose."""
    low = np.flatnonzero(jaccard < (1 + least) / 2)
    chosen = low[np.lexsort((_lot(dropped[low]), _bands_above(jaccard[low], least)))[:_SPARE]]
    columns = kept[chosen].tolist(), dropped[chosen].tolist(), jaccard[chosen].tolist()
    return [{"kept": k, "dropped": d, "jaccard": j} for k, d, j in zip(*columns, strict=True)]


def nearest(pairs: list[Pair], least: float) -> list[Pair]:
    """Those nearest above the threshold: at random within steps of 0.05, the same whatever order they come in."""

    def place(pair: Pair) -> tuple[int, int]:
        row, jaccard = np.array([pair["dropped"]]), np.array([pair["jaccard"]])
        return int(_bands_above(jaccard, least)[0]), int(_lot(row)[0])

    return sorted(pairs, key=place)[:_SPARE]


def to_judge(clusters: list[dict[str, Any]], arguable: list[Pair], least: float) -> list[Pair]:
    """Pairs for people to look at, each a dict of `kept` and `dropped` (row numbers), `jaccard`, and `why`.

    One of each of the largest clusters, its least alike (`large-cluster`), then of all other drops up to 30 nearest
    above the threshold (`just-above-threshold`).
    """
    pairs = [
        {"kept": one["kept"], "dropped": one["least_alike"]["row"], "jaccard": one["least_alike"]["jaccard"]}
        for one in largest(clusters)[:FROM_CLUSTERS]
    ]
    shown = {pair["dropped"] for pair in pairs}
    others = [pair for pair in nearest(arguable, least) if pair["dropped"] not in shown][:NEAR_THRESHOLD]
    return [{**pair, "why": "large-cluster"} for pair in pairs] + [
        {**pair, "why": "just-above-threshold"} for pair in others
    ]


def _bands_above(jaccard: Floats, least: float) -> Offsets:
    return ((jaccard - least) / _BAND).astype(np.int64)


@njit(cache=True, nogil=True)
def _lot(rows: Offsets) -> Hashes:
    """Numbers as good as drawn by lot, the same for the same row of a corpus every time."""
    lot = np.empty(len(rows), np.uint64)
    for at in range(len(rows)):
        lot[at] = mix(np.uint64(rows[at]) + np.uint64(1))
    return lot
