"""The providers' batch API: cheaper answers within a day. Submit, end with exit code 3, collect in a later run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.files import Folder
from dataset_cards.versions.job import Refused, Waiting
from dataset_cards.versions.lock import locked

from .batch_state import BatchState, Spool
from .cache import Cache
from .courier import Books
from .http import client_library, server_name
from .llm import Failed, Reply, Request

if TYPE_CHECKING:
    from openai import OpenAI

MOST_REQUESTS, MOST_BYTES = 50_000, 190_000_000  # per batch; OpenAI takes 50,000 and 200 MB
OVER = ("completed", "expired", "cancelled", "failed")
TAG = "gristmill"  # the metadata field by which a batch is found again


class Batch:
    """Asks by batch.

    Each run first collects what is done, yields every answer there is, submits what was not asked yet, and raises
    Waiting while something is open. What is submitted is written down before; a run that was killed in between looks
    through the provider's list before it submits anything. Lines that fail are asked again in the next batch, up to
    `tries` times. One run at a time works on the batches of a cache.

    Raises:
        Misuse: no address, no cache to remember batches in.
    """

    taint = None

    def __init__(
        self,
        *,
        books: Books,
        url: str | None = None,
        key: str | None = None,
        tries: int = 3,
        most_requests: int = MOST_REQUESTS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._url = url or os.environ.get("OPENAI_BASE_URL") or ""
        self._key = key or os.environ.get("OPENAI_API_KEY") or "none"
        self.name = server_name(self._url)
        if books.cache is None:
            raise Misuse("batches need a cache: it remembers what was submitted")
        self.books = books
        self._cache: Cache = books.cache
        self._tries, self._most_requests, self._most_bytes = tries, most_requests, most_bytes

    def __repr__(self) -> str:
        return f"Batch({self.name})"

    def ask(self, requests: Iterable[Request | None]) -> Iterator[tuple[Request, Reply | Failed]]:
        """As LLM.ask. Requests are read to the end, or up to the first None, and spooled to disk."""
        openai = client_library()
        folder = Folder.at(str(self._cache.path.parent))
        state = BatchState(self._cache, self.books.ledger, self.books.purse, self.name, self._key)
        with locked(folder, "batches", lambda: None), openai.OpenAI(base_url=self._url, api_key=self._key) as client:
            try:
                self._reconcile(client, state)
                self._collect(client, state)
                yield from self._asked(client, state, requests)
            except openai.OpenAIError as error:
                said = (
                    f"{type(error).__name__}: {error}".replace(self._key, "***") if len(self._key) > 4 else str(error)
                )
                raise Refused(
                    f"{self.name} failed ({said[:300]}); run again to go on: nothing is submitted twice"
                ) from None
            finally:
                self._cache.keep((), self.books.ledger.run, self.books.ledger.counts())

    def _asked(
        self, client: OpenAI, state: BatchState, requests: Iterable[Request | None]
    ) -> Iterator[tuple[Request, Reply | Failed]]:
        spool: Spool | None = None
        spooled: set[str] = set()
        broke = False
        for request in requests:
            if request is None:
                break
            tally = self.books.ledger.of(request.sampling.model)
            tally.requests += 1
            try:
                key = request.key
            except ValueError as error:
                tally.failed["unsendable"] += 1
                yield request, Failed(reason="unsendable", detail=str(error), tries=0)
                continue
            if (reply := state.reply(request)) is not None:
                yield request, reply
            elif key in spooled or state.waits(key):
                continue
            elif (failed := state.failed(key, self._tries)) is not None:
                tally.failed[failed.reason] += 1
                yield request, failed
            elif not self.books.purse.fits(request):
                broke = True
                break
            else:
                self.books.purse.reserved += self.books.purse.worst(request)
                spool = spool or Spool(self._cache.path.parent / "batches")
                spool.add(request)
                spooled.add(key)
                if len(spool.keys) >= self._most_requests or spool.size >= self._most_bytes:
                    self._submit(client, state, spool)
                    spool = None
        if spool is not None:
            self._submit(client, state, spool)
        if broke:
            said = f"stopped before --budget {self.books.purse.budget} could be exceeded"
            raise Refused(f"{said}; {state.open_text()}; raise --budget and run again to go on")
        if state.open():
            raise Waiting(f"{state.open_text()}; run the same command again later to collect the answers")

    def _submit(self, client: OpenAI, state: BatchState, spool: Spool) -> None:
        spool.close()
        state.intend(spool)
        self._send(client, state, spool.intent)

    def _send(self, client: OpenAI, state: BatchState, intent: str) -> None:
        once = client.with_options(max_retries=0)  # a repeated POST could make two batches
        with open(state.file(intent), "rb") as file:
            uploaded = once.files.create(file=(f"{intent}.jsonl", file), purpose="batch")
        batch = once.batches.create(
            input_file_id=uploaded.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={TAG: intent},
        )
        state.sent(intent, batch.id)

    def _reconcile(self, client: OpenAI, state: BatchState) -> None:
        """Find out what became of batches that a killed run meant to submit."""
        lost = dict(state.intended())
        if not lost:
            return
        earliest = min(lost.values()) - 86_400  # the two clocks may differ
        for batch in client.batches.list(limit=100):
            if batch.created_at < earliest:
                break
            intent = (batch.metadata or {}).get(TAG)
            if intent in lost:
                state.sent(intent, batch.id)
                del lost[intent]
        for intent in lost:
            if state.file(intent).exists():
                self._send(client, state, intent)
            else:
                state.forget(intent)

    def _collect(self, client: OpenAI, state: BatchState) -> None:
        """Take in what is done."""
        for intent, name in state.open():
            batch = client.batches.retrieve(name)
            if batch.status not in OVER:
                continue
            if batch.status == "failed":
                state.forget(intent)
                errors = "; ".join(str(error.message) for error in (batch.errors and batch.errors.data) or ())
                raise Refused(f"{self.name} did not take the batch {name}: {errors or 'it does not say why'}")
            files = [client.files.content(name).content for name in (batch.output_file_id, batch.error_file_id) if name]
            state.collect(intent, files, batch.status)
