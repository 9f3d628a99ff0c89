"""Earlier jobs that stand for a step which would only repeat them (Galaxy's `use_cached_job`).

Same user, tool, history and name; same code, parameters, kernel and inputs, by content; ended well, and all
that it made is still there. Amounts of CPUs and memory do not count: they change no result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from perijove.core.states import DatasetState, JobState
from perijove.histories.services.promises import awaited
from perijove.histories.store.models import Dataset, Job, JobOutput

_LOOKED_AT = 50


def find_reusable(session: Session, wanted: Job) -> Job | None:
    """The newest job that was called as `wanted` would be; None where there is none."""
    if awaited(wanted.spec):
        return None
    query = select(Job).where(
        Job.user_id == wanted.user_id,
        Job.history_id == wanted.history_id,
        Job.tool_id == wanted.tool_id,
        Job.tool_version == wanted.tool_version,
        Job.name == wanted.name,
        Job.state == JobState.OK,
    )
    call = _call(wanted.spec)
    for job in session.scalars(query.order_by(Job.create_time.desc()).limit(_LOOKED_AT)):
        if _call(job.spec) == call and all(_is_there(row) for row in job.outputs):
            return job
    return None


def _call(spec: Mapping[str, Any]) -> object:
    inputs = sorted((given["path"], given["digest"] or "") for given in spec["inputs"])
    code = spec["code"]
    return (code["digest"], code["name"], inputs, spec["parameters"], spec["kernel"])


def _is_there(row: JobOutput) -> bool:
    """Also an output that the job never made: it would not make it now either."""
    if row.dataset is not None:
        return row.dataset.state is DatasetState.DISCARDED or _readable(row.dataset)
    if row.collection is None or row.collection.deleted:
        return False
    return all(one.dataset is None or _readable(one.dataset) for one in row.collection.elements)


def _readable(dataset: Dataset) -> bool:
    return not dataset.deleted and not dataset.purged and dataset.state is DatasetState.OK
