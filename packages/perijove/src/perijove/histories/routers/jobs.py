"""Jobs: Galaxy's routes, and those for looking at a job while it runs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse

from perijove.core.errors import BadRequestError, NotFoundError
from perijove.core.states import JobState
from perijove.histories.dependencies import Administrator, Here, Id, Me
from perijove.histories.routers.job_dependencies import JobsHere
from perijove.histories.schemas.common import EncodedId, Limit, Offset
from perijove.histories.schemas.jobs import (
    CommonProblems,
    EventFile,
    FlavorOffer,
    JobDetail,
    JobFull,
    JobInputEntry,
    JobMetric,
    JobOutputEntry,
    JobSearch,
    JobSummary,
    MachineState,
    ParametersDisplay,
)
from perijove.histories.schemas.server import JobLock
from perijove.histories.services import event_files, job_directory, job_events, job_streams, jobs
from perijove.histories.services.jobs import JobFilter

router = APIRouter(prefix="/api", tags=["jobs"])
States = Annotated[list[str], Query(max_length=30)]
Day = Annotated[str | None, Query(max_length=40)]
MAX_LOG_PART = 2**26


@router.get("/jobs")
def list_jobs(
    here: Here,
    me: Me,
    state: States = [],  # noqa: B006 (FastAPI copies it)
    tool_id: States = [],  # noqa: B006
    history_id: Annotated[EncodedId | None, Query()] = None,
    user_id: Annotated[EncodedId | None, Query()] = None,
    invocation_id: Annotated[EncodedId | None, Query()] = None,
    workflow_id: Annotated[EncodedId | None, Query()] = None,
    date_range_min: Day = None,
    date_range_max: Day = None,
    user_details: bool = False,
    order_by: Literal["create_time", "update_time"] = "update_time",
    limit: Limit = 500,
    offset: Offset = 0,
) -> list[JobSummary]:
    """The caller's jobs, newest first; an administrator's: everybody's."""
    states = jobs.known_states(state)
    if states is None:
        return []  # states that only Galaxy has
    wanted = JobFilter(
        states=states,
        tool_ids=tool_id,
        history_id=history_id,
        user_id=user_id,
        invocation_id=invocation_id,
        workflow_id=workflow_id,
        date_range_min=date_range_min,
        date_range_max=date_range_max,
        order_by=order_by,
        limit=limit,
        offset=offset,
    )
    with here.database.read() as session:
        found = jobs.list_jobs(session, me, wanted)
        return [
            jobs.summary(job, user_name=name if user_details and me.admin else None) for job, name in found
        ]


@router.post("/jobs/search")
def search_jobs(here: Here, me: Me, wanted: JobSearch) -> list[JobSummary]:
    """The caller's jobs that were called with the same inputs."""
    with here.database.read() as session:
        found = jobs.search(session, me, tool_id=wanted.tool_id, inputs=wanted.inputs, state=wanted.state)
        return [jobs.summary(job) for job in found]


@router.get("/jobs/{job_id}", response_model=JobFull | JobDetail)
def show_job(here: Here, me: Me, runtime: JobsHere, job_id: Id, full: bool = False) -> JobDetail:
    """A job; `full=true` adds what it wrote and what was measured."""
    with here.database.read() as session:
        job = jobs.visible_job(session, me, job_id)
        fields = jobs.detail_fields(job, runtime.live(job))
        if not full:
            return JobDetail(**fields)
        written = job_streams.tail(runtime.steps.directory(job_id))
        error = jobs.error_text(job)
        return JobFull(
            **fields,
            stdout=written,
            stderr=error,
            tool_stdout=written,
            tool_stderr=error,
            job_messages=jobs.messages(job),
            job_metrics=jobs.metrics(job),
        )


@router.delete("/jobs/{job_id}")
def cancel_job(me: Me, runtime: JobsHere, job_id: Id) -> bool:
    """Cancel a job; false where it had ended before. What its executed notebook holds so far is kept."""
    return runtime.cancel(me, job_id)


@router.put("/jobs/{job_id}/resume")
def resume_job(here: Here, me: Me, runtime: JobsHere, job_id: Id) -> list[dict[str, Any]]:
    """Look again at a paused job; its outputs. It goes on where what it waited for runs again or is there."""
    with here.database.read() as session:
        job = jobs.visible_job(session, me, job_id)
        if job.state is not JobState.PAUSED:
            raise BadRequestError(
                "The job is not paused.", advice="Nothing needs to be done: it goes on by itself."
            )
        outputs, collections = jobs.promised(job)
    runtime.signals.wake()
    return [*outputs, *collections]


@router.get("/jobs/{job_id}/inputs")
def job_inputs(here: Here, me: Me, job_id: Id) -> list[JobInputEntry]:
    """The datasets that the job reads."""
    with here.database.read() as session:
        return jobs.inputs(jobs.visible_job(session, me, job_id))


@router.get("/jobs/{job_id}/outputs", response_model_exclude_none=True)
def job_outputs(here: Here, me: Me, job_id: Id) -> list[JobOutputEntry]:
    """The datasets and collections that the job makes."""
    with here.database.read() as session:
        return jobs.outputs(jobs.visible_job(session, me, job_id))


@router.get("/jobs/{job_id}/metrics")
def job_metrics(here: Here, me: Me, job_id: Id) -> list[JobMetric]:
    """What was granted and used."""
    with here.database.read() as session:
        return jobs.metrics(jobs.visible_job(session, me, job_id))


@router.get("/jobs/{job_id}/parameters_display")
def parameters_display(here: Here, me: Me, job_id: Id) -> ParametersDisplay:
    """What the tool was called with, for people."""
    with here.database.read() as session:
        return jobs.parameters_display(jobs.visible_job(session, me, job_id))


@router.get("/jobs/{job_id}/common_problems")
def common_problems(here: Here, me: Me, job_id: Id) -> CommonProblems:
    """What often goes wrong with inputs."""
    with here.database.read() as session:
        return jobs.common_problems(jobs.visible_job(session, me, job_id))


@router.get("/jobs/{job_id}/destination_params")
def destination_params(here: Here, me: Administrator, job_id: Id) -> dict[str, str]:
    """Where the job runs."""
    with here.database.read() as session:
        job = jobs.visible_job(session, me, job_id)
        return {"Runner": job.engine or "local", "Runner Job ID": job.id, "Handler": "perijove"}


@router.get("/jobs/{job_id}/build_for_rerun")
def build_for_rerun(here: Here, me: Me, job_id: Id) -> dict[str, Any]:
    """The tool's form as this job was called."""
    with here.database.read() as session:
        job = jobs.visible_job(session, me, job_id)
        return job_streams.rerun_form(job)


@router.get("/jobs/{job_id}/progress")
def job_progress(here: Here, me: Me, runtime: JobsHere, job_id: Id) -> dict[str, Any]:
    """The latest progress: epochs, metrics, percent, as docs/reference/job-contract.md names them."""
    with here.database.read() as session:
        job = jobs.visible_job(session, me, job_id)
        return dict(runtime.live(job).progress)


@router.get("/jobs/{job_id}/progress/series")
def progress_series(
    here: Here,
    me: Me,
    runtime: JobsHere,
    job_id: Id,
    points: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> list[dict[str, Any]]:
    """The metrics over time (`time`, `epoch`, `percent`, `metrics`), thinned to at most `points`."""
    with here.database.read() as session:
        jobs.visible_job(session, me, job_id)
    return job_directory.read_series(runtime.steps.directory(job_id), points=points)


@router.get("/jobs/{job_id}/log", response_class=Response)
def job_log(
    here: Here,
    me: Me,
    runtime: JobsHere,
    job_id: Id,
    offset: Annotated[int, Query(ge=-(2**53), le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LOG_PART)] = MAX_LOG_PART,
) -> Response:
    """The log from `offset` (negative: from its end). Headers: `x-next-offset` to go on from, `x-size`."""
    with here.database.read() as session:
        jobs.visible_job(session, me, job_id)
    return job_streams.log_response(runtime.steps.directory(job_id), offset=offset, limit=limit)


@router.get("/jobs/{job_id}/notebook", response_class=Response)
def job_notebook(here: Here, me: Me, runtime: JobsHere, job_id: Id) -> Response:
    """The executed notebook as it is now, also while the job runs."""
    with here.database.read() as session:
        job = jobs.visible_job(session, me, job_id)
        path = job_streams.published_notebook(job, here.files)
    response = job_streams.notebook_response(runtime.steps.directory(job_id), path)
    if response is None:
        raise NotFoundError(
            "There is no executed notebook yet.", advice="Ask again when the job runs.", retry=True
        )
    return response


@router.get("/jobs/{job_id}/event_files")
def job_event_files(here: Here, me: Me, runtime: JobsHere, job_id: Id) -> list[EventFile]:
    """TensorBoard's files below the working directory, as they are now; none when that is removed."""
    with here.database.read() as session:
        jobs.visible_job(session, me, job_id)
    return event_files.find(runtime.steps.directory(job_id))


@router.get("/jobs/{job_id}/event_files/{path:path}", response_class=Response)
def job_event_file(
    here: Here,
    me: Me,
    runtime: JobsHere,
    job_id: Id,
    path: str,
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LOG_PART)] = MAX_LOG_PART,
) -> Response:
    """One of them from `offset`. Headers: `x-next-offset` to go on from, `x-size`."""
    with here.database.read() as session:
        jobs.visible_job(session, me, job_id)
    response = job_streams.event_file_response(
        runtime.steps.directory(job_id), path, offset=offset, limit=limit
    )
    if response is None:
        raise NotFoundError("The job has no such event file now.", advice="List those that it has.")
    return response


@router.get("/jobs/{job_id}/events", response_class=StreamingResponse)
def events(
    here: Here,
    me: Me,
    runtime: JobsHere,
    job_id: Id,
    timeout: Annotated[float, Query(gt=0, le=3600, allow_inf_nan=False)] = 3600.0,
) -> StreamingResponse:
    """Server-sent events (`event: job`): one at once, one at each change, to its end or `timeout`."""
    with here.database.read() as session:
        jobs.visible_job(session, me, job_id)
    stream = job_events.stream(here.database, runtime, job_id, seconds=timeout)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


@router.get("/job_lock")
def show_job_lock(_me: Administrator, runtime: JobsHere) -> JobLock:
    """Whether jobs are held back (administrators)."""
    return JobLock(active=runtime.lock.active)


@router.put("/job_lock")
def set_job_lock(_me: Administrator, runtime: JobsHere, request: JobLock) -> JobLock:
    """Hold back all jobs that have not started, or let them go on (administrators)."""
    runtime.hold(active=request.active)
    return JobLock(active=runtime.lock.active)


@router.get("/perijove/flavors")
def flavors(me: Me, runtime: JobsHere) -> list[FlavorOffer]:
    """The sizes of job on offer to the caller."""
    return runtime.flavors(me)


@router.get("/perijove/resources")
def resources(_me: Me, runtime: JobsHere) -> MachineState:
    """What the machine has and what is free now."""
    return runtime.machine()
