"""Which format a file holds: by its first bytes where they are telling, else by its name."""

import posixpath

COMPRESSED = {".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz"}
SUFFIXES = {
    "jsonl": {".jsonl", ".ndjson", ".jsonlines"},
    "json": {".json"},
    "csv": {".csv"},
    "tsv": {".tsv", ".tab"},
    "parquet": {".parquet", ".pq"},
    "arrow": {".arrow", ".feather", ".ipc"},
    "warc": {".warc", ".wet", ".wat"},
    "arc": {".arc"},
    "html": {".html", ".htm", ".xhtml"},
    "text": {".txt", ".text", ".md", ".markdown", ".rst"},
    "tar": {".tar", ".tgz", ".tbz2", ".txz"},
    "zip": {".zip"},
}
BY_SUFFIX = {suffix: name for name, suffixes in SUFFIXES.items() for suffix in suffixes}
TABULAR = {"jsonl", "json", "csv", "tsv", "parquet", "arrow"}

MAGIC = {
    b"PAR1": "parquet",
    b"ARROW1\x00\x00": "arrow",
    b"\xff\xff\xff\xff": "arrow",  # the stream form opens with a continuation marker
    b"WARC/": "warc",
    b"filedesc://": "arc",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
}
HEAD = 4096  # bytes looked at


def by_name(name: str) -> str:
    """The format that a name promises, e.g. `a/b.JSONL.gz` -> `jsonl`; empty if it promises none."""
    stem, suffix = posixpath.splitext(posixpath.basename(name).lower())
    if suffix in COMPRESSED:
        suffix = posixpath.splitext(stem)[1]
    return BY_SUFFIX.get(suffix, "")


def bare(name: str) -> bool:
    """Whether a name has no suffix but that of a compression, such as `part-00000.gz`."""
    stem, suffix = posixpath.splitext(posixpath.basename(name).lower())
    return not (posixpath.splitext(stem)[1] if suffix in COMPRESSED else suffix)


def recognise(name: str, head: bytes) -> str:
    """The format of a file named `name` whose decompressed bytes begin with `head`.

    Telling bytes win over the name: a Parquet file called .json is Parquet. A .txt that holds HTML stays text, because
    HTML in a text file is as often an example as a page. Returns `empty` for no bytes, `unknown` for none of ours.
    """
    if not head:
        return "empty"
    for magic, found in MAGIC.items():
        if head.startswith(magic):
            return found
    if head[257:262] == b"ustar":
        return "tar"
    return by_name(name) or _by_content(head)


def _by_content(head: bytes) -> str:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "html"
    if start.startswith(b"{"):
        return "jsonl"
    if start.startswith(b"["):
        return "json"
    if b"\x00" in head:
        return "unknown"
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # The last character may be cut by the end of `head`.
        return "text" if len(head) == HEAD and error.start > HEAD - 4 else "unknown"
    return "text"
