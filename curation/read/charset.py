"""Decoding web pages in the order browsers do: BOM, HTTP header, meta tag, then a guess."""

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

PRESCAN = 1024  # bytes searched for a meta tag, as the HTML standard has it
GUESS = 32 << 10  # bytes a guess is made from; guessing is slow
BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
META = re.compile(rb"""<meta[^>]*?charset\s*=\s*["']?\s*([a-zA-Z0-9_:.\-]+)""", re.IGNORECASE)
# Labels that browsers read as a larger encoding (WHATWG Encoding Standard, section 4.2).
WIDER = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "windows-1252": "cp1252",
    "x-user-defined": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "big5": "big5hkscs",
    "unicode": "utf-8",
    "utf8": "utf-8",
}


@dataclass(frozen=True)
class Decoded:
    """The text, the Python name of its encoding, and how many characters had to be replaced by U+FFFD."""

    text: str
    encoding: str
    errors: int


def decode_page(raw: bytes, charset: str | None, html: bool = True) -> Decoded:
    """The text of a page served with `charset`; a broken byte becomes U+FFFD and is counted, a NUL likewise."""
    for bom, encoding in BOMS:
        if raw.startswith(bom):
            return _decode(raw[len(bom) :], encoding)
    encoding = _known(charset)
    if not encoding and html and (meta := META.search(raw, 0, PRESCAN)):
        encoding = _known(meta[1].decode("ascii"))
        encoding = "utf-8" if encoding.startswith("utf-16") else encoding  # the tag was readable, so it is not
    if encoding:
        return _decode(raw, encoding)
    try:
        raw.decode()
        return _decode(raw, "utf-8")
    except UnicodeDecodeError:
        guess = from_bytes(raw[:GUESS]).best()
        return _decode(raw, guess.encoding if guess else "cp1252")


def _known(label: str | None) -> str:
    """Python's name for a label of a page, or an empty string for none or one that is no text encoding."""
    label = (label or "").strip(" \"'").lower()
    try:
        info = codecs.lookup(WIDER.get(label, label))
    except (LookupError, ValueError):
        return ""
    return info.name if info._is_text_encoding else ""


def _decode(raw: bytes, encoding: str) -> Decoded:
    try:
        text, errors = raw.decode(encoding), 0
    except UnicodeDecodeError:
        if encoding == "cp1252":  # browsers read its five unassigned bytes as control characters
            text = raw.decode(encoding, "cp1252-controls")
            return _without_nul(text, encoding, 0)
        text = raw.decode(encoding, "replace")
        errors = text.count("\ufffd") - (raw.count("\ufffd".encode()) if encoding == "utf-8" else 0)
    return _without_nul(text, encoding, errors)


def _without_nul(text: str, encoding: str, errors: int) -> Decoded:
    return Decoded(text.replace("\x00", "\ufffd"), encoding, errors + text.count("\x00"))


def _controls(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return chr(error.object[error.start]), error.start + 1


codecs.register_error("cp1252-controls", _controls)
