"""Runs argilla-server's background jobs inside its own process, where it would hand them to Redis and RQ."""

import asyncio
import logging
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from types import ModuleType
from typing import Any

import argilla_server.api.handlers.v1.jobs as jobs_api
from argilla_server.database import AsyncSessionLocal
from argilla_server.jobs import dataset_jobs, hub_jobs, webhook_jobs
from argilla_server.models import Webhook

log = logging.getLogger("argilla.jobs")
ATTEMPTS = 4  # as RQ is told to: once, and three times more
REMEMBERED = 1000  # ended jobs that can still be asked about


@dataclass
class Job:
    """What argilla-server wants to know of a job: its id and how it stands, in RQ's words."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "queued"

    def get_status(self, refresh: bool = False) -> str:
        return self.status


class Jobs:
    """The jobs of this process. They end with it: a job cut short by a kill is not run again."""

    def __init__(self) -> None:
        self.known: OrderedDict[str, Job] = OrderedDict()
        self.tasks: set[asyncio.Task[None]] = set()  # asyncio keeps only weak references to running tasks

    def start(self, work: Callable[..., Awaitable[None]], arguments: tuple[Any, ...], named: dict[str, Any]) -> Job:
        job = Job()
        self.known[job.id] = job
        while len(self.known) > REMEMBERED:
            self.known.popitem(last=False)
        task = asyncio.get_running_loop().create_task(self._run(job, work, arguments, named))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return job

    async def _run(
        self, job: Job, work: Callable[..., Awaitable[None]], arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> None:
        job.status = "started"
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await work(*arguments, **named)
            except Exception:
                log.exception("%s failed, attempt %d of %d", work.__name__, attempt, ATTEMPTS)
                if attempt < ATTEMPTS:
                    await asyncio.sleep(2**attempt)
            else:
                job.status = "finished"
                return
        job.status = "failed"

    def find(self, job_id: str) -> Job:
        if job_id not in self.known:
            raise jobs_api.HTTPException(status_code=404, detail=f"Job with id `{job_id}` not found")
        return self.known[job_id]


async def _notify(webhook_id: uuid.UUID, event: str, timestamp: datetime, data: dict[str, Any]) -> None:
    """argilla-server's own job waits for the other side with the event loop stopped: here a thread does."""
    async with AsyncSessionLocal() as db:
        webhook = await Webhook.get_or_raise(db, webhook_id)
    response = await asyncio.to_thread(webhook_jobs.notify_event, webhook, event, timestamp, data)
    response.raise_for_status()


def replace_redis(argilla: ModuleType) -> None:
    """Make every `job.delay(...)` of argilla-server start a task here, and spare it the look for Redis at its start."""
    jobs = Jobs()

    def in_process(function: Any, work: Callable[..., Awaitable[None]]) -> None:
        def delay(*arguments: Any, **named: Any) -> Job:
            return jobs.start(work, arguments, named)

        function.delay = delay

    for function in (
        dataset_jobs.update_dataset_records_status_job,
        hub_jobs.import_dataset_from_hub_job,
        hub_jobs.export_dataset_to_hub_job,
    ):
        in_process(function, function)
    in_process(webhook_jobs.notify_event_job, _notify)
    jobs_api._get_job = jobs.find
    argilla.configure_redis = lambda: None  # type: ignore[attr-defined]
