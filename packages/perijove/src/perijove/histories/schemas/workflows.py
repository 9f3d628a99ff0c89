"""Workflows and their runs over HTTP, in Galaxy's shapes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from perijove.histories.schemas.common import Answer, EncodedId, Name, Request


class WorkflowImport(Request):
    """A workflow of format 2: the document itself, or its text in `yaml_content`."""

    workflow: dict[str, Any]
    publish: bool = False


class WorkflowSummary(Answer):
    """A workflow in a list."""

    model_class: Literal["StoredWorkflow"] = "StoredWorkflow"
    id: EncodedId
    name: str
    owner: str
    deleted: bool
    published: bool = False
    tags: list[str] = Field(default_factory=list)
    latest_workflow_uuid: str
    number_of_steps: int
    url: str
    create_time: datetime
    update_time: datetime


class WorkflowDetail(WorkflowSummary):
    """A workflow on its own: what it asks for, by the index of the step, and its steps."""

    annotation: str | None
    version: int = 0
    inputs: dict[str, dict[str, Any]]
    steps: dict[str, dict[str, Any]]


class InvocationRequest(Request):
    """What a workflow is to run on. `history`: `hist_id=…`, or the name of a new history."""

    inputs: dict[str, Any] = Field(default_factory=dict)
    inputs_by: str = Field(default="step_index|step_uuid", max_length=64)
    history: str | None = Field(default=None, max_length=255)
    history_id: EncodedId | None = None
    new_history_name: Name | None = None
    use_cached_job: bool = Field(
        default=False, description="let earlier jobs that were called in the same way stand for steps"
    )
    parameters: dict[str, Any] = Field(default_factory=dict)


class InvocationStepView(Answer):
    """A step of a run."""

    model_class: Literal["WorkflowInvocationStep"] = "WorkflowInvocationStep"
    id: EncodedId
    order_index: int
    workflow_step_id: str
    workflow_step_label: str
    workflow_step_uuid: str
    job_id: EncodedId | None
    state: str
    action: None = None
    subworkflow_invocation_id: None = None
    update_time: datetime
    reused: bool = Field(description="an earlier job stands for it (`use_cached_job`)")


class InvocationSummary(Answer):
    """A run in a list."""

    model_class: Literal["WorkflowInvocation"] = "WorkflowInvocation"
    id: EncodedId
    uuid: str
    workflow_id: EncodedId
    history_id: EncodedId
    state: str
    create_time: datetime
    update_time: datetime


class InvocationDetail(InvocationSummary):
    """A run on its own."""

    inputs: dict[str, dict[str, Any]]
    input_step_parameters: dict[str, Any] = Field(default_factory=dict)
    steps: list[InvocationStepView]
    outputs: dict[str, dict[str, Any]]
    output_collections: dict[str, dict[str, Any]]
    output_values: dict[str, Any] = Field(default_factory=dict)
    messages: list[Any] = Field(default_factory=list)


class JobsSummary(Answer):
    """How many jobs are in which state."""

    id: EncodedId
    model: str
    populated_state: str = "ok"
    states: dict[str, int]


class InvocationAsked(Answer):
    """What a run was asked for: enough to ask for it again."""

    workflow_id: EncodedId
    history_id: EncodedId
    inputs: dict[str, Any]
    inputs_by: str = "step_index|step_uuid"
    instance: bool = False
    use_cached_job: bool = False
    parameters: dict[str, Any] = Field(default_factory=dict)
