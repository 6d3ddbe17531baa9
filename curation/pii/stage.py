"""The stage that takes personal data out of documents: masked, replaced by pseudonyms, or the document dropped."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from curation.rule import Rule, above
from curation.stage import SPANS, Docs, Stage
from dataset_cards.versions.errors import Misuse

from .gold import measured
from .pseudonyms import checked_key, fingerprint, key_from_environment, pseudonym
from .recognise import KINDS, Span, find

TYPES = tuple(KINDS)
NOT_COVERED = (
    "Names of people, places and organisations: they need a trained model, and none is run.",
    "Street addresses, dates of birth, account names, passport and licence numbers.",
    "Telephone numbers without a country code, except those of US, GB, DE, FR, IL, IN, CA and BR.",
    "Social security numbers without separators, and national numbers of other countries.",
)


@dataclass(frozen=True, kw_only=True)
class Pii(Stage):
    """E-mail and IP addresses, telephone, card, bank account and social security numbers, MAC addresses, wallets.

    They are found by presidio's recognisers (presidio-analyzer 2.2.366): exactly what its AnalyzerEngine finds with a
    blank spaCy pipeline, less telephone numbers of fewer than `min_phone_digits` digits, which are years and counts
    (0: all that presidio finds). Each type is in one of three lists, or is not looked for: `mask_types` become their
    name in brackets, `[EMAIL_ADDRESS]`; `pseudonym_types` a stand-in, the same for the same value wherever it is; a
    document with one of `drop_types` goes, as e.g. `pii/us-ssn`.

    Where spans overlap, all that they cover is replaced once, by the rule of the one with the highest score (then the
    longest, then the first); that one alone counts, and decides whether the document goes. Signals: a count per type,
    e.g. `email_address`; `spans`, types and places of all that was found, in code points of the text as this stage saw
    it, without content, and what was done there.

    Pseudonyms need a key in GRISTMILL_PSEUDONYM_KEY. `key` is its fingerprint, filled in when it is left empty, so that
    rows made with another key have another identity; the key itself is nowhere kept.

    Raises Misuse for a type that is not known or in two lists, and when pseudonyms are asked for without a key.
    """

    revision: ClassVar[int] = 2

    mask_types: tuple[str, ...] = TYPES
    pseudonym_types: tuple[str, ...] = ()
    drop_types: tuple[str, ...] = ()
    min_score: float = 0.4
    min_phone_digits: int = 7
    key: str = ""

    def __post_init__(self) -> None:
        listed = (*self.mask_types, *self.pseudonym_types, *self.drop_types)
        if unknown := sorted({*listed} - {*TYPES}):
            raise Misuse(f"Pii: there is no type {', '.join(unknown)}; there are {', '.join(TYPES)}")
        if twice := sorted({type_ for type_ in listed if listed.count(type_) > 1}):
            raise Misuse(
                f"Pii: {', '.join(twice)} is listed twice; put it into one of mask_types, pseudonym_types, drop_types"
            )
        if self.pseudonym_types and not self.key:
            object.__setattr__(self, "key", fingerprint(key_from_environment()))

    def score(self, docs: Docs) -> pl.DataFrame:
        key = checked_key(self.key) if self.pseudonym_types else b""
        found = find(docs.text, tuple(self._actions()), self.min_score, self.min_phone_digits)
        rows = list(found)
        hits = list(zip(docs.text.gather(rows).to_list(), found.values(), strict=True))
        signals = {type_: type_.lower() for type_ in self._actions()}
        counts = [Counter(chief.type for _, _, chief, _ in clusters(spans)) for spans in found.values()]
        sparse = pl.DataFrame({"row": pl.Series(rows, dtype=pl.Int64)}).with_columns(
            pl.Series("text", [self._edited(text, spans, key) for text, spans in hits], dtype=pl.String),
            pl.Series("spans", [self._logged(spans) for _, spans in hits], dtype=SPANS),
            *(pl.Series(name, [count[type_] for count in counts], dtype=pl.Int64) for type_, name in signals.items()),
        )
        every = pl.DataFrame({"row": pl.int_range(docs.frame.height, eager=True)})
        wide = every.join(sparse, on="row", how="left", maintain_order="left").drop("row")
        return wide.with_columns(pl.col(signal).fill_null(0) for signal in signals.values())

    def drop(self) -> Mapping[str, Rule]:
        """One reason per type in `drop_types`, e.g. `us-ssn`: the document holds one."""
        return {type_.lower().replace("_", "-"): above(type_.lower(), 0) for type_ in self.drop_types}

    def gold(self) -> list[dict[str, Any]]:
        """On our own sentences, for the types that are looked for."""
        types = tuple(self._actions())
        return [{**measured(types, self.min_score, self.min_phone_digits), "not_covered": list(NOT_COVERED)}]

    def _actions(self) -> dict[str, str]:
        """What is done with each type that is looked for, in the order of TYPES."""
        actions = dict.fromkeys(self.mask_types, "mask")
        actions |= dict.fromkeys(self.pseudonym_types, "pseudonym")
        actions |= dict.fromkeys(self.drop_types, "drop")
        return {type_: actions[type_] for type_ in TYPES if type_ in actions}

    def _edited(self, text: str, spans: Sequence[Span], key: bytes) -> str:
        """The text with each cluster of spans replaced; masked also where the document goes, for examples are shown."""
        actions, pieces, at = self._actions(), [], 0
        for first, last, chief, _ in clusters(spans):
            value = text[chief.start : chief.end]
            hidden = pseudonym(chief.type, value, key) if actions[chief.type] == "pseudonym" else f"[{chief.type}]"
            pieces += [text[at:first], hidden]
            at = last
        return "".join([*pieces, text[at:]])

    def _logged(self, spans: Sequence[Span]) -> list[dict[str, Any]]:
        actions = self._actions()
        return [
            {"type": one.type, "start": one.start, "end": one.end, "score": one.score, "action": actions[chief.type]}
            for _, _, chief, members in clusters(spans)
            for one in members
        ]


def clusters(spans: Sequence[Span]) -> Iterator[tuple[int, int, Span, list[Span]]]:
    """First and last code point (exclusive) of spans that overlap, the one that decides, and all of them in order."""
    members: list[Span] = []
    end = 0
    for one in [*spans, None]:
        if members and (one is None or one.start >= end):
            chief = min(members, key=lambda span: (-span.score, span.start - span.end, span.start, span.type))
            yield members[0].start, end, chief, members
            members = []
        if one is not None:
            end = max(end, one.end) if members else one.end
            members.append(one)
