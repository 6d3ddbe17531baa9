"""What a command line says about the model to ask."""

from typing import Annotated

import typer

LlmOption = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="The model to ask: http://HOST/v1, batch:URL, local:MODEL, fake.")
]
PricesOption = Annotated[str | None, typer.Option(metavar="FILE", help="What tokens cost, by model.")]
BudgetOption = Annotated[
    str | None,
    typer.Option(metavar="AMOUNT", help="Stop before it has cost more: money as 2.50, or '200000 tokens'."),
]
