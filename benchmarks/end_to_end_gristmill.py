"""CPU seconds of every step of `web_text`, for benchmarks/end_to_end.py: prints them as JSON."""

import json
import resource
import sys
from pathlib import Path

from curation.engine import LocalEngine
from curation.ingest import Cut, Ingest
from curation.recipes import web_text
from dataset_cards.intake.source import Input
from dataset_cards.versions.step import Step, in_order
from dataset_cards.versions.store import Store


def seconds_by_step(pages: str, place: Path) -> dict[str, float]:
    """Reading is measured by itself too, so that what is left of the first step is extraction and normalising."""
    store, tools = Store.at(str(place)), (LocalEngine(workers=1), Cut())
    first, *others = in_order(web_text(input=pages))
    alone = Step("alone/read", Ingest(input=Input.find(pages)))
    reading, both = (_cost(store, step, tools) for step in (alone, first))
    seconds = {"reading": reading, "extraction and normalising": both - reading}
    return seconds | {step.name: _cost(store, step, tools) for step in others}


def _cost(store: Store, step: Step, tools: tuple[object, ...]) -> float:
    before = _cpu()
    store.run(step, tools)
    return _cpu() - before


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    print(json.dumps(seconds_by_step(sys.argv[1], Path(sys.argv[2]))))
