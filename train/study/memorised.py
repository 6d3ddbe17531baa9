"""What a model knows by heart of what it was trained on: planted canaries, and rows that it recites.

Exposure: Carlini et al. 2019, "The Secret Sharer", arXiv 1802.08232, section 4.2. Recitation: Carlini et al. 2022,
"Quantifying Memorization Across Neural Language Models", arXiv 2202.07646, section 3: a row counts as recited if the
model, given its beginning, writes what follows word for word when it always takes the likeliest token.
"""

import hashlib
import json
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from dataset_cards.cards.plain import plural
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.version import DatasetVersion
from train.abilities import writes
from train.inputs import opened
from train.machine import Machine
from train.measure import Triple, interval, wilson
from train.models import load_causal, load_tokenizer
from train.quiet import quiet
from train.scoring import answer_logprobs
from train.trainer import need

from .canaries import FORMAT, MARK, secret_of

SPANS = "ledger/spans.parquet"
PREFIX, SUFFIX = 32, 32  # tokens given, and tokens that have to follow word for word
OTHERS = 1023  # other fillings that a canary's own is ranked among: exposure is at most 10 bits
BATCH = 16
LEVELS = (1, 2, 4, 8, 16, 64, 256)  # copies of a row are counted up to the next of these


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """How far canaries of one number of copies stand out.

    Attributes:
        copies: times that each was planted; 0 for fillings that were never planted, as a control.
        bits: mean of log2(fillings) - log2(rank of the secret): what chance gives is about 1.4, the most 10.
    """

    copies: int
    canaries: int
    bits: Triple


@dataclass(frozen=True, kw_only=True)
class Recited:
    """How many rows of one group the model recites.

    Attributes:
        group: such as "1 copy", "with personal data", "never seen".
        share: of the rows, with its interval.
        ids: of the first that are.
    """

    group: str
    rows: int
    recited: int
    share: Triple
    ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Everything that was found."""

    model: str
    version: str
    exposure: tuple[Exposure, ...]
    recited: tuple[Recited, ...]
    personal: tuple[Recited, ...]
    notes: tuple[str, ...]

    def json(self) -> dict[str, Any]:
        return asdict(self)

    def text(self) -> str:
        """The findings for a terminal."""
        lines = [f"{_planted(one)}: exposure {_said(one.bits)} bits" for one in self.exposure]
        for one in (*self.recited, *self.personal):
            shown = f" (first: {', '.join(one.ids[:3])})" if one.ids else ""
            lines.append(f"{one.group}: {one.recited} of {one.rows} rows recited, {_said(one.share)}{shown}")
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def memorised(
    version: DatasetVersion,
    model: DatasetVersion,
    control: DatasetVersion | None,
    *,
    machine: Machine,
    rows: int = 200,
    seed: int = 0,
) -> Memory:
    """What `model` knows by heart of `version`.

    Args:
        control: documents that the model never saw; what it recites of them it did not learn by heart.
        rows: of each group at most, chosen by a hash of their ids.

    Raises:
        Misuse: the versions are of other kinds, or the model writes nothing.
        NoTool: torch is not installed.
    """
    for one in (version, *([control] if control else [])):
        if one.kind != "documents":
            raise Misuse(f"{one.ref} is {one.kind}; what is recited is looked for in documents")
    if model.kind != "model":
        raise Misuse(f"{model.ref} is {model.kind} and no model; `gristmill list` shows which are")
    writes(model, model.ref)
    need("transformers")
    with opened(("model",), (model.table,)) as inputs, quiet():
        folder: Path = inputs.model()
        network, tokenizer = load_causal(folder, machine).eval(), load_tokenizer(folder)
        groups, secrets, personal = _groups(version, rows)
        notes = [] if secrets else [f"{version.ref} holds no canaries; `gristmill run canaries` plants some"]
        if not version.folder.exists(SPANS):
            notes.append(f"nobody looked for personal data in {version.ref}: it has no {SPANS}")
        exposure = _exposure(network, tokenizer, secrets, seed) if secrets else ()
        found = [_recited(network, tokenizer, _copies(n), group) for n, group in sorted(groups.items())]
        if control is not None:
            unseen = [row for level in _groups(control, rows)[0].values() for row in level][:rows]
            found.append(_recited(network, tokenizer, f"never seen ({control.ref})", unseen))
        apart = [_recited(network, tokenizer, f"with {kind}", group) for kind, group in sorted(personal.items())]
    short = sum(one is None for one in (*found, *apart))
    if short:
        notes.append(f"{short} groups hold no row of {PREFIX + SUFFIX} tokens or more")
    return Memory(
        model=model.ref,
        version=version.ref,
        exposure=tuple(exposure),
        recited=tuple(one for one in found if one is not None),
        personal=tuple(one for one in apart if one is not None),
        notes=tuple(notes),
    )


def _planted(one: Exposure) -> str:
    if not one.copies:
        return f"{plural(one.canaries, 'secret')} never planted, as a control"
    return f"{plural(one.canaries, 'secret')} planted {plural(one.copies, 'time')}"


def _copies(level: int) -> str:
    if level == 1:
        return "1 copy"
    low = LEVELS[LEVELS.index(level) - 1] + 1
    return f"{level} copies" if low == level else f"{low} to {level} copies"


def _groups(
    version: DatasetVersion, most: int
) -> tuple[dict[int, list[tuple[str, str]]], dict[str, tuple[str, int]], dict[str, list[tuple[str, str]]]]:
    """Rows as (id, text) by copies, secrets by place as (secret, copies), and rows by kind of personal data."""
    columns = ["id", "text", "metadata"]
    keys = pl.concat(
        frame.select("id", pl.col("text").hash(seed=1).alias("key")) for frame in version.table.frames(columns)
    )
    copies = keys.group_by("key").len("copies")
    level = pl.min_horizontal(*(pl.when(pl.col("copies") <= n).then(n) for n in LEVELS)).fill_null(LEVELS[-1])
    one_of_each = keys.unique("key", keep="first", maintain_order=True).join(copies, on="key")
    one_of_each = one_of_each.filter(~pl.col("id").str.starts_with(f"{MARK}/")).with_columns(level.alias("level"))
    order = pl.col("id").map_elements(_order, return_dtype=pl.String)
    chosen = one_of_each.with_columns(order.alias("order")).sort("order").group_by("level").head(most)
    level_of = dict(chosen.select("id", "level").iter_rows())
    kinds = _personal(version, most)
    groups: dict[int, list[tuple[str, str]]] = defaultdict(list)
    personal: dict[str, list[tuple[str, str]]] = defaultdict(list)
    secrets: dict[str, tuple[str, int]] = {}
    for frame in version.table.frames(columns):
        for name, text, metadata in frame.iter_rows():
            canary: Mapping[str, Any] | None = (
                json.loads(metadata or "{}").get(MARK) if name.startswith(f"{MARK}/") else None
            )
            if canary is not None:
                secrets[canary["place"]] = canary["secret"], canary["copies"]
            elif name in level_of:
                groups[level_of.pop(name)].append((name, text))
            for kind in kinds.pop(name, ()):
                personal[kind].append((name, text))
    return groups, secrets, personal


def _order(name: str) -> str:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _personal(version: DatasetVersion, most: int) -> dict[str, list[str]]:
    """By row, the kinds of personal data that were found in it; at most `most` rows of each kind."""
    if not version.folder.exists(SPANS):
        return {}
    with version.folder.open(SPANS) as file:
        spans = pl.read_parquet(file, columns=["id", "type"]).unique().sort("id")
    found: dict[str, list[str]] = defaultdict(list)
    for name, kind in spans.group_by("type", maintain_order=True).head(most).select("id", "type").iter_rows():
        found[name].append(kind)
    return found


def _exposure(network: Any, tokenizer: Any, secrets: Mapping[str, tuple[str, int]], seed: int) -> list[Exposure]:
    draw = random.Random(seed)
    bits: dict[int, list[float]] = defaultdict(list)
    for place, (secret, copies) in sorted(secrets.items()):
        others = [secret_of(draw) for _ in range(OTHERS)]
        bits[copies].append(_bits(network, tokenizer, place, secret, others))
        unplanted = secret_of(draw)
        bits[0].append(_bits(network, tokenizer, place, unplanted, others))
    return [
        Exposure(copies=copies, canaries=len(found), bits=interval(found)) for copies, found in sorted(bits.items())
    ]


def _bits(network: Any, tokenizer: Any, place: str, secret: str, others: Sequence[str]) -> float:
    """Exposure of one secret: how far above the others it ranks."""
    texts = [FORMAT.format(place=place, secret=one) for one in (secret, *others)]
    begin = _begin(network)
    written = tokenizer(texts, add_special_tokens=False)["input_ids"]
    rows = [([*begin, *ids], [0] * len(begin) + [1] * len(ids)) for ids in written]
    sums, _ = answer_logprobs(network, rows)
    rank = 1 + int((sums[1:] >= sums[0]).sum())
    return math.log2(len(texts)) - math.log2(rank)


def _recited(network: Any, tokenizer: Any, group: str, rows: Sequence[tuple[str, str]]) -> Recited | None:
    """How many of the rows are written word for word from their beginning; None where no row is long enough."""
    import torch

    ids = tokenizer([text for _, text in rows], add_special_tokens=False)["input_ids"] if rows else []
    long = [(name, one[: PREFIX + SUFFIX]) for (name, _), one in zip(rows, ids, strict=True)]
    long = [(name, one) for name, one in long if len(one) == PREFIX + SUFFIX]
    if not long:
        return None
    hits: list[str] = []
    begin = _begin(network)
    for batch in _batches(long):
        given = torch.tensor([[*begin, *one[:PREFIX]] for _, one in batch], device=network.device)
        written = network.generate(
            input_ids=given,
            attention_mask=torch.ones_like(given),
            max_new_tokens=SUFFIX,
            min_new_tokens=SUFFIX,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id,
        )[:, len(begin) + PREFIX :].tolist()
        hits += [name for (name, one), said in zip(batch, written, strict=True) if said == one[PREFIX:]]
    share = (len(hits) / len(long), *wilson(len(hits) / len(long), len(long)))
    return Recited(group=group, rows=len(long), recited=len(hits), share=share, ids=tuple(hits[:10]))


def _begin(network: Any) -> list[int]:
    """What stands before a document when a model reads it."""
    token = network.config.bos_token_id
    return [] if token is None else [int(token)]


def _batches(rows: Sequence[tuple[str, list[int]]]) -> Iterator[Sequence[tuple[str, list[int]]]]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def _said(triple: Triple) -> str:
    return f"{triple[0]:.3g} ({triple[1]:.3g} to {triple[2]:.3g})"
