"""Several engines as one: each job goes to the engine that it names."""

from __future__ import annotations

import logging
from collections.abc import Callable

from perijove.core.errors import EngineError, PerijoveError
from perijove.engines.base import Engine, EngineJob, EngineStatus, JobView
from perijove.sandbox.spec import Usage

log = logging.getLogger(__name__)


class Engines(Engine):
    """`first` and the `others`, asked in the order of the others, then the first: it has most of the jobs."""

    name = "several"

    def __init__(self, first: Engine, *others: Engine) -> None:
        self._first, self._others = first, others
        self._by_name = {engine.name: engine for engine in (first, *others)}

    def view(self, job: EngineJob) -> JobView:
        """As the job's own engine sees it."""
        return self._of(job).view(job)

    def submit(self, job: EngineJob) -> None:
        """See `Engine.submit`. EngineError also for an engine that is not here."""
        self._of(job).submit(job)

    def status(self, job_id: str) -> EngineStatus:
        """The answer of the engine that has it."""
        for engine in self._others:
            status = engine.status(job_id)
            if status.state != "unknown":
                return status
        return self._first.status(job_id)

    def usage(self, job_id: str) -> Usage | None:
        """The answer of the engine that has it."""
        return self._with(job_id).usage(job_id)

    def cancel(self, job_id: str) -> None:
        """See `Engine.cancel`."""
        self._with(job_id).cancel(job_id)

    def forget(self, job_id: str) -> None:
        """See `Engine.forget`."""
        self._with(job_id).forget(job_id)

    def advance(self) -> None:
        """All of them: trouble of one does not hold up the jobs of another."""
        self._each(lambda engine: engine.advance())

    def attend(self) -> None:
        """See `Engine.attend`."""
        self._each(lambda engine: engine.attend())

    def close(self) -> None:
        """See `Engine.close`."""
        self._each(lambda engine: engine.close())

    def _each(self, act: Callable[[Engine], None]) -> None:
        for engine in self._others:
            try:
                act(engine)
            except (PerijoveError, OSError) as error:
                log.warning("engine %s: %s", engine.name, error)
        act(self._first)

    def _of(self, job: EngineJob) -> Engine:
        engine = self._by_name.get(job.engine)
        if engine is None:
            raise EngineError(
                f"There is no engine named {job.engine!r} any more.", advice="Send the job again."
            )
        return engine

    def _with(self, job_id: str) -> Engine:
        for engine in self._others:
            if engine.status(job_id).state != "unknown":
                return engine
        return self._first
