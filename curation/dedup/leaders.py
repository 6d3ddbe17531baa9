"""Leader clustering: a document goes when an earlier one that stays shares a band with it and is truly similar.

Documents come in corpus order. Those that stay (leaders) keep their shingle set in a store of fixed size and enter the
buckets of their bands; every document is compared with the leaders in its own buckets, the earliest first.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from .sets import has, insert, mask_for
from .shingles import Hashes, Offsets

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

# What is known of a document: compared with so many leaders and undecided (0, 1, ...), or decided.
DROPPED, LEADS = -1, -2
MEMBERS = 5  # documents remembered per cluster, for reports

_LEADERS, _ENTRIES, _CLOSED, _COMPARED, _CAPPED = range(5)


class Store(NamedTuple):
    """Leaders, their shingle sets, and buckets: a hash table from band hash to a list of leaders in corpus order."""

    rows: Offsets  # (leaders,)
    ends: Offsets  # (leaders + 1,) into values
    values: Hashes
    sizes: Offsets  # (leaders,) documents in the cluster, its leader included
    members: Offsets  # (leaders, MEMBERS)
    likeness: Floats  # (leaders, MEMBERS)
    least_alike: Offsets  # (leaders,) the document that went for it with the lowest Jaccard index
    least: Floats  # (leaders,) that index
    keys: Hashes  # (slots,)
    heads: Ints  # (slots,) first entry of the bucket, -1: free slot
    tails: Ints  # (slots,)
    nexts: Ints  # (entries,) -1: last
    leaders: Ints  # (entries,)
    counts: Offsets  # (5,) leaders, entries, closed, pairs compared, documents capped


def store_bytes(bands: int) -> int:
    """Bytes per leader besides its shingles."""
    return 8 * 5 + 16 * MEMBERS + bands * (4 * 16 + 8)


def empty_store(leaders: int, values: int, bands: int) -> Store:
    """Room for so many leaders with so many shingles together."""
    slots = int(mask_for(leaders * bands)) + 1
    return Store(
        rows=np.empty(leaders, np.int64),
        ends=np.zeros(leaders + 1, np.int64),
        values=np.empty(values, np.uint64),
        sizes=np.ones(leaders, np.int64),
        members=np.empty((leaders, MEMBERS), np.int64),
        likeness=np.empty((leaders, MEMBERS), np.float64),
        least_alike=np.empty(leaders, np.int64),
        least=np.full(leaders, 2.0),
        keys=np.empty(slots, np.uint64),
        heads=np.full(slots, -1, np.int32),
        tails=np.empty(slots, np.int32),
        nexts=np.empty(leaders * bands, np.int32),
        leaders=np.empty(leaders * bands, np.int32),
        counts=np.zeros(5, np.int64),
    )


@njit(cache=True, nogil=True)
def _slot(store: Store, key: np.uint64) -> np.int64:
    mask = len(store.keys) - 1
    slot = np.int64(key ^ (key >> np.uint64(29))) & mask
    while store.heads[slot] >= 0 and store.keys[slot] != key:
        slot = (slot + 1) & mask
    return slot


@njit(cache=True, nogil=True)
def _jaccard(
    store: Store, leader: int, size: int, least: float, table: Hashes, stamps: Offsets, stamp: int, mask: int
) -> float:
    """Jaccard index of a leader and the set in `table`, which has `size` values; -1 once it must be below `least`."""
    first, last = store.ends[leader], store.ends[leader + 1]
    both = size + last - first
    # common / (both - common) >= least needs common >= both * least / (1 + least); one to spare for rounding.
    spare = last - first - np.int64(both * least / (1.0 + least)) + 1
    common = 0
    for at in range(first, last):
        if has(table, stamps, stamp, mask, store.values[at]):
            common += 1
        else:
            spare -= 1
            if spare < 0:
                return -1.0
    return float(common / (both - common))


@njit(cache=True, nogil=True)
def _lead(store: Store, row: int, values: Hashes, bands: Hashes) -> None:
    """Make a document a leader: last in the buckets of its bands."""
    leader = store.counts[_LEADERS]
    start = store.ends[leader]
    store.rows[leader] = row
    store.values[start : start + len(values)] = values
    store.ends[leader + 1] = start + len(values)
    for band in range(len(bands)):
        slot = _slot(store, bands[band])
        entry = store.counts[_ENTRIES]
        if store.heads[slot] < 0:
            store.keys[slot] = bands[band]
            store.heads[slot] = entry
        else:
            store.nexts[store.tails[slot]] = entry
        store.tails[slot] = entry
        store.nexts[entry] = -1
        store.leaders[entry] = leader
        store.counts[_ENTRIES] += 1
    store.counts[_LEADERS] += 1


@njit(cache=True, nogil=True)
def _next(store: Store, cursors: Offsets) -> int:
    """The earliest leader under the cursors into several buckets, which step over it; -1 at the end of all."""
    leader = -1
    for band in range(len(cursors)):
        if cursors[band] >= 0:
            here = int(store.leaders[cursors[band]])
            if leader < 0 or here < leader:
                leader = here
    for band in range(len(cursors)):
        if cursors[band] >= 0 and store.leaders[cursors[band]] == leader:
            cursors[band] = store.nexts[cursors[band]]
    return leader


@njit(cache=True, nogil=True)
def _join(store: Store, leader: int, row: int, jaccard: float) -> None:
    """Count a dropped document to its leader's cluster."""
    member = store.sizes[leader] - 1
    if member < MEMBERS:
        store.members[leader, member] = row
        store.likeness[leader, member] = jaccard
    if jaccard < store.least[leader]:
        store.least_alike[leader] = row
        store.least[leader] = jaccard
    store.sizes[leader] += 1


@njit(cache=True, nogil=True)
def judge(
    store: Store, rows: Offsets, bands: Hashes, bounds: Offsets, shingles: Hashes, known: Ints, least: float, most: int
) -> tuple[Offsets, Floats]:
    """Decide about documents, in corpus order.

    Args:
        store: the leaders so far; once one does not fit, the store takes no more and later documents stay undecided.
        rows: shape (documents,), their numbers in the corpus.
        bands: shape (documents, bands).
        bounds: shape (documents + 1,) into `shingles`, the distinct shingles of each.
        known: shape (documents,), what is known of each; updated.
        least: Jaccard index from which a document is dropped.
        most: leaders that a document is compared with, over all calls.

    Returns:
        The leader's row (-1 where not dropped now) and the Jaccard index with it, each of shape (documents,).
    """
    documents, width = bands.shape
    leader_rows = np.full(documents, -1, np.int64)
    likeness = np.zeros(documents, np.float64)
    largest = 0
    for document in range(documents):
        largest = max(largest, bounds[document + 1] - bounds[document])
    table = np.empty(mask_for(largest) + 1, np.uint64)
    stamps = np.full(len(table), -1, np.int64)
    cursors = np.empty(width, np.int64)
    for document in range(documents):
        if known[document] < 0:
            continue
        first, last = bounds[document], bounds[document + 1]
        size = last - first
        mask = mask_for(size)
        in_table = False
        for band in range(width):
            cursors[band] = store.heads[_slot(store, bands[document, band])]
        while True:
            leader = _next(store, cursors)
            if leader < 0:
                break
            if known[document] >= most:
                store.counts[_CAPPED] += known[document] == most
                known[document] = most + 1
                break
            known[document] += 1
            other = store.ends[leader + 1] - store.ends[leader]
            if min(size, other) / max(size, other) < least:
                continue
            if not in_table:
                in_table = True
                for at in range(first, last):
                    insert(table, stamps, document, mask, shingles[at])
            store.counts[_COMPARED] += 1
            jaccard = _jaccard(store, leader, size, least, table, stamps, document, mask)
            if jaccard >= least:
                known[document] = DROPPED
                leader_rows[document] = store.rows[leader]
                likeness[document] = jaccard
                _join(store, leader, rows[document], jaccard)
                break
        if known[document] < 0 or store.counts[_CLOSED]:
            continue
        leaders = store.counts[_LEADERS]
        if leaders < len(store.rows) and store.ends[leaders] + size <= len(store.values):
            _lead(store, rows[document], shingles[first:last], bands[document])
            known[document] = LEADS
        else:
            store.counts[_CLOSED] = 1
    return leader_rows, likeness
