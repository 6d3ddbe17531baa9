"""What the generators of a plan would ask and pay, measured on the first rows of what they read."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from dataset_cards.versions.step import Step
from dataset_cards.versions.store import Store
from dataset_cards.versions.version import DatasetVersion

from .llm.cache import Cache, place
from .llm.estimate import Estimate, estimate
from .llm.llm import Request
from .llm.prices import read_prices

SAMPLE = 50  # rows


def costs(todo: Sequence[Step], store: Store, prices: str | None) -> list[tuple[str, Estimate]]:
    """By step that asks a model: an estimate of its first questions about every row.

    What a model is asked after its first answers depends on them, so it is not counted; the sentence of the estimate
    is a lower bound for generators that go on. Steps whose input is not there yet are left out.

    Raises:
        Misuse: the prices cannot be read, or do not name the model.
    """
    known = read_prices(prices) if prices is not None else None
    path = place(store.root)
    cache = Cache(path) if path.exists() else None
    try:
        found = []
        for step in todo:
            rows = _rows(step, store)
            sample = [list(first) for first in islice(_first_questions(step.op, rows), SAMPLE)]
            if requests := [request for first in sample for request in first]:
                total = round(_count(step, store) * len(requests) / len(sample))
                found.append((step.name, estimate(requests, total, cache=cache, prices=known)))
        return found
    finally:
        if cache is not None:
            cache.close()


def _rows(step: Step, store: Store) -> Iterator[dict[str, Any]]:
    source = step.inputs[0] if step.inputs else None
    if source is None or not hasattr(step.op, "write") or (isinstance(source, Step) and not store.is_done(source)):
        return
    for frame in store.table(source).frames():
        yield from frame.iter_rows(named=True)


def _count(step: Step, store: Store) -> int:
    source = step.inputs[0]
    return int(source.json["rows"]) if isinstance(source, DatasetVersion) else store.table(source).rows


def _first_questions(op: Any, rows: Iterator[dict[str, Any]]) -> Iterator[Sequence[Request]]:
    for row in rows:
        script = op.write(row)
        try:
            yield next(script)
        except StopIteration:
            yield ()
        finally:
            script.close()
