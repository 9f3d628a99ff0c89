"""A long poll: the caller's news since a mark, and how the jobs stand that the caller watches."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fastapi.concurrency import run_in_threadpool
from sqlalchemy import select

from perijove.histories.context import Account, Context
from perijove.histories.schemas.changes import ChangesAnswer, WatchedJob
from perijove.histories.services import job_directory
from perijove.histories.services.changes import News
from perijove.histories.services.job_runtime import Jobs
from perijove.histories.store.models import Job
from perijove.sandbox.files import open_beneath

LOOK_SECONDS = 1.0
"""Progress, logs and the queue lie where nobody announces them: this often they are looked at, if watched."""
GONE_SECONDS = 10.0
"""How soon a caller who has gone is noticed."""
MAX_WATCHED = 100


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Who waits for what. `gone` says whether the caller still listens."""

    account: Account
    mark: str
    jobs: Sequence[str]
    seconds: float
    gone: Callable[[], Awaitable[bool]]


async def wait_for_news(context: Context, runtime: Jobs, watch: Watch) -> ChangesAnswer:
    """Return at once where anything changed since the mark, else when it does, or `seconds` have passed."""
    ends = time.monotonic() + watch.seconds
    before, _, shown = watch.mark.rpartition(":")
    with context.changes.listening(watch.account.id) as told:
        while True:
            told.clear()
            news = context.changes.since(watch.account.id, before)
            live = await run_in_threadpool(_look, context, runtime, watch) if watch.jobs else []
            answer = _answer(news, live)
            left = ends - time.monotonic()
            changed = news or answer.mark.rpartition(":")[2] != shown
            if changed or left <= 0 or context.changes.closing or await watch.gone():
                return answer
            with suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), min(left, LOOK_SECONDS if watch.jobs else GONE_SECONDS))


def _answer(news: News, live: list[WatchedJob]) -> ChangesAnswer:
    return ChangesAnswer(
        mark=f"{news.mark}:{_fingerprint(live)}",
        everything=news.everything,
        histories=list(news.histories),
        jobs=list(news.jobs),
        watched=live,
    )


def _fingerprint(live: list[WatchedJob]) -> str:
    """The same while nothing that people follow has changed; what is measured all the time is left out."""
    texts = [one.model_dump_json(exclude={"usage"}) for one in live]
    return hashlib.blake2b("\n".join(texts).encode(), digest_size=8).hexdigest()


def _look(context: Context, runtime: Jobs, watch: Watch) -> list[WatchedJob]:
    account = watch.account
    with context.database.read() as session:
        rows = session.scalars(select(Job).where(Job.id.in_(watch.jobs)).order_by(Job.id))
        return [_watched(runtime, row) for row in rows if account.admin or row.user_id == account.id]


def _watched(runtime: Jobs, job: Job) -> WatchedJob:
    live, directory = runtime.live(job), runtime.steps.directory(job.id)
    written = _stat(directory, job_directory.LOG)
    notebook = _stat(directory / "out", job_directory.NOTEBOOK)
    return WatchedJob(
        id=job.id,
        state=job.state,
        reason=live.reason,
        position=live.position,
        progress=live.progress,
        cancel_requested=job.cancel_requested,
        started=job.start_time,
        log=written.st_size if written else 0,
        notebook=notebook.st_mtime_ns if notebook else 0,
        usage=live.usage,
    )


def _stat(directory: Path, name: str) -> os.stat_result | None:
    try:
        descriptor = open_beneath(directory, name)
    except (OSError, ValueError):
        return None
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)
