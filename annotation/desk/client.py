"""The one file that imports Argilla's SDK: the connection to a server, patient where that is safe, errors as sentences.

The SDK connects, signs in, and makes accounts and workspaces. Datasets, records and answers go as plain requests
through its HTTP client, because the SDK (2.8.0) drops the ranks of a ranking, opens the file that guidelines happen to
be the name of, strips spaces from both ends of texts, and has no place for a dataset's own metadata.
"""

import json
import time
import urllib.parse
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx

from .desk import DeskError
from .trouble import NotArgilla, Trouble, explain

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydantic's, about how the SDK is written
        import argilla
except ImportError as missing:
    raise DeskError("talking to Argilla needs its SDK: pip install 'gristmill[annotate]'") from missing

T = TypeVar("T")
TESTED = (2, 8)
PATIENCE = 30.0  # seconds; a desk that is killed and started again answers within that
FIRST_PATIENCE = 3.0  # seconds for a desk that has not answered yet: more likely it is not there at all
KEY = "X-Argilla-Api-Key"
TIMEOUT = 60  # seconds for one answer
PAGE = 500


class Conflict(DeskError):
    """What should be made is there already."""


class Missing(DeskError):
    """What was asked for is not there."""


class Unfit(DeskError):
    """The server cannot take what it was sent."""


class Client:
    """A connection that is made when it is first needed.

    Every request may be repeated: those that make something are answered with Conflict the second time, and all others
    leave the same behind however often they arrive.

    Args:
        url: where the Argilla server answers, e.g. `http://127.0.0.1:6900`.
        key: the API key of an owner.
        patience: seconds for which a server that does not answer is asked again.
        timeout: seconds for one answer.
    """

    def __init__(self, url: str, key: str, patience: float = PATIENCE, timeout: int = TIMEOUT) -> None:
        self._url = _checked_url(url)
        self._key = _checked_key(key)
        self._patience = patience
        self._timeout = timeout
        self._connected: argilla.Argilla | None = None

    @property
    def url(self) -> str:
        """The address without a password somebody may have put into it."""
        parts = urllib.parse.urlsplit(self._url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    def connect(self) -> None:
        """Connect if that was not done yet.

        Raises:
            DeskError: nobody answers, or not Argilla, or one of another version, or the key is refused.
        """
        if self._connected is not None:
            return
        made = self._patiently("connecting", self._first, min(FIRST_PATIENCE, self._patience))
        argilla.Argilla._default_client = None  # nothing may fall back on whichever was made last
        weakref.finalize(self, made.http_client.close)
        self._connected = made

    def close(self) -> None:
        """Give the sockets back; the next request connects again."""
        if self._connected is not None:
            self._connected.http_client.close()
            self._connected = None

    def send(self, doing: str, method: str, path: str, content: Any = None, **parameters: Any) -> Any:
        """One request and its answer; `doing` tells the reader of an error what it was for.

        Raises:
            Conflict, Missing, Unfit: HTTP 409, 404, 422.
            DeskError: anything else that went wrong, and kept going wrong where asking again could help.
        """
        self.connect()
        body = None if content is None else json.dumps(content).encode()
        headers = {} if body is None else {"content-type": "application/json"}

        def once() -> Any:
            assert self._connected is not None
            http: httpx.Client = self._connected.http_client
            return _read(http.request(method, f"api/v1/{path}", params=parameters, content=body, headers=headers))

        return self._patiently(doing, once, self._patience)

    def add_workspace(self, name: str) -> str:
        """Make a workspace; its id.

        Raises:
            Conflict: there is one of that name.
        """
        made = self._sdk(f"making the workspace {name}", lambda sdk: argilla.Workspace(name=name, client=sdk).create())
        return str(made.id)

    def add_annotator(self, name: str, password: str) -> str:
        """Make an account that can answer and nothing else; its id.

        Raises:
            Conflict: there is one of that name.
        """

        def make(sdk: argilla.Argilla) -> Any:
            return argilla.User(username=name, password=password, role="annotator", client=sdk).create()

        return str(self._sdk(f"making the account of {name}", make).id)

    def _sdk(self, doing: str, work: Callable[[argilla.Argilla], T]) -> T:
        self.connect()

        def once() -> T:
            assert self._connected is not None
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # it warns when it finds nothing
                    return work(self._connected)
            except (ValueError, KeyError) as error:
                raise NotArgilla from error

        return self._patiently(doing, once, self._patience)

    def pages(self, doing: str, path: str, **parameters: Any) -> Iterator[list[dict[str, Any]]]:
        """All records of a dataset, each once, however many are answered meanwhile.

        The server sorts them by the moment they were made, which no answer changes; only a record that is made or
        deleted between two pages can move the others. Then all is read again.

        Raises:
            DeskError: records kept coming and going.
        """
        for _ in range(5):
            found: dict[str, dict[str, Any]] = {}
            totals = set()
            for offset in _from(0, PAGE):
                answer = self.send(doing, "GET", path, offset=offset, limit=PAGE, **parameters)
                totals.add(answer["total"])
                found.update((one["id"], one) for one in answer["items"])
                if offset + PAGE >= answer["total"]:
                    break
            if totals == {len(found)}:
                every = list(found.values())
                yield from (every[start : start + PAGE] for start in range(0, len(every), PAGE))
                return
        raise DeskError(
            f"{doing}: records came and went at {self.url} while they were read, five times over; stop whatever adds "
            "or deletes them and run the same command again"
        )

    def _first(self) -> argilla.Argilla:
        # Looked at before the SDK is let in: it asks with the key first, takes any JSON for an answer, and leaves its
        # socket open when something is wrong.
        with httpx.Client(
            base_url=self._url, timeout=self._timeout, headers={KEY: self._key}, transport=httpx.HTTPTransport()
        ) as http:
            answer = _read(http.get("api/v1/version"))
            if not isinstance(answer, dict) or not isinstance(answer.get("version"), str):
                raise NotArgilla
            self._check_version(answer["version"])
            _read(http.get("api/v1/me"))
        return argilla.Argilla(self._url, self._key, self._timeout, retries=0)

    def _patiently(self, doing: str, work: Callable[[], T], patience: float) -> T:
        until = time.monotonic() + patience
        wait = 0.1
        while True:
            try:
                return work()
            except (httpx.HTTPError, argilla._exceptions.ArgillaError, NotArgilla) as error:
                trouble = explain(error)
                if not trouble.passing or time.monotonic() + wait > until:
                    raise self._error(doing, trouble) from error
            time.sleep(wait)
            wait = min(2 * wait, 2.0)

    def _error(self, doing: str, trouble: Trouble) -> DeskError:
        kind = {404: Missing, 409: Conflict, 422: Unfit}.get(trouble.status or 0, DeskError)
        text = f"{doing}: the desk at {self.url} {trouble.what}; {trouble.remedy}"
        return kind(text.replace(self._key, "(the key)"))

    def _check_version(self, version: str) -> None:
        numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        if len(numbers) != 2 or numbers[0] != TESTED[0] or numbers < TESTED:
            tested = ".".join(map(str, TESTED))
            raise DeskError(
                f"the desk at {self.url} runs Argilla {version}, and this needs {tested} or a later {TESTED[0]}; "
                "bring it up to date"
            )


def _from(start: int, step: int) -> Iterator[int]:
    while True:
        yield start
        start += step


def _read(answer: httpx.Response) -> Any:
    answer.raise_for_status()
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError as error:
        raise NotArgilla from error


def _checked_url(url: str) -> str:
    parts = urllib.parse.urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise DeskError(f"{url!r} is no address of a desk; it starts with http:// or https://")
    return url.strip()


def _checked_key(key: str) -> str:
    """httpx quotes a header it cannot send, so a key that is none must not get that far."""
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise DeskError("the API key of the desk is empty or has characters no key has; see ARGILLA_API_KEY")
    return key
