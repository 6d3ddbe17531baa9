"""How much one damaged or hostile file may cost before it is put aside."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds on what reading may hold in memory; sizes in bytes.

    `max_ratio` is bytes out per byte in. gzip cannot exceed 1032 and text seldom exceeds 100, so a file beyond the
    limit after `bomb_floor` bytes is taken for a decompression bomb.
    """

    max_line_bytes: int = 64 * MIB
    max_document_bytes: int = 64 * MIB
    max_ratio: int = 500
    bomb_floor: int = 64 * MIB


DEFAULTS = Limits()
