"""What a threshold moved a little would change: the same decisions over the stored scores, with one limit moved."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from .layers import DROP, Layers
from .rule import Rule

STEPS = (-0.10, -0.05, -0.01, 0.01, 0.05, 0.10)
NUMERIC = ("below", "above")


def moves(layers: Layers, table: int, rules: Sequence[dict[str, Any]], last: bool) -> list[dict[str, Any]]:
    """One entry per numeric rule of one screening, all counted in one pass over its scores.

    All other rules and everything else stay as they are. A tighter limit takes rows that are kept today; a looser one
    lets rows pass that this rule alone holds back. What later stages would say of those is not known: nobody measured
    it, unless no later stage drops anything. Duplicates are not looked for again.

    Args:
        table: which of the layers holds the scores.
        rules: the rules of the screening, in order.
        last: whether nothing after this screening drops rows.

    Returns:
        dicts of `stage`, `reason`, `signal`, `kind`, `limit`, `field`, `kept`: whether rows that pass would be kept,
        rather than reach the next stage; and `moved`: a list of `step`, the share by which the limit moved,
        the `limit` then, and how many rows `fewer` would be kept or `more` would pass.
    """
    schema = layers.tables[table].schema()
    known = [rule for rule in rules if _column(rule) in schema.names]
    found = []
    for number, rule in enumerate(known):
        if rule["kind"] in NUMERIC:
            limits = moved_limits(float(rule["limit"]), whole="int" in str(schema.field(_column(rule)).type))
            said = {key: rule[key] for key in ("stage", "reason", "signal", "kind", "limit", "field")}
            kept = last and rule["stage"] == known[-1]["stage"]
            moved = [{"step": step, "limit": limit, "fewer": 0, "more": 0} for step, limit in limits]
            found.append((number, {**said, "kept": kept, "moved": moved}))
    if not found:
        return []
    for frame in _decided(layers, table, known):
        counted = iter(frame.select(_counts(found)).row(0))
        for _, entry in found:
            for move in entry["moved"]:
                move["fewer"] += next(counted)
                move["more"] += next(counted)
    return [entry for _, entry in found if entry["moved"]]


def _decided(layers: Layers, table: int, rules: Sequence[dict[str, Any]]) -> Iterator[pl.DataFrame]:
    """The scores, row group by row group, with `drop` and, for rule n, `#n`: nothing else in its stage holds back."""
    columns = list(dict.fromkeys(map(_column, rules)))
    holds = [_verdict(rule) for rule in rules]
    alone = [
        (
            held
            & (
                pl.sum_horizontal(h for h, other in zip(holds, rules, strict=True) if other["stage"] == rule["stage"])
                == 1
            )
        )
        for held, rule in zip(holds, rules, strict=True)
    ]
    for part in range(layers.parts):
        scores = layers.tables[table].batches(part, columns)
        for verdict, frame in zip(layers.batches(part, ()), scores, strict=True):
            named = [expr.alias(f"#{number}") for number, expr in enumerate(alone)]
            yield frame.with_columns(verdict.get_column(DROP), *named)


def _counts(found: Sequence[tuple[int, dict[str, Any]]]) -> list[pl.Expr]:
    """For every moved limit: kept rows that it would drop, and rows that would pass the stage after all."""
    exprs: list[pl.Expr] = []
    for number, entry in found:
        for move in entry["moved"]:
            condemned = _verdict({**entry, "limit": move["limit"]})
            fewer = pl.col(DROP).is_null() & condemned
            more = pl.col(f"#{number}") & condemned.not_()
            exprs += [fewer.sum().alias(f"{len(exprs)}"), more.sum().alias(f"{len(exprs) + 1}")]
    return exprs


def moved_limits(limit: float, whole: bool) -> list[tuple[float, float]]:
    """The limit moved by 1, 5 and 10 % to either side, as (step, limit); of whole numbers at least to the neighbour.

    A share (above 0, at most 1) stays one, and nothing goes below 0 that was not. A limit of 0 over fractions has no
    percentage to move by.
    """
    found = []
    for step in STEPS if math.isfinite(limit) and (limit or whole) else ():
        far = abs(limit) * step
        moved = limit + far
        if whole:  # outwards, so that a small limit still moves
            moved = math.floor(limit + min(far, -1.0)) if step < 0 else math.ceil(limit + max(far, 1.0))
        elif 0.0 < limit <= 1.0:
            moved = min(moved, 1.0)
        if math.isfinite(moved) and (moved >= 0 or limit < 0):
            found.append((step, float(f"{moved:.12g}")))
    return found


def _column(rule: dict[str, Any]) -> str:
    return f"{rule['stage']}.{rule['signal']}"


def _verdict(rule: dict[str, Any]) -> pl.Expr:
    limit = tuple(rule["limit"]) if isinstance(rule["limit"], list) else rule["limit"]
    return Rule(_column(rule), rule["kind"], limit).expr
