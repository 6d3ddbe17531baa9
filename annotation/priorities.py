"""What to ask about first: rows ordered by scores that a model left with them."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from dataset_cards.versions.errors import Misuse

By = Literal["highest", "lowest", "closest"]
LAST = -math.inf  # the priority of a row without a score


def priorities(rows: Iterable[Mapping[str, Any]], column: str, by: By) -> list[float]:
    """For each row a number; the row with the highest is asked about first, and `LAST` stands for no score.

    The score is the row's field `column` or, where rows have no such field, the key `column` of its metadata: a
    number, or a list with one number per response (two or more).

    * A number: `highest` or `lowest` first.
    * A list: `highest` first asks where the scores differ most (their variance: raters or samples that disagree),
      `lowest` where they differ least; `closest` where the best two are nearest to each other, which is where a reward
      model is least certain which response is better (uncertainty sampling by margin: Settles 2009, section 3.1).

    Raises:
        Misuse: a score of another type, a number where other rows have lists, or no row with a score; names the row.
    """
    if by not in ("highest", "lowest", "closest"):
        raise Misuse(f"first_by={by}: it is highest, lowest or closest")
    found: list[float] = []
    form = ""
    names: set[str] = set()
    for row in rows:
        where = f"row {row.get('id')!r}: {column}"
        noted = _metadata(row)
        names |= {*row, *noted}
        value = row[column] if column in row else noted.get(column)
        if value is None:
            found.append(LAST)
            continue
        this = "a list" if isinstance(value, list | tuple) else "a number"
        score = _of_list(where, value, by) if this == "a list" else _of_number(where, value, by)
        if form and this != form:
            raise Misuse(f"{where} is {this}, and {form} in the rows before; scores of two kinds cannot be compared")
        form = this
        found.append(score)
    if found and not form:
        there = ", ".join(sorted(names - {"metadata"}))
        raise Misuse(f"no row has a score called {column!r}; rows and their metadata have {there or 'nothing'}")
    return found


def unscored(scores: Sequence[float]) -> int:
    """How many rows had no score."""
    return sum(score == LAST for score in scores)


def _metadata(row: Mapping[str, Any]) -> Mapping[str, Any]:
    text = row.get("metadata")
    if text is None:
        return {}
    try:
        noted = json.loads(text)
    except ValueError as error:
        raise Misuse(f"row {row.get('id')!r}: its metadata is no JSON ({error})") from error
    if not isinstance(noted, dict):
        raise Misuse(f"row {row.get('id')!r}: its metadata is no JSON object")
    return noted


def _of_number(where: str, value: Any, by: By) -> float:
    score = _number(where, value)
    if by == "closest":
        raise Misuse(
            f"{where} is one number; `closest` needs a list with one per response. Of numbers that are gaps already, "
            "ask for the lowest first"
        )
    return score if by == "highest" else -score


def _of_list(where: str, values: Sequence[Any], by: By) -> float:
    scores = [_number(f"{where}[{n}]", value) for n, value in enumerate(values)]
    if len(scores) < 2:
        raise Misuse(f"{where} is a list of {len(scores)}; it needs one number per response, two or more")
    if by == "closest":
        best, second = sorted(scores, reverse=True)[:2]
        return second - best
    mean = math.fsum(scores) / len(scores)
    variance = math.fsum((score - mean) ** 2 for score in scores) / len(scores)
    return variance if by == "highest" else -variance


def _number(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Misuse(f"{where} is {json.dumps(value, default=str)[:40]}; a score is a finite number, or a list of them")
    return float(value)
