"""Asking the Hub with patience, and saying in a sentence, without tokens or signed links, what went wrong."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import httpx2
from huggingface_hub import get_token
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from ..versions.errors import Damaged, Misuse

T = TypeVar("T")
Wait = Callable[[float], None]

PASSING = (408, 429, 500, 502, 503, 504)
WAITS = (1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before each further try
LONGEST = 300.0  # seconds; a server that wants more is asked again by whoever starts the command again
CONFLICT, CHANGED = 409, 412


def patient(call: Callable[[], T], wait: Wait = time.sleep) -> T:
    """What `call` gives; asked again where the server is busy or the line was cut, as long as the server asks for.

    Raises:
        HfHubHTTPError: an answer that no patience mends, or the last of the tries.
        httpx2.TransportError: the server could not be reached.
    """
    for pause in WAITS:
        try:
            return call()
        except HfHubHTTPError as error:
            if error.response.status_code not in PASSING:
                raise
            asked = error.response.headers.get("Retry-After", "")
            wait(min(float(asked), LONGEST) if re.fullmatch(r"\d+(\.\d+)?", asked) else pause)
        except (httpx2.TransportError, LocalEntryNotFoundError, json.JSONDecodeError):
            # The second is how a download says that the server did not answer; a proxy's error page is no JSON.
            wait(pause)
    return call()


def telling(tell: Callable[[str], None], wait: Wait = time.sleep) -> Wait:
    """`wait`, and a word to who else would sit before a silent screen."""

    def waited(seconds: float) -> None:
        tell(f"the Hub is busy or the line was cut; asking again in {seconds:g} s")
        wait(seconds)

    return waited


@contextmanager
def in_words(doing: str) -> Iterator[None]:
    """Turns what the client raises into one sentence.

    Raises:
        ConnectionError: what the Hub answered, where, and what to do.
    """
    try:
        yield
    except HfHubHTTPError as error:
        raise ConnectionError(_answered(doing, error)) from None
    except httpx2.TransportError as error:
        raise ConnectionError(
            f"{doing}: the line to the Hub broke ({_clean(str(error) or type(error).__name__)}); {_AGAIN}"
        ) from None
    except LocalEntryNotFoundError as error:
        cause = error.__cause__
        said = _answered(doing, cause) if isinstance(cause, HfHubHTTPError) else f"{doing}: {_clean(cause)}; {_AGAIN}"
        raise ConnectionError(said) from None
    except json.JSONDecodeError:
        raise ConnectionError(f"{doing}: the Hub's answer is no JSON; {_AGAIN}") from None
    except (Misuse, Damaged):
        raise
    except ValueError as error:  # the front matter of README.md, or an object that the Hub's storage does not take
        raise ConnectionError(
            f"{doing}: the Hub refuses it: {_clean(error).rstrip('.')}; mend what it names and run again"
        ) from None
    except RuntimeError as error:
        # So the client says that the bytes of one file did not get through.
        cause = error.__cause__
        if isinstance(cause, HfHubHTTPError):
            raise ConnectionError(_answered(f"{doing}: {_clean(error)}", cause)) from None
        raise ConnectionError(f"{doing}: {_clean(error)} {_clean(cause or '')}; {_AGAIN}") from None


_AGAIN = "run the same command again: what has arrived is not sent twice"


def _answered(doing: str, error: HfHubHTTPError) -> str:
    status, request = error.response.status_code, error.response.request
    said = _clean(error.server_message or "").rstrip(".") or f"status {status}"
    if status in (401, 403):
        mend = "set HF_TOKEN to a token that may write there, or log in with `hf auth login`"
    elif status in PASSING:
        mend = _AGAIN
    elif status == 404:
        mend = "check the name; a private repository looks like none to who may not see it"
    else:
        mend = "mend what it names and run the same command again"
    return f"{doing}: the Hub answered {status} to {request.method} {request.url.path} ({said}); {mend}"


def _clean(text: object) -> str:
    """The text without the token, and without the query of any address, where signatures are."""
    shown = re.sub(r"(https?://[^\s?'\"]+)\?[^\s'\"]*", r"\1", " ".join(str(text).split()))
    token = get_token()
    shown = shown.replace(token, "[token]") if token else shown
    return re.sub(r"\bhf_[A-Za-z0-9]{8,}", "[token]", shown)
