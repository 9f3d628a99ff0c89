"""Jobs over HTTP: Galaxy's fields, and under `perijove` what Galaxy has no field for."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from perijove.core.flavors import Flavor
from perijove.core.resources import Free, Resources
from perijove.core.states import JobState
from perijove.histories.schemas.common import Answer, EncodedId, Request
from perijove.sandbox.spec import Usage


class Reference(Answer):
    """A dataset or collection, by id."""

    src: Literal["hda", "hdca"]
    id: EncodedId


class JobSummary(Answer):
    """A job in a list."""

    id: EncodedId
    model_class: Literal["Job"] = "Job"
    state: JobState
    exit_code: int | None
    tool_id: str
    history_id: EncodedId
    create_time: datetime
    update_time: datetime
    galaxy_version: str
    handler: str | None = None
    external_id: str | None = None
    user_email: str | None = None
    name: str | None = Field(description="the job's name, as its user gave it")


class JobLive(Answer):
    """How a job stands now: why it waits, how far it has come, what it holds and uses."""

    reason: str = Field(description="why it waits, or what holds it up; empty where nothing does")
    position: int | None = Field(description="place in the queue, from 1")
    progress: dict[str, Any] = Field(
        description="latest values, as docs/reference/job-contract.md names them"
    )
    resources: Resources | None
    gpus: list[int]
    usage: Usage | None = Field(description="while it runs")
    metrics: dict[str, Any] = Field(description="what it used in all, when it has ended")
    environment: str
    network: str | None
    time_limit: float | None
    error: dict[str, Any] | None = Field(
        description="type, message, advice, cell and traceback of a failed job"
    )
    unsaved: list[Any] = Field(description="variables that could not be saved, with the reason")
    cancel_requested: bool
    queued: datetime | None
    started: datetime | None
    ended: datetime | None


class JobMetric(Answer):
    """One measured value."""

    name: str
    title: str
    value: str
    raw_value: str
    plugin: str = "core"


class JobDetail(JobSummary):
    """A job on its own."""

    tool_version: str
    params: dict[str, str]
    inputs: dict[str, Reference]
    outputs: dict[str, Reference]
    output_collections: dict[str, Reference]
    copied_from_job_id: None = None
    perijove: JobLive


class JobFull(JobDetail):
    """A job with what it wrote (the last 64 KiB of it; the log endpoint has all) and what was measured."""

    stdout: str
    stderr: str
    tool_stdout: str
    tool_stderr: str
    job_stdout: str = ""
    job_stderr: str = ""
    job_messages: list[dict[str, Any]]
    job_metrics: list[JobMetric]
    dependencies: list[Any] = Field(default_factory=list)


class JobInputEntry(Answer):
    """A dataset that a job read."""

    name: str
    dataset: Reference


class JobOutputEntry(Answer):
    """A dataset or collection that a job made."""

    name: str
    dataset: Reference | None = None
    dataset_collection_instance: Reference | None = None


class CommonProblems(Answer):
    """What often goes wrong with inputs."""

    has_duplicate_inputs: bool
    has_empty_inputs: bool


class ParameterDisplay(Answer):
    """One parameter, for people."""

    text: str
    depth: int = 1
    value: Any
    notes: str | None = None


class ParametersDisplay(Answer):
    """All parameters of a job, for people."""

    parameters: list[ParameterDisplay]
    has_parameter_errors: bool = False
    outputs: dict[str, list[dict[str, Any]]]


class JobSearch(Request):
    """Look for jobs that were called in the same way."""

    tool_id: str = Field(max_length=255)
    inputs: dict[str, Any] = Field(default_factory=dict)
    state: JobState | None = None


class JobEvent(Answer):
    """One event of a job's stream."""

    id: EncodedId
    state: JobState
    reason: str
    position: int | None
    progress: dict[str, Any]


class EventFile(Answer):
    """A file of logs that TensorBoard shows, of a job that runs."""

    path: str = Field(description="below the job's working directory")
    size: int = Field(description="bytes so far")


class FlavorOffer(Answer):
    """A flavor, and whether it could start now."""

    flavor: Flavor
    fits_now: bool


class MachineState(Answer):
    """What the machine has, and what nobody holds now."""

    total: Resources
    free: Free
    labs: int
    running_jobs: int
    waiting_jobs: int
