"""From a call of `run_jupyter_job` to a job on record with promised outputs. What is wrong is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from perijove.core.errors import ConflictError, NotFoundError
from perijove.core.states import JobState
from perijove.histories.context import Account
from perijove.histories.database import Database
from perijove.histories.services import code_check, datasets
from perijove.histories.services.engine_choice import Chosen, choose_engine
from perijove.histories.services.job_environment import environment_for
from perijove.histories.services.job_given import Given, look_up
from perijove.histories.services.job_inputs import JobInputs, parse_inputs
from perijove.histories.services.job_outputs import OUTPUTS, TOOL_ID, TOOL_VERSION
from perijove.histories.services.offer import Offer
from perijove.histories.services.remapping import remap
from perijove.histories.store.files import FileStore, storage_errors
from perijove.histories.store.ids import new_id
from perijove.histories.store.models import History, Job, JobInput, JobOutput

CODE_INPUT = "select_file"
DATA_INPUT = "inputs"


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
        check_history(session, account, history_id)
        code, data = look_up(session, account, parsed)
    job = make_job(files, account, parsed, chosen, code, data, history_id=history_id, params=inputs)
    return _record_once(database, account, job, code, data, parsed.rerun_remap_job_id)


def make_job(
    files: FileStore,
    account: Account,
    parsed: JobInputs,
    chosen: Chosen,
    code: Given,
    data: list[Given],
    *,
    history_id: str,
    params: dict[str, Any],
) -> Job:
    """The job, not on record yet. BadRequestError and TooLargeError for code that cannot run."""
    kind = code_check.code_kind(code.name, code.ext)
    kernel = code_check.notebook_kernel(_checked_code(files, code, kind), kind)
    environment = environment_for(
        parsed.kernel, kernel, chosen.environments, on_galaxy=chosen.engine == "galaxy"
    )
    return Job(
        id=new_id(),
        submission_id=parsed.submission_id,
        user_id=account.id,
        history_id=history_id,
        tool_id=TOOL_ID,
        tool_version=TOOL_VERSION,
        name=parsed.name or code.name[:255],
        state=JobState.NEW,
        params=params,
        spec=_spec(parsed, code, data, code_check.code_file_name(code.name, kind))
        | _runs_in(environment)
        | chosen.spec,
        engine=chosen.engine,
        resources=chosen.resources.model_dump() if chosen.resources else {},
        network=chosen.network,
        time_limit=parsed.time_limit,
    )


def _submitted_before(session: Session, account: Account, parsed: JobInputs) -> str | None:
    if parsed.submission_id is None:
        return None
    query = select(Job.id).where(Job.user_id == account.id, Job.submission_id == parsed.submission_id)
    return session.scalar(query)


def check_history(session: Session, account: Account, history_id: str) -> None:
    """NotFoundError or ConflictError for a history that no job's outputs can enter."""
    history = session.get(History, history_id)
    if history is None or history.user_id != account.id:
        raise NotFoundError("There is no such history of yours.", advice="Create one, or choose another.")
    if history.deleted or history.purged:
        raise ConflictError("This history is deleted.", advice="Undelete it, or choose another.")


def _checked_code(files: FileStore, code: Given, kind: code_check.CodeKind) -> bytes:
    code_check.check_size(code.size)
    with storage_errors():
        content = files.path(str(code.digest)).read_bytes()
    code_check.check_code(content, kind)
    return content


def _runs_in(environment: str) -> dict[str, Any]:
    """An environment runs the job as a whole: the kernel in it is its own."""
    return {"environment": environment, "kernel": None} if environment else {}


def _spec(parsed: JobInputs, code: Given, data: list[Given], code_name: str) -> dict[str, Any]:
    return {
        "code": {"name": code_name, "digest": code.digest, "dataset": code.dataset_id},
        "inputs": [
            {
                "path": given.path,
                "name": given.name,
                "digest": given.digest,
                "dataset": given.dataset_id if given.awaits is None else None,
                "awaits": given.awaits.to_json() if given.awaits is not None else None,
            }
            for given in data
        ],
        "parameters": parsed.parameters,
        "kernel": parsed.kernel,
    }


def _record_once(
    database: Database, account: Account, job: Job, code: Given, data: list[Given], replaced: str | None
) -> str:
    """Write the job and its promised outputs, unless the same submission was faster."""
    submission = (job.user_id, job.submission_id)
    try:
        with database.write() as session:
            record(session, job, code, data)
            if replaced is not None:
                remap(session, account, replaced, job)
            return job.id
    except IntegrityError:
        with database.read() as session:
            query = select(Job.id).where(Job.user_id == submission[0], Job.submission_id == submission[1])
            known = session.scalar(query) if submission[1] is not None else None
        if known is None:
            raise
        return known


def record(
    session: Session, job: Job, code: Given, data: list[Given], outputs: Mapping[str, str] | None = None
) -> None:
    """Write the job and its promised outputs. `outputs`: their ids by output name, else new ones."""
    session.add(job)
    session.flush()
    session.add_all(_input_rows(job.id, code, data))
    _promise_outputs(session, job, outputs or {})
    session.flush()


def _input_rows(job_id: str, code: Given, data: list[Given]) -> list[JobInput]:
    rows = [JobInput(job_id=job_id, position=0, name=CODE_INPUT, dataset_id=code.dataset_id)]
    for index, given in enumerate(data):
        name = f"{DATA_INPUT}_{index}"
        rows.append(
            JobInput(
                job_id=job_id,
                position=index + 1,
                name=name,
                path=given.path,
                dataset_id=given.dataset_id,
                collection_id=given.collection_id,
            )
        )
    return rows


def _promise_outputs(session: Session, job: Job, ids: Mapping[str, str]) -> None:
    for position, output in enumerate(OUTPUTS):
        row = JobOutput(job_id=job.id, position=position, name=output.name)
        name = f"{job.name}: {output.label.lower()}"
        if output.kind == "dataset":
            promised = datasets.promise_dataset(
                session,
                job.history_id,
                name=name,
                ext=output.ext,
                creating_job_id=job.id,
                id=ids.get(output.name),
            )
            row.dataset_id = promised.id
        else:
            collection = datasets.add_collection(
                session, job.history_id, [], name=name, creating_job_id=job.id, id=ids.get(output.name)
            )
            row.collection_id = collection.id
        session.add(row)
