"""Runs of workflows as the API shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from perijove.core.errors import NotFoundError
from perijove.histories.context import Account
from perijove.histories.schemas.workflows import (
    InvocationAsked,
    InvocationDetail,
    InvocationStepView,
    InvocationSummary,
    JobsSummary,
)
from perijove.histories.services import jobs, workflows
from perijove.histories.store.models import Invocation, InvocationStep, Job
from perijove.histories.store.types import utcnow

_NAMESPACE = UUID("5b7a2f1c-3e0d-4b1e-8a53-6c1f5d2b9e77")


@dataclass(frozen=True, kw_only=True)
class InvocationFilter:
    """What a list of runs is narrowed to."""

    workflow_id: str | None = None
    history_id: str | None = None
    job_id: str | None = None
    include_terminal: bool = True
    limit: int = 100
    offset: int = 0


def own_invocation(
    session: Session, account: Account, invocation_id: str, workflow_id: str | None = None
) -> Invocation:
    """The account's own run (an administrator may see everybody's). NotFoundError else."""
    found = session.get(Invocation, invocation_id)
    if found is None or (found.user_id != account.id and not account.admin):
        raise NotFoundError("There is no such invocation of yours.")
    if workflow_id not in (None, found.workflow_id):
        raise NotFoundError("This workflow has no such invocation.")
    return found


def list_invocations(session: Session, account: Account, wanted: InvocationFilter) -> Sequence[Invocation]:
    """The account's own runs, newest first."""
    if not wanted.include_terminal:
        return []  # a run is `scheduled` from the start, which is terminal in Galaxy's words
    query = select(Invocation).where(Invocation.user_id == account.id)
    if wanted.workflow_id is not None:
        query = query.where(Invocation.workflow_id == wanted.workflow_id)
    if wanted.history_id is not None:
        query = query.where(Invocation.history_id == wanted.history_id)
    if wanted.job_id is not None:
        steps = select(InvocationStep.invocation_id).where(InvocationStep.job_id == wanted.job_id)
        query = query.where(Invocation.id.in_(steps))
    order = query.order_by(Invocation.create_time.desc(), Invocation.id)
    return session.scalars(order.limit(wanted.limit).offset(wanted.offset)).all()


def cancel(session: Session, account: Account, invocation: Invocation) -> list[str]:
    """End what of a run has not ended; the ids of those jobs. Reused jobs have ended before."""
    if invocation.user_id != account.id:
        raise NotFoundError("There is no such invocation of yours.")
    invocation.cancelled = True
    invocation.update_time = utcnow()
    asked = [step.job_id for step in invocation.steps if step.job_id is not None]
    return [job_id for job_id in asked if jobs.request_cancel(session, account, job_id)]


def summary(invocation: Invocation) -> InvocationSummary:
    """A run in a list."""
    return InvocationSummary(**_fields(invocation))


def detail(invocation: Invocation) -> InvocationDetail:
    """A run on its own."""
    workflow = workflows.understood(invocation.workflow.document)
    outputs, collections = _outputs(invocation, workflow.outputs)
    return InvocationDetail(
        **_fields(invocation),
        inputs=_inputs(invocation),
        steps=[step_view(step, invocation) for step in invocation.steps],
        outputs=outputs,
        output_collections=collections,
    )


def asked(invocation: Invocation) -> InvocationAsked:
    """What the run was asked for."""
    inputs = {index: {"src": one["src"], "id": one["id"]} for index, one in _inputs(invocation).items()}
    return InvocationAsked(
        workflow_id=invocation.workflow_id, history_id=invocation.history_id, inputs=inputs
    )


def step_view(step: InvocationStep, invocation: Invocation) -> InvocationStepView:
    """A step of a run."""
    return InvocationStepView(
        id=step.id,
        order_index=step.order_index,
        workflow_step_id=f"{invocation.workflow_id}-{step.order_index}",
        workflow_step_label=step.label,
        workflow_step_uuid=workflows.step_uuid(invocation.workflow_id, step.order_index),
        job_id=step.job_id,
        state=_state(invocation),
        update_time=step.update_time,
        reused=step.reused,
    )


def step_jobs(invocation: Invocation) -> list[JobsSummary]:
    """How the job of each step stands."""
    return [
        JobsSummary(id=step.job.id, model="Job", states={step.job.state.value: 1})
        for step in invocation.steps
        if step.job is not None
    ]


def all_jobs(invocation: Invocation) -> JobsSummary:
    """How many of the run's jobs are in which state."""
    states = Counter(step.job.state.value for step in invocation.steps if step.job is not None)
    return JobsSummary(id=invocation.id, model="WorkflowInvocation", states=dict(states))


def _fields(invocation: Invocation) -> dict[str, Any]:
    return {
        "id": invocation.id,
        "uuid": str(uuid5(_NAMESPACE, invocation.id)),
        "workflow_id": invocation.workflow_id,
        "history_id": invocation.history_id,
        "state": _state(invocation),
        "create_time": invocation.create_time,
        "update_time": invocation.update_time,
    }


def _state(invocation: Invocation) -> str:
    return "cancelled" if invocation.cancelled else "scheduled"


def _inputs(invocation: Invocation) -> dict[str, dict[str, Any]]:
    """What was given, by the index of the workflow's input."""
    return {
        str(step.order_index): {
            **invocation.inputs[step.label],
            "label": step.label,
            "workflow_step_id": f"{invocation.workflow_id}-{step.order_index}",
        }
        for step in invocation.steps
        if step.label in invocation.inputs
    }


def _outputs(
    invocation: Invocation, wanted: Any
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    made = {step.label: step.job for step in invocation.steps if step.job is not None}
    datasets: dict[str, dict[str, Any]] = {}
    collections: dict[str, dict[str, Any]] = {}
    for label, source in wanted.items():
        step, _, name = source.partition("/")
        found = _output(made.get(step), name)
        if found is not None:
            (datasets if found["src"] == "hda" else collections)[label] = found
    return datasets, collections


def _output(job: Job | None, name: str) -> dict[str, Any] | None:
    row = next((one for one in job.outputs if one.name == name), None) if job is not None else None
    reference = jobs.output_reference(row) if row is not None else None
    return reference.model_dump() if reference is not None else None
