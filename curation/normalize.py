"""Spell the same text with the same characters: NFC, one kind of line end, no control characters, no stray blanks."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from .rule import Rule, flagged
from .stage import Docs, Stage

# Removed: C0 controls, DEL, the five C1 codes that Windows-1252 leaves undefined, and marks without width or meaning:
# soft hyphen, zero-width space, word joiner, byte order mark. U+200C and U+200D stay, because Persian and Hindi words
# and joined emoji are spelled with them; so do the marks that order right-to-left text (U+200E, U+200F, U+202A-U+202E).
_JUNK = r"[\x00-\x08\x0e-\x1f\x7f\x{81}\x{8d}\x{8f}\x{90}\x{9d}\x{ad}\x{200b}\x{2060}\x{feff}]"
_LINE_END = r"\r\n?|[\x0b\x0c\x{2028}\x{2029}]"
_BLANKS_AT_LINE_END = r"[ \t\x{a0}]+(\n|\z)"
_BLANK_LINES = r"\n{3,}"

# The other 27 C1 codes are never meant: they are Windows-1252 that was read as Latin-1, and browsers show them as that
# (WHATWG Encoding Standard, index windows-1252).
_C1 = {
    chr(code): bytes([code]).decode("cp1252")
    for code in range(0x80, 0xA0)
    if code not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}

# Every character that NFC may change: those it rewrites alone, and those that may join the one before (UAX #15,
# NFC_Quick_Check No or Maybe), in ranges a little too wide.
_MAY_COMPOSE = (
    r"[\p{M}\x{374}\x{37e}\x{387}\x{958}-\x{95f}\x{9dc}-\x{9df}\x{a33}-\x{a5e}\x{b5c}\x{b5d}\x{f43}-\x{fb9}"
    r"\x{1100}-\x{11ff}\x{1f71}-\x{1ffd}\x{2000}\x{2001}\x{2126}\x{212a}\x{212b}\x{2329}\x{232a}\x{2adc}"
    r"\x{f900}-\x{faff}\x{fb1d}-\x{fb4e}\x{16d63}-\x{16d6a}\x{1d15e}-\x{1d1c0}\x{2f800}-\x{2fa1d}]"
)

# One scan that finds every text that any of the rules could change; most texts stop here.
_DIRTY = "|".join((_JUNK, r"[\r\x0b\x0c\x{80}-\x{9f}\x{2028}\x{2029}]", _BLANKS_AT_LINE_END, r"\n\n\n", _MAY_COMPOSE))

# UTF-8 that was read as Windows-1252: a lead byte of the Latin letters or of the typographic marks, then a
# continuation byte. Both must be characters that no language writes side by side.
_MOJIBAKE = (
    r"[\x{c2}\x{c3}][\x{a0}-\x{bf}\x{152}\x{153}\x{160}\x{161}\x{178}\x{17d}\x{17e}\x{192}\x{2c6}\x{2dc}"
    r"\x{2013}\x{2014}\x{2018}-\x{201e}\x{2020}-\x{2022}\x{2026}\x{2030}\x{2039}\x{203a}\x{20ac}\x{2122}]|\x{e2}\x{20ac}"
)


def clean(text: pl.Series) -> pl.Series:
    """`text` by the rules above, in their one order; cleaning twice is cleaning once."""
    text = text.str.replace_all(_JUNK, "")
    c1 = text.str.contains(r"[\x{80}-\x{9f}]").fill_null(False)
    if c1.any():
        text = text.scatter(c1.arg_true(), text.filter(c1).str.replace_many(_C1))
    # NFC follows the removals: what is taken out may have kept a letter and its accent apart.
    apart = text.str.contains(_MAY_COMPOSE).fill_null(False)
    if apart.any():
        text = text.scatter(apart.arg_true(), text.filter(apart).str.normalize("NFC"))
    text = text.str.replace_all(_LINE_END, "\n")
    text = text.str.replace_all(_BLANKS_AT_LINE_END, "${1}")
    return text.str.replace_all(_BLANK_LINES, "\n\n")


@dataclass(frozen=True, kw_only=True)
class Normalize(Stage):
    """Rewrite text to one spelling of the same characters; ordinary text passes untouched.

    In this order: control characters and marks of no width are removed, C1 codes become the Windows-1252 characters
    they stand for, the text is put in NFC (Unicode Standard Annex #15), line ends become LF, blanks before them go,
    and more than one empty line becomes one. Nothing else: no case, quote, dash, ligature or width is changed.

    Signals: `characters` after the change, `replacement_characters` (U+FFFD: letters lost before they came here),
    `mojibake` (places where UTF-8 was read as Windows-1252; counted, not repaired), `empty` (only blanks are left).
    """

    def score(self, docs: Docs) -> pl.DataFrame:
        """`text` where it changed, else null, and the signals above."""
        before = docs.text
        dirty = before.str.contains(_DIRTY).fill_null(False)
        after = before
        if dirty.any():
            after = before.clone().scatter(dirty.arg_true(), clean(before.filter(dirty)))
        text = pl.col("after")
        return pl.DataFrame({"before": before, "after": after}).select(
            text=pl.when(text != pl.col("before")).then(text),
            characters=text.str.len_chars().cast(pl.Int64),
            replacement_characters=text.str.count_matches("\ufffd", literal=True).cast(pl.Int64),
            mojibake=text.str.count_matches(_MOJIBAKE).cast(pl.Int64),
            empty=~text.str.contains(r"\S"),
        )

    def drop(self) -> Mapping[str, Rule]:
        """`empty`: nothing but blanks remains."""
        return {"empty": flagged("empty")}
