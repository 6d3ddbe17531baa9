"""Pseudonyms: the same value becomes the same stand-in everywhere, and nobody without the key can tell which value.

A stand-in has the form of its type and lies where no real value can: example.com (RFC 2606), 555-01xx numbers (NANPA's
for fiction), 240.0.0.0/4 (RFC 1112, never assigned) and 2001:db8::/32 (RFC 3849), card numbers that begin with 0, IBANs
of the country XX with check digits 00, social security numbers of the area 000, MAC addresses that are given locally,
wallets that say fake.
"""

import hashlib
import hmac
import ipaddress
import os
import re
from collections.abc import Callable, Mapping

from dataset_cards.versions.errors import Misuse

VARIABLE = "GRISTMILL_PSEUDONYM_KEY"
SHORTEST_KEY = 32
_HOW = (
    f"Set the environment variable {VARIABLE} to a secret of at least {SHORTEST_KEY} characters, the same for every "
    "run whose pseudonyms shall agree, e.g. python -c 'import secrets; print(secrets.token_hex(32))'."
)


def key_from_environment() -> bytes:
    """The secret that pseudonyms depend on. Raises Misuse when it is missing or too short."""
    key = os.environ.get(VARIABLE, "")
    if len(key) < SHORTEST_KEY:
        raise Misuse(f"Pseudonyms need a key, and {'it is too short' if key else 'there is none'}. {_HOW}")
    return key.encode()


def fingerprint(key: bytes) -> str:
    """16 hex digits that tell keys apart and do not give one away; they may be published."""
    return hashlib.blake2b(b"key", key=_bounded(key), digest_size=8, person=b"gristmill-key-id").hexdigest()


def checked_key(expected: str) -> bytes:
    """The key, if it is the one with this fingerprint. Raises Misuse otherwise: rows would not be what they claim."""
    key = key_from_environment()
    if not hmac.compare_digest(fingerprint(key), expected):
        raise Misuse(
            f"{VARIABLE} holds another key than the one this was planned with (fingerprint {fingerprint(key)}, not "
            f"{expected}). Set the same key for every worker, or plan again."
        )
    return key


def pseudonym(type_: str, value: str, key: bytes) -> str:
    """The stand-in for a value: the same however it is written, e.g. with or without spaces between digits."""
    same = _SAME[type_](value)
    text = f"{type_}\0{same}".encode()
    digest = hashlib.blake2b(text, key=_bounded(key), digest_size=20, person=b"gristmill-pii").digest()
    return _FORMS[type_](digest, value)


def _bounded(key: bytes) -> bytes:
    return key if len(key) <= 64 else hashlib.blake2b(key).digest()


def _digits(value: str) -> str:
    return "".join(str(int(one)) for one in value if one.isdecimal())


def _phone_digits(value: str) -> str:
    """+1 (202) 555-0123, 1-202-555-0123 and 202-555-0123 are one number; an extension makes another."""
    digits = _digits(value)
    return digits[1:] if len(digits) == 11 and digits[0] == "1" else digits


def _address(value: str) -> str:
    return str(ipaddress.ip_address(re.split("[%/]", value)[0]))


def _length(value: str) -> str:
    """The length of a network prefix with its slash, which gives nobody away."""
    return "".join(value.partition("/")[1:])


_SAME: Mapping[str, Callable[[str], str]] = {
    "CREDIT_CARD": _digits,
    "CRYPTO": str,
    "EMAIL_ADDRESS": str.lower,
    "IBAN_CODE": lambda value: re.sub("[ -]", "", value).upper(),
    "IP_ADDRESS": _address,
    "MAC_ADDRESS": lambda value: re.sub("[:.-]", "", value).lower(),
    "PHONE_NUMBER": _phone_digits,
    "US_SSN": _digits,
}


def _decimal(digest: bytes, count: int) -> str:
    return f"{int.from_bytes(digest) % 10**count:0{count}}"


def _fake_phone(digest: bytes, value: str) -> str:
    """An area code, the exchange kept for fiction, and an extension: 100 lines per area would soon be shared."""
    number = int.from_bytes(digest)
    area = f"{2 + number % 8}{number // 8 % 9}{number // 72 % 10}"
    return f"({area}) 555-01{number // 720 % 100:02} x{number // 72_000 % 100_000:05}"


def _fake_address(digest: bytes, value: str) -> str:
    if ":" in value:
        return str(ipaddress.IPv6Address((0x20010DB8 << 96) | int.from_bytes(digest[:12]))) + _length(value)
    return str(ipaddress.IPv4Address(0xF0000000 + int.from_bytes(digest) % 0x0FFFFFFF)) + _length(value)


def _fake_card(digest: bytes, value: str) -> str:
    return " ".join(re.findall("....", "0000" + _decimal(digest, 12)))


def _fake_iban(digest: bytes, value: str) -> str:
    return " ".join(re.findall("....", "XX00" + _decimal(digest, 16)))


def _fake_ssn(digest: bytes, value: str) -> str:
    digits = _decimal(digest, 6)
    return f"000-{digits[:2]}-{digits[2:]}"


_FORMS: Mapping[str, Callable[[bytes, str], str]] = {
    "CREDIT_CARD": _fake_card,
    "CRYPTO": lambda digest, value: "bc1qfake" + digest[:16].hex(),
    "EMAIL_ADDRESS": lambda digest, value: f"user-{digest[:6].hex()}@example.com",
    "IBAN_CODE": _fake_iban,
    "IP_ADDRESS": _fake_address,
    "MAC_ADDRESS": lambda digest, value: "02:00:" + digest[:4].hex(":"),
    "PHONE_NUMBER": _fake_phone,
    "US_SSN": _fake_ssn,
}
