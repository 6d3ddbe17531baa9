"""Labelled sentences with personal data and look-alikes, all made up here from a seed, and how well the stage does."""

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from curation.measures import precision_recall_f1

from .recognise import find

SET = "gristmill's made-up personal data and look-alikes, revision 1"
PER_TYPE, PER_LOOK_ALIKE = 30, 6

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# The SWIFT registry's examples of bank account numbers: right in form, nobody's.
_IBANS = (
    *("DE89370400440532013000", "GB29NWBK60161331926819", "FR1420041010050500013M02606", "NL91ABNA0417164300"),
    *(
        "ES9121000418450200051332",
        "IT60X0542811101000000123456",
        "CH9300762011623852957",
        "PL61109010140000071219812874",
    ),
    *(
        "AT611904300234573201",
        "BE68539007547034",
        "SE4550000000058398257466",
        "NO9386011117947",
        "PT50000201231234567890154",
    ),
)
_PLACES = ("alice", "bob.smith", "carol_99", "d.o-brien", "ops+alerts", "info", "x", "josé", "NoReply")
_DOMAINS = ("example.com", "example.org", "mail.example.net", "shop.example.co.uk", "EXAMPLE.COM", "bücher.example.de")
# Ranges that regulators keep for films and books: NANPA 555-01xx, Ofcom, Bundesnetzagentur; the last is as it would be
# written in Warsaw, which no region that is looked for knows.
_PHONES = (
    *(
        "({a}) 555-01{n2}",
        "{a}-555-01{n2}",
        "+1 {a} 555 01{n2}",
        "1-{a}-555-01{n2}",
        "{a}.555.01{n2}",
        "+1{a}55501{n2}",
    ),
    *("020 7946 0{n3}", "+44 20 7946 0{n3}", "+44 (0)20 7946 0{n3}", "030 23125{n3}", "+49 30 23125 {n3}"),
    *("({a}) 555-01{n2} ext. 12", "22 555 0{n3}"),
)
_BEFORE = ("", "Write it down: ", "On Tuesday she said ", "contact\t", "Größe 12, 日本語 (", "{'value': '", "> ")
_AFTER = ("", ".", ", thanks!", "\nSee you.", ") und mehr", "' }", " or so")
_WITH: Mapping[str, tuple[str, ...]] = {
    "CREDIT_CARD": ("card no. ", "Paid with ", "Visa: "),
    "CRYPTO": ("wallet ", "send BTC to ", "bitcoin:"),
    "EMAIL_ADDRESS": ("mail ", "From: <", "mailto:"),
    "IBAN_CODE": ("IBAN ", "to account ", "pay into "),
    "IP_ADDRESS": ("from ", "host ", "http://", "Received: from ["),
    "MAC_ADDRESS": ("ether ", "eth0 ", "station "),
    "PHONE_NUMBER": ("call ", "Tel.: ", "fax "),
    "US_SSN": ("SSN ", "social security number ", "no. "),
}
# What looks like personal data and is none. {d8} stands for eight random digits, {x8} for hexadecimal ones.
LOOK_ALIKES = (
    *(
        "Version 10.{d2}.3 of 2021-0{d1}-2{d1} fixes #{d5}",
        "{d2}:{d2}:{d2} +0700 (ICT)",
        "ISBN 978-{d1}-{d4}-{d4}-{d1}",
    ),
    *(
        "Order {d12} costs {d3}.99 EUR",
        "std::vector<std::string> names; ns::type x;",
        "commit {x40}",
        "uuid {x8}-{x4}-{x4}",
    ),
    *("300.{d2}.{d2}.{d2} and 1.2.3 are no addresses", "4111 1111 1111 1112 is mistyped", "DE00370400440532013000"),
    *("000-{d2}-{d4} and 123-45-6789", "12-{d3}-{d4}", "me at example dot com", "follow @someone_{d2}", "a@b"),
    *("@media (max-width: {d3}px)", "1A1zP1eP5QGefi2DMPTfTL5SLmv7Div{d2}a", "01:23:45:67:89:gh", "FF:FF:FF:FF:FF:FF"),
    *(
        "sha256:{x64}",
        "{d1}, {d2}, {d3}, {d4}, {d5}",
        "lat 52.{d6}, lon 13.{d6}",
        "pp. {d3}-{d3} (19{d2})",
        "£{d3},{d3}.{d2}",
    ),
    *(
        "RFC {d4}, section {d1}.{d1}.{d1}.",
        "tables of 1{d2} 2{d2} 3{d2} 4{d2} 5{d2}",
        "user@localhost",
        "In {d2}BC, {d3}AD",
    ),
)


@dataclass(frozen=True)
class Sentence:
    """A text, and the type and place (code points, end exclusive) of what is in it, if anything is."""

    text: str
    type: str | None = None
    start: int = 0
    end: int = 0


@cache
def sentences() -> tuple[Sentence, ...]:
    """Each type thirty times in many forms, each look-alike six times; always the same."""
    dice = random.Random(20261121)
    made = []
    for type_, make in _MAKERS.items():
        for _ in range(PER_TYPE):
            lead = dice.choice(_BEFORE) + dice.choice(_WITH[type_])
            value = make(dice)
            made.append(Sentence(lead + value + dice.choice(_AFTER), type_, len(lead), len(lead) + len(value)))
    for form in LOOK_ALIKES:
        for _ in range(PER_LOOK_ALIKE):
            made.append(Sentence(dice.choice(_BEFORE) + _filled(form, dice) + dice.choice(_AFTER)))
    return tuple(made)


def measured(types: Sequence[str], min_score: float, min_phone_digits: int) -> dict[str, Any]:
    """Precision, recall and F1 by type and over all.

    Found is what a span of its type covers whole; a span that touches nothing of its type is false.
    """
    right: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    false: Counter[str] = Counter()
    found = find(pl.Series([one.text for one in sentences()]), types, min_score, min_phone_digits)
    for number, one in enumerate(sentences()):
        spans = found.get(number, [])
        if one.type is not None and one.type in types:
            covered = any(span.type == one.type and span.start <= one.start and span.end >= one.end for span in spans)
            (right if covered else missed)[one.type] += 1
        for span in spans:
            if span.type != one.type or span.start >= one.end or span.end <= one.start:
                false[span.type] += 1
    results = [
        {"label": type_, "support": right[type_] + missed[type_]}
        | precision_recall_f1(right[type_], false[type_], missed[type_])
        for type_ in sorted(types)
    ]
    every = {"label": "all", "support": right.total() + missed.total()}
    results.append(every | precision_recall_f1(right.total(), false.total(), missed.total()))
    return {
        "stage": "pii", "set": SET, "rows": len(sentences()), "unit": "span", "results": results, "threshold": min_score
    }  # fmt: skip


def _filled(form: str, dice: random.Random) -> str:
    pieces = form.replace("{", "\0{").replace("}", "}\0").split("\0")
    signs = {"d": "0123456789", "x": "0123456789abcdef"}
    return "".join(
        "".join(dice.choice(signs[piece[1]]) for _ in range(int(piece[2:-1])))
        if piece[:1] == "{" and piece[1:2] in signs
        else piece
        for piece in pieces
    )


def _digits(dice: random.Random, count: int) -> str:
    return "".join(dice.choice("0123456789") for _ in range(count))


def _grouped(value: str, dice: random.Random) -> str:
    """As it is, or in groups of four."""
    between = dice.choice(("", "", " ", "-"))
    return between.join(value[at : at + 4] for at in range(0, len(value), 4))


def _card(dice: random.Random) -> str:
    """A number that a payment service documents for tests, or one of its test range with a right check digit."""
    known = ("4111111111111111", "5555555555554444", "6011111111111117", "3566002020360505", "378282246310005")
    if dice.random() < 0.5:
        return _grouped(dice.choice(known), dice)
    first = "400000" + _digits(dice, 9)
    doubled = sum(sum(divmod(int(d) * (2 - at % 2), 10)) for at, d in enumerate(first))
    return _grouped(first + str(-doubled % 10), dice)


def _wallet(dice: random.Random) -> str:
    """A wallet with a right checksum of a hash that nobody has the key to, or a test vector of BIP 173 or 350."""
    if dice.random() < 0.3:
        vectors = ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4")
        return dice.choice(vectors)
    data = dice.choice((b"\0", b"\5")) + dice.randbytes(20)
    data += hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4]
    number, text = int.from_bytes(data), ""
    while number:
        number, rest = divmod(number, 58)
        text = _BASE58[rest] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def _ip(dice: random.Random) -> str:
    net = dice.choice(("192.0.2", "198.51.100", "203.0.113"))
    six = f"2001:db8:{dice.randrange(1 << 16):x}::{dice.randrange(1, 1 << 16):x}"
    return dice.choice((f"{net}.{dice.randrange(256)}", f"{net}.0/24", six))


def _mac(dice: random.Random) -> str:
    last = f"{dice.randrange(256):02x}"
    return dice.choice((f"00:00:5e:00:53:{last}", f"00-00-5E-00-53-{last.upper()}", f"0000.5e00.53{last}"))


def _ssn(dice: random.Random) -> str:
    """Of the area numbers 900 to 999, never issued; one in ten without separators, too weak a pattern to count."""
    between = dice.choice(("-", "-", "-", "-", "-", "-", "-", " ", ".", ""))
    return between.join((f"9{_digits(dice, 2)}", str(dice.randrange(10, 49)), str(dice.randrange(1000, 9999))))


def _phone(dice: random.Random) -> str:
    area = dice.choice(("212", "312", "415", "206", "617", "713"))
    form = dice.choice(_PHONES)
    return form.replace("{a}", area).replace("{n2}", _digits(dice, 2)).replace("{n3}", _digits(dice, 3))


_MAKERS: Mapping[str, Callable[[random.Random], str]] = {
    "CREDIT_CARD": _card,
    "CRYPTO": _wallet,
    "EMAIL_ADDRESS": lambda dice: f"{dice.choice(_PLACES)}@{dice.choice(_DOMAINS)}",
    "IBAN_CODE": lambda dice: _grouped(dice.choice(_IBANS), dice),
    "IP_ADDRESS": _ip,
    "MAC_ADDRESS": _mac,
    "PHONE_NUMBER": _phone,
    "US_SSN": _ssn,
}
