"""From a call of `run_jupyter_job` to a job on record with promised outputs. What is wrong is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from perijove.core.errors import BadRequestError, ConflictError, NotFoundError
from perijove.core.states import DatasetState, JobState
from perijove.histories.context import Account
from perijove.histories.database import Database
from perijove.histories.services import code_check, datasets
from perijove.histories.services.access import may_read_dataset
from perijove.histories.services.engine_choice import choose_engine
from perijove.histories.services.job_inputs import JobInputs, check_paths_differ, clean_path, parse_inputs
from perijove.histories.services.job_outputs import OUTPUTS, TOOL_ID, TOOL_VERSION
from perijove.histories.services.offer import Offer
from perijove.histories.store.files import FileStore, storage_errors
from perijove.histories.store.models import Dataset, History, Job, JobInput, JobOutput

CODE_INPUT = "select_file"
DATA_INPUT = "inputs"


@dataclass(frozen=True, kw_only=True)
class _Given:
    """A dataset that the job reads, as it stood when it was looked up."""

    dataset_id: str
    name: str
    ext: str
    digest: str
    size: int
    path: str | None = None


def submit_job(
    database: Database,
    files: FileStore,
    offer: Offer,
    account: Account,
    *,
    history_id: str,
    inputs: dict[str, Any],
    linked: Callable[[str], object] = lambda _owner: None,
) -> str:
    """Put the job on record and return its id; the same `submission_id` gives the same job.

    Raises BadRequestError (and TooLargeError) for whatever could not run, NotFoundError and ConflictError for
    a history that is not the user's or is deleted. `linked` says of a user's name whether they may send jobs
    to a Galaxy.
    """
    parsed = parse_inputs(inputs)
    chosen = choose_engine(parsed, offer, account, linked)
    with database.read() as session:
        known = _submitted_before(session, account, parsed)
        if known is not None:
            return known
        _check_history(session, account, history_id)
        code, data = _look_up(session, account, parsed)
    kind = code_check.code_kind(code.name, code.ext)
    _check_code(files, code, kind)
    job = Job(
        submission_id=parsed.submission_id,
        user_id=account.id,
        history_id=history_id,
        tool_id=TOOL_ID,
        tool_version=TOOL_VERSION,
        name=parsed.name or code.name[:255],
        state=JobState.NEW,
        params=inputs,
        spec=_spec(parsed, code, data, code_check.code_file_name(code.name, kind)) | chosen.spec,
        engine=chosen.engine,
        resources=chosen.resources.model_dump() if chosen.resources else {},
        network=chosen.network,
        time_limit=parsed.time_limit,
    )
    return _record(database, job, code, data)


def _submitted_before(session: Session, account: Account, parsed: JobInputs) -> str | None:
    if parsed.submission_id is None:
        return None
    query = select(Job.id).where(Job.user_id == account.id, Job.submission_id == parsed.submission_id)
    return session.scalar(query)


def _check_history(session: Session, account: Account, history_id: str) -> None:
    history = session.get(History, history_id)
    if history is None or history.user_id != account.id:
        raise NotFoundError("There is no such history of yours.", advice="Create one, or choose another.")
    if history.deleted or history.purged:
        raise ConflictError("This history is deleted.", advice="Undelete it, or choose another.")


def _look_up(session: Session, account: Account, parsed: JobInputs) -> tuple[_Given, list[_Given]]:
    wanted = parsed.files()
    ids = {parsed.select_file.id, *(file.id for file in wanted)}
    rows = _datasets(session, account, sorted(ids))
    code = _usable(rows, parsed.select_file.id)
    data = []
    for file in wanted:
        given = _usable(rows, file.id)
        data.append(_at(given, file.path if file.path is not None else clean_path(given.name)))
    check_paths_differ([str(given.path) for given in data])
    return code, data


def _datasets(session: Session, account: Account, ids: list[str]) -> dict[str, Dataset]:
    """Those of `ids` that the account may read."""
    found: dict[str, Dataset] = {}
    for start in range(0, len(ids), 500):
        rows = session.scalars(select(Dataset).where(Dataset.id.in_(ids[start : start + 500])))
        found.update({row.id: row for row in rows if may_read_dataset(account, row)})
    return found


def _usable(rows: dict[str, Dataset], dataset_id: str) -> _Given:
    dataset = rows.get(dataset_id)
    if dataset is None:
        raise BadRequestError(
            f"There is no dataset {dataset_id} that you may read.", advice="Check the id, or ask its owner."
        )
    label = f"The dataset {dataset.hid} ({dataset.name[:80]!r})"
    if dataset.purged or dataset.deleted:
        done = "purged" if dataset.purged else "deleted"
        raise BadRequestError(f"{label} is {done}.", advice="Choose another, or undelete it.")
    if dataset.state is not DatasetState.OK or dataset.digest is None:
        raise BadRequestError(
            f"{label} is not ready: its state is {dataset.state}.",
            advice="Wait until it is ok, or choose another.",
        )
    return _Given(
        dataset_id=dataset.id, name=dataset.name, ext=dataset.ext, digest=dataset.digest, size=dataset.size
    )


def _at(given: _Given, path: str) -> _Given:
    return _Given(
        dataset_id=given.dataset_id,
        name=given.name,
        ext=given.ext,
        digest=given.digest,
        size=given.size,
        path=path,
    )


def _check_code(files: FileStore, code: _Given, kind: code_check.CodeKind) -> None:
    code_check.check_size(code.size)
    with storage_errors():
        content = files.path(code.digest).read_bytes()
    code_check.check_code(content, kind)


def _spec(parsed: JobInputs, code: _Given, data: list[_Given], code_name: str) -> dict[str, Any]:
    return {
        "code": {"name": code_name, "digest": code.digest, "dataset": code.dataset_id},
        "inputs": [
            {"path": given.path, "name": given.name, "digest": given.digest, "dataset": given.dataset_id}
            for given in data
        ],
        "parameters": parsed.parameters,
        "kernel": parsed.kernel,
    }


def _record(database: Database, job: Job, code: _Given, data: list[_Given]) -> str:
    """Write the job and its promised outputs, unless the same submission was faster."""
    submission = (job.user_id, job.submission_id)
    try:
        with database.write() as session:
            session.add(job)
            session.flush()
            session.add_all(_input_rows(job.id, code, data))
            _promise_outputs(session, job)
            return job.id
    except IntegrityError:
        with database.read() as session:
            query = select(Job.id).where(Job.user_id == submission[0], Job.submission_id == submission[1])
            known = session.scalar(query) if submission[1] is not None else None
        if known is None:
            raise
        return known


def _input_rows(job_id: str, code: _Given, data: list[_Given]) -> list[JobInput]:
    rows = [JobInput(job_id=job_id, position=0, name=CODE_INPUT, dataset_id=code.dataset_id)]
    for index, given in enumerate(data):
        name = f"{DATA_INPUT}_{index}"
        rows.append(
            JobInput(
                job_id=job_id, position=index + 1, name=name, path=given.path, dataset_id=given.dataset_id
            )
        )
    return rows


def _promise_outputs(session: Session, job: Job) -> None:
    for position, output in enumerate(OUTPUTS):
        row = JobOutput(job_id=job.id, position=position, name=output.name)
        name = f"{job.name}: {output.label.lower()}"
        if output.kind == "dataset":
            promised = datasets.promise_dataset(
                session, job.history_id, name=name, ext=output.ext, creating_job_id=job.id
            )
            row.dataset_id = promised.id
        else:
            collection = datasets.add_collection(
                session, job.history_id, [], name=name, creating_job_id=job.id
            )
            row.collection_id = collection.id
        session.add(row)
