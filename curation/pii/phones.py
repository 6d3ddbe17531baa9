"""Telephone numbers: presidio's recogniser, asked only of the regions that could have a number among these digits.

presidio runs phonenumbers' matcher once for each of eight regions over the whole text. Nearly all of that time goes
into numbers that are dates, prices and version numbers. Here the digits of a run are first held against the numbering
plans: phonenumbers' own patterns, joined so that they allow at least what its parser allows.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

REGIONS = ("US", "GB", "DE", "FR", "IL", "IN", "CA", "BR")  # presidio's
LENIENCY = 1  # presidio's: valid numbers

# Shortest valid numbers, digits of the country code included; `tests/test_pii_phones.py` asks phonenumbers.
SHORTEST, SHORTEST_ABROAD = 4, 6
# International prefix of at most 4 digits, country code of 3, number of 17.
LONGEST = 24

_BLOCK = re.compile(r"(\D*)(\d+)")
_PLUSES = frozenset("+\uff0b")
# phonenumbers' _VALID_PUNCTUATION: all that stands between the digits of one number
_JOINTS = (
    "-xX\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\uff0d\uff0e\uff0f \xa0\xad\u200b\u2060\u3000"
    "()\uff08\uff09\uff3b\uff3d.[]/~\u2053\u223c\uff5e"
)
# A word for an extension; behind three digits phonenumbers takes it for more digits, dialled by letters.
_LETTERS = re.compile(rf"\d[{re.escape(_JOINTS)}]*int", re.IGNORECASE)
_TYPES = (
    *("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan"),
    "voicemail",
)


def phone_numbers(run: str) -> list[tuple[int, int]]:
    """Where the numbers in a run of digits and punctuation are; none lies inside another."""
    return _remembered(run) if len(run) <= _SHORT else _matched(run)


def _matched(run: str) -> list[tuple[int, int]]:
    regions = _possible(run)
    if not regions:
        return []
    found = {(one.start, one.end) for region in regions for one in _matcher()(run, region, leniency=LENIENCY)}
    widest: list[tuple[int, int]] = []
    for start, end in sorted(found, key=lambda place: (place[0], -place[1])):
        if not any(end <= last for _, last in widest):
            widest.append((start, end))
    return widest


_SHORT = 200
_remembered = lru_cache(maxsize=50_000)(_matched)  # dates and addresses come again and again


def _possible(run: str) -> tuple[str, ...]:
    """The regions in which some of the blocks of digits, taken together, could be a number.

    What phonenumbers tries is always a piece of the text that begins and ends with whole blocks, and it takes nothing
    for a number in which anything but joints stands between digits, unless three letters are.
    """
    if _LETTERS.search(run):
        return REGIONS
    blocks = _BLOCK.findall(run)
    regions: set[str] = set()
    for first, (gap, block) in enumerate(blocks):
        if len(block) > LONGEST:
            return REGIONS  # its pattern takes at most twenty digits at a time, and cuts
        abroad = not _PLUSES.isdisjoint(gap)
        digits = _ascii(block)
        for gap_, more in [*blocks[first + 1 : first + LONGEST], ("", "")]:
            if len(digits) >= SHORTEST:
                regions.update(_regions(digits))
            if abroad and len(digits) >= SHORTEST_ABROAD and digits[0] != "0":
                return REGIONS
            if gap_.strip(_JOINTS) or len(digits) + len(more) > LONGEST:
                break
            digits += _ascii(more)
    return tuple(region for region in REGIONS if region in regions)


def _ascii(digits: str) -> str:
    return digits if digits.isascii() else "".join(str(int(digit)) for digit in digits)


@lru_cache(maxsize=50_000)
def _regions(digits: str) -> tuple[str, ...]:
    """The regions in which these digits, written without a plus sign, could be a valid number."""
    if not _any_plan().fullmatch(digits):
        return ()
    return tuple(region for region in REGIONS if plan(region).allows(digits))


@cache
def _matcher() -> Callable[..., Any]:
    import phonenumbers

    matcher: Callable[..., Any] = phonenumbers.PhoneNumberMatcher
    return matcher


@cache
def _any_plan() -> re.Pattern[str]:
    return re.compile("|".join(dict.fromkeys(f"{plan(r).prefixed.pattern}|{plan(r).bare.pattern}" for r in REGIONS)))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a region's numbers look like in digits, without and with something dialled before them."""

    bare: re.Pattern[str]
    prefixed: re.Pattern[str]  # by the national prefix, the country code, or an international prefix
    dialled_first: re.Pattern[str]  # the national prefix
    formats: tuple[tuple[re.Pattern[str], bool], ...]  # in phonenumbers' order; whether one needs that prefix

    def allows(self, digits: str) -> bool:
        """Whether phonenumbers may call these digits valid; it never does when this says no."""
        if self.prefixed.fullmatch(digits) or (self.bare.fullmatch(digits) and self.dialled_first.match(digits)):
            return True
        if not self.bare.fullmatch(digits):
            return False
        needed = next((needed for format_, needed in self.formats if format_.fullmatch(digits)), False)
        return not needed


@cache
def plan(region: str) -> Plan:
    """The numbering plan of a region, from phonenumbers' metadata."""
    import phonenumbers

    own: Any = phonenumbers.PhoneMetadata.metadata_for_region(region)
    sharing: list[Any] = [
        phonenumbers.PhoneMetadata.metadata_for_region(one)
        for one in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[own.country_code]
    ]
    kinds = (getattr(metadata, type_) for metadata in sharing for type_ in _TYPES)
    patterns = [kind.national_number_pattern for kind in kinds if kind is not None]
    numbers = "|".join(dict.fromkeys(pattern for pattern in patterns if pattern))
    # Brazil's prefix ends in the digits of a carrier, and the pattern goes on with the number itself.
    first = "(?:0|90)[0-9]{0,2}" if own.national_prefix_transform_rule else own.national_prefix_for_parsing
    prefixed = f"(?:{own.country_code}(?:{first})?|{first})(?:{numbers})|(?:{own.international_prefix})[1-9][0-9]{{5,}}"
    return Plan(
        bare=re.compile(f"(?:{numbers})"),
        prefixed=re.compile(prefixed),
        dialled_first=re.compile(own.national_prefix_for_parsing),
        formats=_formats(sharing[0]),
    )


def _formats(metadata: Any) -> tuple[tuple[re.Pattern[str], bool], ...]:
    formats = []
    for one in metadata.number_format:
        # Its last list of leading digits is the one that a whole number is held against.
        leading = f"(?={one.leading_digits_pattern[-1]})" if one.leading_digits_pattern else ""
        rule = one.national_prefix_formatting_rule
        only_group = bool(rule) and re.fullmatch(r"\(?\\1\)?", rule) is not None
        needed = bool(rule) and not one.national_prefix_optional_when_formatting and not only_group
        formats.append((re.compile(f"{leading}(?:{one.pattern})"), needed))
    return tuple(formats)
