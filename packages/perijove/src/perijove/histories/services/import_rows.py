"""An archive's history as rows: everything in one transaction, under ids of our own.

Numbers (hids) are kept. Where an archive gives one twice, the second gets a new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from perijove.core.errors import BadRequestError, TooLargeError
from perijove.core.states import DatasetState
from perijove.histories.archives.content import (
    ArchivedCollection,
    ArchivedDataset,
    ArchivedElement,
    ArchivedHistory,
)
from perijove.histories.datatypes import registry
from perijove.histories.services import import_jobs
from perijove.histories.services.datasets import (
    MAX_ELEMENTS,
    FinishedFile,
    check_identifiers,
    plain_metadata,
    record_contents,
    set_content,
    shorten,
)
from perijove.histories.services.histories import UNNAMED
from perijove.histories.store.ids import new_id
from perijove.histories.store.models import Collection, CollectionElement, Dataset, History
from perijove.histories.store.types import utcnow

_WITHOUT_CONTENT = {"error": DatasetState.ERROR, "empty": DatasetState.EMPTY}


def add_history(
    session: Session, user_id: str, archived: ArchivedHistory, finished: Mapping[str, FinishedFile]
) -> History:
    """The history with all it holds. `finished`: the contents in the store by their paths in the archive."""
    record_contents(session, [one.content for one in finished.values()])
    created = archived.created or utcnow()
    history = History(
        id=new_id(),
        user_id=user_id,
        name=shorten(" ".join(archived.name.split())) or UNNAMED,
        annotation=archived.annotation,
        tags=list(archived.tags),
        create_time=created,
        update_time=utcnow(),
    )
    session.add(history)
    session.flush()
    _Import(session, history, archived, finished).run()
    return history


@dataclass
class _Numbers:
    """Numbers of a history: those asked for where they are free, else the next."""

    last: int
    taken: set[int] = field(default_factory=set)

    def take(self, wanted: int | None) -> int:
        if wanted is None or wanted in self.taken:
            self.last += 1
            wanted = self.last
        self.last = max(self.last, wanted)
        self.taken.add(wanted)
        return wanted


class _Import:
    def __init__(
        self,
        session: Session,
        history: History,
        archived: ArchivedHistory,
        finished: Mapping[str, FinishedFile],
    ) -> None:
        self._session, self._history, self._archived, self._finished = session, history, archived, finished
        known = {one.hid or 0 for one in archived.datasets} | {one.hid or 0 for one in archived.collections}
        self._numbers = _Numbers(max(known | {archived.last_hid}))
        self._datasets: dict[str, str] = {}
        self._collections: dict[str, str] = {}

    def run(self) -> None:
        wanted = self._wanted()
        self._datasets = {one.key: new_id() for one in wanted}
        self._collections = {one.key: new_id() for one in self._archived.collections}
        makers = self._jobs()
        self._session.add_all([self._dataset(one, makers.get(one.key)) for one in wanted])
        self._session.flush()
        for collection in self._archived.collections:
            self._collection(collection, makers.get(collection.key))
        self._history.hid_counter = self._numbers.last
        self._session.flush()
        self._links()

    def _wanted(self) -> list[ArchivedDataset]:
        """What becomes a dataset: the history's own, and those of others that a collection holds."""
        within = {key for one in self._archived.collections for key in _leaves(one.elements)}
        found = {one.key: one for one in self._archived.datasets if not one.foreign or one.key in within}
        return sorted(found.values(), key=lambda one: (one.foreign, one.hid or 2**62))

    def _jobs(self) -> dict[str, str]:
        """The rows of the jobs; the id of the job that made each dataset and collection, by its key."""
        makers: dict[str, str] = {}
        self._job_ids: list[str] = []
        for archived in self._archived.jobs:
            row = import_jobs.job_row(
                archived,
                user_id=self._history.user_id,
                history_id=self._history.id,
                datasets=self._datasets,
                collections=self._collections,
            )
            row.id = new_id()
            self._job_ids.append(row.id)
            self._session.add(row)
            makers |= {link.key: row.id for link in archived.outputs}
        self._session.flush()
        return makers

    def _links(self) -> None:
        for archived, job_id in zip(self._archived.jobs, self._job_ids, strict=True):
            self._session.add_all(import_jobs.link_rows(archived, job_id, self._datasets, self._collections))
        self._session.flush()

    def _dataset(self, archived: ArchivedDataset, maker: str | None) -> Dataset:
        created = archived.created or utcnow()
        dataset = Dataset(
            id=self._datasets[archived.key],
            history_id=self._history.id,
            hid=self._numbers.take(None if archived.foreign else archived.hid),
            name=shorten(archived.name) or "dataset",
            annotation=archived.annotation,
            tags=list(archived.tags),
            visible=archived.visible and not archived.foreign,
            deleted=archived.deleted,
            genome_build=archived.genome_build[:64] or "?",
            creating_job_id=maker,
            copied_from_id=self._datasets.get(archived.copied_from or ""),
        )
        finished = self._finished.get(archived.path or "")
        if finished is None:
            _without_content(dataset, archived)
        else:
            set_content(dataset, finished, plain_metadata(archived.metadata))
            if archived.state == "error":
                dataset.state = DatasetState.ERROR
            dataset.info = dataset.info or archived.info or None
        dataset.create_time, dataset.update_time = created, archived.updated or created
        return dataset

    def _collection(self, archived: ArchivedCollection, maker: str | None) -> None:
        collection = Collection(
            id=self._collections[archived.key],
            history_id=self._history.id,
            hid=self._numbers.take(archived.hid),
            name=shorten(archived.name) or "collection",
            annotation=archived.annotation,
            tags=list(archived.tags),
            visible=archived.visible,
            deleted=archived.deleted,
            collection_type=archived.collection_type,
            element_count=len(archived.elements),
            creating_job_id=maker,
        )
        self._session.add(collection)
        self._session.flush()
        elements = list(self._elements(collection, archived.elements, archived.collection_type, None))
        if len(elements) > MAX_ELEMENTS:
            raise TooLargeError(f"A collection may have {MAX_ELEMENTS:,} elements.")
        self._session.add_all(elements)
        self._session.flush()

    def _elements(
        self, collection: Collection, elements: Sequence[ArchivedElement], kind: str, parent: str | None
    ) -> Iterator[CollectionElement]:
        """Groups before what they hold. BadRequestError where the shape does not fit the type."""
        check_identifiers([element.identifier for element in elements])
        inner = kind.partition(":")[2]
        for index, element in enumerate(elements):
            if (element.collection_type or "") != inner:
                raise BadRequestError(
                    f"The archive's collection {collection.name[:80]!r} does not have the shape of a "
                    f"{collection.collection_type}."
                )
            row = CollectionElement(
                id=new_id(),
                collection_id=collection.id,
                parent_id=parent,
                element_index=index,
                identifier=element.identifier,
                collection_type=inner or None,
                dataset_id=None if inner else self._element_dataset(element),
            )
            yield row
            if inner:
                yield from self._elements(collection, element.elements, inner, row.id)

    def _element_dataset(self, element: ArchivedElement) -> str:
        """The element's dataset; one that the archive does not know is there as discarded."""
        key = element.dataset or f"missing {element.key}"
        if key not in self._datasets:
            self._datasets[key] = new_id()
            absent = ArchivedDataset(
                key=key, name=element.identifier, ext="data", state="discarded", visible=False
            )
            self._session.add(self._dataset(absent, None))
            self._session.flush()
        return self._datasets[key]


def _without_content(dataset: Dataset, archived: ArchivedDataset) -> None:
    dataset.ext = registry.normalise(archived.ext)
    dataset.state = _WITHOUT_CONTENT.get(archived.state, DatasetState.DISCARDED)
    dataset.purged = dataset.state is DatasetState.DISCARDED
    dataset.info = archived.info or "Its content was not in the archive."


def _leaves(elements: Sequence[ArchivedElement]) -> Iterator[str]:
    for element in elements:
        if element.dataset is not None:
            yield element.dataset
        yield from _leaves(element.elements)
