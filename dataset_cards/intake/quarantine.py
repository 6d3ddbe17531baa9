"""What could not be read: where it is, why, and a glimpse of it."""

from dataclasses import dataclass

EXCERPT = 200


@dataclass(frozen=True)
class Quarantined:
    """One piece of input that gave no row.

    `file` is the file's name in the input (`archive.zip/member.txt` inside an archive), `position` is such as
    "line 12", "byte 4711", "record 3", "row 17" or "file", and `reason` is a word in kebab case. `excerpt` is at most
    200 printable characters of the data, or the message of the system where there is no data to show.
    """

    file: str
    position: str
    reason: str
    excerpt: str


def excerpt(data: bytes | str) -> str:
    """The beginning of `data` as at most 200 printable characters; whatever cannot be printed becomes a dot."""
    text = data[: EXCERPT * 4].decode("utf-8", "replace") if isinstance(data, bytes) else data[: EXCERPT * 4]
    return "".join(c if c.isprintable() else " " if c.isspace() else "." for c in text).strip()[:EXCERPT]
