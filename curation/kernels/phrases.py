"""Search for a few phrases in lower-cased text, without lower-casing it."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from .text import Bytes, Offsets


class Phrases(NamedTuple):
    """Phrases of ASCII: their letters, where each begins, what finding each is worth (one bit), and the bytes that may
    begin one.
    """

    letters: Bytes
    bounds: Offsets
    kinds: npt.NDArray[np.int64]
    starts: npt.NDArray[np.bool_]


def phrases(*known: tuple[int, str]) -> Phrases:
    """Lower-case `(kind, phrase)` pairs as `search` takes them."""
    starts = np.zeros(256, np.bool_)
    starts[[ord(letter) for _, phrase in known for letter in (phrase[0], phrase[0].upper())]] = True
    if any(phrase[0] == "k" for _, phrase in known):
        raise ValueError("no phrase may begin with k: the Kelvin sign, which str.lower() makes one, is not ASCII")
    letters = np.frombuffer("".join(phrase for _, phrase in known).encode(), np.uint8).copy()
    bounds = np.cumsum([0, *(len(phrase) for _, phrase in known)], dtype=np.int64)
    return Phrases(letters, bounds, np.array([kind for kind, _ in known], np.int64), starts)


@njit(cache=True, nogil=True)
def search(data: Bytes, start: int, end: int, wanted: Phrases) -> int:
    """The kinds of phrases that `[start, end)` holds, whatever their case: a sum of bits."""
    found = 0
    for first in range(start, end):
        if not wanted.starts[data[first]]:
            continue
        for phrase in range(len(wanted.kinds)):
            letter = wanted.bounds[phrase]
            at = first
            while letter < wanted.bounds[phrase + 1] and at < end:
                byte = data[at]
                width = 1
                if 65 <= byte <= 90:
                    byte |= 32
                elif byte == 0xE2 and at + 2 < end and data[at + 1] == 0x84 and data[at + 2] == 0xAA:
                    # the Kelvin sign is the one other character that str.lower() turns into a letter of these phrases
                    byte, width = np.uint8(107), 3
                if byte != wanted.letters[letter]:
                    break
                letter += 1
                at += width
            if letter == wanted.bounds[phrase + 1]:
                found |= wanted.kinds[phrase]
    return found
