"""The command that says how many judgements an annotation campaign needs."""

from typing import Annotated

import typer

from dataset_cards.options import JsonOption
from dataset_cards.said import say
from dataset_cards.versions.errors import Misuse

from .agreement.plan import planned


def plan(
    agreement: Annotated[
        float, typer.Option(help="Share of pairs of people expected to agree, from a pilot or from similar data.")
    ] = 0.8,
    half_width: Annotated[
        float, typer.Option(help="How far the 95 % interval may reach to each side of alpha, kappa or percent.")
    ] = 0.05,
    labels: Annotated[
        int | None, typer.Option(help="Labels there are to choose from; 2 unless --shares are given.")
    ] = None,
    annotators: Annotated[int, typer.Option(help="People there are: the largest overlap.")] = 3,
    shares: Annotated[
        str, typer.Option(metavar="P,P,...", help="Share of each label, or how often a pilot gave it; else all alike.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """How many rows, judged by how many people each, it takes to know how far people agree."""
    parts = [_number(part) for part in shares.split(",")] if shares else []
    count = labels if labels is not None else len(parts) or 2
    found = planned(half_width=half_width, agreement=agreement, labels=count, annotators=annotators, shares=parts)
    say(found.json(), found.text(), as_json)


def _number(part: str) -> float:
    try:
        return float(part)
    except ValueError:
        raise Misuse(
            f"--shares has {part!r}, which is no number; write 0.6,0.3,0.1 or counts such as 120,60,20"
        ) from None
