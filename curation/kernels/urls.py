"""spaCy's URL pattern for chunks of ASCII without whitespace, compiled.

`(scheme://)? (anything@)? (domain.)+ top (:port)? ([/?#] anything)?`, as in spacy/lang/tokenizer_exceptions.py; an
address of four numbers is left to the pattern itself.
"""

import numpy as np
from numba import njit

from .text import Bytes

UNSURE = 2
LOWER, UPPER, DIGIT, INSIDE, OTHER = 1, 2, 4, 8, 16
LONGEST_LABEL, LONGEST_TOP, LONGEST_PORT = 64, 63, 5
DOT, COLON, SLASH, AT = 46, 58, 47, 64


def _classes() -> Bytes:
    classes = np.zeros(256, np.uint8)
    for code in range(128):
        letter = chr(code)
        classes[code] = LOWER * letter.islower() + UPPER * letter.isupper() + DIGIT * letter.isdigit()
    classes[[ord("_"), ord("-")]] = INSIDE
    classes[[ord("+"), DOT]] = OTHER
    return classes


# INSIDE: may stand inside a label of a domain, with letters and digits; OTHER: in a scheme as well
CLASSES = _classes()
ALPHANUMERIC = LOWER | UPPER | DIGIT


@njit(cache=True, nogil=True)
def ends_url(data: Bytes, at: int, end: int) -> bool:
    """True when a port, a path or nothing stands at `at`."""
    if at < end and data[at] == COLON:
        port = at + 1
        while port < end and CLASSES[data[port]] & DIGIT:
            port += 1
        if not 2 <= port - at - 1 <= LONGEST_PORT:
            return False
        at = port
    return bool(at == end or data[at] == SLASH or data[at] == 63 or data[at] == 35)


@njit(cache=True, nogil=True)
def is_domain(data: Bytes, at: int, end: int) -> bool:
    """True when a domain stands at `at`, with a port and a path or without."""
    labels = 0
    while at < end:
        stop = at
        lower = True
        while stop < end and CLASSES[data[stop]] & (ALPHANUMERIC | INSIDE):
            lower &= (CLASSES[data[stop]] & LOWER) != 0
            stop += 1
        if stop == end or data[stop] != DOT:
            return labels > 0 and lower and 2 <= stop - at <= LONGEST_TOP and ends_url(data, stop, end)
        if not 1 <= stop - at <= LONGEST_LABEL:
            return False
        if CLASSES[data[at]] & INSIDE or CLASSES[data[stop - 1]] & INSIDE:
            return False
        labels += 1
        at = stop + 1
    return False


@njit(cache=True, nogil=True)
def is_url(data: Bytes, start: int, end: int) -> int:
    """1 when the pattern fits all of `[start, end)`, 0 when not, UNSURE where there may be four numbers."""
    dots = 0
    numbers = 0
    for at in range(start, end - 1):
        if data[at] == DOT:
            dots += 1
            numbers += (CLASSES[data[at + 1]] & DIGIT) != 0
    if dots == 0:
        return 0
    if numbers > 2:
        return UNSURE
    if is_domain(data, start, end):
        return 1
    scheme = start
    while scheme < end and CLASSES[data[scheme]]:
        scheme += 1
    slashes = scheme + 2 < end and data[scheme] == COLON and data[scheme + 1] == SLASH and data[scheme + 2] == SLASH
    if slashes and scheme - start > 1 and is_domain(data, scheme + 3, end):
        return 1
    for at in range(start + 1, end):
        if data[at] == AT and is_domain(data, at + 1, end):
            return 1
    return 0
