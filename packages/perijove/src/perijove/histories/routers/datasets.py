"""Datasets and collections by their own ids."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Request, Response
from fastapi.responses import JSONResponse

from perijove.histories.dependencies import Here, Id, Me, Viewer
from perijove.histories.routers.contents import DOWNLOAD
from perijove.histories.routers.histories import Filters, Keys
from perijove.histories.schemas.common import EncodedId, Limit, Offset
from perijove.histories.schemas.contents import (
    CollectionDetail,
    ContentDelete,
    ContentUpdate,
    DatasetDetail,
    DatasetSummary,
    Permissions,
    StandaloneCollectionCreate,
    TextContent,
)
from perijove.histories.services import access, collections, contents, downloads
from perijove.histories.services.copies import elements_of
from perijove.histories.services.reading import text_content

router = APIRouter(prefix="/api", tags=["datasets"])


@router.get("/datasets", response_model=list[DatasetSummary] | list[DatasetDetail])
def list_datasets(
    here: Here,
    me: Me,
    history_id: EncodedId | None = None,
    q: Filters = [],  # noqa: B006 (FastAPI copies it)
    qv: Filters = [],  # noqa: B006
    all: bool = False,
    view: Literal["summary", "detailed"] = "summary",
    keys: Keys = None,
    order: Annotated[str, Query(max_length=200)] = "",
    limit: Limit = 500,
    offset: Offset = 0,
) -> Any:
    """The caller's datasets, the newest first; `all=true` (administrators): everybody's."""
    with here.database.read() as session:
        found = contents.list_datasets(
            session,
            me,
            history_id=history_id,
            everybody=all,
            names=q,
            values=qv,
            order=order,
            limit=limit,
            offset=offset,
        )
        detailed = view == "detailed" or bool(keys)
        shown = [contents.shown(session, dataset, detailed=detailed) for dataset in found]
    wanted = set(keys.split(",")) if keys else None
    return JSONResponse([dataset.model_dump(mode="json", include=wanted) for dataset in shown])


@router.get("/datasets/{dataset_id}")
def show_dataset(
    here: Here, viewer: Viewer, dataset_id: Id, hda_ldda: Literal["hda"] = "hda"
) -> DatasetDetail | CollectionDetail:
    """One dataset."""
    with here.database.read() as session:
        return contents.show(session, access.readable_dataset(session, viewer, dataset_id))


@router.put("/datasets/{dataset_id}")
def update_dataset(
    here: Here, me: Me, dataset_id: Id, request: ContentUpdate
) -> DatasetDetail | CollectionDetail:
    """Change a dataset."""
    with here.database.write() as session:
        return contents.change(session, access.own_dataset(session, me, dataset_id), request)


@router.delete("/datasets/{dataset_id}")
def delete_dataset(
    here: Here,
    me: Me,
    dataset_id: Id,
    request: Annotated[ContentDelete | None, Body()] = None,
    purge: bool = False,
) -> DatasetDetail | CollectionDetail:
    """Delete a dataset; with `purge` its content goes for good."""
    with here.database.write() as session:
        dataset = access.own_dataset(session, me, dataset_id)
        contents.remove(session, dataset, purge=purge or bool(request and request.purge))
        session.refresh(dataset)
        return contents.show(session, dataset)


@router.put("/datasets/{dataset_id}/permissions")
def set_permissions(
    here: Here, me: Me, dataset_id: Id, request: Permissions
) -> DatasetDetail | CollectionDetail:
    """Make one dataset readable by everybody who knows its id, or private again."""
    with here.database.write() as session:
        dataset = access.own_dataset(session, me, dataset_id)
        dataset.public = request.action == "remove_restrictions"
        session.flush()
        return contents.show(session, dataset)


@router.get("/datasets/{dataset_id}/display", response_class=Response, responses=DOWNLOAD)
@router.head("/datasets/{dataset_id}/display", response_class=Response, responses=DOWNLOAD)
def display_dataset(
    here: Here, viewer: Viewer, dataset_id: Id, request: Request, preview: bool = False
) -> Response:
    """A dataset's content; ranges are served."""
    with here.database.read() as session:
        dataset = access.readable_dataset(session, viewer, dataset_id)
        return downloads.respond(request, downloads.open_dataset(here, dataset, preview=preview))


@router.get("/datasets/{dataset_id}/get_content_as_text")
def show_text(here: Here, viewer: Viewer, dataset_id: Id) -> TextContent:
    """The beginning of a dataset as text."""
    with here.database.read() as session:
        return text_content(here, access.readable_dataset(session, viewer, dataset_id))


@router.post("/dataset_collections")
def create_collection(here: Here, me: Me, request: StandaloneCollectionCreate) -> CollectionDetail:
    """Make a collection."""
    with here.database.write() as session:
        return collections.create(session, me, request.history_id, request)


@router.get("/dataset_collections/{collection_id}")
def show_collection(
    here: Here, viewer: Viewer, collection_id: Id, instance_type: Literal["history"] = "history"
) -> DatasetDetail | CollectionDetail:
    """One collection with all its elements."""
    with here.database.read() as session:
        return contents.show(session, access.readable_collection(session, viewer, collection_id))


@router.get("/dataset_collections/{collection_id}/download", response_class=Response, responses=DOWNLOAD)
def download_collection(here: Here, viewer: Viewer, collection_id: Id) -> Response:
    """A collection as a zip archive, made while it is sent."""
    with here.database.read() as session:
        collection = access.readable_collection(session, viewer, collection_id)
        elements = list(session.scalars(elements_of(collection)))
    return downloads.archive_response(here, collection, elements)
