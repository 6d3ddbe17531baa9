"""Which characters can be part of what: one table over all of Unicode, made by the regular expressions themselves."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray

DIGIT = 1  # any script's
WORD = 2
LOCAL = 4  # of the part of an e-mail address before the @
PHONE = 8  # of a telephone number, its punctuation and the words for an extension
TOKEN = 16  # of an IP or MAC address, and every other word character, so that a run of them ends at a word boundary
ALNUM = 32  # what `[A-Z0-9]` matches when case is ignored
SEPARATOR = 64  # between the digits of a card or social security number
HEX = 128
JOINT = 256  # may stand between the digits of one telephone number

_FOLD = regex.DOTALL | regex.MULTILINE | regex.IGNORECASE  # presidio's flags
_CLASSES: Mapping[int, Any] = {
    DIGIT: regex.compile(r"\d+", _FOLD),
    WORD: regex.compile(r"\w+", _FOLD),
    LOCAL: regex.compile(r"[!#$%&'*+\-/=?^_`{|}~\.\w]+", _FOLD),
    # phonenumbers compiles with the standard library. Its whole pattern: opening brackets and plus signs, punctuation,
    # digits, and for extensions `;ext=`, e?xt(ensi(o|ó))?n?, доб, anexo, int, x, #, ~, with [ \t,:.-] around them.
    PHONE: re.compile(
        r"[-x\u2010-\u2015\u2212\u30fc\uff0d-\uff0f \xa0\xad\u200b\u2060\u3000()\uff08\uff09\uff3b\uff3d.\[\]/~"
        r"\u2053\u223c\uff5e+\uff0b\d;=\t,:#\uff03aeinost\u0301\xf3\uff45\uff58\uff54\uff4e\uff49\u0434\u043e\u0431]+",
        re.IGNORECASE,
    ),
    # phonenumbers' _VALID_PUNCTUATION
    JOINT: re.compile(
        r"[-x\u2010-\u2015\u2212\u30fc\uff0d-\uff0f \xa0\xad\u200b\u2060\u3000()\uff08\uff09\uff3b\uff3d.\[\]/~"
        r"\u2053\u223c\uff5e]+",
        re.IGNORECASE,
    ),
    TOKEN: regex.compile(r"[\w:.%/\-]+", _FOLD),
    ALNUM: regex.compile(r"[A-Z0-9]+", _FOLD),
    SEPARATOR: regex.compile(r"[ .\-]+"),
    HEX: regex.compile(r"[0-9A-Fa-f]+"),
}


@cache
def table() -> NDArray[np.uint16]:
    """The classes of every code point, as bits."""
    every = "".join(map(chr, range(0x110000)))
    bits = np.zeros(len(every), dtype=np.uint16)
    for bit, pattern in _CLASSES.items():
        for run in pattern.finditer(every):
            bits[run.start() : run.end()] |= bit
    return bits
