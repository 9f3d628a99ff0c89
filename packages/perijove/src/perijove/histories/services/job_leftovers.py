"""What a crash, or a purged history, leaves of jobs that are final: the engine's records and directories."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy import select

from perijove.core.errors import PerijoveError
from perijove.histories.services.job_steps import JobSteps
from perijove.histories.store.models import History, Job

log = logging.getLogger(__name__)
_BATCH = 500


class Leftovers:
    """Cleans up, when the loop starts and now and then, what `JobSteps.clean` did not live to do."""

    def __init__(self, steps: JobSteps) -> None:
        self._steps = steps

    def clean(self) -> None:
        """Finish the cleaning of final jobs, and remove the directories of jobs whose history was purged."""
        names = sorted(path.name for path in self._steps.settings.layout.jobs.glob("*"))
        for start in range(0, len(names), _BATCH):
            self._clean(names[start : start + _BATCH])

    def _clean(self, ids: Sequence[str]) -> None:
        query = select(Job.id, Job.state, History.purged).join(History).where(Job.id.in_(ids))
        with self._steps.database.read() as session:
            rows = session.execute(query).all()
        for job_id, state, purged in rows:
            if not state.final:
                continue
            try:
                self._clean_one(job_id, purged)
            except PerijoveError as error:
                log.warning("job %s could not be cleaned up: %s", job_id, error)

    def _clean_one(self, job_id: str, purged: bool) -> None:
        if (self._steps.directory(job_id) / "job.json").exists():
            self._steps.clean(job_id)
        if purged:
            self._steps.launcher.remove_job_directory(job_id)
