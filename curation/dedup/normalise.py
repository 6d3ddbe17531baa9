"""What counts as a word when texts are compared: letters without case and accents, numbers without their value.

The rules, character by character:

- Letters and numbers make words; characters are case-folded, decomposed (Unicode NFD) and lose their nonspacing marks.
- A number, with `.` and `,` between its digits, becomes one `0`.
- Invisible format characters (soft hyphen, joiners, byte order mark) vanish.
- Characters of scripts written without spaces are a word each.
- Everything else (punctuation, symbols, spaces, controls) separates words.

They follow the text normalisation of FineWeb's MinHash (Penedo et al. 2024, arXiv:2406.17557, appendix; datatrove's
`simplify_text`), but also drop case pairs, symbols and format characters that `simplify_text` lets through.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Starts = npt.NDArray[np.int32]

SEPARATES, SAME, MAPPED, DIGIT, VANISHES, ALONE = range(6)

# Kana, Chinese, Thai, Lao, Burmese and Khmer: scripts that do not put spaces between words.
UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3005, 0x3007),
    (0x3040, 0x30FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9D),
    (0x20000, 0x323AF),
)
_CODE_POINTS = 0x110000


@dataclass(frozen=True)
class Characters:
    """What to do with each code point.

    `kinds`, shape (0x110000,): SEPARATES, SAME (its own bytes), MAPPED (other bytes), DIGIT, VANISHES, or ALONE (a
    word of its own, from its mapped bytes). `starts`, same shape: where the mapped bytes lie in `mapped`, which holds
    a length byte and then UTF-8.
    """

    kinds: Bytes
    starts: Starts
    mapped: Bytes


def simplify(character: str) -> str:
    """One character as it is compared: case-folded, decomposed, without nonspacing and enclosing marks."""
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFD", character).casefold())
    return "".join(c for c in decomposed if unicodedata.category(c) not in ("Mn", "Me"))


def kind_of(character: str) -> int:
    """How one character is treated, before asking whether its bytes change."""
    category = unicodedata.category(character)
    if category == "Nd":
        return DIGIT
    if category in ("Mn", "Me", "Cf"):
        return VANISHES
    # Unassigned code points may become letters; private ones are letters to those who use them.
    if category[0] not in "LMN" and category not in ("Cn", "Co"):
        return SEPARATES
    code = ord(character)
    if any(first <= code <= last for first, last in UNSPACED):
        return ALONE
    return SAME


@cache
def characters() -> Characters:
    """The tables of this Python's Unicode version; about half a second once per process, 5.6 MB."""
    kinds = np.full(_CODE_POINTS, SAME, np.uint8)
    starts = np.zeros(_CODE_POINTS, np.int32)
    mapped = bytearray(1)
    unspaced = bytearray(_CODE_POINTS)
    for first, last in UNSPACED:
        unspaced[first : last + 1] = b"\1" * (last + 1 - first)
    for code in range(_CODE_POINTS):
        character = chr(code)
        # Nine in ten code points are unassigned or private, and stay as they are.
        if unicodedata.category(character) in ("Cn", "Co", "Cs") and not unspaced[code]:
            continue
        kinds[code] = kind = kind_of(character)
        if kind not in (SAME, ALONE):
            continue
        simple = simplify(character)
        if kind == ALONE or simple != character:
            kinds[code] = kind if kind == ALONE else MAPPED
            starts[code] = len(mapped)
            encoded = simple.encode()
            mapped += bytes([len(encoded)]) + encoded
    return Characters(kinds, starts, np.frombuffer(bytes(mapped), np.uint8))
