"""The datasets that a job is given, looked up: what is there, and what another job is to make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from sqlalchemy import select
from sqlalchemy.orm import Session

from perijove.core.errors import BadRequestError
from perijove.core.states import DatasetState
from perijove.histories.context import Account
from perijove.histories.services.access import may_read_dataset, readable_collection
from perijove.histories.services.job_inputs import (
    InputFile,
    JobInputs,
    check_paths_differ,
    clean_path,
)
from perijove.histories.services.promises import Promise
from perijove.histories.store.models import Collection, CollectionElement, Dataset, Job, JobOutput


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a job reads, as it stood when it was looked up: a dataset's content, or a promise of one."""

    name: str
    ext: str = "data"
    dataset_id: str | None = None
    collection_id: str | None = None
    digest: str | None = None
    size: int = 0
    path: str | None = None
    awaits: Promise | None = None


Coming = Mapping[str, Promise]
"""Datasets and collections that will be promised together with this job, by their ids."""


def look_up(
    session: Session, account: Account, parsed: JobInputs, coming: Coming | None = None
) -> tuple[Given, list[Given]]:
    """The code and the data. BadRequestError for what the account may not read or no job can."""
    looking = _Looking(session, account, coming or {})
    wanted = parsed.files()
    looking.fetch({parsed.select_file.id, *(file.id for file in wanted if file.src == "hda")})
    code = looking.code(parsed.select_file.id)
    data = [looking.file(file) for file in wanted]
    check_paths_differ([str(given.path) for given in data])
    return code, data


class _Looking:
    def __init__(self, session: Session, account: Account, coming: Coming) -> None:
        self._session, self._account, self._coming = session, account, coming
        self._rows: dict[str, Dataset] = {}

    def fetch(self, ids: set[str]) -> None:
        """Those of the datasets that the account may read."""
        wanted = sorted(ids)
        for start in range(0, len(wanted), 500):
            query = select(Dataset).where(Dataset.id.in_(wanted[start : start + 500]))
            rows = self._session.scalars(query)
            self._rows.update({row.id: row for row in rows if may_read_dataset(self._account, row)})

    def code(self, dataset_id: str) -> Given:
        """The notebook or script, which must be there already."""
        return _ready(self._row(dataset_id))

    def file(self, wanted: InputFile) -> Given:
        """One input with its path."""
        given = self._element(wanted) if wanted.src == "hdca" else self._dataset(wanted.id)
        path = wanted.path if wanted.path is not None else clean_path(given.name)
        return replace(given, path=path)

    def _dataset(self, dataset_id: str) -> Given:
        if (promise := self._coming.get(dataset_id)) is not None:
            return Given(name=promise.output, dataset_id=dataset_id, awaits=promise)
        dataset = self._row(dataset_id)
        maker = self._unfinished(dataset.creating_job_id)
        if maker is None or dataset.deleted or dataset.state is DatasetState.OK:
            return _ready(dataset)
        output = self._session.scalar(
            select(JobOutput.name).where(JobOutput.job_id == maker.id, JobOutput.dataset_id == dataset.id)
        )
        if output is None:
            return _ready(dataset)
        promise = Promise(job=maker.id, output=output)
        return Given(name=dataset.name, ext=dataset.ext, dataset_id=dataset.id, awaits=promise)

    def _element(self, wanted: InputFile) -> Given:
        element = str(wanted.element)
        name = PurePosixPath(element).name or element
        if (coming := self._coming.get(wanted.id)) is not None:
            return Given(name=name, collection_id=wanted.id, awaits=replace(coming, element=element))
        collection = readable_collection(self._session, self._account, wanted.id)
        maker = self._unfinished(collection.creating_job_id)
        if maker is None:
            return self._element_there(collection, element)
        output = self._session.scalar(
            select(JobOutput.name).where(
                JobOutput.job_id == maker.id, JobOutput.collection_id == collection.id
            )
        )
        promise = Promise(job=maker.id, output=str(output), element=element)
        return Given(name=name, collection_id=collection.id, awaits=promise)

    def _element_there(self, collection: Collection, element: str) -> Given:
        row = self._session.scalar(
            select(CollectionElement).where(
                CollectionElement.collection_id == collection.id, CollectionElement.identifier == element
            )
        )
        if row is None or row.dataset is None:
            raise BadRequestError(
                f"The collection {collection.hid} ({collection.name[:80]!r}) "
                f"has no element {element[:100]!r}.",
                advice="Look at what it holds; names are paths below outputs/.",
            )
        return _ready(row.dataset)

    def _row(self, dataset_id: str) -> Dataset:
        dataset = self._rows.get(dataset_id)
        if dataset is None:
            raise BadRequestError(
                f"There is no dataset {dataset_id} that you may read.",
                advice="Check the id, or ask its owner.",
            )
        return dataset

    def _unfinished(self, job_id: str | None) -> Job | None:
        """The account's own job, if it has not ended."""
        job = self._session.get(Job, job_id) if job_id is not None else None
        return job if job is not None and job.user_id == self._account.id and not job.state.final else None


def _ready(dataset: Dataset) -> Given:
    label = f"The dataset {dataset.hid} ({dataset.name[:80]!r})"
    if dataset.purged or dataset.deleted:
        done = "purged" if dataset.purged else "deleted"
        raise BadRequestError(f"{label} is {done}.", advice="Choose another, or undelete it.")
    if dataset.state is not DatasetState.OK or dataset.digest is None:
        raise BadRequestError(
            f"{label} is not ready: its state is {dataset.state}.",
            advice="Wait until it is ok, or choose another.",
        )
    return Given(
        dataset_id=dataset.id, name=dataset.name, ext=dataset.ext, digest=dataset.digest, size=dataset.size
    )
