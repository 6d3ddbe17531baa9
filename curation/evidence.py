"""What became of every document, gathered after the last decision: the ledger of rows, signals, and real examples."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Job
from dataset_cards.versions.side_files import GONE
from dataset_cards.versions.store import DONE
from dataset_cards.versions.table import Table, write_parquet

from .examples import choose
from .excerpts import veiled_excerpts
from .layers import DROP, Layers
from .moves import moves
from .pairs import side_by_side
from .screen import MEASURED
from .signals import categories, edits, histograms
from .spans import copy_spans, even
from .stage import Stage

# Referenced rows whose ids are looked up in one pass over the corpus: bounds memory, 8 bytes and an id each.
LOOKUPS = 1 << 20
MOST_SOURCES = 100


def gather(job: Job, veil: Sequence[Stage] = ()) -> dict[str, Any]:
    """Write the `ledger` folder (`rows`, `quarantine`, `examples`, `pairs`, `spans` as Parquet); return facts.

    Args:
        veil: stages that mask what must not be shown. Every excerpt of a row that is not kept passes through them:
            a row that was dropped early was never masked.
    """
    layers = Layers(job.inputs)
    told = [_done(table)["facts"] for table in layers.tables]
    rules = [rule for facts in told for rule in facts.get("rules", [])]
    ledger = job.folder / "ledger"
    write_parquet(ledger, "rows.parquet", even(_gone(layers), LOOKUPS), GONE)
    reasons = _copy_quarantine(layers, ledger, veil)
    write_parquet(ledger, "examples.parquet", [choose(layers, rules, veil)])
    spans = copy_spans(layers, ledger)
    by_table = [(Layers((table,)), facts.get("rules", [])) for table, facts in zip(layers.tables, told, strict=True)]
    facts = {
        "signals": [entry for one, own in by_table for entry in histograms(one, own)],
        "categories": [entry for one, own in by_table for entry in categories(one, own)],
        "moves": _moves(layers, told),
        "edits": _edits(layers, told),
        "quarantine": reasons,
        **({"spans": spans} if spans else {}),
        **kept_facts(job),
    }
    for one in told:
        facts.update({key: value for key, value in one.items() if key not in ("rules", "gold", MEASURED)})
    if gold := [entry for one in told for entry in one.get("gold", [])]:
        facts["gold"] = gold
    if near := facts.get("near_duplicates"):
        pairs = near.get("pairs", [])
        write_parquet(ledger, "pairs.parquet", [side_by_side(layers, pairs, veil)])
        clusters = _named(layers, near["clusters"])
        facts["near_duplicates"] = {**{key: near[key] for key in near if key != "pairs"}, "clusters": clusters}
    return facts


def _moves(layers: Layers, told: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What moved limits would change, for every screening; an op without rules of its own may drop anything."""
    found = []
    for table, facts in enumerate(told):
        if facts.get("rules"):
            last = all("rules" in later and not later["rules"] for later in told[table + 1 :])
            found += moves(layers, table, facts["rules"], last)
    return found


def _edits(layers: Layers, told: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Rows whose text or language a stage replaced, for every stage that is there to change something."""
    found: dict[str, int] = {}
    for table, facts in list(zip(layers.tables, told, strict=True))[1:]:
        if "rules" not in facts:  # an op that compares documents; the stages it counts as are those of its funnel
            found |= {entry["stage"]: 0 for entry in _done(table)["funnel"]}
        found |= {rule["stage"]: 0 for rule in facts.get("rules", [])} | edits(table)
    return found


def _named(layers: Layers, clusters: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Clusters of near-duplicates with ids in place of row numbers."""
    numbers = {one["kept"] for one in clusters} | {member["row"] for one in clusters for member in one["members"]}
    ids = dict(_ids(layers, pl.Series(sorted(numbers), dtype=pl.Int64)).iter_rows())
    named = []
    for one in clusters:
        members = [{"id": ids[member["row"]], "jaccard": member["jaccard"]} for member in one["members"]]
        named.append({"kept": ids[one["kept"]], "size": one["size"], "members": members})
    return named


def _done(table: Table) -> dict[str, Any]:
    record: dict[str, Any] = table.folder.read_json(DONE)
    return record


def _gone(layers: Layers) -> Iterator[pl.DataFrame]:
    """Every row that was read and not kept, in corpus order, in frames of bounded size."""
    pending: list[pl.DataFrame] = []
    references = 0
    for part in range(layers.parts):
        for frame in layers.batches(part, ("id", "source", "duplicate_of")):
            gone = frame.filter(pl.col(DROP).is_not_null())
            if "duplicate_of" not in gone.columns:
                gone = gone.with_columns(duplicate_of=pl.lit(None, dtype=pl.Int64))
            pending.append(gone)
            references += gone.height
            if references >= LOOKUPS:
                yield _with_ids(layers, pl.concat(pending))
                pending, references = [], 0
    if pending:
        yield _with_ids(layers, pl.concat(pending))


def _with_ids(layers: Layers, gone: pl.DataFrame) -> pl.DataFrame:
    """The ledger columns, with row numbers of kept duplicates replaced by their ids."""
    wanted = gone.get_column("duplicate_of").drop_nulls().unique()
    named = gone.join(_ids(layers, wanted), left_on="duplicate_of", right_on="row", how="left", maintain_order="left")
    stage = pl.col(DROP).str.split_exact("/", 1)
    return named.select(
        "id",
        "source",
        stage.struct.field("field_0").alias("stage"),
        pl.col(DROP).str.replace(r"^[^/]*/", "").alias("reason"),
        pl.col("kept_id").alias("duplicate_of"),
    )


def _ids(layers: Layers, rows: pl.Series) -> pl.DataFrame:
    """The ids of the given row numbers; columns `row` and `kept_id`."""
    found = [pl.DataFrame(schema={"row": pl.Int64, "kept_id": pl.String})]
    if not rows.len():
        return found[0]
    for part, first in enumerate(layers.first_rows()):
        last = first + layers.documents.parts[part].rows
        if not rows.is_between(first, last, closed="left").any():
            continue
        for frame in layers.documents.batches(part, ["id"]):
            numbered = frame.select(
                pl.int_range(first, first + frame.height, dtype=pl.Int64).alias("row"), kept_id="id"
            )
            found.append(numbered.filter(pl.col("row").is_in(rows.implode())))
            first += frame.height
    return pl.concat(found)


def _copy_quarantine(layers: Layers, ledger: Folder, veil: Sequence[Stage]) -> dict[str, int]:
    """Gather the quarantine of every task into one file; returns how many entries each reason has."""
    folder = layers.documents.folder
    names = [name for name in folder.names() if name.startswith("quarantine-")]
    reasons: Counter[str] = Counter()

    def frames() -> Iterator[pl.DataFrame]:
        for name in names:
            with folder.open(name) as file:
                frame = pl.read_parquet(file)
            reasons.update(dict(frame.get_column("reason").value_counts().iter_rows()))
            excerpt = veiled_excerpts(frame.get_column("excerpt"), layers, veil)
            yield frame.with_columns(excerpt.alias("excerpt"))

    schema = pa.schema([(name, pa.string()) for name in ("file", "position", "reason", "excerpt")])
    write_parquet(ledger, "quarantine.parquet", frames(), schema)
    return dict(sorted(reasons.items()))


def kept_facts(job: Job, columns: Sequence[str] = ("language", "license", "source")) -> dict[str, Any]:
    """Lengths of the kept rows, and counts by those of language, licence and source that are among `columns`."""
    tasks = job.facts()
    sources = _sum(task["sources"] for task in tasks)
    most = sorted(sources.items(), key=lambda item: (-item[1], item[0]))[:MOST_SOURCES]
    lengths = _sum(task["lengths"] for task in tasks)
    octaves = range(min(map(int, lengths), default=0), max(map(int, lengths), default=-1) + 1)
    counted: dict[str, dict[str, Any]] = {
        "language": {"languages": _sum(task["languages"] for task in tasks)},
        "license": {"licenses": _sum(task["licenses"] for task in tasks)},
        "source": {"sources": dict(most), "sources_in_all": len(sources)},
    }
    return {
        **{name: count for column, own in counted.items() if column in columns for name, count in own.items()},
        "text": {
            "characters": sum(task["characters"] for task in tasks),
            "bytes": sum(task["bytes"] for task in tasks),
            "lengths": {
                "edges": [float(2**octave) for octave in (*octaves, octaves.stop)] if octaves else [],
                "counts": [lengths.get(str(octave), 0) for octave in octaves],
            },
        },
    }


def shard_facts(kept: pl.DataFrame) -> dict[str, Any]:
    """Facts about some kept documents that add up: characters, bytes, and counts by language, license, source, length.

    Lengths are in characters, counted by octave: `3` holds documents of 8 to 15 characters.
    """
    characters = kept.get_column("text").str.len_chars().cast(pl.Int64)
    octaves = characters.clip(1).log(2.0).floor().cast(pl.Int64).cast(pl.String)
    return {
        "characters": int(characters.sum()),
        "bytes": int(kept.get_column("text").str.len_bytes().cast(pl.Int64).sum()),
        "languages": _counts(kept.get_column("language").fill_null("und")),
        "licenses": _counts(kept.get_column("license").fill_null("unknown")),
        "sources": _counts(kept.get_column("source").fill_null("unknown")),
        "lengths": _counts(octaves),
    }


def add_facts(facts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Sum of several `shard_facts`."""
    total = shard_facts(
        pl.DataFrame(schema={"text": pl.String, "language": pl.String, "license": pl.String, "source": pl.String})
    )
    for one in facts:
        for key, value in one.items():
            total[key] = _sum([total[key], value]) if isinstance(value, dict) else total[key] + value
    return total


def _counts(values: pl.Series) -> dict[str, int]:
    return dict(sorted(values.value_counts().iter_rows()))


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items()))
