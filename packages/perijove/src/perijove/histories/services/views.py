"""Rows as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

from perijove.core.states import DatasetState
from perijove.histories.datatypes import registry
from perijove.histories.schemas.contents import (
    CollectionDetail,
    CollectionSummary,
    DatasetDetail,
    DatasetSummary,
    Element,
    ElementObject,
    Hash,
)
from perijove.histories.store.models import Collection, CollectionElement, Dataset, HistoryContent

_NAMESPACE = UUID("6d5c1f2e-6b0a-4f53-9d3f-2f8d1c4f7a10")


def dataset_uuid(dataset: Dataset) -> str:
    """Galaxy's second name of a dataset; made from the first."""
    return str(uuid5(_NAMESPACE, dataset.id))


def _common(content: HistoryContent) -> dict[str, Any]:
    return {
        "id": content.id,
        "type_id": f"{content.kind}-{content.id}",
        "name": content.name,
        "hid": content.hid,
        "history_id": content.history_id,
        "deleted": content.deleted,
        "visible": content.visible,
        "tags": content.tags,
        "create_time": content.create_time,
        "update_time": content.update_time,
    }


def _dataset_fields(dataset: Dataset) -> dict[str, Any]:
    return {
        **_common(dataset),
        "dataset_id": dataset.id,
        "extension": dataset.ext,
        "state": dataset.state.value,
        "purged": dataset.purged,
        "genome_build": dataset.genome_build,
        "url": f"/api/histories/{dataset.history_id}/contents/{dataset.id}",
    }


def dataset_summary(dataset: Dataset) -> DatasetSummary:
    """A dataset in a list."""
    return DatasetSummary(**_dataset_fields(dataset))


def dataset_detail(dataset: Dataset) -> DatasetDetail:
    """A dataset on its own."""
    return DatasetDetail(
        **_dataset_fields(dataset),
        annotation=dataset.annotation,
        file_ext=dataset.ext,
        file_size=dataset.size,
        data_type=registry.datatype(dataset.ext).description,
        misc_info=dataset.info,
        misc_blurb=dataset.blurb,
        peek=dataset.peek,
        creating_job=dataset.creating_job_id,
        copied_from_history_dataset_association_id=dataset.copied_from_id,
        download_url=f"/api/histories/{dataset.history_id}/contents/{dataset.id}/display",
        uuid=dataset_uuid(dataset),
        hashes=[Hash(hash_function="BLAKE3", hash_value=dataset.digest)] if dataset.digest else [],
        public=dataset.public,
        rerunnable=False,
        inspection=dataset.inspection,
        **{f"metadata_{key}": value for key, value in dataset.metadata_json.items()},
        metadata_dbkey=dataset.genome_build,
    )


def _collection_fields(collection: Collection) -> dict[str, Any]:
    return {
        **_common(collection),
        "collection_type": collection.collection_type,
        "collection_id": collection.id,
        "element_count": collection.element_count,
        "job_source_id": collection.creating_job_id,
        "job_source_type": "Job" if collection.creating_job_id else None,
        "url": f"/api/histories/{collection.history_id}/contents/dataset_collections/{collection.id}",
        "contents_url": f"/api/dataset_collections/{collection.id}",
    }


def collection_summary(collection: Collection) -> CollectionSummary:
    """A collection in a list."""
    return CollectionSummary(**_collection_fields(collection))


def collection_detail(collection: Collection, elements: Sequence[CollectionElement]) -> CollectionDetail:
    """A collection on its own, with all its elements."""
    children: dict[str | None, list[CollectionElement]] = {}
    for element in elements:
        children.setdefault(element.parent_id, []).append(element)
    return CollectionDetail(
        **_collection_fields(collection),
        annotation=collection.annotation,
        elements=[_element(element, children) for element in children.get(None, [])],
        elements_datatypes=sorted({e.dataset.ext for e in elements if e.dataset is not None}),
    )


def _element(element: CollectionElement, children: dict[str | None, list[CollectionElement]]) -> Element:
    return Element(
        id=element.id,
        element_index=element.element_index,
        element_identifier=element.identifier,
        element_type="hda" if element.dataset is not None else "dataset_collection",
        object=_dataset_object(element.dataset) if element.dataset else _group_object(element, children),
    )


def _dataset_object(dataset: Dataset) -> ElementObject:
    return ElementObject(
        **_dataset_fields(dataset),
        model_class="HistoryDatasetAssociation",
        hda_ldda="hda",
        file_ext=dataset.ext,
        file_size=dataset.size,
        accessible=True,
    )


def _group_object(
    element: CollectionElement, children: dict[str | None, list[CollectionElement]]
) -> ElementObject:
    below = children.get(element.id, [])
    return ElementObject(
        id=element.id,
        model_class="DatasetCollection",
        collection_type=element.collection_type,
        populated=True,
        element_count=len(below),
        elements=[_element(child, children) for child in below],
    )


def content_summary(content: HistoryContent) -> DatasetSummary | CollectionSummary:
    """A dataset or collection in a list."""
    if isinstance(content, Dataset):
        return dataset_summary(content)
    assert isinstance(content, Collection)
    return collection_summary(content)


def state_of_history(details: dict[str, int]) -> str:
    """One state for a whole history, as Galaxy sums it up."""
    if not any(details.values()):
        return "new"
    for state in (DatasetState.RUNNING, DatasetState.UPLOAD, DatasetState.QUEUED, DatasetState.NEW):
        if details.get(state):
            return "running" if state in (DatasetState.RUNNING, DatasetState.UPLOAD) else "queued"
    if details.get(DatasetState.ERROR):
        return "error"
    return "paused" if details.get(DatasetState.PAUSED) else "ok"
