"""What stands in for `Jobs` where there is no engine: uploads have jobs too, and clients ask about them."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from perijove.core.errors import ConflictError
from perijove.core.settings import Settings
from perijove.histories.services.job_lock import JobLock
from perijove.histories.services.job_signals import JobSignals
from perijove.histories.services.jobs import LiveView
from perijove.histories.store.models import Job


class NoJobs:
    """Shows jobs as their rows stand; runs none. What would run or end one raises ConflictError."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.layout.jobs
        self.steps = self
        self.signals = JobSignals()
        self.lock = JobLock(settings.layout.state)

    def directory(self, job_id: str) -> Path:
        """Where a job's files would be."""
        return self._folder / job_id

    def live(self, job: Job) -> LiveView:
        """What the row says."""
        return LiveView(reason=job.reason or "", progress=job.progress)

    def hold(self, *, active: bool) -> None:
        """Set the lock for a server that will run jobs."""
        self.lock.set(active=active)

    def submit(self, *_arguments: object, **_named: object) -> NoReturn:
        """ConflictError: nothing runs here."""
        raise ConflictError(
            "This server runs no jobs.", advice="Ask an administrator to start it with an engine."
        )

    cancel = flavors = invoke = machine = submit
