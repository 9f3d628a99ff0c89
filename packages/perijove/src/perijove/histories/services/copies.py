"""Copies of datasets and collections: new rows, the same content."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, selectinload

from perijove.core.errors import ConflictError
from perijove.histories.services.hids import take_hids
from perijove.histories.store.ids import new_id
from perijove.histories.store.models import Collection, CollectionElement, Dataset, History, HistoryContent


def copy_datasets(
    session: Session, datasets: Sequence[Dataset], history_id: str, *, visible: bool | None = None
) -> list[Dataset]:
    """Copies in a history, in order. ConflictError for a dataset that was purged or is not done."""
    for dataset in datasets:
        _check(dataset)
    copies = [
        _copied(dataset, history_id, hid, visible)
        for hid, dataset in zip(take_hids(session, history_id, len(datasets)), datasets, strict=True)
    ]
    session.add_all(copies)
    session.flush()
    return copies


def _check(dataset: Dataset) -> None:
    if dataset.purged:
        raise ConflictError(
            f"The dataset {dataset.name!r} was purged.", advice="Nothing of it is left to copy."
        )
    if not dataset.state.final:
        raise ConflictError(
            f"The dataset {dataset.name!r} is not finished yet.",
            advice="Copy it when its state is ok.",
            retry=True,
        )


def _copied(dataset: Dataset, history_id: str, hid: int, visible: bool | None) -> Dataset:
    return Dataset(
        history_id=history_id,
        hid=hid,
        name=dataset.name,
        annotation=dataset.annotation,
        tags=list(dataset.tags),
        visible=dataset.visible if visible is None else visible,
        deleted=dataset.deleted if visible is None else False,
        state=dataset.state,
        ext=dataset.ext,
        digest=dataset.digest,
        size=dataset.size,
        genome_build=dataset.genome_build,
        info=dataset.info,
        blurb=dataset.blurb,
        peek=dataset.peek,
        metadata_json=dict(dataset.metadata_json),
        inspection=dataset.inspection,
        creating_job_id=dataset.creating_job_id,
        copied_from_id=dataset.id,
    )


def copy_collection(session: Session, source: Collection, history_id: str) -> Collection:
    """A copy of a collection; its datasets are copied beside it, hidden."""
    elements = list(session.scalars(elements_of(source)))
    datasets = list({e.dataset.id: e.dataset for e in elements if e.dataset is not None}.values())
    copies = copy_datasets(session, datasets, history_id, visible=False)
    new_ids = {old.id: new.id for old, new in zip(datasets, copies, strict=True)}
    (hid,) = take_hids(session, history_id)
    collection = Collection(
        history_id=history_id,
        hid=hid,
        name=source.name,
        annotation=source.annotation,
        tags=list(source.tags),
        collection_type=source.collection_type,
        element_count=source.element_count,
        creating_job_id=source.creating_job_id,
        copied_from_id=source.id,
    )
    session.add(collection)
    session.flush()
    _copy_elements(session, elements, collection, new_ids)
    return collection


def elements_of(collection: Collection) -> Select[CollectionElement]:
    """The query of a collection's elements with their datasets, groups before what they hold."""
    return (
        select(CollectionElement)
        .where(CollectionElement.collection_id == collection.id)
        .order_by(CollectionElement.parent_id.is_not(None), CollectionElement.element_index)
        .options(selectinload(CollectionElement.dataset))
    )


def _copy_elements(
    session: Session,
    elements: Sequence[CollectionElement],
    collection: Collection,
    dataset_ids: dict[str, str],
) -> None:
    ids = {element.id: new_id() for element in elements}
    parents = {element.id: element.parent_id for element in elements}
    copies = [
        CollectionElement(
            id=ids[element.id],
            collection_id=collection.id,
            parent_id=ids[element.parent_id] if element.parent_id else None,
            element_index=element.element_index,
            identifier=element.identifier,
            dataset_id=dataset_ids.get(element.dataset_id or ""),
            collection_type=element.collection_type,
        )
        for element in sorted(elements, key=lambda e: (_depth(e.id, parents), e.element_index))
    ]
    session.add_all(copies)
    session.flush()


def _depth(element_id: str, parents: dict[str, str | None]) -> int:
    parent = parents[element_id]
    return 0 if parent is None else 1 + _depth(parent, parents)


def copy_contents(session: Session, source: History, target: History, *, deleted_too: bool) -> None:
    """Everything of one history in another, in the same order. What is purged or unfinished stays behind."""
    query = select(HistoryContent).where(HistoryContent.history_id == source.id).order_by(HistoryContent.hid)
    contents = [c for c in session.scalars(query) if deleted_too or not c.deleted]
    datasets = [
        c for c in contents if isinstance(c, Dataset) and c.visible and not c.purged and c.state.final
    ]
    copy_datasets(session, datasets, target.id)
    for content in contents:
        if isinstance(content, Collection) and _complete(session, content):
            copy_collection(session, content, target.id)


def _complete(session: Session, collection: Collection) -> bool:
    elements = session.scalars(elements_of(collection))
    return all(e.dataset is None or (e.dataset.state.final and not e.dataset.purged) for e in elements)
