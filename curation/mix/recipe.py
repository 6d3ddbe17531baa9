"""The recipes of a mixture and of token shards."""

from dataset_cards.versions.errors import BadRecipe
from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion

from .mix import Mix, Unit
from .tokenise import Tokenise
from .tokens import Tokenizer

UNKNOWN = "unknown"


def mixture(
    sources: list[DatasetVersion],
    weights: tuple[float, ...] = (),
    unit: Unit = "rows",
    budget: int | None = None,
    max_repeats: float = 1.0,
    seed: int = 1,
    tokenizer: str = "",
) -> Step:
    """Several versions in chosen shares, sampled and shuffled by a seed; the card shows what was asked and got.

    Args:
        sources: versions of one row type, e.g. web@1.0.0,books@1.0.0.
        weights: the share of each source, in the same order; without any, each weighs as much as it holds.
        unit: what weights and budget count: rows, characters or tokens.
        budget: size of the whole mixture in that unit; without it, as much as weights and max_repeats allow.
        max_repeats: how often a source may be used over at most, e.g. 4 for scarce text (Muennighoff et al. 2023).
        seed: of the sample and of the order.
        tokenizer: a tokenizer.json or its folder, to count in tokens.

    Raises:
        Misuse: the sources are of different types, or the tokenizer cannot be read.
    """
    if unit != "tokens" and tokenizer:
        raise BadRecipe(f"mixture: a tokenizer was given, but the unit is {unit}; add -p unit=tokens")
    if unit == "tokens" and not tokenizer:
        raise BadRecipe("mixture: to count in tokens, name a tokenizer.json with -p tokenizer=FILE")
    if not sources:
        raise BadRecipe("mixture: it needs at least one source")
    op = Mix(
        names=tuple(source.ref for source in sources),
        weights=weights,
        unit=unit,
        budget=budget,
        max_repeats=max_repeats,
        seed=seed,
        tokenizer=Tokenizer.find(tokenizer) if unit == "tokens" else None,
        license=joint_license([str(source.json["license"]) for source in sources]),
    )
    return Step("mixture/mix", op, tuple(sources))


def tokenise(data: DatasetVersion, tokenizer: str, length: int | None = None, end_of_text: str | None = None) -> Step:
    """A version as token ids for training, row by row or packed into blocks; counts its tokens on the card.

    Args:
        data: rows of any type; messages are joined by line breaks, without a chat template.
        tokenizer: a tokenizer.json or its folder.
        length: tokens of a block; without it, each row stays a row.
        end_of_text: the token after each text; found by its usual names if not given.

    Raises:
        Misuse: the tokenizer cannot be read, or has no such token.
    """
    found = Tokenizer.find(tokenizer)
    token, number = found.end_of_text(end_of_text)
    said = {"license": str(data.json["license"]), "source": data.json["source"]}
    op = Tokenise(tokenizer=found, end_of_text=token, end_id=number, length=length, **said)
    return Step("tokenise/tokenise", op, (data,))


def joint_license(licenses: list[str]) -> str:
    """The SPDX expression that holds for rows of all sources together; unknown if one of them is."""
    if UNKNOWN in licenses:
        return UNKNOWN
    different = sorted({*licenses})
    return " AND ".join(f"({one})" if " " in one else one for one in different) if len(different) > 1 else different[0]
