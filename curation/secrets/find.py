"""Finding secrets: one Aho-Corasick pass for the anchors of all rules, then a rule's pattern at each anchor found."""

import base64
import bisect
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from .rules import RULES, Rule

# Frequent in any page; an address with a password is first told from all the others.
_ADDRESS = "://"
_WITH_PASSWORD = r"""://[^\s/:@"'<>]*:[^\s/:@"'<>]+@"""
_EXACT = sorted({anchor for rule in RULES if not rule.named for anchor in rule.anchors} - {_ADDRESS})
_NAMES = sorted({anchor.lower() for rule in RULES if rule.named for anchor in rule.anchors})


def _by_anchor(named: bool) -> dict[bytes, tuple[tuple[int, Rule], ...]]:
    rules: dict[bytes, tuple[tuple[int, Rule], ...]] = {}
    for number, rule in enumerate(RULES):
        if rule.named == named:
            for anchor in {one.lower() if named else one for one in rule.anchors}:
                rules[anchor.encode()] = (*rules.get(anchor.encode(), ()), (number, rule))
    return rules


_RULES_AT, _RULES_NAMED = _by_anchor(named=False), _by_anchor(named=True)
_LENGTHS = sorted({len(anchor) for anchor in (*_RULES_AT, *_RULES_NAMED)})

# What stands where a secret would, and is none: a place to fill in, a way to get one, a word for having none.
_NO_SECRET = re.compile(
    rb"(?i)x{4}|\*{3}|\.{3}|_{4}|<|>|\$\{|\{\{|%\(|%s|example|sample|changeme|change_me|placeholder|redacted|removed|"
    rb"your|dummy|fake|foobar|replace|insert|undefined|required|optional|default|12345678|abcdef|deadbeef|"
    rb"^(?:null|none|nil|true|false|empty|string|secret|password|passwd|token|test)|environ|getenv|process\.env|"
    rb"::|://|^/|\.(?:com|org|net|html?|py|js|json|ya?ml|txt|md|go|rs|c|h|java|pem|key)$|^(?:self|this|os|config|settings)\."
)
# The same inside a token of a known form; less is needed, since its form has said so much already.
_DUMMY = re.compile(rb"(?i)example|sample|dummy|placeholder|redacted|your_?token|(.)\1{5}|0123456|1234567|abcdefg")
_WORDS = re.compile(rb"[A-Za-z]*(?:[-_.'/+:&|#*]+[A-Za-z]+)*[-_.'/+:&|#*!?]*\d{0,2}[.:!?]?|\d{1,15}(?:[.,:/-]\d+)*")
_UUID_OR_DIGEST = re.compile(rb"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|sha\d{1,3}[-:].*")
_MASK = re.compile(rb"\[[A-Z0-9_]{2,40}\]")  # what an earlier run or another stage put in the place of one
MIN_BITS = 2.75  # Shannon entropy per character; English words of 8 to 16 letters lie around 2.5, random hex above 3


@dataclass(frozen=True)
class Secret:
    """A secret at code points `start` to `end` (exclusive) of a text."""

    kind: str
    start: int
    end: int
    score: float  # 1.0 where its form alone proves it, 0.6 where its name and randomness do


def anchored(texts: pl.Series) -> pl.Series:
    """Byte offsets of all anchors in each text, ascending; List(UInt32), null where there is none.

    What follows is only done where an anchor stands; this pass is most of what finding secrets costs.
    """
    frame = pl.DataFrame({"text": texts}).select(
        exact=pl.when(pl.col("text").str.contains_any(_EXACT)).then("text"),
        named=pl.when(pl.col("text").str.contains_any(_NAMES, ascii_case_insensitive=True)).then("text"),
        address=pl.when(pl.col("text").str.contains(_WITH_PASSWORD)).then("text"),
    )
    found = frame.select(
        pl.col("exact").str.find_many(_EXACT, overlapping=True),
        pl.col("named").str.find_many(_NAMES, ascii_case_insensitive=True, overlapping=True),
        pl.col("address").str.find_many([_ADDRESS]),
    )
    every = pl.concat_list(pl.all().fill_null([])).list.unique().list.sort()
    return found.select(pl.when(every.list.len() > 0).then(every)).to_series()


def secrets(text: str, offsets: list[int]) -> list[Secret]:
    """The secrets of one text in order, none overlapping; `offsets` are those of its anchors, in UTF-8 bytes."""
    data = text.encode()
    found = sorted(_candidates(data, offsets))
    ends = _free(found)
    chosen = sorted((start, end, RULES[number]) for number, start, end in ends)
    spans, at, characters = [], 0, 0
    for start, end, rule in chosen:
        characters += len(data[at:start].decode())
        length = len(data[start:end].decode())
        spans.append(Secret(rule.kind, characters, characters + length, 0.6 if rule.judged else 1.0))
        at, characters = end, characters + length
    return spans


def mask(kind: str) -> str:
    """What stands in the place of a secret of this kind, e.g. `[AWS_ACCESS_KEY_ID]`."""
    return f"[{kind.upper().replace('-', '_')}]"


_OWN_MASKS = {mask(rule.kind).encode() for rule in RULES}


def _in_mask(data: bytes, at: int) -> bool:
    """Whether a name is part of a mask: the `TOKEN` in `[GITHUB_TOKEN] 'x'` gives no value to anything."""
    opens = data.rfind(b"[", max(0, at - 40), at)
    found = _MASK.match(data, opens) if opens >= 0 else None
    return found is not None and found.end() > at and found[0] in _OWN_MASKS


def _candidates(data: bytes, offsets: list[int]) -> Iterator[tuple[int, int, int]]:
    """Number of the rule, first and last byte (exclusive) of everything that a rule matches."""
    for at in offsets:
        for length in _LENGTHS:
            head = data[at : at + length]
            for number, rule in (*_RULES_AT.get(head, ()), *_RULES_NAMED.get(head.lower(), ())):
                if (found := rule.pattern.match(data, at)) and not (rule.named and _in_mask(data, at)):
                    start, end = found.span("secret" if "secret" in rule.pattern.groupindex else 0)
                    if (random_looking if rule.judged else _genuine)(data[start:end]):
                        yield number, start, end


def _genuine(token: bytes) -> bool:
    """Whether a token of a known form is no stand-in for one; a web token must also say how it was signed."""
    if len(token) > 400:  # a block that by chance has six of a letter in a row is no stand-in
        return True
    return not (_DUMMY.search(token) or _MASK.fullmatch(token)) and (
        not token.startswith(b"eyJ") or b"alg" in _decoded(token.split(b".")[0])
    )


def _decoded(part: bytes) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except ValueError:
        return b""


def random_looking(value: bytes) -> bool:
    """Whether a value is likely a secret, and no word, placeholder or expression."""
    if _NO_SECRET.search(value) or _WORDS.fullmatch(value) or _UUID_OR_DIGEST.fullmatch(value):
        return False
    kinds = sum(bool(re.search(kind, value)) for kind in (rb"[a-z]", rb"[A-Z]", rb"\d", rb"[^A-Za-z0-9]"))
    return kinds >= 2 and entropy(value) >= MIN_BITS


def entropy(value: bytes) -> float:
    """Shannon entropy of the bytes of a value, in bits per byte."""
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values())


def _free(found: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """The candidates that overlap none of an earlier rule, or of the same rule earlier in the text."""
    starts: list[int] = []
    ends: list[int] = []
    chosen = []
    for number, start, end in found:
        place = bisect.bisect_left(starts, start)
        clear_before = place == 0 or ends[place - 1] <= start
        if clear_before and (place == len(starts) or starts[place] >= end):
            starts.insert(place, start)
            ends.insert(place, end)
            chosen.append((number, start, end))
    return chosen
