"""Workflows of notebooks and their runs: the part of Galaxy's routes that BioBlend's two clients call."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from perijove.core.errors import BadRequestError, NotFoundError
from perijove.histories.dependencies import Here, Id, Me
from perijove.histories.routers.job_dependencies import JobsHere
from perijove.histories.schemas.common import EncodedId, Limit, Offset
from perijove.histories.schemas.workflows import (
    InvocationAsked,
    InvocationDetail,
    InvocationRequest,
    InvocationStepView,
    InvocationSummary,
    JobsSummary,
    WorkflowDetail,
    WorkflowImport,
    WorkflowSummary,
)
from perijove.histories.services import invocations, workflows
from perijove.histories.services.invocations import InvocationFilter
from perijove_pipelines.workflow import document, to_yaml

router = APIRouter(prefix="/api", tags=["workflows"])


@router.get("/workflows")
def list_workflows(here: Here, me: Me) -> list[WorkflowSummary]:
    """The caller's workflows."""
    with here.database.read() as session:
        return [workflows.summary(one) for one in workflows.list_workflows(session, me)]


@router.post("/workflows/upload")
def import_workflow(here: Here, me: Me, wanted: WorkflowImport) -> WorkflowSummary:
    """Import a workflow of format 2 whose steps run `run_jupyter_job`."""
    if wanted.publish:
        raise BadRequestError("Workflows are not published here.", advice="Import it without `publish`.")
    with here.database.write() as session:
        return workflows.summary(workflows.import_workflow(session, me, wanted.workflow))


@router.get("/workflows/download/{workflow_id}", response_class=Response)
def download_workflow(here: Here, me: Me, workflow_id: Id, style: str = "format2") -> Response:
    """The workflow in format 2: its text (`style=format2`), else as JSON."""
    with here.database.read() as session:
        workflow = workflows.understood(workflows.own_workflow(session, me, workflow_id).document)
    if style == "format2":
        return Response(to_yaml(workflow), media_type="text/plain")
    return Response(json.dumps(document(workflow)), media_type="application/json")


@router.get("/workflows/{workflow_id}")
def show_workflow(here: Here, me: Me, workflow_id: Id) -> WorkflowDetail:
    """A workflow: what it asks for, and its steps."""
    with here.database.read() as session:
        return workflows.detail(workflows.own_workflow(session, me, workflow_id))


@router.delete("/workflows/{workflow_id}", status_code=204)
def delete_workflow(here: Here, me: Me, workflow_id: Id) -> Response:
    """List it no more; its runs stay."""
    with here.database.write() as session:
        workflows.own_workflow(session, me, workflow_id).deleted = True
    return Response(status_code=204)


@router.post("/workflows/{workflow_id}/invocations")
def invoke_workflow(
    here: Here, me: Me, runtime: JobsHere, workflow_id: Id, wanted: InvocationRequest
) -> InvocationDetail:
    """Run it: every step becomes a job at once, or (`use_cached_job`) an equal job that ended well before."""
    invocation_id = runtime.invoke(me, workflow_id, wanted)
    with here.database.read() as session:
        return invocations.detail(invocations.own_invocation(session, me, invocation_id))


@router.get("/workflows/{workflow_id}/invocations")
def list_invocations_of(here: Here, me: Me, workflow_id: Id) -> list[InvocationSummary]:
    """The runs of a workflow, newest first."""
    with here.database.read() as session:
        workflows.own_workflow(session, me, workflow_id)
        wanted = InvocationFilter(workflow_id=workflow_id)
        return [invocations.summary(one) for one in invocations.list_invocations(session, me, wanted)]


@router.get("/workflows/{workflow_id}/invocations/{invocation_id}")
def show_invocation_of(here: Here, me: Me, workflow_id: Id, invocation_id: Id) -> InvocationDetail:
    """A run of a workflow."""
    with here.database.read() as session:
        return invocations.detail(invocations.own_invocation(session, me, invocation_id, workflow_id))


@router.delete("/workflows/{workflow_id}/invocations/{invocation_id}")
def cancel_invocation_of(
    here: Here, me: Me, runtime: JobsHere, workflow_id: Id, invocation_id: Id
) -> InvocationDetail:
    """End what of a run has not ended."""
    with here.database.read() as session:
        invocations.own_invocation(session, me, invocation_id, workflow_id)
    return cancel_invocation(here, me, runtime, invocation_id)


@router.get("/invocations")
def list_invocations(
    here: Here,
    me: Me,
    workflow_id: Annotated[EncodedId | None, Query()] = None,
    history_id: Annotated[EncodedId | None, Query()] = None,
    job_id: Annotated[EncodedId | None, Query()] = None,
    include_terminal: bool = True,
    view: Annotated[str, Query(max_length=32)] = "collection",
    limit: Limit = 100,
    offset: Offset = 0,
) -> list[InvocationSummary | InvocationDetail]:
    """The caller's runs, newest first; `view=element`: with their steps."""
    wanted = InvocationFilter(
        workflow_id=workflow_id,
        history_id=history_id,
        job_id=job_id,
        include_terminal=include_terminal,
        limit=limit,
        offset=offset,
    )
    shown = invocations.detail if view == "element" else invocations.summary
    with here.database.read() as session:
        return [shown(one) for one in invocations.list_invocations(session, me, wanted)]


@router.get("/invocations/{invocation_id}")
def show_invocation(here: Here, me: Me, invocation_id: Id) -> InvocationDetail:
    """A run, its steps and their jobs."""
    with here.database.read() as session:
        return invocations.detail(invocations.own_invocation(session, me, invocation_id))


@router.delete("/invocations/{invocation_id}")
def cancel_invocation(here: Here, me: Me, runtime: JobsHere, invocation_id: Id) -> InvocationDetail:
    """End what of a run has not ended."""
    with here.database.write() as session:
        invocation = invocations.own_invocation(session, me, invocation_id)
        ended = invocations.cancel(session, me, invocation)
    runtime.signals.wake()
    for job_id in ended:
        runtime.signals.changed(job_id)
    return show_invocation(here, me, invocation_id)


@router.get("/invocations/{invocation_id}/request")
def invocation_request(here: Here, me: Me, invocation_id: Id) -> InvocationAsked:
    """What a run was asked for: enough to ask for it again."""
    with here.database.read() as session:
        return invocations.asked(invocations.own_invocation(session, me, invocation_id))


@router.get("/invocations/{invocation_id}/jobs_summary")
def jobs_summary(here: Here, me: Me, invocation_id: Id) -> JobsSummary:
    """How many of a run's jobs are in which state."""
    with here.database.read() as session:
        return invocations.all_jobs(invocations.own_invocation(session, me, invocation_id))


@router.get("/invocations/{invocation_id}/step_jobs_summary")
def step_jobs_summary(here: Here, me: Me, invocation_id: Id) -> list[JobsSummary]:
    """How the job of each step stands."""
    with here.database.read() as session:
        return invocations.step_jobs(invocations.own_invocation(session, me, invocation_id))


@router.get("/invocations/{invocation_id}/steps/{step_id}")
def show_invocation_step(here: Here, me: Me, invocation_id: Id, step_id: Id) -> InvocationStepView:
    """A step of a run."""
    with here.database.read() as session:
        invocation = invocations.own_invocation(session, me, invocation_id)
        for step in invocation.steps:
            if step.id == step_id:
                return invocations.step_view(step, invocation)
    raise NotFoundError("This invocation has no such step.")
