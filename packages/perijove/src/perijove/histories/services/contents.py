"""What stands in a history: list, show, change, delete, copy. A content is a dataset or a collection."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, with_polymorphic

from perijove.core.errors import BadRequestError, ConflictError, NotFoundError
from perijove.core.states import DatasetState
from perijove.histories.context import Account
from perijove.histories.datatypes import registry
from perijove.histories.schemas.contents import (
    CollectionDetail,
    CollectionSummary,
    ContentUpdate,
    DatasetDetail,
    DatasetSummary,
)
from perijove.histories.services import access, filters
from perijove.histories.services.copies import copy_collection, copy_datasets, elements_of
from perijove.histories.services.purging import purge_datasets
from perijove.histories.services.views import collection_detail, content_summary, dataset_detail
from perijove.histories.store.models import Collection, Dataset, History, HistoryContent, Job
from perijove.histories.store.types import utcnow

Summary = DatasetSummary | CollectionSummary
Detail = DatasetDetail | CollectionDetail
KINDS = ("dataset", "dataset_collection")

_ORDERS: dict[str, filters.Column] = {
    "hid": HistoryContent.hid,
    "name": HistoryContent.name,
    "create_time": HistoryContent.create_time,
    "update_time": HistoryContent.update_time,
    "history_id": HistoryContent.history_id,
    "extension": Dataset.ext,
}
_COLUMNS: dict[str, tuple[filters.Column, filters.Parser]] = {
    "name": (HistoryContent.name, filters.word),
    "annotation": (HistoryContent.annotation, filters.word),
    "hid": (HistoryContent.hid, lambda value: _number(value)),
    "history_id": (HistoryContent.history_id, filters.word),
    "history_content_type": (HistoryContent.kind, filters.word),
    "deleted": (HistoryContent.deleted, filters.truth),
    "visible": (HistoryContent.visible, filters.truth),
    "create_time": (HistoryContent.create_time, filters.moment),
    "update_time": (HistoryContent.update_time, filters.moment),
}
_DATASET_COLUMNS: dict[str, tuple[filters.Column, filters.Parser]] = {
    "extension": (Dataset.ext, filters.word),
    "file_ext": (Dataset.ext, filters.word),
    "genome_build": (Dataset.genome_build, filters.word),
    "state": (Dataset.state, filters.member(DatasetState)),
    "purged": (Dataset.purged, filters.truth),
}


def _number(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) < 16):
        raise BadRequestError(f"{value[:40]!r} is no number.")
    return int(value)


def _special() -> dict[str, Callable[[str], ColumnElement[bool]]]:
    return {
        "tag": lambda value: filters.tagged(HistoryContent.tags, value),
        "tool_id": lambda value: Dataset.creating_job_id.in_(
            select(Job.id).where(Job.tool_id == filters.word(value))
        ),
    }


def list_history(
    session: Session,
    viewer: Account | None,
    history_id: str,
    *,
    kinds: Sequence[str] = KINDS,
    names: Sequence[str] = (),
    values: Sequence[str] = (),
    ids: Sequence[str] = (),
    order: str = "",
    limit: int | None = None,
    offset: int = 0,
) -> list[HistoryContent]:
    """The contents of a history, by number. Others than its owner see no deleted ones."""
    history = access.readable_history(session, viewer, history_id)
    clauses = [HistoryContent.history_id == history.id, HistoryContent.kind.in_(kinds)]
    clauses += filters.conditions(names, values, {**_COLUMNS, **_DATASET_COLUMNS}, _special())
    if ids:
        clauses.append(HistoryContent.id.in_(ids))
    if viewer is None or viewer.id != history.user_id:
        clauses.append(HistoryContent.deleted.is_(False))
    # The conditions name the mapped classes; the ids they pick are then loaded with both kinds' columns.
    contents, datasets = HistoryContent.__table__, Dataset.__table__
    both = contents.outerjoin(datasets, contents.c.id == datasets.c.id)
    picked = select(contents.c.id).select_from(both).where(*clauses)
    orders = filters.ordering(order, _ORDERS, default="hid-asc")
    picked = picked.order_by(*orders).limit(2**53 if limit is None else limit).offset(offset)
    return _loaded(session, picked)


def _loaded(session: Session, picked: Select[str]) -> list[HistoryContent]:
    both = with_polymorphic(HistoryContent, [Dataset, Collection])
    ids = list(session.scalars(picked))
    found: dict[str, HistoryContent] = {}
    for start in range(0, len(ids), 1000):
        query = select(both).where(both.id.in_(ids[start : start + 1000]))
        found |= {content.id: content for content in session.scalars(query)}
    return [found[content_id] for content_id in ids]


def list_datasets(
    session: Session,
    viewer: Account,
    *,
    history_id: str | None = None,
    everybody: bool = False,
    names: Sequence[str] = (),
    values: Sequence[str] = (),
    order: str = "",
    limit: int = 500,
    offset: int = 0,
) -> list[Dataset]:
    """Datasets of one history, or of all of the caller's histories, the newest first."""
    clauses = filters.conditions(names, values, {**_COLUMNS, **_DATASET_COLUMNS}, _special())
    if history_id is not None:
        history = access.readable_history(session, viewer, history_id)
        clauses.append(Dataset.history_id == history_id)
        if history.user_id != viewer.id:
            clauses.append(Dataset.deleted.is_(False))
    elif not (everybody and viewer.admin):
        clauses.append(Dataset.history_id.in_(select(History.id).where(History.user_id == viewer.id)))
    orders = filters.ordering(order, _ORDERS, default="create_time-dsc")
    query = select(Dataset).where(*clauses).order_by(*orders, Dataset.hid.desc())
    return list(session.scalars(query.limit(limit).offset(offset)))


def shown(session: Session, content: HistoryContent, *, detailed: bool) -> Summary | Detail:
    """One content as a list shows it, or with everything."""
    return show(session, content) if detailed else content_summary(content)


def show(session: Session, content: HistoryContent) -> Detail:
    """One content with everything."""
    if isinstance(content, Dataset):
        return dataset_detail(content)
    if not isinstance(content, Collection):  # a kind that a newer version wrote
        raise NotFoundError("There is no such dataset or collection.")
    return collection_detail(content, list(session.scalars(elements_of(content))))


def readable(
    session: Session, viewer: Account | None, content_id: str, history_id: str | None = None
) -> HistoryContent:
    """A dataset or collection that the viewer may read."""
    content = session.get(HistoryContent, content_id)
    if isinstance(content, Collection):
        return access.readable_collection(session, viewer, content_id, history_id)
    return access.readable_dataset(session, viewer, content_id, history_id)


def own(session: Session, account: Account, content_id: str, history_id: str | None = None) -> HistoryContent:
    """A dataset or collection of the caller's own."""
    content = session.get(HistoryContent, content_id)
    if isinstance(content, Collection):
        return access.own_collection(session, account, content_id, history_id)
    return access.own_dataset(session, account, content_id, history_id)


def change(session: Session, content: HistoryContent, request: ContentUpdate) -> Detail:
    """Change what the request names."""
    for name in request.model_fields_set & {"name", "annotation", "tags", "visible"}:
        value = getattr(request, name)
        if value is not None or name == "annotation":
            setattr(content, name, value)
    if isinstance(content, Dataset):
        _change_dataset(content, request)
    if request.purged:
        remove(session, content, purge=True)
    elif request.deleted is not None:
        _set_deleted(content, deleted=request.deleted)
    content.update_time = utcnow()
    session.flush()
    return show(session, content)


def _change_dataset(dataset: Dataset, request: ContentUpdate) -> None:
    if ext := request.datatype or request.file_ext:
        _change_type(dataset, registry.normalise(ext))
    if request.genome_build is not None:
        dataset.genome_build = request.genome_build
    if request.info is not None:
        dataset.info = request.info


def _change_type(dataset: Dataset, ext: str) -> None:
    if not dataset.state.final:
        raise ConflictError(
            "The type cannot be changed before the dataset is finished.", advice="Wait for it.", retry=True
        )
    if ext in registry.AUTO:
        raise BadRequestError("Name the type to set.", advice="/api/datatypes lists them.")
    dataset.ext = ext
    if registry.datatype(ext).inspect and dataset.digest:
        dataset.inspection = "pending"


def _set_deleted(content: HistoryContent, *, deleted: bool) -> None:
    if not deleted and isinstance(content, Dataset) and content.purged:
        raise ConflictError("This dataset was purged: its content is gone.", advice="Upload it again.")
    content.deleted = deleted


def remove(session: Session, content: HistoryContent, *, purge: bool, recursive: bool = False) -> None:
    """Mark as deleted; `purge`: the content goes for good. `recursive`: a collection's datasets too."""
    content.deleted = True
    content.update_time = utcnow()
    session.flush()
    if isinstance(content, Dataset) and purge:
        purge_datasets(session, Dataset.id == content.id)
    if isinstance(content, Collection) and (recursive or purge):
        _remove_elements(session, content, purge=purge)


def _remove_elements(session: Session, collection: Collection, *, purge: bool) -> None:
    datasets = [e.dataset for e in session.scalars(elements_of(collection)) if e.dataset is not None]
    owned = [d for d in datasets if d.history_id == collection.history_id]
    for dataset in owned:
        dataset.deleted = True
    session.flush()
    if purge:
        for start in range(0, len(owned), 500):
            purge_datasets(session, Dataset.id.in_([d.id for d in owned[start : start + 500]]))


def copy_in(session: Session, account: Account, history_id: str, source_id: str, *, source: str) -> Detail:
    """A copy of a dataset or collection that the caller may read, in a history of the caller's own."""
    history = access.open_history(session, account, history_id)
    if source == "hdca":
        collection = access.readable_collection(session, account, source_id)
        return show(session, copy_collection(session, collection, history.id))
    if source != "hda":
        raise BadRequestError(
            f"Nothing can be copied from {source[:20]!r}.",
            advice="Use source hda (dataset) or hdca (collection).",
        )
    dataset = access.readable_dataset(session, account, source_id)
    return show(session, copy_datasets(session, [dataset], history.id, visible=True)[0])
