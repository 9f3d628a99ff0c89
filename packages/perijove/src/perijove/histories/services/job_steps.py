"""The steps of one job's life, each safe to repeat after a crash at any point of it.

prepare → (the engine runs it) → finish. Every step loads, acts, and then writes in a transaction that checks
that the job is still where it was; nothing slow happens inside a transaction.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from perijove.core.errors import BadRequestError, NotFoundError, QuotaExceededError
from perijove.core.resources import Resources
from perijove.core.settings import Settings
from perijove.core.states import DatasetState, JobState
from perijove.engines.base import Engine, EngineJob, EngineStatus, JobInput
from perijove.histories.database import Database
from perijove.histories.services import job_directory, manifest, outcome, publish
from perijove.histories.services.job_directory import JobFiles, StagedInput
from perijove.histories.services.manifest import JobError, Manifest, Output
from perijove.histories.services.outcome import Outcome
from perijove.histories.services.promises import Standing, awaited, fulfil, standing
from perijove.histories.services.publish import Ended
from perijove.histories.store.files import FileStore
from perijove.histories.store.models import Dataset, Job, JobOutput, User
from perijove.histories.store.types import utcnow
from perijove.sandbox.launcher import Launcher

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1)  # the columns are UTC without a zone


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """A job as the loop reads it: the row's values, free of any session."""

    id: str
    owner: str
    state: JobState
    spec: dict[str, Any]
    resources: Resources
    time_limit: float | None
    network: Literal["open", "none"]
    submitted: float
    cancel_requested: bool
    engine: str = "local"


@dataclass(frozen=True, kw_only=True)
class JobSteps:
    """What the steps work with."""

    database: Database
    files: FileStore
    engine: Engine
    launcher: Launcher
    settings: Settings

    def directory(self, job_id: str) -> Path:
        """Where the job's files lie."""
        return self.settings.layout.jobs / job_id

    def load(self, job_id: str) -> JobRecord | None:
        """The job as it stands; None where there is none."""
        with self.database.read() as session:
            row = session.execute(
                select(Job, User.name).join(User, Job.user_id == User.id).where(Job.id == job_id)
            ).one_or_none()
            return _record(row[0], row[1]) if row else None

    def settle_inputs(self, job: JobRecord) -> Standing:
        """Whether what the job awaits of other jobs is there; if it is, the job is given it, once."""
        if not awaited(job.spec):
            return Standing(state="ready")
        with self.database.read() as session:
            now = standing(session, job.spec)
        if now.state != "ready":
            return now
        with self.database.write() as session:
            row = session.get(Job, job.id)
            now = standing(session, row.spec) if row is not None else now
            if row is not None and now.found is not None and row.state in (JobState.NEW, JobState.PAUSED):
                fulfil(session, row, now.found)
        return now

    def submit(self, job: JobRecord) -> None:
        """Write the job's directory and give the job to the engine; harmless to repeat."""
        directory = self.launcher.make_job_directory(job.id, job.owner)
        inputs = self._staged(job)
        linked = job_directory.link_inputs(directory, inputs)
        engine_job = EngineJob(
            id=job.id,
            owner=job.owner,
            directory=directory,
            inputs=tuple(JobInput(source=source) for source in linked),
            resources=job.resources,
            time_limit=job.time_limit,
            network=job.network,
            submitted=job.submitted,
            engine=job.engine,
            environment=job.spec.get("environment") or "",
            asked=job.spec.get("asked") or {},
        )
        files = JobFiles(
            code=self.files.path(job.spec["code"]["digest"]),
            code_name=job.spec["code"]["name"],
            inputs=inputs,
            parameters=job.spec["parameters"],
            kernel=job.spec["kernel"],
        )
        job_directory.write_job(directory, files, self.engine.view(engine_job))
        self.engine.submit(engine_job)

    def _staged(self, job: JobRecord) -> tuple[StagedInput, ...]:
        return tuple(
            StagedInput(source=self.files.path(given["digest"]), path=given["path"], name=given["name"])
            for given in job.spec["inputs"]
        )

    def mark(self, job_id: str, *, before: JobState, after: JobState, reason: str | None = None) -> bool:
        """Note that the job went from `before` to `after`; False where it was not in `before`."""
        times = {JobState.QUEUED: "queue_time", JobState.RUNNING: "start_time"}
        values: dict[str, Any] = {"state": after, "update_time": utcnow(), "reason": reason}
        if after in times:
            values[times[after]] = utcnow()
        with self.database.write() as session:
            statement = update(Job).where(Job.id == job_id, Job.state == before).values(**values)
            changed = session.execute(statement.returning(Job.id)).scalar_one_or_none()
            if changed is None:
                return False
            _mark_outputs(session, job_id, DatasetState(after.value))
        return True

    def note(self, job_id: str, reason: str) -> None:
        """Note why the job does not move on, for its user."""
        with self.database.write() as session:
            session.execute(update(Job).where(Job.id == job_id).values(reason=reason, update_time=utcnow()))

    def finish(self, job: JobRecord, status: EngineStatus) -> None:
        """Publish an ended job; `clean` comes after it.

        Raises StorageError, QuotaExceededError and ConflictError where that has to be tried again later.
        """
        directory = self._collected(job)
        report, outputs, fault = _read(directory)
        judged = outcome.judge(
            status,
            report,
            resources=job.resources,
            time_limit=job.time_limit,
            cancel_requested=job.cancel_requested,
        )
        if fault is not None and judged.error is not None and judged.error.type == outcome.UNEXPLAINED:
            judged = Outcome(state=JobState.ERROR, error=fault)
        ended = Ended(
            job_id=job.id,
            directory=directory,
            outcome=judged,
            outputs=outputs,
            manifest=report,
            exit_code=status.exit_code,
            metrics=metrics_of(status, job.resources if job.engine == "local" else None),
            progress=job_directory.read_progress(directory),
            left_out=_unnamable(report),
        )
        publish.publish(self.database, self.files, self._within_quota(job, ended))

    def _within_quota(self, job: JobRecord, ended: Ended) -> Ended:
        """`ended`; without its outputs where its user has no room for them and has cancelled it."""
        try:
            publish.check_room(self.database, self.settings, ended)
        except QuotaExceededError as error:
            if not job.cancel_requested:
                raise
            return replace(ended, outputs=(), left_out=[error.message])
        return ended

    def _collected(self, job: JobRecord) -> Path:
        """The job's directory, the platform's own from now on; made where the job did not come that far."""
        try:
            self.launcher.collect_job_directory(job.id)
        except NotFoundError:
            self.launcher.make_job_directory(job.id, job.owner)
            self.launcher.collect_job_directory(job.id)
        return self.directory(job.id)

    def clean(self, job_id: str) -> None:
        """Drop what a published job no longer needs; its log and progress stay."""
        self.engine.forget(job_id)
        job_directory.keep_records(self.directory(job_id))

    def give_up(self, job: JobRecord, message: str) -> None:
        """Make the job final with nothing but a message: it could not be started, or not be published."""
        directory = self._collected(job)
        state = JobState.DELETED if job.cancel_requested else JobState.ERROR
        error = JobError(type="NotStarted", message=message)
        publish.publish(
            self.database,
            self.files,
            Ended(job_id=job.id, directory=directory, outcome=Outcome(state=state, error=error)),
        )


def _record(job: Job, owner: str) -> JobRecord:
    return JobRecord(
        id=job.id,
        owner=owner,
        state=job.state,
        spec=job.spec,
        resources=Resources.model_validate(job.resources),
        time_limit=job.time_limit,
        network=cast(Literal["open", "none"], job.network or "none"),
        submitted=(job.create_time - _EPOCH).total_seconds(),
        cancel_requested=job.cancel_requested,
        engine=job.engine or "local",
    )


def _mark_outputs(session: Session, job_id: str, state: DatasetState) -> None:
    query = (
        select(Dataset).join(JobOutput, JobOutput.dataset_id == Dataset.id).where(JobOutput.job_id == job_id)
    )
    for dataset in session.scalars(query):
        if not dataset.state.final:
            dataset.state = state
            dataset.update_time = utcnow()


def _read(directory: Path) -> tuple[Manifest | None, list[Output], JobError | None]:
    """What the job reported, its outputs, and what is wrong with the report."""
    try:
        report = manifest.read_manifest(directory)
    except BadRequestError as error:
        return None, manifest.salvage(directory), JobError(type="RunnerFailed", message=error.message)
    if report is None:
        return None, manifest.salvage(directory), None
    return report, list(report.outputs), None


def _unnamable(report: Manifest | None) -> list[str]:
    if report is None or not report.unnamable:
        return []
    return [f"{report.unnamable} files whose names are not UTF-8: rename them"]


def metrics_of(status: EngineStatus, resources: Resources | None) -> dict[str, Any]:
    """What was granted (`resources`, where that is known) and used, in seconds and bytes."""
    seconds = status.ended - status.started if status.started and status.ended else None
    return {
        "cpus": resources.cpus if resources else None,
        "memory": resources.memory if resources else None,
        "gpus": list(status.gpus),
        "cpu_seconds": status.cpu_seconds,
        "memory_peak": status.memory_peak,
        "runtime_seconds": seconds,
        "started": status.started,
        "ended": status.ended,
    }
