"""What was done to the rows on the way, from ledgers and recipes, for the documents of both laws."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..cards.account import dropped, ledger
from ..cards.detectors import SPAN_HEADER, spans
from ..cards.markdown import code, prose
from ..cards.plain import count, plural
from .roots import Behind, ref
from .statements import listed, measured, shown_table

MOST_ROWS = 50  # of any table; version.json has them all

# By words in the name of a stage, what such a stage is for.
_PURPOSES = (
    (("pii", "personal"), "takes out or masks personal data"),
    (("secret",), "takes out or masks keys and passwords"),
    (("toxic",), "takes out text that insults or threatens"),
    (("spam",), "takes out advertising and text made for search engines"),
    (("duplicate",), "takes out copies, so that nothing is learned by heart for standing there often"),
    (("contaminat",), "takes out items of evaluations, so that these still measure something"),
    (("language",), "keeps the languages that were asked for"),
    (("quality", "repetition", "gopher", "c4"), "takes out text that is not prose or repeats itself"),
    (("read", "ingest", "adopt"), "reads the source and leaves out what cannot be read"),
    (("extract",), "takes the main text out of pages"),
    (("normalize",), "writes the same characters and white space in the same way"),
    (("keep",), "writes the rows that are left"),
    (("audit",), "leaves out problems whose answers cannot be checked"),
    (("forget",), "leaves out rows that somebody asked to have taken out"),
    (("mix", "sample"), "draws rows from several sources"),
    (("preflight",), "leaves out rows that a trainer cannot learn from"),
)  # fmt: skip
_NO_PURPOSE = "not told by its name"


def processing(record: Mapping[str, Any], found: Behind) -> Iterator[str]:
    """Paragraphs: the ledger, every stage with its purpose, what was found inside texts, the recipes before."""
    book = ledger(record)
    balance = (
        f"{plural(book['read'], 'row')} read, {count(book['kept'])} kept, {count(dropped(record))} dropped with a "
        f"reason and {count(book['quarantined'])} unreadable"
    )
    recipe = (record.get("recipe") or {}).get("name")
    yield measured(f"By {f'the recipe {code(recipe)}' if recipe else 'the last recipe'}: {balance}")
    if steps := record.get("funnel"):
        stages = [
            (code(one["stage"]), count(one["read"]), count(one["kept"]), purpose(str(one["stage"])))
            for one in steps[:MOST_ROWS]
        ]
        yield shown_table(("stage", "rows read", "rows kept", "what it is for, by its name"), stages, right=(1, 2))
        if (more := len(steps) - MOST_ROWS) > 0:
            yield measured(f"{plural(more, 'more stage')}; version.json has them under `funnel`")
    if inside := spans(record):
        yield measured("Found inside texts, and what was done to it")
        cells = [
            (code(stage), code(kind), many, rows, prose(did)) for stage, kind, many, rows, did in inside[:MOST_ROWS]
        ]
        yield shown_table(SPAN_HEADER, cells, right=(2, 3))
    before = [
        measured(f"Before, {code(ref(one))} was made by the recipe {code(one['recipe'])}")
        for one in record.get("ancestors") or ()
        if one.get("recipe") and ref(one) in found.reach
    ]
    if before:
        yield listed(before[:MOST_ROWS])


def purpose(stage: str) -> str:
    """What a stage is for, as far as its name tells."""
    name = stage.lower()
    return next((what for words, what in _PURPOSES if any(word in name for word in words)), _NO_PURPOSE)
