"""The jobs of an archive as rows: what they were called with, what they read and made, how they ended.

An archive may have been written by anybody, so only what other parts of the server can show is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from perijove.core.resources import Resources
from perijove.core.states import JobState
from perijove.histories.archives.content import ArchivedJob, ArchivedLink
from perijove.histories.services.datasets import shorten
from perijove.histories.store.models import Job, JobInput, JobOutput
from perijove.histories.store.types import utcnow

_STATES = {"ok": JobState.OK, "error": JobState.ERROR, "failed": JobState.ERROR}
_NUMBERS = ("runtime_seconds", "cpu_seconds", "memory_peak", "memory", "cpus", "started", "ended")
_ERROR_TEXTS = ("type", "message", "advice", "traceback")
Ids = Mapping[str, str]
"""The keys of an archive to the ids of the rows made for them."""


def job_row(archived: ArchivedJob, *, user_id: str, history_id: str, datasets: Ids, collections: Ids) -> Job:
    """The job; it has ended, whatever the archive says."""
    created = archived.created or utcnow()
    return Job(
        user_id=user_id,
        history_id=history_id,
        tool_id=archived.tool_id[:255] or "unknown",
        tool_version=archived.tool_version[:32],
        name=shorten(archived.name) if archived.name else None,
        state=_STATES.get(archived.state, JobState.DELETED),
        params=_renamed(archived.params, {"hda": datasets, "hdca": collections}),
        spec=_spec(archived, datasets),
        engine=archived.engine[:64] if archived.engine else None,
        resources=_resources(archived.resources),
        network=archived.network[:16] if archived.network else None,
        time_limit=archived.time_limit,
        metrics=_metrics(archived.metrics),
        exit_code=archived.exit_code,
        error=_error(archived),
        provenance=archived.provenance,
        create_time=created,
        update_time=archived.updated or created,
        queue_time=archived.queued,
        start_time=archived.started,
        end_time=archived.ended,
    )


def link_rows(
    archived: ArchivedJob, job_id: str, datasets: Ids, collections: Ids
) -> Iterator[JobInput | JobOutput]:
    """What the job read and made, as far as it is in the archive."""
    for position, link in enumerate(archived.inputs):
        path = None if link.path is None else link.path[:4096]
        row = JobInput(job_id=job_id, position=position, name=link.name[:255], path=path)
        if _point(row, link, datasets, collections):
            yield row
    for position, link in enumerate(archived.outputs):
        made = JobOutput(job_id=job_id, position=position, name=link.name[:255])
        if _point(made, link, datasets, collections):
            yield made


def _point(row: JobInput | JobOutput, link: ArchivedLink, datasets: Ids, collections: Ids) -> bool:
    if link.kind == "dataset":
        row.dataset_id = datasets.get(link.key)
    else:
        row.collection_id = collections.get(link.key)
    return row.dataset_id is not None or row.collection_id is not None


def _renamed(value: Any, ids: Mapping[str, Ids]) -> Any:
    """The parameters with the new ids of the datasets and collections that they name."""
    if isinstance(value, list):
        return [_renamed(one, ids) for one in value]
    if not isinstance(value, dict):
        return value
    renamed = {name: _renamed(one, ids) for name, one in value.items()}
    source, key = value.get("src"), value.get("id")
    if isinstance(source, str) and isinstance(key, str) and source in ids:
        renamed["id"] = ids[source].get(key, key)
    return renamed


def _spec(archived: ArchivedJob, datasets: Ids) -> dict[str, Any]:
    inputs = [
        {"dataset": datasets.get(key, key)[:64], "digest": digest[:64]}
        for key, digest in archived.digests.items()
    ]
    return {"imported": True, "inputs": inputs, "parameters": archived.parameters}


def _resources(given: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return Resources.model_validate(given).model_dump() if given else {}
    except ValidationError:
        return {}


def _metrics(given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: value
        for name in _NUMBERS
        if isinstance(value := given.get(name), int | float) and not isinstance(value, bool)
    }
    gpus = given.get("gpus")
    if isinstance(gpus, list) and all(isinstance(one, int) for one in gpus):
        found["gpus"] = gpus
    return found


def _error(archived: ArchivedJob) -> dict[str, Any] | None:
    given = archived.error or {}
    found: dict[str, Any] = {
        name: value for name in _ERROR_TEXTS if isinstance(value := given.get(name), str)
    }
    if found and isinstance(given.get("cell"), int):
        found["cell"] = given["cell"]
    if not found and archived.stderr and _STATES.get(archived.state) is JobState.ERROR:
        return {"type": "ToolFailed", "message": archived.stderr[-4000:]}
    return found or None
