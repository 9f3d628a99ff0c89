"""An ended job's outputs enter its history: all of them, with the job's final state, in one transaction.

    files.holding():        nothing is swept meanwhile
        take in             each file is hashed, fsynced and renamed; it stays in the job directory too
        one transaction     the job is claimed (only while it is not final), then filled in

A crash before the commit leaves the job as it was: the loop publishes it again. A crash after it leaves a
final job, which nothing publishes. So outputs appear exactly once.

What a job promised and did not produce: of a job that is `ok`, the dataset is marked deleted and hidden; of a
failed job it is in state `error` with the reason; of a cancelled job it is deleted. Collections stay, empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from perijove.core.errors import BadRequestError, QuotaExceededError
from perijove.core.resources import format_size
from perijove.core.settings import Settings
from perijove.core.states import JobState
from perijove.histories.database import Database
from perijove.histories.services import datasets, quotas
from perijove.histories.services.datasets import FinishedFile, NewDataset
from perijove.histories.services.job_directory import read_below, write_whole
from perijove.histories.services.job_outputs import ARRAYS, EXECUTED, FILES, MODELS, REPORT
from perijove.histories.services.manifest import Manifest, Output
from perijove.histories.services.outcome import Outcome
from perijove.histories.store.bulk import ingest_all
from perijove.histories.store.files import FileStore, storage_errors
from perijove.histories.store.models import Collection, Dataset, Job, JobOutput
from perijove.histories.store.types import utcnow

MAX_REPORT = 64 * 2**20
UNFINISHED = (JobState.NEW, JobState.PAUSED, JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """All that is known of an ended job. `left_out`: outputs that could not be taken, and why."""

    job_id: str
    directory: Path
    outcome: Outcome
    outputs: Sequence[Output] = ()
    manifest: Manifest | None = None
    exit_code: int | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    progress: dict[str, Any] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class _Taken:
    output: Output
    finished: FinishedFile


def check_room(database: Database, settings: Settings, ended: Ended) -> None:
    """QuotaExceededError, to be tried again, where the outputs do not fit in what their user may keep."""
    sizes = [_size(ended.directory / output.path) for output in ended.outputs]
    with database.read() as session:
        user_id = session.scalars(select(Job.user_id).where(Job.id == ended.job_id)).one()
        allowed = quotas.limit(session, user_id, settings)
        used = quotas.usage(session, user_id) if allowed else 0
    if allowed and used + sum(sizes) > allowed:
        raise QuotaExceededError(
            f"The outputs take {format_size(sum(sizes))}; "
            f"you keep {format_size(used)} of {format_size(allowed)}.",
            advice="Purge datasets that you no longer need: the outputs appear as soon as there is room.",
            retry=True,
        )


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def publish(database: Database, files: FileStore, ended: Ended) -> bool:
    """Publish `ended`; False where the job was final already, and nothing was changed.

    Raises StorageError (disk full, database away): nothing was changed, try again.
    """
    with files.holding():
        taken = _take_in(files, ended)
        report = _report(files, ended)
        with database.write() as session:
            job = _claim(session, ended)
            if job is None:
                return False
            _fill(session, job, ended, [*taken, report])
            return True


def _take_in(files: FileStore, ended: Ended) -> list[_Taken]:
    """Every output that is a plain file where it says; the others are told in `ended.left_out`."""
    # Not the report: it is made here, so that there is one also where the runner could write none.
    outputs = [output for output in ended.outputs if output.role != REPORT.role]
    sources = [ended.directory / output.path for output in outputs]
    taken = []
    for output, content in zip(outputs, ingest_all(files, sources, within=ended.directory), strict=True):
        if isinstance(content, BadRequestError):
            ended.left_out.append(f"{output.name[:200]}: {content.message}")
            continue
        name = PurePosixPath(output.name).name or output.name
        finished = datasets.described(files, content, name=name, ext=output.ext)
        taken.append(_Taken(output=output, finished=finished))
    return taken


def _report(files: FileStore, ended: Ended) -> _Taken:
    """The report: how the job ended, what was not saved and why, the outputs' metadata, the provenance."""
    path = ended.directory / "report.json"
    with storage_errors():  # a new file each time: the store links the one that it took in
        write_whole(path, json.dumps(_report_content(ended), indent=1, default=str).encode())
    output = Output(name="report.json", file="report.json", ext="json", role="report")
    return _Taken(output=output, finished=datasets.take_in(files, path, name=output.name, ext="json"))


def _report_content(ended: Ended) -> dict[str, Any]:
    """What the runner reported, if it did, and what only the platform knows."""
    manifest = ended.manifest
    return {
        "version": 1,
        "unsaved": manifest.unsaved if manifest else [],
        "provenance": manifest.provenance if manifest else {},
        **_runners_report(ended),
        "job": ended.job_id,
        "state": str(ended.outcome.state),
        "error": ended.outcome.error.model_dump() if ended.outcome.error else None,
        "left_out": ended.left_out,
        "usage": ended.metrics,
    }


def _runners_report(ended: Ended) -> dict[str, Any]:
    paths = [output.path for output in ended.outputs if output.role == REPORT.role]
    text = read_below(ended.directory, paths[0], limit=MAX_REPORT) if paths else None
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _claim(session: Session, ended: Ended) -> Job | None:
    """Make the job final; None where somebody did so before."""
    claimed = session.execute(
        update(Job)
        .where(Job.id == ended.job_id, Job.state.in_(UNFINISHED))
        .values(state=ended.outcome.state, end_time=utcnow(), update_time=utcnow())
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    return session.get(Job, claimed) if claimed else None


def _fill(session: Session, job: Job, ended: Ended, taken: Sequence[_Taken]) -> None:
    _describe(job, ended)
    rows = session.scalars(select(JobOutput).where(JobOutput.job_id == job.id)).all()
    promised = {row.name: row for row in rows}
    if job.history.purged:
        _give_up(session, promised.values(), "The history was purged while the job ran.", discarded=True)
        return
    rest = list(taken)
    for name, role in (
        (EXECUTED.name, EXECUTED.role),
        (ARRAYS.name, ARRAYS.role),
        (REPORT.name, REPORT.role),
    ):
        rest = _fill_dataset(session, promised[name].dataset, role, rest)
    _fill_collections(session, job, promised, rest)
    _settle(session, promised.values(), ended.outcome)


def _describe(job: Job, ended: Ended) -> None:
    error = ended.outcome.error
    job.exit_code = ended.exit_code
    job.error = error.model_dump() if error else None
    job.metrics = ended.metrics
    job.progress = ended.progress
    job.provenance = ended.manifest.provenance if ended.manifest else {}
    job.unsaved = ended.manifest.unsaved if ended.manifest else []
    job.reason = None
    job.position = None


def _fill_dataset(
    session: Session, dataset: Dataset | None, role: str, taken: Sequence[_Taken]
) -> list[_Taken]:
    """Fill the promised dataset with the first output of this role; returns the others."""
    first = next((one for one in taken if one.output.role == role and one.output.collection is None), None)
    if first is None or dataset is None:
        return list(taken)
    if not dataset.purged:
        datasets.fill_dataset(
            session, dataset, first.finished, metadata=datasets.plain_metadata(first.output.metadata)
        )
    return [one for one in taken if one is not first]


def _fill_collections(
    session: Session, job: Job, promised: dict[str, JobOutput], taken: Sequence[_Taken]
) -> None:
    """Single models and loose files go to the promised collections; a model of several files gets its own."""
    groups: dict[str, list[_Taken]] = {MODELS.name: [], FILES.name: []}
    own: dict[str, list[_Taken]] = {}
    for one in taken:
        if one.output.role == MODELS.role and one.output.collection is not None:
            own.setdefault(one.output.collection, []).append(one)
        else:
            groups[MODELS.name if one.output.role == MODELS.role else FILES.name].append(one)
    for name, members in groups.items():
        collection = promised[name].collection
        if members and collection is not None:
            _extend(session, job, collection, members)
    for index, (name, members) in enumerate(own.items()):
        collection = datasets.add_collection(session, job.history_id, [], name=name, creating_job_id=job.id)
        _extend(session, job, collection, members)
        row = JobOutput(job_id=job.id, position=len(promised) + index, name=name[:255])
        row.collection_id = collection.id
        session.add(row)


def _extend(session: Session, job: Job, collection: Collection, members: Sequence[_Taken]) -> None:
    items = [
        NewDataset(
            one.finished,
            one.output.name,
            visible=False,
            metadata=datasets.plain_metadata(one.output.metadata),
        )
        for one in members
    ]
    added = datasets.add_datasets(session, job.history_id, items, creating_job_id=job.id)
    names = _distinct(one.output.identifier for one in members)
    datasets.extend_collection(session, collection, list(zip(names, added, strict=True)))


def _distinct(identifiers: Iterable[str]) -> list[str]:
    """The identifiers, a number appended where one is there twice."""
    seen: set[str] = set()
    names = []
    for identifier in identifiers:
        name, number = identifier, 1
        while name in seen:
            number += 1
            name = f"{identifier[:1000]} ({number})"
        seen.add(name)
        names.append(name)
    return names


def _settle(session: Session, rows: Iterable[JobOutput], outcome: Outcome) -> None:
    """Say of every promised dataset that was not filled what became of it."""
    if outcome.state is JobState.ERROR:
        why = outcome.error.message if outcome.error else "The job failed."
        _give_up(session, rows, why, discarded=False)
        return
    why = "The job was cancelled." if outcome.state is JobState.DELETED else "The job produced none."
    for dataset in _unfilled(rows):
        datasets.fail_dataset(session, dataset, why, discarded=True)
        dataset.deleted = True
        dataset.visible = outcome.state is JobState.DELETED


def _give_up(session: Session, rows: Iterable[JobOutput], why: str, *, discarded: bool) -> None:
    for dataset in _unfilled(rows):
        datasets.fail_dataset(session, dataset, why, discarded=discarded)


def _unfilled(rows: Iterable[JobOutput]) -> list[Dataset]:
    found = [row.dataset for row in rows if row.dataset is not None]
    return [dataset for dataset in found if not dataset.state.final]
