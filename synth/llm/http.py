"""Models behind the OpenAI protocol: vLLM, SGLang, llama.cpp, Ollama, TGI, `gristmill llm serve`, hosted ones.

The official client carries the requests, over aiohttp, and is given bytes instead of arguments: what is hashed for the
cache is what is sent. A request takes 1.0 ms of CPU in all, where the client's ordinary way takes 3.6 at 256 in flight.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import socket
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dataset_cards.versions.errors import Misuse

from .courier import Books, Limits
from .fault import UNREACHABLE, Fault
from .flow import Flow
from .llm import Failed, Reply, Request
from .wire import parsed, status_fault

if TYPE_CHECKING:
    from openai import AsyncOpenAI

STRUCTURED = ("auto", "yes", "no")
_NO_SCHEMA = re.compile(r"response_format|json_schema|structured|guided|grammar", re.IGNORECASE)
_PATH = "/chat/completions"


class Http:
    """One endpoint.

    `structured`: whether the server takes a JSON schema; "auto" tries, and asks without one once it was refused.
    `timeout`: seconds for one try, from sending to the last byte.

    Raises:
        Misuse: no address, or one that is no http(s) URL.
    """

    taint = None

    def __init__(
        self,
        *,
        books: Books,
        url: str | None = None,
        key: str | None = None,
        limits: Limits | None = None,
        timeout: float = 600.0,
        structured: str = "auto",
    ) -> None:
        limits = limits or Limits()
        self.wire = HttpWire(
            url=url or os.environ.get("OPENAI_BASE_URL") or "",
            key=key or os.environ.get("OPENAI_API_KEY") or "none",
            most=limits.in_flight,
            timeout=timeout,
            structured=structured,
        )
        self.books = books
        self._flow = Flow(self.wire, books, limits)

    def __repr__(self) -> str:
        return f"Http({self.wire.name})"

    def ask(self, requests: Iterable[Request | None]) -> Iterator[tuple[Request, Reply | Failed]]:
        """As LLM.ask."""
        return self._flow.ask(requests)


class HttpWire:
    """The connection to one endpoint."""

    def __init__(self, *, url: str, key: str, most: int, timeout: float, structured: str) -> None:
        self.name = server_name(url)
        if structured not in STRUCTURED:
            raise Misuse(f"structured={structured!r}: there are {', '.join(STRUCTURED)}")
        self.structured = structured  # becomes "yes" or "no" when the server has shown which
        self._url, self._key, self._most, self._timeout = url, key, most, timeout
        self._client: AsyncOpenAI | None = None

    async def open(self) -> None:
        openai = client_library()
        import httpx2

        limits = httpx2.Limits(max_connections=self._most, max_keepalive_connections=self._most)
        carrier = openai.DefaultAioHttpClient(limits=limits, timeout=None)
        self._client = openai.AsyncOpenAI(
            base_url=self._url, api_key=self._key, max_retries=0, timeout=None, http_client=carrier
        )

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    def forms(self, request: Request) -> tuple[Request, ...]:
        if request.schema is None or self.structured == "yes":
            return (request,)
        bare = request.without_schema()
        return (bare,) if self.structured == "no" else (request, bare)

    async def send(self, request: Request) -> tuple[Request, Reply]:
        form = request.without_schema() if request.schema is not None and self.structured == "no" else request
        try:
            reply = await self._sent(form)
        except Fault as fault:
            if form.schema is None or self.structured == "yes" or not _refuses_schema(fault):
                raise
            if self.structured == "auto":  # else another request has found it out meanwhile
                logging.getLogger(__name__).warning("%s has no structured output; asking without a schema", self.name)
                self.structured = "no"
            return await self.send(request)
        if form.schema is not None and self.structured == "auto":
            self.structured = "yes"
        return form, reply

    async def _sent(self, request: Request) -> Reply:
        import httpx2
        import openai

        assert self._client is not None
        options: Any = {"headers": {"Content-Type": "application/json"}}
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._client.post(
                    _PATH, content=request.body, cast_to=httpx2.Response, options=options
                )
            return self._parsed(response.content)
        except openai.APIStatusError as error:
            fault = status_fault(error.status_code, self._hidden(error.response.content), error.response.headers)
        except TimeoutError:
            fault = Fault("timeout", f"no answer within {self._timeout:g} seconds", paid=True)
        except openai.APIConnectionError as error:
            fault = _connection_fault(error)
        raise fault

    def _parsed(self, data: bytes) -> Reply:
        try:
            return parsed(data)
        except Fault:
            return parsed(self._hidden(data))  # which says the same of it, without the key

    def _hidden(self, data: bytes) -> bytes:
        """What a server said, before a part of it goes into a message: some repeat the key they were sent."""
        return data.replace(self._key.encode(), b"***") if len(self._key) > 4 else data


def _refuses_schema(fault: Fault) -> bool:
    return fault.reason == "rejected" and not fault.fatal and bool(_NO_SCHEMA.search(fault.detail))


def _connection_fault(error: BaseException) -> Fault:
    """What broke, by the innermost error: the layers above call a closed connection a timeout."""
    import aiohttp

    while error.__cause__ is not None:
        error = error.__cause__
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, aiohttp.ClientConnectorError | ConnectionRefusedError | socket.gaierror):
        return Fault(UNREACHABLE, said)
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.http.HttpProcessingError):
        return Fault("cut-off", said, paid=True)
    return Fault("dropped", said, paid=True)


def client_library() -> Any:
    """The `openai` package.

    Raises:
        Misuse: it is not installed.
    """
    try:
        import aiohttp  # noqa: F401  the client's faster transport
        import openai
    except ImportError as error:
        raise Misuse(f"models over HTTP need {error.name}: pip install 'gristmill[synth]'") from error
    return openai


def server_name(url: str) -> str:
    """The address for messages: without user, password and query.

    Raises:
        Misuse: it is no http(s) URL.
    """
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise Misuse(f"the address of the model is no URL ({error})") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Misuse(
            "where is the model? write its address, as in --llm http://127.0.0.1:8000/v1, or set OPENAI_BASE_URL"
        )
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
