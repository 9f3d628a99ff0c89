"""Workflows of notebooks, kept as they were imported. Galaxy runs those with other tools."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from perijove.core.errors import BadRequestError, NotFoundError
from perijove.histories.context import Account
from perijove.histories.schemas.workflows import WorkflowDetail, WorkflowSummary
from perijove.histories.services.datasets import shorten
from perijove.histories.services.job_outputs import TOOL_ID
from perijove.histories.store.models import StoredWorkflow
from perijove_pipelines.errors import PipelineError
from perijove_pipelines.reading import read_workflow
from perijove_pipelines.workflow import EXTRACTION, Workflow

MAX_DOCUMENT = 8 * 2**20
_NAMESPACE = UUID("0d8c2a50-4f7e-4c2a-9f0e-0c1b7e0f5a6d")


def import_workflow(session: Session, account: Account, given: dict[str, Any]) -> StoredWorkflow:
    """Keep a workflow. BadRequestError for one that is not of format 2 or asks for other tools."""
    document = _document(given)
    workflow = understood(document)
    for step in workflow.steps:
        if step.tool_id not in (TOOL_ID, EXTRACTION):
            raise BadRequestError(
                f"The step {step.label!r} runs {step.tool_id!r}, and this server runs {TOOL_ID} only.",
                advice="Import it into a Galaxy that has this tool.",
            )
    stored = StoredWorkflow(user_id=account.id, name=shorten(workflow.name), document=document)
    session.add(stored)
    session.flush()
    return stored


def _document(given: dict[str, Any]) -> dict[str, Any]:
    text = given.get("yaml_content")
    try:
        found = yaml.safe_load(text) if isinstance(text, str) else given
        found = json.loads(json.dumps(found))
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise BadRequestError(f"The workflow is no YAML that can be kept: {type(error).__name__}.") from None
    if not isinstance(found, dict) or len(json.dumps(found)) > MAX_DOCUMENT:
        raise BadRequestError(f"The workflow is no object of at most {MAX_DOCUMENT} bytes.")
    if found.get("a_galaxy_workflow"):
        raise BadRequestError(
            "This is a workflow in Galaxy's native format (.ga).",
            advice="Export it in format 2 (gxformat2), or run it in Galaxy.",
        )
    return found


def understood(document: dict[str, Any]) -> Workflow:
    """The workflow in a document. BadRequestError for none."""
    try:
        return read_workflow(document)
    except (PipelineError, RecursionError) as error:
        message, advice = getattr(error, "message", "This is no workflow."), getattr(error, "advice", "")
        raise BadRequestError(message, advice=advice) from None


def own_workflow(session: Session, account: Account, workflow_id: str) -> StoredWorkflow:
    """The account's own workflow, also a deleted one. NotFoundError else."""
    stored = session.get(StoredWorkflow, workflow_id)
    if stored is None or stored.user_id != account.id:
        raise NotFoundError("There is no such workflow of yours.")
    return stored


def list_workflows(session: Session, account: Account) -> Sequence[StoredWorkflow]:
    """The account's workflows that are not deleted, newest first."""
    query = select(StoredWorkflow).where(
        StoredWorkflow.user_id == account.id, StoredWorkflow.deleted.is_(False)
    )
    return session.scalars(query.order_by(StoredWorkflow.update_time.desc()).limit(1000)).all()


def labels(workflow: Workflow) -> list[str]:
    """The labels of inputs and steps by their index, as Galaxy counts: inputs first."""
    return [*(one.label for one in workflow.inputs), *(step.label for step in workflow.steps)]


def step_uuid(workflow_id: str, index: int) -> str:
    """Galaxy's other name of a step."""
    return str(uuid5(_NAMESPACE, f"{workflow_id}/{index}"))


def summary(stored: StoredWorkflow) -> WorkflowSummary:
    """A workflow in a list."""
    return WorkflowSummary(**_fields(stored, understood(stored.document)))


def detail(stored: StoredWorkflow) -> WorkflowDetail:
    """A workflow on its own."""
    workflow = understood(stored.document)
    inputs = {
        str(index): {"label": one.label, "value": "", "uuid": step_uuid(stored.id, index)}
        for index, one in enumerate(workflow.inputs)
    }
    return WorkflowDetail(
        **_fields(stored, workflow),
        annotation=workflow.doc or None,
        inputs=inputs,
        steps={str(index): one for index, one in enumerate(_steps(workflow))},
    )


def _fields(stored: StoredWorkflow, workflow: Workflow) -> dict[str, Any]:
    return {
        "id": stored.id,
        "name": stored.name,
        "owner": stored.user.name,
        "deleted": stored.deleted,
        "latest_workflow_uuid": str(uuid5(_NAMESPACE, stored.id)),
        "number_of_steps": len(labels(workflow)),
        "url": f"/api/workflows/{stored.id}",
        "create_time": stored.create_time,
        "update_time": stored.update_time,
    }


def _steps(workflow: Workflow) -> list[dict[str, Any]]:
    kinds = {"data": "data_input", "collection": "data_collection_input"}
    places = {label: index for index, label in enumerate(labels(workflow))}
    found: list[dict[str, Any]] = [
        {"id": places[one.label], "type": kinds[one.kind], "label": one.label, "tool_id": None}
        for one in workflow.inputs
    ]
    for step in workflow.steps:
        sources = {
            name: {"source_step": places[source.partition("/")[0]], "step_output": source.partition("/")[2]}
            for name, (source, *_) in step.sources.items()
        }
        found.append(
            {
                "id": places[step.label],
                "type": "tool",
                "label": step.label,
                "tool_id": step.tool_id,
                "tool_version": step.tool_version or None,
                "input_steps": sources,
            }
        )
    return found
