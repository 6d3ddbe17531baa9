"""fastText classifier files (.bin and .ftz) to arrays and back; nothing but this file knows the format.

Model version 12, as written by fastText 0.9 (Joulin et al. 2016, "FastText.zip", arXiv:1612.03651). A file is not
trusted: every count is held against the size of the file before anything is allocated for it.
"""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dataset_cards.versions.errors import Damaged

MAGIC, VERSION = 793712314, 12
END_OF_LINE, LABEL = b"</s>", "__label__"
HIERARCHICAL_SOFTMAX, NEGATIVE_SAMPLING, SOFTMAX, ONE_VS_ALL = 1, 2, 3, 4
SUPERVISED = 3
UNPRUNED = -1
HASH_START = np.uint64(14695981039346656037)
MOST_BUCKETS, MOST_WORD_NGRAMS, WIDEST_PART = 1 << 26, 32, 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """The tables of a fastText classifier, unpacked."""

    labels: tuple[str, ...]  # without `__label__`
    vectors: NDArray[np.float32]  # (rows, dim): one for each word and n-gram kept
    words: NDArray[np.uint64]  # sorted hashes of the words that have a row of their own
    word_rows: NDArray[np.int32]  # their rows
    buckets: NDArray[np.int32]  # n-gram bucket -> row, -1 where pruned
    lengths: tuple[int, int]  # shortest and longest character n-gram; (0, 0) for none
    word_ngrams: int  # the longest run of words that has a bucket; 1 for none
    end_row: int  # the row of the end of a line, which every text has; -1 where it was pruned
    output: NDArray[np.float32]  # (labels, dim), or (labels - 1, dim) inner nodes of a softmax tree, root last
    loss: int  # HIERARCHICAL_SOFTMAX, NEGATIVE_SAMPLING, SOFTMAX or ONE_VS_ALL
    children: NDArray[np.int32]  # (labels - 1, 2) of the tree: below the number of labels a leaf, else an inner node


@njit(cache=True, nogil=True)
def hash_word(word: NDArray[np.uint8]) -> np.uint64:
    """FNV-1a of 64 bits with a final mix: what `Network.words` holds, and by which words are remembered."""
    h = HASH_START
    for byte in word:
        h = hash_on(h, byte)
    return hash_end(h)


@njit(cache=True, nogil=True, inline="always")
def hash_on(h: np.uint64, byte: int) -> np.uint64:
    """The hash of a word so far, one byte on."""
    return (h ^ np.uint64(byte)) * np.uint64(1099511628211)


@njit(cache=True, nogil=True, inline="always")
def hash_end(h: np.uint64) -> np.uint64:
    """The hash of a word whose bytes are all in."""
    h ^= h >> np.uint64(32)
    h *= np.uint64(0xD6E8FEB86659FD93)
    return h ^ (h >> np.uint64(32))


def load(data: bytes, name: str = "the file") -> Network:
    """Read a classifier, quantized or not, with any of fastText's losses.

    Raises:
        ValueError: the file `name` is no fastText classifier, or one with more buckets than are supported.
        Damaged: it begins like one, but is cut off or holds what cannot be.
    """
    if len(data) < 8 or struct.unpack_from("<ii", data) != (MAGIC, VERSION):
        raise ValueError(
            f"{name} is not a fastText model of version {VERSION}; give a .bin or .ftz that fastText 0.9 wrote"
        )
    try:
        return _network(_Reader(data))
    except (struct.error, IndexError, ValueError, OverflowError, UnicodeDecodeError) as error:
        if isinstance(error, Unsupported):
            raise ValueError(f"{name}: {error}") from error
        raise Damaged(f"{name} is damaged ({error}); put it back from a copy, or train it again") from error


class Unsupported(ValueError):
    """The model is sound, but of a kind that is not read."""


def _network(reader: "_Reader") -> Network:
    reader.read("ii")
    dim, _, _, _, _, word_ngrams, loss, kind, bucket, shortest, longest, _, _ = reader.read("12id")
    if kind != SUPERVISED:
        raise Unsupported("these are word vectors and no classifier; train with `fasttext supervised`")
    if loss not in (HIERARCHICAL_SOFTMAX, NEGATIVE_SAMPLING, SOFTMAX, ONE_VS_ALL) or dim < 1 or bucket < 0:
        raise ValueError(f"loss {loss}, {dim} dimensions, {bucket} buckets")
    if bucket > MOST_BUCKETS or not 1 <= word_ngrams <= MOST_WORD_NGRAMS:
        raise Unsupported(f"{bucket} buckets and word n-grams of {word_ngrams} are more than is supported")
    size, n_words, n_labels, _, pruned = reader.read("iiiqq")
    if not 0 < n_labels <= size or size != n_words + n_labels or size > len(reader.data) // 10:
        raise ValueError(f"a dictionary of {size} entries, {n_words} words and {n_labels} labels")
    entries = [(reader.text(), reader.read("qb")[0]) for _ in range(size)]
    kept = reader.array(np.int32, 2 * max(pruned, 0)).reshape(-1, 2)
    quantized = bool(reader.read("?")[0])
    if not quantized and pruned != UNPRUNED:
        raise ValueError("a pruned dictionary without quantized vectors")
    vectors = _quantized_matrix(reader) if quantized else _matrix(reader)
    output = _quantized_matrix(reader) if reader.read("?")[0] and quantized else _matrix(reader)
    labels = entries[n_words:]
    leaves = [count for _, count in labels]
    if loss == HIERARCHICAL_SOFTMAX:
        if min(leaves) < 0 or sum(leaves) >= 1e15:
            raise ValueError("impossible counts of labels")
        output = np.ascontiguousarray(output[: n_labels - 1])
    rows_of_output = n_labels - 1 if loss == HIERARCHICAL_SOFTMAX else n_labels
    if vectors.shape[1] != dim or output.shape != (rows_of_output, dim):
        raise ValueError("its tables do not fit together")
    if not (np.isfinite(vectors).all() and np.isfinite(output).all()):
        raise ValueError("it holds numbers that are not finite")
    words = {word: row for row, (word, _) in enumerate(entries[:n_words])}
    hashes = np.array([hash_word(np.frombuffer(word, np.uint8)) for word in words], dtype=np.uint64)
    order = np.argsort(hashes, kind="stable")
    return Network(
        labels=tuple(label.decode("utf-8", "replace").removeprefix(LABEL) for label, _ in labels),
        vectors=vectors,
        words=hashes[order],
        word_rows=np.array(list(words.values()), dtype=np.int32)[order],
        buckets=_buckets(len(vectors), n_words, bucket, kept, pruned),
        lengths=(shortest, longest) if longest > 0 else (0, 0),
        word_ngrams=word_ngrams,
        end_row=words.get(END_OF_LINE, -1),
        output=output,
        loss=loss,
        children=_huffman(leaves) if loss == HIERARCHICAL_SOFTMAX else np.zeros((0, 2), dtype=np.int32),
    )


def _buckets(rows: int, n_words: int, bucket: int, kept: NDArray[np.int32], pruned: int) -> NDArray[np.int32]:
    if pruned == UNPRUNED:
        if rows != n_words + bucket:
            raise ValueError(f"{rows} vectors for {n_words} words and {bucket} buckets")
        return np.arange(n_words, n_words + bucket, dtype=np.int32)
    found, to = kept[:, 0], kept[:, 1].astype(np.int64) + n_words
    if len(kept) and (found.min() < 0 or found.max() >= bucket or to.min() < n_words or to.max() >= rows):
        raise ValueError("the list of pruned n-grams points outside of the vectors")
    if rows < n_words:
        raise ValueError(f"{rows} vectors for {n_words} words")
    buckets = np.full(bucket, -1, dtype=np.int32)
    buckets[found] = to
    return buckets


class _Reader:
    """Little-endian values read one after another."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def read(self, form: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def array(self, kind: Any, count: int) -> NDArray[Any]:
        """The next `count` numbers; ValueError where there are not so many."""
        if count < 0:
            raise ValueError(f"a table of {count} numbers")
        found = np.frombuffer(self.data, dtype=kind, count=count, offset=self.at)
        self.at += found.nbytes
        return found.copy()  # the file is not aligned; compiled loops want one kind of array

    def text(self) -> bytes:
        end = self.data.index(b"\0", self.at)
        found, self.at = self.data[self.at : end], end + 1
        return found


def _matrix(reader: _Reader) -> NDArray[np.float32]:
    rows, columns = reader.read("qq")
    if rows < 0 or columns < 1:
        raise ValueError(f"a table of {rows} by {columns}")
    return reader.array(np.float32, rows * columns).reshape(rows, columns)


def _quantized_matrix(reader: _Reader) -> NDArray[np.float32]:
    """Rows stored as codes into centroids of a few numbers each, and a code for their norm."""
    normed, rows, _, size = reader.read("?qqi")
    codes = reader.array(np.uint8, size)
    if rows < 1 or size % rows:
        raise ValueError(f"{size} codes for {rows} vectors")
    matrix = _centroids(reader, codes.reshape(rows, -1))
    if normed:
        norms = reader.array(np.uint8, rows).reshape(rows, 1)
        with np.errstate(all="ignore"):  # what is not finite is found by whoever reads the file
            matrix = matrix * _centroids(reader, norms)
    return np.ascontiguousarray(matrix, dtype=np.float32)


def _centroids(reader: _Reader, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The vectors that codes of shape (rows, parts) stand for; the last part may be narrower than the others."""
    dim, parts, width, last = reader.read("iiii")
    if not (0 < last <= width <= WIDEST_PART and parts == codes.shape[1] and dim == (parts - 1) * width + last):
        raise ValueError(f"{dim} dimensions in {parts} parts of {width}, the last of {last}, for codes {codes.shape}")
    table = reader.array(np.float32, dim * 256)
    whole = table[: (parts - 1) * 256 * width].reshape(parts - 1, 256, width)
    end = table[(parts - 1) * 256 * width :].reshape(256, last)
    front = whole[np.arange(parts - 1), codes[:, :-1]].reshape(len(codes), (parts - 1) * width)
    return np.hstack([front, end[codes[:, -1]]])


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


def dump(network: Network, words: list[tuple[bytes, int]], labels: list[int], epochs: int) -> bytes:
    """The bytes of a .bin that fastText opens, for a network with a plain softmax and no pruning.

    Args:
        words: the word and its count for each of the first rows of `vectors`, most frequent first.
        labels: the rows of each label.
    """
    if network.loss != SOFTMAX or len(network.vectors) != len(words) + len(network.buckets):
        raise ValueError("only networks with a softmax and all their n-grams are written")
    dim, bucket = network.vectors.shape[1], len(network.buckets)
    tokens = sum(count for _, count in words)
    head = (dim, 5, epochs, 1, 5, network.word_ngrams, SOFTMAX, SUPERVISED, bucket, *network.lengths, 100, 0.0001)
    parts = [struct.pack("<ii12id", MAGIC, VERSION, *head)]
    parts.append(struct.pack("<iiiqq", len(words) + len(labels), len(words), len(labels), tokens, UNPRUNED))
    parts += [word + b"\0" + struct.pack("<qb", count, 0) for word, count in words]
    names = [LABEL.encode() + label.encode() for label in network.labels]
    parts += [name + b"\0" + struct.pack("<qb", count, 1) for name, count in zip(names, labels, strict=True)]
    for matrix in (network.vectors, network.output):
        parts.append(struct.pack("<?qq", False, *matrix.shape) + np.ascontiguousarray(matrix, "<f4").tobytes())
    return b"".join(parts)
