"""A failed job run again: who waits for its outputs waits for the new one's instead (Galaxy's remapping)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from perijove.core.errors import ConflictError, NotFoundError
from perijove.core.states import JobState
from perijove.histories.context import Account
from perijove.histories.services.promises import awaited
from perijove.histories.store.models import InvocationStep, Job, JobInput, JobOutput
from perijove.histories.store.types import utcnow

REMAPPABLE = (JobState.ERROR, JobState.DELETED, JobState.PAUSED)
_HELD = (JobState.NEW, JobState.PAUSED)


def remap(session: Session, account: Account, old_id: str, new: Job) -> None:
    """Let `new` take the place of the job `old_id`, in the transaction that puts `new` on record.

    ConflictError for a job that is on its way or ended well. A paused one is cancelled.
    """
    old = session.get(Job, old_id)
    if old is None or old.user_id != account.id:
        raise NotFoundError("There is no such job of yours to be replaced.")
    if old.state not in REMAPPABLE or old.tool_id != new.tool_id:
        raise ConflictError(
            f"The job {old.id} cannot be replaced: its state is {old.state}.",
            advice="Only one that failed, was cancelled or is paused is run again in its place.",
        )
    if old.state is JobState.PAUSED:
        old.cancel_requested = True
    session.execute(
        update(InvocationStep)
        .where(InvocationStep.job_id == old.id)
        .values(job_id=new.id, update_time=utcnow())
        .execution_options(synchronize_session=False)
    )
    replaced = dict(_replaced(old, new))
    rows = select(JobInput).where(
        or_(JobInput.dataset_id.in_(replaced), JobInput.collection_id.in_(replaced))
    )
    for row in session.scalars(rows).all():
        job = session.get(Job, row.job_id)
        if job is not None and job.state in _HELD and job.user_id == account.id:
            _redirect(job, row, old.id, new.id, replaced)


def _replaced(old: Job, new: Job) -> list[tuple[str, str]]:
    """The ids of the old job's outputs, each with that of the new one's output of the same name."""
    ids = {row.name: _id(row) for row in new.outputs}
    return [(_id(row), ids[row.name]) for row in old.outputs if row.name in ids]


def _id(row: JobOutput) -> str:
    return str(row.dataset_id or row.collection_id)


def _redirect(job: Job, row: JobInput, old: str, new: str, replaced: Mapping[str, str]) -> None:
    """Nothing where the job has what it needs of the old one already."""
    index = row.position - 1
    promise = awaited(job.spec).get(index)
    if promise is None or promise.job != old:
        return
    inputs = [dict(given) for given in job.spec["inputs"]]
    inputs[index]["awaits"] = replace(promise, job=new).to_json()
    job.spec = {**job.spec, "inputs": inputs}
    job.params = _with_ids(job.params, replaced)
    if row.dataset_id is not None:
        row.dataset_id = replaced[row.dataset_id]
    if row.collection_id is not None:
        row.collection_id = replaced[row.collection_id]


def _with_ids(value: Any, replaced: Mapping[str, str]) -> Any:
    """`value` with every reference to an old dataset or collection leading to the new one."""
    if isinstance(value, list):
        return [_with_ids(one, replaced) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: _with_ids(one, replaced) for name, one in value.items()}
    if "src" in found and found.get("id") in replaced:
        found["id"] = replaced[found["id"]]
    return found
