"""Spares argilla-server the payload of a webhook for every record while there is no webhook."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import argilla_server.bulk.records_bulk as records_bulk
import argilla_server.contexts.distribution as distribution
from argilla_server.contexts.webhooks import list_enabled_webhooks

LOOK_AGAIN = 1.0  # seconds


def skip_without_webhooks() -> None:
    """A payload takes two queries and more; building them all was most of the work of logging records in bulk."""
    known = _Known()
    for module in (records_bulk, distribution):
        module.notify_record_event_v1 = _if_any(module.notify_record_event_v1, known)


class _Known:
    """Whether there are webhooks, as seen at most LOOK_AGAIN seconds ago."""

    def __init__(self) -> None:
        self.any, self.at = False, float("-inf")

    async def look(self, db: Any) -> bool:
        if time.monotonic() - self.at > LOOK_AGAIN:
            self.any = bool(await list_enabled_webhooks(db))
            self.at = time.monotonic()
        return self.any


def _if_any(notify: Callable[..., Awaitable[list[Any]]], known: _Known) -> Callable[..., Awaitable[list[Any]]]:
    async def notify_if_any(db: Any, event: Any, record: Any) -> list[Any]:
        return await notify(db, event, record) if await known.look(db) else []

    return notify_if_any
