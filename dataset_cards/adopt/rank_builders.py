"""What gives rows with several responses their row type: who won, in which order, or not judged yet."""

from collections.abc import Sequence
from typing import Any

from .builders import Built, Row, distinct
from .fields import Unmappable
from .turns import as_answer, as_prompt

TIES = (0, 1.5, "0", "1.5", "tie")
WINNERS = {1: (1, 2), "1": (1, 2), "a": (1, 2), 2: (2, 1), "2": (2, 1), "b": (2, 1), **dict.fromkeys(TIES, (1, 1))}


def judged_pair(row: Row) -> Built:
    """Two answers and which of them won; a tie has no chosen."""
    ranks = _winner(row["winner"])
    if ranks == (1, 1):
        raise Unmappable("tie", "neither answer won; rankings can hold ties, preferences cannot")
    prompt, notes = as_prompt(row["prompt"])
    first, more = as_answer(row["first"], "first")
    second, still_more = as_answer(row["second"], "second")
    distinct(first, second)
    chosen, rejected = (first, second) if ranks == (1, 2) else (second, first)
    columns = {"prompt": prompt, "chosen": chosen, "rejected": rejected}
    return columns, {**notes, **more, **still_more, "winner": row["winner"]}


def judged_pair_as_ranking(row: Row) -> Built:
    prompt, notes = as_prompt(row["prompt"])
    responses = [_response(row[name], str(n)) for n, name in enumerate(("first", "second"), 1)]
    return {"prompt": prompt, "responses": responses, "ranks": list(_winner(row["winner"]))}, {
        **notes,
        "winner": row["winner"],
    }


def _winner(value: Any) -> tuple[int, int]:
    if value is None:
        raise Unmappable("not-judged", "winner: null")
    key = value.lower() if isinstance(value, str) else value
    if isinstance(value, bool) or not isinstance(value, int | float | str) or key not in WINNERS:
        raise Unmappable("unknown-winner", f"winner: {value!r:.40} is not 1, 2, A or B, nor 0, 1.5 or tie")
    return WINNERS[key]


def ranked(row: Row) -> Built:
    prompt, notes = as_prompt(row["prompt"])
    return {"prompt": prompt, "responses": _responses(row["responses"]), "ranks": list(row["ranks"])}, notes


def unjudged(row: Row) -> Built:
    """Responses that nobody has compared yet: all share a rank, and a note says that this is no judgement."""
    prompt, notes = as_prompt(row["prompt"])
    responses = _responses(row["responses"])
    return {"prompt": prompt, "responses": responses, "ranks": [1] * len(responses)}, {**notes, "unjudged": True}


def unjudged_pair(row: Row) -> Built:
    return unjudged({"prompt": row["prompt"], "responses": [row["first"], row["second"]]})


def scored(row: Row) -> Built:
    """The highest score ranks first; equal scores share a rank."""
    prompt, notes = as_prompt(row["prompt"])
    columns = {"prompt": prompt, "responses": _responses(row["responses"]), "ranks": _ranks(row["scores"])}
    return columns, {**notes, "scores": row["scores"]}


def ultrafeedback(row: Row) -> Built:
    """Cui et al. 2023 (arXiv 2310.01377): four completions, ranked here by their `overall_score`."""
    prompt, notes = as_prompt(row["instruction"])
    scores, responses = [], []
    for n, one in enumerate(row["completions"]):
        score = one["overall_score"]
        if isinstance(score, bool) or not isinstance(score, int | float):
            raise Unmappable("not-judged", f"completions[{n}].overall_score: {score!r:.40} is no number")
        scores.append(score)
        responses.append(_response({"content": one["response"], "origin": one.get("model")}, str(n + 1)))
    others = [{k: v for k, v in one.items() if k not in ("response", "model")} for one in row["completions"]]
    return {"prompt": prompt, "responses": responses, "ranks": _ranks(scores)}, {**notes, "completions": others}


def _ranks(scores: Sequence[Any]) -> list[int]:
    if any(score != score for score in scores):
        raise Unmappable("not-judged", "a score is not a number")
    return [1 + sum(other > score for other in scores) for score in scores]


def _responses(values: Sequence[Any]) -> list[dict[str, Any]]:
    return [_response(value, str(n)) for n, value in enumerate(values, 1)]


def _response(value: Any, number: str) -> dict[str, Any]:
    """Text, or `{content, id?, origin?}`; a response that has no id is called by its place, "1" for the first."""
    given = {"content": value} if isinstance(value, str) else value
    if unknown := set(given) - {"id", "content", "origin"}:
        raise Unmappable(
            "mistyped-field", f"responses[{int(number) - 1}]: has no place for {', '.join(sorted(unknown))}"
        )
    return {"id": given.get("id") or number, "content": given.get("content"), "origin": given.get("origin")}
