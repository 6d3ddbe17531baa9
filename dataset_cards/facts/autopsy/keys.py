"""Hashes of prompts and pairs: what belongs together, in which cluster it counts, and which rows a sample holds."""

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

START = np.uint64(0xCBF29CE484222325)
PRIME = np.uint64(0x100000001B3)
SHIFT = np.uint64(29)
MIX = np.uint64(0x9E3779B97F4A7C15)
MIX_AGAIN = np.uint64(0xBF58476D1CE4E5B9)


@njit(cache=True, nogil=True)
def _hashes(data: Bytes, offsets: Offsets, loose: bool) -> Hashes:
    """FNV-1a over the bytes of each text, mixed at the end; `loose` leaves out white space and case of ASCII."""
    found = np.empty(len(offsets) - 1, np.uint64)
    for row in range(len(found)):
        state = START
        for at in range(offsets[row], offsets[row + 1]):
            byte = np.uint64(data[at])
            if loose:
                if byte == 32 or 9 <= byte <= 13:
                    continue
                if 65 <= byte <= 90:
                    byte += np.uint64(32)
            state = (state ^ byte) * PRIME
        state = (state ^ (state >> SHIFT)) * MIX
        found[row] = state ^ (state >> SHIFT)
    return found


def hashes(texts: pl.Series, *, loose: bool = False) -> Hashes:
    """64 bits for each text (String, no nulls), the same on every machine and for every release of every library.

    Args:
        loose: texts that differ in white space or in the case of ASCII letters alone are the same.
    """
    if not texts.len():
        return np.empty(0, np.uint64)
    array = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = array.buffers()
    places = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    held = np.frombuffer(data, np.uint8) if data is not None and data.size else np.empty(0, np.uint8)
    return np.asarray(_hashes(held, places, loose), dtype=np.uint64)


def mixed(*parts: Hashes) -> Hashes:
    """One hash of several, in which their order counts."""
    state = np.full(len(parts[0]), START, np.uint64)
    for part in parts:
        state = (state ^ part) * MIX_AGAIN
        state = (state ^ (state >> SHIFT)) * MIX
    found: Hashes = state ^ (state >> SHIFT)
    return found


def within(keys: Hashes, fraction: float) -> npt.NDArray[np.bool_]:
    """Which keys belong to a sample of about `fraction` of all different ones; a larger one holds every smaller one."""
    if fraction >= 1:
        return np.ones(len(keys), dtype=np.bool_)
    return np.asarray(keys < np.uint64(int(fraction * 2.0**64)), dtype=np.bool_)


def messages(name: str) -> pl.Expr:
    """A column of messages as one text, in which who says what cannot be mistaken."""
    element = pl.element()
    said = [element.struct.field("role").fill_null(""), element.struct.field("content").fill_null("")]
    return pl.col(name).list.eval(pl.concat_str(said, separator="\x1f")).list.join("\x1e").fill_null("")


def prompt_keys(rows: pl.DataFrame) -> Hashes:
    """What makes two prompts the same: all messages, without regard to white space and case."""
    return hashes(rows.select(messages("prompt")).to_series(), loose=True)
