"""What went wrong between us and an Argilla server, as a sentence that says what to do."""

import json
from dataclasses import dataclass
from typing import Any

import httpx

BUSY = {429, 500, 502, 503, 504}  # 500 too: SQLite answers so when it was locked for too long
SHOWN = 300  # characters of what the server said


class NotArgilla(Exception):
    """The answer is no JSON, or not that of Argilla's API."""


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What happened and what to do; `passing` if asking again may help; `status` of HTTP, if it came to that."""

    what: str
    remedy: str
    passing: bool = False
    status: int | None = None


def explain(error: Exception) -> Trouble:
    """The trouble behind an exception of httpx, of the SDK, or NotArgilla."""
    cause: BaseException | None = error
    while cause is not None:  # the SDK wraps what httpx raised
        if isinstance(cause, httpx.HTTPStatusError):
            return _refused(cause.response)
        if isinstance(cause, httpx.TransportError):
            return _unheard(cause)
        cause = cause.__cause__ or cause.__context__
    return _NO_ARGILLA


def _unheard(error: httpx.TransportError) -> Trouble:
    said = str(error)
    if isinstance(error, httpx.UnsupportedProtocol):
        return Trouble(what=f"is no web address ({said})", remedy="write it with http:// or https://")
    if "SSL" in said or "CERTIFICATE" in said.upper():
        return Trouble(
            what=f"cannot be trusted or does not speak TLS ({said})",
            remedy="see whether it is https:// at all; SSL_CERT_FILE names the certificate of a private authority",
        )
    if isinstance(error, httpx.TimeoutException):
        return Trouble(
            what="did not answer in time",
            remedy="see whether it is overloaded, then run the same command again",
            passing=True,
        )
    if isinstance(error, httpx.ConnectError):
        return Trouble(
            what=f"cannot be reached ({said})",
            remedy="start it (`gristmill desk serve`) or put the address right, then run the same command again",
            passing=True,
        )
    return Trouble(
        what=f"broke the connection off ({said or type(error).__name__})",
        remedy="see whether it runs (`gristmill desk serve --status`), then run the same command again; nothing is "
        "lost",
        passing=True,
    )


_NO_ARGILLA = Trouble(
    what="does not answer as Argilla does",
    remedy="the address may be that of a proxy, of a page to sign in, or of something else; the right one shows "
    '{"version": ...} under /api/v1/version',
)


def _refused(answer: httpx.Response) -> Trouble:
    status, said = answer.status_code, _said(answer)
    if status in BUSY:
        return Trouble(
            what=f"failed with HTTP {status}{said}",
            remedy="see its log (server.log in the home of a desk on this machine), then run the same command again",
            passing=True,
            status=status,
        )
    # The third is FastAPI's for a path it does not know, which all of ours are to another program.
    if (
        300 <= status < 400
        or "html" in answer.headers.get("content-type", "")
        or (status, said) == (404, ": Not Found")
    ):
        return Trouble(what=f"{_NO_ARGILLA.what} (HTTP {status})", remedy=_NO_ARGILLA.remedy, status=status)
    if status == 401:
        return Trouble(
            what="refuses the API key",
            remedy="put the owner's key in ARGILLA_API_KEY; in Argilla it stands under My settings",
            status=status,
        )
    if status == 403:
        return Trouble(
            what=f"does not let this API key do that{said}",
            remedy="use an owner's key and not an annotator's",
            status=status,
        )
    if status == 413:
        return Trouble(
            what="or a proxy before it takes no request of that size",
            remedy="raise the limit there (client_max_body_size of nginx)",
            status=status,
        )
    return Trouble(
        what=f"refused with HTTP {status}{said}", remedy="if that says nothing to you, please report it", status=status
    )


def _said(answer: httpx.Response) -> str:
    try:
        content = answer.json()
    except ValueError:
        return ""
    detail: Any = content.get("detail", content) if isinstance(content, dict) else content
    text = detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False)
    return f": {text[:SHOWN]}{'...' if len(text) > SHOWN else ''}"
