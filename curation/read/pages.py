"""Web pages and files of text as documents."""

from collections.abc import Iterator, Mapping

from dataset_cards.intake.limits import MIB, Limits
from dataset_cards.intake.parts import Part
from dataset_cards.intake.quarantine import Quarantined, excerpt
from dataset_cards.intake.stream import Damaged

from .charset import BOMS, Decoded, decode_page
from .document import Document, text_id, to_json
from .http import BadResponse, Response, charset, media_type, parse_response, payload
from .warc import PAGES, Record, read_records

HTML = {"text/html", "application/xhtml+xml"}
# Types that say nothing about the payload, so that its first bytes decide.
MUTE = {"", "application/octet-stream", "unk", "no-type", "application/unknown"}
KEPT = {
    "warc-ip-address": "ip",
    "warc-payload-digest": "digest",
    "warc-identified-payload-type": "identified_type",
    "warc-identified-content-language": "identified_languages",
    "warc-truncated": "truncated",
}


def archived_pages(part: Part, limits: Limits) -> Iterator[Document | Quarantined]:
    """One document for each page record of a WARC, WET or ARC file; other records (requests, notes) are no rows."""
    any_page = False
    for record in read_records(part, limits):
        if isinstance(record, Quarantined):
            any_page = True
            yield record
        elif record.kind in PAGES:
            any_page = True
            yield _page(part.name, record, limits)
    if not any_page:
        yield Quarantined(part.name, "file", "no-pages", "no response, resource or conversion record is in this file")


def _page(file: str, record: Record, limits: Limits) -> Document | Quarantined:
    headers = record.headers
    declared = headers.get("content-type", "")
    http = record.kind == "revisit" or record.block.startswith(b"HTTP/")
    response = parse_response(record.block) if http else Response(0, {"content-type": declared}, record.block)
    kind = response.content_type
    facts: dict[str, object] = {name: headers[key] for key, name in KEPT.items() if headers.get(key)}
    if kind:
        facts["content_type"] = kind
    if response.status:
        facts["http_status"] = response.status
    if record.kind != "response":
        facts["record_type"] = record.kind
    if drop := _drop(record, response):
        return _document(file, record, "", facts, html=False, drop=drop)
    position = f"record {record.number}"
    if record.size > len(record.block):
        return Quarantined(file, position, "document-too-large", excerpt(f"{record.size:,} bytes; {dict(headers)}"))
    try:
        raw = payload(response, limits.max_document_bytes)
    except BadResponse as error:
        return Quarantined(file, position, error.reason, excerpt(str(error)))
    html = _is_html(headers, kind, raw)
    if not html and not _is_text(kind):
        return _document(file, record, "", facts, html=False, drop="read/not-html")
    if record.kind == "conversion":
        try:
            page = Decoded(raw.decode(), "utf-8", 0)
        except UnicodeDecodeError as error:
            return Quarantined(file, position, "invalid-utf-8", excerpt(raw[max(0, error.start - 20) :]))
    else:
        page = decode_page(raw, response.charset or charset(declared), html)
    if "\x00" in page.text:
        return Quarantined(file, position, "null-byte", excerpt(page.text))
    return _document(file, record, page.text, facts | _encoding(page), html=html, drop=None)


def _drop(record: Record, response: Response) -> str | None:
    """Why a record holds no page, as far as its headers tell."""
    if record.kind == "revisit":
        return "read/revisit"
    if response.status and not 200 <= response.status < 300:
        return "read/http-status"
    kinds = {media_type(record.headers.get("warc-identified-payload-type", "")), response.content_type}
    # What a crawler identified from the bytes outweighs what the server said.
    return None if kinds & HTML or any(_is_text(kind) for kind in kinds) or kinds <= MUTE else "read/not-html"


def _is_html(headers: Mapping[str, str], kind: str, raw: bytes) -> bool:
    identified = media_type(headers.get("warc-identified-payload-type", ""))
    if identified or kind not in MUTE:
        return (identified or kind) in HTML
    start = raw[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html"))


def _is_text(kind: str) -> bool:
    return kind == "text/plain"


def _encoding(page: Decoded) -> dict[str, object]:
    """What to note about how a page was decoded; nothing for sound UTF-8."""
    facts: dict[str, object] = {"encoding": page.encoding} if page.encoding != "utf-8" else {}
    return facts | ({"encoding_errors": page.errors} if page.errors else {})


def _document(
    file: str, record: Record, text: str, facts: dict[str, object], *, html: bool, drop: str | None
) -> Document:
    uri = record.headers.get("warc-target-uri", "").strip("<> ")
    return Document(
        record.headers.get("warc-record-id") or text_id(f"{uri}\n{text}" if drop else text),
        text,
        file,
        url=uri or None,
        created=record.headers.get("warc-date") or None,
        metadata=to_json(facts),
        html=html,
        drop=drop,
    )


def whole_file(part: Part, limits: Limits) -> Iterator[Document | Quarantined]:
    """A file of HTML, Markdown or plain text as one document."""
    pieces: list[bytes] = []
    size = 0
    try:
        while block := part.stream.read(MIB):
            pieces.append(block)
            size += len(block)
            if size > limits.max_document_bytes:
                detail = f"more than {limits.max_document_bytes:,} bytes; split the file"
                yield Quarantined(part.name, "file", "document-too-large", detail)
                return
    except Damaged as damage:
        yield Quarantined(part.name, f"byte {size}", damage.reason, excerpt(damage.detail))
        return
    raw = b"".join(pieces)
    if part.format == "html":
        page = decode_page(raw, None)
        yield Document(text_id(page.text), page.text, part.name, metadata=to_json(_encoding(page)), html=True)
    else:
        yield _plain_text(part.name, raw)


def _plain_text(file: str, raw: bytes) -> Document | Quarantined:
    bom, encoding = next(((b, e) for b, e in BOMS if raw.startswith(b)), (b"", "utf-8"))
    try:
        text = raw[len(bom) :].decode(encoding)
    except UnicodeDecodeError as error:
        at = error.start + len(bom)
        reason = "invalid-utf-8" if encoding == "utf-8" else "invalid-encoding"
        return Quarantined(file, f"byte {at}", reason, excerpt(raw[max(0, at - 20) : at + 200]))
    if (at := text.find("\x00")) >= 0:
        return Quarantined(file, f"byte {len(text[:at].encode())}", "null-byte", excerpt(text[max(0, at - 20) :]))
    return Document(text_id(text), text, file)
