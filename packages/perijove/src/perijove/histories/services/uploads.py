"""Uploads: files become datasets, and a job that is done stands for them, because clients ask for one.

`receive` reads a request (JSON or multipart) in constant memory; `run_fetch` and `run_upload1` do the rest.
Whoever routes `POST /api/tools` calls `receive`, looks at `tool_id`, and hands `upload1` to `run_upload1`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from sqlalchemy import delete
from sqlalchemy.orm import Session

from perijove.core.errors import BadRequestError
from perijove.core.states import DatasetState, JobState
from perijove.histories.context import Account, Context
from perijove.histories.schemas.uploads import JobReference, UploadAnswer
from perijove.histories.services import fetch
from perijove.histories.services.access import open_history
from perijove.histories.services.datasets import (
    FinishedFile,
    NewDataset,
    add_collection,
    add_datasets,
    promise_dataset,
)
from perijove.histories.services.multipart import Form, StagedFile, receive_form
from perijove.histories.services.quotas import ensure_room
from perijove.histories.services.repeats import made_before, submission_of_request
from perijove.histories.services.sources import Taken
from perijove.histories.services.targets import Item, UploadRequest, parse_fetch, parse_upload1
from perijove.histories.services.views import collection_summary, dataset_detail
from perijove.histories.store.models import Collection, Dataset, Job, JobOutput, Upload
from perijove.histories.store.types import utcnow


@dataclass(frozen=True)
class Received:
    """The body of a call of a tool: its fields, and its files in the staging directory."""

    payload: dict[str, Any]
    files: Mapping[str, StagedFile] = field(default_factory=dict)
    form: Form | None = None

    def discard(self) -> None:
        """Remove files that were not taken; call it when the request ends, however it ends."""
        if self.form is not None:
            self.form.discard()


async def receive(request: Request, context: Context) -> Received:
    """The body of POST /api/tools or /api/tools/fetch. BadRequestError: neither form nor JSON object.

    The caller must be authenticated before: a form's files are written while this reads.
    """
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        form = await receive_form(request, context.files, max_file=context.settings.histories.max_upload)
        return Received(_fields(form.fields), form.files, form)
    return Received(parse_object(await request.body()))


def parse_object(body: bytes) -> dict[str, Any]:
    """A JSON object. BadRequestError else."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequestError("The request's body is not JSON.") from None
    if not isinstance(payload, dict):
        raise BadRequestError("The request's body must be a JSON object.")
    return payload


def _fields(fields: Mapping[str, str]) -> dict[str, Any]:
    """A form's fields; those that hold JSON objects or lists are decoded, as Galaxy does."""
    decoded: dict[str, Any] = {}
    for name, value in fields.items():
        decoded[name] = value
        if name in ("inputs", "targets") or name.endswith("|file_data"):
            try:
                decoded[name] = json.loads(value)
            except (ValueError, RecursionError):
                raise BadRequestError(f"The field {name[:40]!r} is not JSON.") from None
    return decoded


def run_fetch(context: Context, account: Account, received: Received) -> UploadAnswer:
    """POST /api/tools/fetch."""
    return _run(context, account, parse_fetch(received.payload, received.files))


def run_upload1(context: Context, account: Account, received: Received) -> UploadAnswer:
    """POST /api/tools with tool_id `upload1`."""
    history_id, inputs = received.payload.get("history_id"), received.payload.get("inputs") or {}
    if not isinstance(history_id, str) or not isinstance(inputs, dict):
        raise BadRequestError("upload1 needs history_id and inputs.")
    # A form may carry the inputs one by one instead of as one JSON object.
    flat = {key: value for key, value in received.payload.items() if "|" in key}
    files = {name.removeprefix("inputs|"): staged for name, staged in received.files.items()}
    return _run(context, account, parse_upload1(history_id, {**flat, **inputs}, files))


def _run(context: Context, account: Account, request: UploadRequest) -> UploadAnswer:
    for item in request.items:
        if item.url is not None:
            fetch.check_url(item.url, context.settings.histories.fetch_hosts)
    with context.database.read() as session:
        open_history(session, account, request.history_id)
        before = made_before(session, account, submission_of_request(request))
        if before is not None and before.history_id == request.history_id:
            return _answer(before)
        ensure_room(session, account.id, sum(_known_size(item) for item in request.items), context.settings)
    with Taken(context, account) as taken:
        finished = [None if item.url is not None else taken.take(item) for item in request.items]
        with context.database.write() as session:
            answer, job_id = _publish(session, context, account, request, finished, taken.uploads)
        taken.clean()
    if any(item.url is not None for item in request.items):
        fetch.start(context, job_id)
    return answer


def _known_size(item: Item) -> int:
    if item.staged is not None:
        return item.staged.size
    return len(item.text or "")


def _publish(
    session: Session,
    context: Context,
    account: Account,
    request: UploadRequest,
    finished: Sequence[FinishedFile | None],
    uploads: Sequence[Upload],
) -> tuple[UploadAnswer, str]:
    history = open_history(session, account, request.history_id)
    size = sum(one.content.size for one in finished if one is not None)
    ensure_room(session, account.id, size, context.settings)
    session.execute(delete(Upload).where(Upload.id.in_([upload.id for upload in uploads])))
    job = _job(session, account, request)
    datasets = _datasets(session, history.id, job, request.items, finished)
    collections = _collections(session, history.id, job, request, datasets)
    _record_outputs(session, job, datasets, collections)
    session.refresh(job, ["update_time", "outputs"])
    return _answer(job), job.id


def _answer(job: Job) -> UploadAnswer:
    return UploadAnswer(
        jobs=[_reference(job)],
        outputs=[
            {**dataset_detail(one.dataset).model_dump(mode="json"), "output_name": one.name}
            for one in job.outputs
            if one.dataset is not None
        ],
        output_collections=[
            collection_summary(one.collection).model_dump(mode="json")
            for one in job.outputs
            if one.collection is not None
        ],
    )


def _job(session: Session, account: Account, request: UploadRequest) -> Job:
    waiting = [item for item in request.items if item.url is not None]
    now = utcnow()
    job = Job(
        user_id=account.id,
        history_id=request.history_id,
        tool_id=request.tool_id,
        submission_id=submission_of_request(request),
        state=JobState.QUEUED if waiting else JobState.OK,
        params=request.params,
        exit_code=None if waiting else 0,
        start_time=now,
        end_time=None if waiting else now,
    )
    session.add(job)
    session.flush()
    return job


def _datasets(
    session: Session,
    history_id: str,
    job: Job,
    items: Sequence[Item],
    finished: Sequence[FinishedFile | None],
) -> list[Dataset]:
    ready = [
        NewDataset(one, item.name, genome_build=item.dbkey, tags=item.tags)
        for item, one in zip(items, finished, strict=True)
        if one is not None
    ]
    added = iter(add_datasets(session, history_id, ready, creating_job_id=job.id) if ready else [])
    datasets, spec = [], []
    for item, one in zip(items, finished, strict=True):
        if one is not None:
            datasets.append(_noted(next(added), item))
            continue
        dataset = _noted(_promised(session, history_id, job, item), item)
        spec.append({"dataset": dataset.id, "url": item.url, "ext": item.ext, "name": item.name})
        datasets.append(dataset)
    job.spec = {"fetch": spec}
    return datasets


def _promised(session: Session, history_id: str, job: Job, item: Item) -> Dataset:
    dataset = promise_dataset(
        session, history_id, name=item.name, ext="data", state=DatasetState.QUEUED, creating_job_id=job.id
    )
    dataset.genome_build, dataset.tags = item.dbkey, list(item.tags)
    return dataset


def _noted(dataset: Dataset, item: Item) -> Dataset:
    if item.info is not None and dataset.info is None:
        dataset.info = item.info
    return dataset


def _collections(
    session: Session, history_id: str, job: Job, request: UploadRequest, datasets: Sequence[Dataset]
) -> list[Collection]:
    made, position = [], 0
    for target in request.targets:
        members = datasets[position : position + len(target.items)]
        position += len(target.items)
        if target.collection is None:
            continue
        for dataset in members:
            dataset.visible = False
        elements = list(zip([item.name for item in target.items], members, strict=True))
        made.append(
            add_collection(session, history_id, elements, name=target.collection, creating_job_id=job.id)
        )
    return made


def _record_outputs(
    session: Session, job: Job, datasets: Sequence[Dataset], collections: Sequence[Collection]
) -> None:
    session.add_all(
        JobOutput(job_id=job.id, position=index, name=f"output{index}", dataset_id=dataset.id)
        for index, dataset in enumerate(datasets)
    )
    session.add_all(
        JobOutput(job_id=job.id, position=len(datasets) + i, name=f"output_collection{i}", collection_id=c.id)
        for i, c in enumerate(collections)
    )
    session.flush()


def _reference(job: Job) -> JobReference:
    return JobReference(
        id=job.id,
        state=job.state.value,
        tool_id=job.tool_id,
        history_id=job.history_id,
        exit_code=job.exit_code,
        create_time=job.create_time.isoformat(),
        update_time=job.update_time.isoformat(),
    )
