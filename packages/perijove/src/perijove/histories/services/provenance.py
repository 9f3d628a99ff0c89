"""Where a dataset comes from: the job that made it, and what that job read."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from perijove.histories.schemas.contents import Provenance
from perijove.histories.services.views import dataset_uuid
from perijove.histories.store.models import Dataset, Job

_DEEPEST = 20


def of(session: Session, dataset: Dataset, *, follow: bool) -> Provenance:
    """The dataset's job with its parameters; with `follow` the same of inputs, 20 steps back."""
    return Provenance(
        **_record(session, dataset, _DEEPEST if follow else 0),
        parameters=_parameters(session, dataset, _DEEPEST if follow else 0),
    )


def _record(session: Session, dataset: Dataset, depth: int) -> dict[str, Any]:
    job = session.get(Job, dataset.creating_job_id) if dataset.creating_job_id else None
    return {
        "id": dataset.id,
        "uuid": dataset_uuid(dataset),
        "job_id": job.id if job else None,
        "tool_id": job.tool_id if job else None,
    }


def _parameters(session: Session, dataset: Dataset, depth: int) -> dict[str, Any]:
    job = session.get(Job, dataset.creating_job_id) if dataset.creating_job_id else None
    if job is None:
        return {}
    parameters = dict(job.params)
    for one in job.inputs:
        if one.dataset is not None:
            parameters[one.name if one.path is None else f"{one.name}:{one.path}"] = _input(
                session, one.dataset, depth
            )
    return parameters


def _input(session: Session, dataset: Dataset, depth: int) -> dict[str, Any]:
    if depth <= 0:
        return {"id": dataset.id, "uuid": dataset_uuid(dataset)}
    below = _parameters(session, dataset, depth - 1)
    return {**_record(session, dataset, depth), "parameters": below, "stderr": "", "stdout": ""}
