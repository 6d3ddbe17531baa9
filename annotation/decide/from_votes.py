"""A file with one column of votes per person becomes two: the pairs, and one judgement per vote, ready for `adopt`.

    python -m annotation.decide.from_votes VOTES --into FOLDER --prompt instruction,input \
        --responses response1,response2 --votes annotator1,annotator2,annotator3 --answers 0=tie,1=1,2=2
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_cards.adopt.adopt import read_items
from dataset_cards.intake.quarantine import Quarantined
from dataset_cards.intake.source import Input
from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.schemas import content_id

RANKINGS, JUDGEMENTS, ASIDE = "rankings", "judgements", "aside"  # names of the files, and what a row goes into


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What stands where in an outside row.

    Attributes:
        prompt: fields that make up the prompt, an empty line between those that hold something.
        responses: the fields of the responses, in their order.
        votes: a field for each person; the person is called by its name. An absent or null vote is none.
        answers: what a vote means, by how JSON writes it without quotes: `0` -> `tie`.
        id: the field that names a row; without one, a row is called by its content.
    """

    prompt: Sequence[str]
    responses: Sequence[str]
    votes: Sequence[str]
    answers: Mapping[str, str]
    id: str | None = None


def from_votes(rows: Iterable[Mapping[str, Any]], columns: Columns) -> Iterator[tuple[str, dict[str, Any]]]:
    """For each row a ranking without an order (all ranks 1), then a judgement per vote; or itself, as `aside`.

    What cannot become both goes aside whole with a `problem`: a text that is none, a vote with no known meaning.
    Fields with no part in this stay with the ranking and end in its metadata.
    """
    used = {*columns.prompt, *columns.responses, *columns.votes, *([columns.id] if columns.id else [])}
    for row in rows:
        if problem := _problem(row, columns):
            yield ASIDE, {**row, "problem": problem}
            continue
        prompt = "\n\n".join(row[name] for name in columns.prompt if row.get(name))
        responses = [{"id": name, "content": row[name], "origin": None} for name in columns.responses]
        ranking: dict[str, Any] = {"prompt": [{"role": "user", "content": prompt}], "responses": responses}
        ranking["ranks"] = [1] * len(responses)
        ranking["id"] = str(row[columns.id]) if columns.id else content_id("rankings", ranking)
        yield RANKINGS, {**{name: value for name, value in row.items() if name not in used}, **ranking}
        for person in columns.votes:
            if row.get(person) is not None:
                answer = columns.answers[_written(row[person])]
                yield JUDGEMENTS, {"record": ranking["id"], "annotator": person, "answer": answer}


def _problem(row: Mapping[str, Any], columns: Columns) -> str | None:
    if columns.id and row.get(columns.id) is None:
        return f"{columns.id}: absent"
    for name in (*columns.prompt, *columns.responses):
        if not isinstance(row.get(name), str) and not (name in columns.prompt and row.get(name) is None):
            return f"{name}: no text"
    if not any(row.get(name) for name in columns.prompt):
        return "the prompt is empty"
    for person in columns.votes:
        if row.get(person) is not None and _written(row[person]) not in columns.answers:
            return f"{person}: {_written(row[person])!r:.40} is none of {', '.join(columns.answers)}"
    return None


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def convert(address: str, folder: Path, columns: Columns) -> dict[str, int]:
    """Write `rankings.jsonl`, `judgements.jsonl` and `aside.jsonl`; returns how many rows each has.

    Raises:
        Misuse: a piece of the input cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts = dict.fromkeys((RANKINGS, JUDGEMENTS, ASIDE), 0)
    with ExitStack() as stack:
        files = {name: stack.enter_context((folder / f"{name}.jsonl").open("w", encoding="utf-8")) for name in counts}
        for name, row in from_votes(_rows(address), columns):
            files[name].write(json.dumps(row, ensure_ascii=False) + "\n")
            counts[name] += 1
    return counts


def _rows(address: str) -> Iterator[Mapping[str, Any]]:
    for file in Input.find(address).files:
        for item in read_items(file, "rankings"):
            if isinstance(item, Quarantined):
                raise Misuse(f"{item.file}, {item.position}: {item.reason}; mend or remove it first")
            yield item[2]


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m annotation.decide.from_votes", description=__doc__)
    parser.add_argument("input")
    parser.add_argument("--into", type=Path, required=True)
    for name in ("prompt", "responses", "votes", "answers"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--id")
    given = parser.parse_args(arguments)
    columns = Columns(
        prompt=given.prompt.split(","),
        responses=given.responses.split(","),
        votes=given.votes.split(","),
        answers=dict(pair.split("=", 1) for pair in given.answers.split(",")),
        id=given.id,
    )
    for name, many in convert(given.input, given.into, columns).items():
        print(f"{given.into / name}.jsonl: {many:,} rows")


if __name__ == "__main__":
    main(sys.argv[1:])
