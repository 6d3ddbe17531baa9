"""How much text there is, and in which band of the EU's template it falls."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..cards.markdown import code
from ..cards.plain import count, plural
from .roots import Behind, Told
from .statements import measured, unanswered

# Section 1.3 of the template; 1 billion belongs to the second band and 10 trillion too.
BANDS = ("Less than 1 billion tokens", "1 billion to 10 trillion tokens", "More than 10 trillion tokens")
BILLION = 10**9
TEN_TRILLION = 10**13
BYTES_PER_TOKEN = 4  # a rule of thumb for English text; only stated, never taken for a measurement


@dataclass(frozen=True, kw_only=True)
class Volume:
    """What was counted; None where nobody counted.

    Attributes:
        rows, characters, words, bytes: of the text, as UTF-8, before any template or tokenizer.
        tokens: of the text that is learned from, each row once.
        tokenizer: the file it was counted with.
    """

    rows: int | None
    characters: int | None
    words: int | None
    bytes: int | None
    tokens: int | None
    tokenizer: str | None = None


def band(tokens: int) -> str:
    """The band of the template in which a number of tokens falls."""
    return BANDS[0] if tokens < BILLION else BANDS[1] if tokens <= TEN_TRILLION else BANDS[2]


def volume(record: Told, found: Behind) -> Volume:
    """What version.json counted of the content; an amount is told only where every dataset in it has one."""
    facts = record.get("facts") or {}
    shards = facts.get("token_shards") or {}
    trained = (facts.get("training") or {}).get("preflight") or {}
    texts = [one.get("text") or {} for one in found.learned]
    return Volume(
        rows=_sum([one.get("rows") for one in found.learned]),
        **{key: _sum([text.get(key) for text in texts]) for key in ("characters", "words", "bytes")},
        # What earlier stages read is in the records of their models, and those are not told here.
        tokens=shards.get("tokens") or (trained.get("tokens") if found.stages == 1 else None),
        tokenizer=(shards.get("tokenizer") or {}).get("file"),
    )


def size_of(amount: Volume) -> tuple[str, list[str]]:
    """The band as it stands in a table, and the statements that back it."""
    counted = [
        plural(number, unit)
        for number, unit in ((amount.rows, "row"), (amount.characters, "character"), (amount.words, "word"))
        if number is not None
    ]
    if amount.bytes is not None:
        counted.append(f"{count(amount.bytes)} bytes of text")
    found = [measured(f"Counted: {', '.join(counted)}")] if counted else []
    chosen, reasons = _chosen(amount)
    return chosen, [*found, *reasons]


def _chosen(amount: Volume) -> tuple[str, list[str]]:
    if amount.tokens:
        by = f" by {code(amount.tokenizer)}" if amount.tokenizer else ""
        return band(amount.tokens), [measured(f"{plural(amount.tokens, 'token')}{by}, each row counted once")]
    if amount.bytes is None:
        why = "Neither tokens nor bytes of text were counted, so the band is not told here"
        return "not told", [unanswered(why)]
    if amount.bytes < BILLION:
        why = "No tokens were counted. The band holds because a text has no more tokens than bytes, its markup aside"
        return BANDS[0], [measured(why)]
    taken = amount.bytes // BYTES_PER_TOKEN
    why = (
        f"No tokens were counted. At {BYTES_PER_TOKEN} bytes a token, a convention and no measurement, the text would "
        f"be {count(taken)} tokens and fall into the band {band(taken).lower()!r}; it has at most "
        f"{count(amount.bytes)}. The provider has to count"
    )
    return f"{band(taken)}, if a token is {BYTES_PER_TOKEN} bytes", [measured(why)]


def _sum(amounts: Sequence[Any]) -> int | None:
    """Of whole numbers; None if there are none or one is missing."""
    numbers = [one for one in amounts if isinstance(one, int)]
    return sum(numbers) if numbers and len(numbers) == len(amounts) else None
