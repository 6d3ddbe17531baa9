"""Datasheet: what was done to the rows."""

from collections.abc import Mapping
from typing import Any

from ..cards.account import facts, ledger, made_from, title
from ..cards.generated_shown import generated_paragraphs
from ..cards.markdown import code, table
from ..cards.paragraphs import found_inside, rows_in_rows_out
from ..cards.plain import count, plural
from .about import About
from .answers import Answer, Question, lowered, measured

Record = Mapping[str, Any]

_MOST = 50  # stages or packages


def _done(record: Record, about: About) -> Answer:
    recipe = record.get("recipe") or {}
    made = f"By the recipe {code(recipe.get('name') or recipe.get('function'))}." if recipe else "By no recipe."
    return measured(
        made if recipe else "Rows were taken as they came: nothing was filtered or rewritten here.",
        *rows_in_rows_out(record),
        *_edits(record),
        *found_inside(record),
        *lowered(generated_paragraphs(record)),
    )


def _edits(record: Record) -> list[str]:
    """Rows that stages rewrote: what is recorded counts texts and languages together."""
    changed = {str(stage): n for stage, n in (facts(record).get("edits") or {}).items() if n}
    rows = [(code(stage), count(n)) for stage, n in list(changed.items())[:_MOST]]
    return [table(("stage", "rows whose text or language it changed"), rows, right=(1,))] if rows else []


def _raw(record: Record, about: About) -> Answer:
    book = ledger(record)
    gone = book["read"] - book["kept"]
    parents = [f"{code(title(one))}, {code(one.get('digest', ''))}" for one in made_from(record)]
    kept = f"The versions that it was made from stay as they are: {'; '.join(parents)}." if parents else None
    left = (
        f"Of {plural(gone, 'row')} that were read and are not in it, `ledger/` has the id and the reason, and of some "
        "the text."
    )
    none = "What was read is in it; there is no other form of it in this version."
    return measured(kept, left if gone else none if not parents else None)


def _software(record: Record, about: About) -> Answer:
    recipe, environment = record.get("recipe") or {}, record.get("environment") or {}
    made = [("gristmill", record.get("gristmill")), ("python", environment.get("python"))]
    made += [("platform", environment.get("platform")), *sorted((environment.get("packages") or {}).items())]
    rows = [(code(name), code(value)) for name, value in made[:_MOST] if value]
    function = (
        f"The function {code(recipe['function'])}, with the parameters in version.json."
        if recipe.get("function")
        else None
    )
    return measured(function, table(("made with", "version"), rows) if rows else "version.json names no software.")


def _other(record: Record, about: About) -> Answer:
    steps = len((record.get("recipe") or {}).get("steps") or ())
    ran = f"Every step ({steps} in all) is in version.json with its thresholds, so that it can be run again."
    return measured(ran if record.get("recipe") else "No recipe ran, so there are no thresholds to tell.")


PROCESSING = (
    Question(asks="What was cleaned, rewritten or labelled?", answer=_done),
    Question(asks="Is the raw data kept?", answer=_raw),
    Question(asks="Can the software be had?", answer=_software),
    Question(asks="Anything else on what was done to it?", answer=_other),
)
