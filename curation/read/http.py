"""An HTTP response as crawlers store it: status, headers and the payload as it was meant."""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s;\"',]+)", re.IGNORECASE)
CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(;[^\r\n]*)?\r?\n")


class BadResponse(ValueError):
    """The response cannot be read; `reason` is the word for the quarantine."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Response:
    """Status (0 if the block has no HTTP head), headers by lower-case name, and the body as stored."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        return media_type(self.headers.get("content-type", ""))

    @property
    def charset(self) -> str | None:
        return charset(self.headers.get("content-type", ""))


def media_type(value: str) -> str:
    """`Text/HTML; charset=x` -> `text/html`."""
    return value.partition(";")[0].strip().lower()


def charset(value: str) -> str | None:
    """The charset parameter of a content type."""
    found = CHARSET.search(value)
    return found[1] if found else None


def header_fields(lines: list[bytes]) -> dict[str, str]:
    """Header lines by lower-case name; the first of a repeated name stays, folded lines are joined."""
    fields: dict[str, str] = {}
    name = ""
    for line in lines:
        try:
            text = line.decode()
        except UnicodeDecodeError:
            text = line.decode("latin-1")
        if text[:1] in (" ", "\t") and name:
            fields[name] += " " + text.strip()
            continue
        key, colon, value = text.partition(":")
        if colon:
            name = key.strip().lower()
            fields.setdefault(name, value.strip())
    return fields


def parse_response(block: bytes) -> Response:
    """Split a stored response at its first empty line; a block without an HTTP head is all body."""
    if not block.startswith(b"HTTP/"):
        return Response(0, {}, block)
    end = re.search(rb"\r?\n\r?\n", block)
    head, body = (block[: end.start()], block[end.end() :]) if end else (block, b"")
    first, *rest = head.splitlines()
    words = first.split(None, 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    return Response(status, header_fields(rest), body)


def payload(response: Response, max_bytes: int) -> bytes:
    """The body without transfer and content encodings; crawlers that undid them already are recognised by the bytes.

    Raises:
        BadResponse: broken chunks or compression, more than `max_bytes`, or an encoding that is not gzip or deflate.
    """
    body = response.body
    if "chunked" in response.headers.get("transfer-encoding", "").lower():
        body = _dechunked(body)
    for encoding in reversed(response.headers.get("content-encoding", "").lower().replace(" ", "").split(",")):
        if encoding in ("gzip", "x-gzip"):
            body = _inflated(body, 31, max_bytes) if body.startswith(b"\x1f\x8b") else body
        elif encoding == "deflate":
            body = _deflated(body, max_bytes)
        elif encoding not in ("", "identity") and not _readable(body):
            raise BadResponse("unsupported-encoding", f"the page is stored with content-encoding {encoding}")
    return body


def _dechunked(body: bytes) -> bytes:
    if not CHUNK.match(body):
        return body  # many crawlers store the joined body under the original headers
    pieces: list[bytes] = []
    at = 0
    while match := CHUNK.match(body, at):
        size = int(match[1], 16)
        if size == 0:
            return b"".join(pieces)
        pieces.append(body[match.end() : match.end() + size])
        at = match.end() + size
        at += 2 if body[at : at + 2] == b"\r\n" else 1 if body[at : at + 1] == b"\n" else 0
    raise BadResponse("damaged-warc-record", f"the chunks of the response break off at byte {at} of {len(body)}")


def _inflated(body: bytes, wbits: int, max_bytes: int) -> bytes:
    decoder = zlib.decompressobj(wbits=wbits)
    try:
        data = decoder.decompress(body, max_bytes)
    except zlib.error as error:
        raise BadResponse("damaged-warc-record", f"content-encoding: {error}") from error
    if decoder.unconsumed_tail:
        raise BadResponse("document-too-large", f"the page unpacks to more than {max_bytes:,} bytes")
    if not decoder.eof:
        raise BadResponse("damaged-warc-record", "the compressed page breaks off")
    return data


def _deflated(body: bytes, max_bytes: int) -> bytes:
    if not body or _readable(body):
        return body
    try:
        return _inflated(body, 15, max_bytes)
    except BadResponse as error:
        if error.reason == "document-too-large":
            raise
        return _inflated(body, -15, max_bytes)  # some servers leave out the zlib header


def _readable(body: bytes) -> bool:
    return body.lstrip()[:1] in (b"<", b"{", b"")
