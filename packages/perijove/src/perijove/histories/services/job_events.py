"""A job's news as server-sent events: one at once, one at each change, a comment now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi.concurrency import run_in_threadpool

from perijove.histories.database import Database
from perijove.histories.schemas.jobs import JobEvent
from perijove.histories.services.job_runtime import Jobs
from perijove.histories.store.models import Job

LOOK_SECONDS = 1.0
"""Progress lies in a file that nobody announces; another server may run the loop."""
BEAT_SECONDS = 15.0


async def stream(database: Database, jobs: Jobs, job_id: str, *, seconds: float) -> AsyncIterator[bytes]:
    """Events until the job is final, or `seconds` have passed. The first one comes at once."""
    ends = time.monotonic() + seconds
    sent, beat = None, time.monotonic()
    with jobs.signals.listening(job_id) as changed:
        while True:
            changed.clear()
            event = await run_in_threadpool(_look, database, jobs, job_id)
            if event is None:
                return
            if event != sent:
                sent, beat = event, time.monotonic()
                yield f"event: job\ndata: {event.model_dump_json()}\n\n".encode()
            elif time.monotonic() - beat > BEAT_SECONDS:
                beat = time.monotonic()
                yield b": still here\n\n"
            left = ends - time.monotonic()
            if event.state.final or left <= 0:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), min(LOOK_SECONDS, left))


def _look(database: Database, jobs: Jobs, job_id: str) -> JobEvent | None:
    with database.read() as session:
        job = session.get(Job, job_id)
        if job is None:
            return None
        live = jobs.live(job)
        return JobEvent(
            id=job.id,
            state=job.state,
            reason=live.reason,
            position=live.position,
            progress=live.progress,
        )
