"""What is looked for: the texts of evaluation sets as words, and which of them can be looked for at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
import polars as pl

from curation.dedup.normalise import DIGIT, MAPPED, SAME, Characters, characters
from curation.dedup.shingles import Hashes, Offsets, buffers
from curation.kernels.overlap import Index, covered, hash_texts, windows
from curation.rows import FIELDS, kind_of, pieces
from dataset_cards.versions.errors import Damaged, Misuse
from dataset_cards.versions.job import Job
from dataset_cards.versions.table import Part, Table

# A harness writes these around its items; they are in no training text for the sake of the item.
HARNESS = ("system",)
ASKING = ("text", "prompt")
BITS_PER_WINDOW = 32  # one window in 32 that is not there is looked up in vain

_TEXTS = pl.Schema(
    dict.fromkeys(("item", "field", "role", "text"), pl.String())
    | {"words": pl.List(pl.UInt64), "same": pl.UInt64(), "number": pl.Int64(), "evaluation": pl.Int32()}
)
_ITEMS = ("evaluation", "item", "field", "words", "text")


@dataclass(frozen=True, kw_only=True)
class Looking:
    """Which texts of evaluation sets are looked for, and as what; the fields are those of `Decontaminate`."""

    ngram: int
    min_item_words: int
    max_items: int
    fields: tuple[str, ...]


@cache
def letters_and_digits() -> Characters:
    """The rules of `dedup.normalise`, but digits are letters: `1,250` is the words `1` and `250`, in any script."""
    rules = characters()
    kinds, starts, mapped = rules.kinds.copy(), rules.starts.copy(), bytearray(rules.mapped)
    for code in np.flatnonzero(kinds == DIGIT).tolist():
        if code < 128:
            kinds[code] = SAME
            continue
        kinds[code], starts[code] = MAPPED, len(mapped)
        mapped += bytes([1]) + str(int(chr(code))).encode()
    return Characters(kinds, starts, np.frombuffer(bytes(mapped), np.uint8))


def hash_all(text: pl.Series) -> tuple[Hashes, Offsets]:
    """The hashed words of every text, and where each text begins among them, shape (texts + 1,)."""
    rules = letters_and_digits()
    return hash_texts(*buffers(text), rules.kinds, rules.starts, rules.mapped)


def gather(looking: Looking, evaluations: Sequence[Table], job: Job, task: int) -> None:
    """The only task of `job`: write every text that is looked for, once, and count those that are not."""
    texts = pl.concat(_texts(looking, number, table) for number, table in enumerate(evaluations))
    # The same question in two sets is one item. The same answer to two questions is a phrase, and counts each time.
    question = (pl.col("field").is_in(ASKING) | (pl.col("role") == "user")).fill_null(False)
    texts = texts.with_columns(among=pl.when(question).then(pl.lit(-1)).otherwise(pl.col("number")))
    short = pl.col("words").list.len() < looking.min_item_words
    long = texts.filter(~short)
    items = long.unique(["same", "among"], keep="first", maintain_order=True)
    index = index_of(*_flat(items.get_column("words")), looking.ngram, looking.max_items)
    common = pl.Series("common", index.own == 0, dtype=pl.Boolean)
    items = items.with_columns(common)
    long = long.join(items.select("same", "among", "common"), on=["same", "among"], how="left", maintain_order="left")
    first = pl.struct("same", "among").is_first_distinct()
    fate = pl.when("common").then(pl.lit("common")).when(first).then(pl.lit("looked_for")).otherwise(pl.lit("repeated"))
    ended = pl.concat(
        [
            long.select("evaluation", "number", "field", fate.alias("fate")),
            texts.filter(short).select("evaluation", "number", "field", pl.lit("too_short").alias("fate")),
        ]
    )
    counts = _counts(ended, [table.rows for table in evaluations])
    job.write(task, items.select(_ITEMS), digest=_digest(index.words, index.starts), texts=counts)


def _texts(looking: Looking, number: int, table: Table) -> pl.DataFrame:
    """Every text of one evaluation set in the fields that are looked for, with its words."""
    kind = kind_of(table.schema().names)
    fields = [name for name in FIELDS[kind] if not looking.fields or name in looking.fields]
    if not fields:
        has = ", ".join(FIELDS[kind])
        raise Misuse(f"the evaluation set in {table.folder} has none of the fields {looking.fields}; it has {has}")
    found = [pl.DataFrame(schema=_TEXTS)]
    first = 0
    for frame in table.frames(["id", *fields]):
        texts = pieces(frame, kind, fields).filter(~pl.col("role").is_in(HARNESS).fill_null(False))
        words, bounds = hash_all(texts.get_column("text"))
        place = texts.get_column("row").cast(pl.Int64)
        texts = texts.with_columns(
            frame.get_column("id").gather(place).alias("item"),
            pl.Series("words", np.split(words, bounds[1:-1]) if texts.height else [], dtype=pl.List(pl.UInt64)),
            pl.Series("same", _whole(words, bounds), dtype=pl.UInt64),
            (place + first).alias("number"),
            pl.lit(number).alias("evaluation"),
        )
        found.append(texts.select(_TEXTS.names()).cast(_TEXTS))
        first += frame.height
    return pl.concat(found)


def _whole(words: Hashes, bounds: Offsets) -> Hashes:
    """One hash of all words of each text: equal for equal words in equal order."""
    hashes, _, texts = windows(words, bounds, int(np.diff(bounds).max(initial=1)))
    whole = np.zeros(len(bounds) - 1, np.uint64)  # a text without words has no window, and is too short anyway
    whole[texts] = hashes
    return whole


def _flat(words: pl.Series) -> tuple[Hashes, Offsets]:
    """A column of word lists as one array, and where each list begins in it."""
    starts = np.zeros(words.len() + 1, np.int64)
    np.cumsum(words.list.len().to_numpy(), out=starts[1:])
    flat = words.explode().drop_nulls().to_numpy()
    return np.ascontiguousarray(flat, np.uint64), starts


def index_of(words: Hashes, starts: Offsets, ngram: int, max_items: int) -> Index:
    """The index of the items whose words are `words[starts[i] : starts[i + 1]]`."""
    hashes, places, items = windows(words, starts, ngram)
    order = np.argsort(hashes, kind="stable")
    hashes, by_hash = hashes[order], items[order]
    new = np.ones(len(hashes), bool)
    new[1:] = hashes[1:] != hashes[:-1]
    # Places ascend inside a window, so the items do too and a change is another item.
    another = new.copy()
    another[1:] |= by_hash[1:] != by_hash[:-1]
    window = np.cumsum(new) - 1
    rare = np.bincount(window, weights=another) <= max_items if len(window) else np.zeros(0, bool)
    counts = rare[window]
    kept = np.sort(order[counts])
    keys = hashes[new][rare]
    firsts = np.zeros(len(keys) + 1, np.int64)
    np.cumsum(np.bincount(window, minlength=len(rare))[rare], out=firsts[1:])
    own = covered(starts, ngram, places[kept], items[kept])
    lengths = np.unique(np.minimum(np.diff(starts), ngram))
    width = max(12, int(BITS_PER_WINDOW * max(1, len(keys)) - 1).bit_length())
    bits = np.zeros(1 << (width - 6), np.uint64)
    top = keys >> np.uint64(64 - width)
    np.bitwise_or.at(bits, (top >> np.uint64(6)).astype(np.int64), np.uint64(1) << (top & np.uint64(63)))
    return Index(
        words=words,
        starts=starts,
        own=own,
        lengths=lengths[lengths > 0].astype(np.int64),
        keys=keys,
        firsts=firsts,
        places=places[order[counts]],
        bits=bits,
        shift=np.uint64(64 - width),
    )


def _digest(words: Hashes, starts: Offsets) -> str:
    return blake2b(starts.tobytes() + words.tobytes(), digest_size=16).hexdigest()


def _counts(texts: pl.DataFrame, rows: Sequence[int]) -> list[dict[str, Any]]:
    """Of each evaluation set: its rows, the rows no text of which is looked for, and by field what became of texts."""
    found = []
    for number, total in enumerate(rows):
        own = texts.filter(pl.col("evaluation") == number)
        fields: dict[str, dict[str, int]] = {}
        for field, fate, count in own.group_by("field", "fate").len().sort("field", "fate").iter_rows():
            none = {"texts": 0, "looked_for": 0, "repeated": 0, "too_short": 0, "common": 0}
            of = fields.setdefault(field, none)
            of[fate] += count
            of["texts"] += count
        covered_rows = own.filter(pl.col("fate").is_in(["looked_for", "repeated"])).get_column("number").n_unique()
        found.append({"rows": total, "rows_not_looked_for": total - covered_rows, "fields": fields})
    return found


def table_of(job: Job) -> Table:
    """The items that `gather` wrote."""
    parts = [Part(part["name"], part["rows"]) for part in job.fact(0)["parts"]]
    return Table(job.folder, tuple(parts))


@lru_cache(maxsize=1)
def load(looking: Looking, table: Table, digest: str) -> Index:
    """The index of the items in `table`, built once per process.

    Raises:
        Damaged: they are not the ones that were written.
    """
    words, starts = _flat(table.collect(["words"]).get_column("words"))
    if _digest(words, starts) != digest:
        raise Damaged(f"{table.folder} does not hold what was written there; delete this folder and run again")
    return index_of(words, starts, looking.ngram, looking.max_items)
