"""Jobs as the API shows them, and the little that users may change about them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from perijove.core.errors import BadRequestError, NotFoundError
from perijove.core.resources import Resources, format_size
from perijove.core.states import JobState
from perijove.histories.context import Account
from perijove.histories.schemas.jobs import (
    CommonProblems,
    JobInputEntry,
    JobLive,
    JobMetric,
    JobOutputEntry,
    JobSummary,
    ParameterDisplay,
    ParametersDisplay,
    Reference,
)
from perijove.histories.services import views
from perijove.histories.services.filters import moment
from perijove.histories.services.outcome import format_seconds
from perijove.histories.services.users import email
from perijove.histories.store.models import Invocation, InvocationStep, Job, JobInput, JobOutput, User

GALAXY_VERSION = "26.1"
_DATASET, _COLLECTION = "hda", "hdca"


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """What a list of jobs is narrowed to."""

    states: Sequence[JobState] = ()
    tool_ids: Sequence[str] = ()
    history_id: str | None = None
    user_id: str | None = None
    invocation_id: str | None = None
    workflow_id: str | None = None
    date_range_min: str | None = None
    date_range_max: str | None = None
    order_by: Literal["create_time", "update_time"] = "update_time"
    limit: int = 500
    offset: int = 0


@dataclass(frozen=True, kw_only=True)
class LiveView:
    """What is known of a job beside its row: from the engine and from the job's directory."""

    reason: str = ""
    position: int | None = None
    progress: dict[str, Any] = field(default_factory=dict)
    gpus: Sequence[int] = ()
    usage: Any = None
    environment: str = ""


def visible_job(session: Session, account: Account, job_id: str) -> Job:
    """The job, if it is the account's own or the account is an administrator's."""
    job = session.get(Job, job_id)
    if job is None or (job.user_id != account.id and not account.admin):
        raise NotFoundError("There is no such job of yours.")
    return job


def list_jobs(session: Session, account: Account, wanted: JobFilter) -> list[tuple[Job, str]]:
    """Jobs and their users' names, newest first: the account's own, an administrator's: everybody's."""
    if wanted.user_id not in (None, account.id) and not account.admin:
        raise BadRequestError("Only administrators may list the jobs of others.")
    order = Job.create_time if wanted.order_by == "create_time" else Job.update_time
    query = select(Job, User.name).join(User, Job.user_id == User.id).where(*_conditions(account, wanted))
    rows = session.execute(query.order_by(order.desc(), Job.id).limit(wanted.limit).offset(wanted.offset))
    return [(job, name) for job, name in rows]


def _conditions(account: Account, wanted: JobFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    owner = wanted.user_id or (None if account.admin else account.id)
    if owner is not None:
        conditions.append(Job.user_id == owner)
    if wanted.states:
        conditions.append(Job.state.in_(wanted.states))
    if wanted.tool_ids:
        conditions.append(Job.tool_id.in_(wanted.tool_ids))
    if wanted.history_id is not None:
        conditions.append(Job.history_id == wanted.history_id)
    if wanted.invocation_id or wanted.workflow_id:
        conditions.append(Job.id.in_(_of_runs(wanted)))
    if wanted.date_range_min:
        conditions.append(Job.update_time >= moment(wanted.date_range_min))
    if wanted.date_range_max:
        conditions.append(Job.update_time <= moment(wanted.date_range_max))
    return conditions


def _of_runs(wanted: JobFilter) -> Select[Any]:
    """The jobs of one run, or of all runs of a workflow."""
    query = select(InvocationStep.job_id).where(InvocationStep.job_id.is_not(None))
    if wanted.invocation_id:
        query = query.where(InvocationStep.invocation_id == wanted.invocation_id)
    if wanted.workflow_id:
        runs = select(Invocation.id).where(Invocation.workflow_id == wanted.workflow_id)
        query = query.where(InvocationStep.invocation_id.in_(runs))
    return query


def known_states(names: Sequence[str]) -> list[JobState] | None:
    """The states named; None where none of them is one of ours (Galaxy has more), so that nothing matches."""
    known = [JobState(name) for name in names if name in list(JobState)]
    return known if known or not names else None


def request_cancel(session: Session, account: Account, job_id: str) -> bool:
    """Ask for the job to be cancelled; False where it has ended already."""
    job = visible_job(session, account, job_id)
    if job.state.final:
        return False
    job.cancel_requested = True
    return True


def search(
    session: Session, account: Account, *, tool_id: str, inputs: dict[str, Any], state: JobState | None
) -> list[Job]:
    """The account's jobs of this tool that were called with these inputs, newest first."""
    query = select(Job).where(Job.user_id == account.id, Job.tool_id == tool_id)
    if state is not None:
        query = query.where(Job.state == state)
    found = session.scalars(query.order_by(Job.create_time.desc()).limit(10_000))
    return [job for job in found if all(job.params.get(name) == value for name, value in inputs.items())]


def summary(job: Job, *, user_name: str | None = None) -> JobSummary:
    """A job in a list."""
    return JobSummary(**summary_fields(job), user_email=email(user_name) if user_name else None)


def summary_fields(job: Job) -> dict[str, Any]:
    """What every view of a job holds."""
    return {
        "id": job.id,
        "state": job.state,
        "exit_code": job.exit_code,
        "tool_id": job.tool_id,
        "history_id": job.history_id,
        "create_time": job.create_time,
        "update_time": job.update_time,
        "galaxy_version": GALAXY_VERSION,
        "handler": job.handler,
        "name": job.name,
    }


def detail_fields(job: Job, live: LiveView) -> dict[str, Any]:
    """What a job's own page holds."""
    outputs = [(row.name, output_reference(row)) for row in job.outputs]
    return {
        **summary_fields(job),
        "tool_version": job.tool_version,
        "params": {name: json.dumps(value) for name, value in job.params.items()},
        "inputs": {row.name: ref for row in job.inputs if (ref := input_reference(row))},
        "outputs": {name: ref for name, ref in outputs if ref and ref.src == _DATASET},
        "output_collections": {name: ref for name, ref in outputs if ref and ref.src == _COLLECTION},
        "perijove": live_fields(job, live),
    }


def live_fields(job: Job, live: LiveView) -> JobLive:
    """How the job stands now."""
    return JobLive(
        reason=live.reason,
        position=live.position,
        progress=live.progress,
        resources=Resources.model_validate(job.resources) if job.resources else None,
        gpus=list(live.gpus),
        usage=live.usage,
        metrics=job.metrics,
        environment=live.environment,
        network=job.network,
        time_limit=job.time_limit,
        error=job.error,
        unsaved=job.unsaved,
        cancel_requested=job.cancel_requested,
        queued=job.queue_time,
        started=job.start_time,
        ended=job.end_time,
    )


def input_reference(row: JobInput) -> Reference | None:
    """What the input row names."""
    return _reference(row.dataset_id, row.collection_id)


def output_reference(row: JobOutput) -> Reference | None:
    """What the output row names."""
    return _reference(row.dataset_id, row.collection_id)


def _reference(dataset_id: str | None, collection_id: str | None) -> Reference | None:
    if dataset_id is not None:
        return Reference(src="hda", id=dataset_id)
    return Reference(src="hdca", id=collection_id) if collection_id is not None else None


def inputs(job: Job) -> list[JobInputEntry]:
    """The datasets that the job reads."""
    entries = [(row.name, input_reference(row)) for row in job.inputs]
    return [JobInputEntry(name=name, dataset=ref) for name, ref in entries if ref is not None]


def outputs(job: Job) -> list[JobOutputEntry]:
    """The datasets and collections that the job makes."""
    found = []
    for row in job.outputs:
        ref = output_reference(row)
        if ref is not None and ref.src == _DATASET:
            found.append(JobOutputEntry(name=row.name, dataset=ref))
        elif ref is not None:
            found.append(JobOutputEntry(name=row.name, dataset_collection_instance=ref))
    return found


def promised(job: Job) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The job's datasets and collections as `run_tool` answers them: each with its `output_name`."""
    found: list[dict[str, Any]] = []
    collections: list[dict[str, Any]] = []
    for row in job.outputs:
        if row.dataset is not None:
            shown = views.dataset_detail(row.dataset).model_dump(mode="json")
            found.append({**shown, "output_name": row.name})
        elif row.collection is not None:
            shown = views.collection_summary(row.collection).model_dump(mode="json")
            collections.append({**shown, "output_name": row.name})
    return found, collections


def common_problems(job: Job) -> CommonProblems:
    """Inputs that are the same dataset twice, or empty."""
    ids = [row.dataset_id for row in job.inputs]
    empty = any(row.dataset is not None and row.dataset.size == 0 for row in job.inputs)
    return CommonProblems(has_duplicate_inputs=len(set(ids)) < len(ids), has_empty_inputs=empty)


def parameters_display(job: Job) -> ParametersDisplay:
    """What the tool was called with, for people."""
    named = {row.name: row for row in job.outputs}
    return ParametersDisplay(
        parameters=[ParameterDisplay(text=name, value=value) for name, value in job.params.items()],
        outputs={
            name: [{"label": None, "value": ref.model_dump()}]
            for name, row in named.items()
            if (ref := output_reference(row))
        },
    )


def rerun_inputs(job: Job) -> dict[str, Any]:
    """The inputs of another job like this one; its submission is a new one."""
    own = ("submission_id", "rerun_remap_job_id")
    return {name: value for name, value in job.params.items() if name not in own}


def metrics(job: Job) -> list[JobMetric]:
    """What was granted and measured, each as text for people and as a plain number."""
    measured = [_metric(name, job.metrics.get(name)) for name in _METRICS]
    return [metric for metric in measured if metric is not None]


_METRICS = {
    "runtime_seconds": ("Job Runtime (Wall Clock)", format_seconds),
    "cpu_seconds": ("CPU Time", format_seconds),
    "memory_peak": ("Max Memory Used", lambda value: format_size(int(value))),
    "memory": ("Memory Granted", lambda value: format_size(int(value))),
    "cpus": ("Cores Allocated", lambda value: f"{value:g}"),
    "gpus": ("GPUs Allocated", lambda value: str(len(value))),
}


def _metric(name: str, value: Any) -> JobMetric | None:
    if value is None:
        return None
    title, write = _METRICS[name]
    raw = len(value) if isinstance(value, list) else value
    return JobMetric(name=name, title=title, value=write(value), raw_value=str(raw))


def messages(job: Job) -> list[dict[str, Any]]:
    """Galaxy's structured messages: why the job failed."""
    if not job.error:
        return []
    text = f"{job.error.get('message', '')} {job.error.get('advice', '')}".strip()
    return [{"type": "perijove", "desc": text, "error_level": 3, "code_desc": job.error.get("type")}]


def error_text(job: Job) -> str:
    """What stands in the job's standard error: message, advice and traceback of a failed job."""
    error = job.error or {}
    parts = [str(error.get(name) or "") for name in ("message", "advice", "traceback")]
    return "\n".join(part for part in parts if part)
