"""presidio's recognisers on the windows of a batch: what AnalyzerEngine finds in whole documents, for less work."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import polars as pl
import regex

from curation.words import buffers

from . import windows as scan
from .classes import table
from .phones import phone_numbers

# presidio's name of a type, and the windows it can be found in.
KINDS: Mapping[str, int] = {
    "CREDIT_CARD": scan.CARDS,
    "CRYPTO": scan.WALLETS,
    "EMAIL_ADDRESS": scan.EMAILS,
    "IBAN_CODE": scan.IBANS,
    "IP_ADDRESS": scan.ADDRESSES,
    "MAC_ADDRESS": scan.MACS,
    "PHONE_NUMBER": scan.PHONES,
    "US_SSN": scan.SOCIALS,
}
_TYPES = {kind: type_ for type_, kind in KINDS.items()}
_DOMAIN = regex.compile(r"@\w+(?:-+\w+)*(?:\.\w+(?:-+\w+)*)+")


class Span(NamedTuple):
    """Personal data at code points `start` to `end` (exclusive) of a text."""

    start: int
    end: int
    type: str
    score: float


def find(texts: pl.Series, types: Sequence[str], min_score: float, min_phone_digits: int = 0) -> dict[int, list[Span]]:
    """The spans of each row that has any, in order: all that `AnalyzerEngine.analyze` returns for these types.

    The analyzer meant is presidio's with its predefined recognisers and a blank spaCy pipeline. Without a model a
    word has no lemma, so its context words never raise a score, and names are not found. Telephone numbers with fewer
    than `min_phone_digits` digits are left out: presidio takes the years 1640 to 1699 for German pagers.
    """
    data, offsets = buffers(texts)
    places = scan.windows(data, offsets, sum(KINDS[type_] for type_ in types), table())
    found: dict[int, list[Span]] = {}
    if not len(places):
        return found
    frame = pl.DataFrame(places, schema=["row", "kind", "start", "end"], orient="row")
    by_row = frame.group_by("row", maintain_order=True).agg("kind", "start", "end")
    for row, kinds, starts, ends in by_row.iter_rows():
        text = texts[row]
        spans = [span for span in _in_document(text, zip(kinds, starts, ends, strict=True)) if span.score >= min_score]
        if min_phone_digits:
            spans = [span for span in spans if _long_enough(text, span, min_phone_digits)]
        if spans:
            found[row] = sorted(spans)
    return found


def _long_enough(text: str, span: Span, min_phone_digits: int) -> bool:
    return span.type != "PHONE_NUMBER" or sum(map(str.isdecimal, text[span.start : span.end])) >= min_phone_digits


def _in_document(text: str, places: Iterable[tuple[int, int, int]]) -> list[Span]:
    spans = []
    emails = []
    for kind, start, end in places:
        if kind == scan.EMAILS:
            emails.append((start, end))
        elif kind == scan.PHONES:
            for first, last in phone_numbers(text[start:end]):
                spans.append(Span(start + first, start + last, "PHONE_NUMBER", _PHONE_SCORE))
        else:
            spans += _found(text, _TYPES[kind], start, end)
    for start, end in _addresses(text, emails):
        spans += _found(text, "EMAIL_ADDRESS", start, end)
    return spans


_PHONE_SCORE = 0.4  # presidio's, for every number; its context words would raise it, had words lemmas


def _found(text: str, type_: str, start: int, end: int) -> Iterable[Span]:
    answer = _remembered if end - start <= _SHORT else _recognised
    for first, last, score in answer(type_, text[start:end]):
        yield Span(start + first, start + last, type_, score)


def _recognised(type_: str, window: str) -> list[tuple[int, int, float]]:
    return [(one.start, one.end, one.score) for one in recognisers()[type_].analyze(window, [type_], None)]


# The same addresses come again and again; a recogniser's answer depends on nothing but its window.
_SHORT = 200
_remembered = lru_cache(maxsize=50_000)(_recognised)


def _addresses(text: str, ats: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where the e-mail addresses of a text are: from the first local character to the end of a domain.

    An `@` without a domain is in no match. Without it, every place where presidio's pattern can begin leads to an
    address, and so it is never tried in vain over a long run of letters, which takes quadratic time. Two windows that
    meet are one.
    """
    places: list[tuple[int, int]] = []
    for start, at in ats:
        if domain := _DOMAIN.match(text, at):
            if places and start < places[-1][1]:
                start = places.pop()[0]
            places.append((start, domain.end()))
    return places


@cache
def recognisers() -> Mapping[str, Any]:
    """presidio's predefined recognisers by the type they find, telephone numbers excepted.

    Loaded late: importing presidio takes a second.
    """
    import tldextract
    from presidio_analyzer import predefined_recognizers as presidio

    logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL)  # it logs text that it cannot make sense of
    # Of its own accord it fetches a list of domains from the network, and answers would change with it.
    suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

    class Emails(presidio.EmailRecognizer):
        def validate_result(self, pattern_text: str) -> bool:
            return bool(suffixes(pattern_text).fqdn)

    ibans = presidio.IbanRecognizer(regex_flags=regex.DOTALL | regex.MULTILINE | regex.IGNORECASE)
    return {
        "CREDIT_CARD": presidio.CreditCardRecognizer(),
        "CRYPTO": presidio.CryptoRecognizer(),
        "EMAIL_ADDRESS": Emails(),
        "IBAN_CODE": ibans,
        "IP_ADDRESS": presidio.IpRecognizer(),
        "MAC_ADDRESS": presidio.MacAddressRecognizer(),
        "US_SSN": presidio.UsSsnRecognizer(),
    }
