"""What stands in a history: datasets and collections."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from perijove.core.errors import BadRequestError
from perijove.histories.context import Account, Context
from perijove.histories.dependencies import Here, Id, Me, Viewer
from perijove.histories.routers.histories import Filters, Keys
from perijove.histories.schemas.common import Limit, Offset
from perijove.histories.schemas.contents import (
    CollectionCreate,
    CollectionDetail,
    CollectionSummary,
    ContentCreate,
    ContentDelete,
    ContentUpdate,
    DatasetDetail,
    DatasetSummary,
    Provenance,
)
from perijove.histories.services import collections, contents, downloads, provenance
from perijove.histories.services.access import readable_dataset
from perijove.histories.store.ids import is_id

router = APIRouter(prefix="/api/histories/{history_id}/contents", tags=["contents"])
Listing = list[DatasetSummary | CollectionSummary | DatasetDetail | CollectionDetail]
_ELEMENTS = ("annotation", "elements", "elements_datatypes")
DOWNLOAD: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "everything"},
    206: {"content": {"application/octet-stream": {}}, "description": "the range asked for"},
    304: {"description": "the client has it"},
    416: {"description": "no such range"},
}


@router.get("", response_model=Listing)
def list_contents(
    here: Here,
    viewer: Viewer,
    history_id: Id,
    q: Filters = [],  # noqa: B006 (FastAPI copies it)
    qv: Filters = [],  # noqa: B006
    v: Annotated[str | None, Query(max_length=10)] = None,
    types: Annotated[list[str], Query(max_length=10)] = [],  # noqa: B006
    ids: Annotated[str, Query(max_length=20_000)] = "",
    details: Annotated[str, Query(max_length=20_000, description="`all`, or ids, comma-separated")] = "",
    dataset_details: Annotated[str, Query(max_length=20_000)] = "",
    view: Literal["summary", "detailed", "betawebclient"] = "summary",
    deleted: bool | None = None,
    visible: bool | None = None,
    keys: Keys = None,
    order: Annotated[str, Query(max_length=200)] = "",
    limit: Limit | None = None,
    offset: Offset = 0,
) -> Any:
    """The contents of a history, by number."""
    names, values = _plus(q, qv, {"deleted": deleted, "visible": visible})
    detailed = (details or dataset_details).split(",")
    with here.database.read() as session:
        found = contents.list_history(
            session,
            viewer,
            history_id,
            kinds=_kinds(types),
            names=names,
            values=values,
            ids=[one for one in ids.split(",") if is_id(one)],
            order=order,
            limit=limit,
            offset=offset,
        )
        everything = view == "detailed" or detailed == ["all"] or bool(keys)
        # A collection's elements may be thousands: they are read only where they are asked for.
        slim = set(keys.split(",")).isdisjoint(_ELEMENTS) if keys else False
        shown = [
            contents.shown(
                session,
                content,
                detailed=(everything and not (slim and content.kind == "dataset_collection"))
                or content.id in detailed,
            )
            for content in found
        ]
    return _answer(shown, keys)


def _answer(shown: list[contents.Summary | contents.Detail], keys: str | None) -> JSONResponse:
    """Serialised here: validating ten thousand rows that we made ourselves would double the time."""
    wanted = set(keys.split(",")) if keys else None
    return JSONResponse([content.model_dump(mode="json", include=wanted) for content in shown])


def _plus(names: list[str], values: list[str], flags: dict[str, bool | None]) -> tuple[list[str], list[str]]:
    given = {name: str(value) for name, value in flags.items() if value is not None}
    return [*names, *given], [*values, *given.values()]


def _kinds(types: list[str]) -> list[str]:
    asked = [kind.strip() for part in types for kind in part.split(",") if kind.strip()]
    if unknown := [kind for kind in asked if kind not in contents.KINDS]:
        raise BadRequestError(
            f"There is no kind of content {unknown[0][:40]!r}.", advice="Use dataset or dataset_collection."
        )
    return asked or list(contents.KINDS)


@router.get("/datasets", response_model=list[DatasetSummary])
def list_history_datasets(
    here: Here, viewer: Viewer, history_id: Id, limit: Limit | None = None, offset: Offset = 0
) -> Any:
    """The datasets of a history."""
    return _of_kind(here, viewer, history_id, "dataset", limit, offset)


@router.get("/dataset_collections", response_model=list[CollectionSummary])
def list_history_collections(
    here: Here, viewer: Viewer, history_id: Id, limit: Limit | None = None, offset: Offset = 0
) -> Any:
    """The collections of a history."""
    return _of_kind(here, viewer, history_id, "dataset_collection", limit, offset)


def _of_kind(
    here: Context, viewer: Account | None, history_id: str, kind: str, limit: int | None, offset: int
) -> JSONResponse:
    with here.database.read() as session:
        found = contents.list_history(session, viewer, history_id, kinds=[kind], limit=limit, offset=offset)
        return _answer([contents.shown(session, content, detailed=False) for content in found], None)


@router.post("")
def create_content(
    here: Here, me: Me, history_id: Id, request: ContentCreate
) -> DatasetDetail | CollectionDetail:
    """Copy a dataset or collection into the history, or make a collection in it."""
    with here.database.write() as session:
        if request.content is not None:
            source = request.source or ("hdca" if request.type == "dataset_collection" else "hda")
            return contents.copy_in(session, me, history_id, request.content, source=source)
        if request.type != "dataset_collection" or request.element_identifiers is None:
            raise BadRequestError(
                "Nothing to add was named.",
                advice="Send content and source to copy, or a dataset_collection with element_identifiers.",
            )
        return collections.create(session, me, history_id, as_collection(request))


@router.post("/dataset_collections")
def create_history_collection(
    here: Here, me: Me, history_id: Id, request: CollectionCreate
) -> CollectionDetail:
    """Make a collection."""
    with here.database.write() as session:
        return collections.create(session, me, history_id, request)


def as_collection(request: ContentCreate) -> CollectionCreate:
    """The part of a request that describes a collection. BadRequestError where it does not."""
    fields = request.model_dump(exclude_none=True, include=set(CollectionCreate.model_fields))
    try:
        return CollectionCreate.model_validate(fields)
    except ValidationError as error:
        raise BadRequestError(f"The collection is not valid: {error.errors()[0]['msg']}.") from None


@router.get("/{content_id}")
@router.get("/datasets/{content_id}")
@router.get("/dataset_collections/{content_id}")
def show_content(
    here: Here, viewer: Viewer, history_id: Id, content_id: Id
) -> DatasetDetail | CollectionDetail:
    """One dataset or collection."""
    with here.database.read() as session:
        return contents.show(session, contents.readable(session, viewer, content_id, history_id))


@router.put("/{content_id}")
@router.put("/datasets/{content_id}")
@router.put("/dataset_collections/{content_id}")
def update_content(
    here: Here, me: Me, history_id: Id, content_id: Id, request: ContentUpdate
) -> DatasetDetail | CollectionDetail:
    """Change a dataset or collection."""
    with here.database.write() as session:
        return contents.change(session, contents.own(session, me, content_id, history_id), request)


@router.delete("/{content_id}")
@router.delete("/datasets/{content_id}")
@router.delete("/dataset_collections/{content_id}")
def delete_content(
    here: Here,
    me: Me,
    history_id: Id,
    content_id: Id,
    request: Annotated[ContentDelete | None, Body()] = None,
    purge: bool = False,
    recursive: bool = False,
) -> DatasetDetail | CollectionDetail:
    """Delete; with `purge` the content goes for good."""
    asked = request or ContentDelete()
    with here.database.write() as session:
        content = contents.own(session, me, content_id, history_id)
        contents.remove(session, content, purge=purge or asked.purge, recursive=recursive or asked.recursive)
        session.refresh(content)
        return contents.show(session, content)


@router.get("/{dataset_id}/display", response_class=Response, responses=DOWNLOAD)
@router.head("/{dataset_id}/display", response_class=Response, responses=DOWNLOAD)
def display_content(
    here: Here, viewer: Viewer, history_id: Id, dataset_id: Id, request: Request, preview: bool = False
) -> Response:
    """A dataset's content; ranges are served."""
    with here.database.read() as session:
        dataset = readable_dataset(session, viewer, dataset_id, history_id)
        return downloads.respond(request, downloads.open_dataset(here, dataset, preview=preview))


@router.get("/{dataset_id}/provenance")
def show_provenance(
    here: Here, viewer: Viewer, history_id: Id, dataset_id: Id, follow: bool = False
) -> Provenance:
    """Which job made a dataset, from what."""
    with here.database.read() as session:
        return provenance.of(
            session, readable_dataset(session, viewer, dataset_id, history_id), follow=follow
        )


@router.get("/{dataset_id}/extra_files")
def list_extra_files(here: Here, viewer: Viewer, history_id: Id, dataset_id: Id) -> list[str]:
    """Files beside a dataset's content: there are none, datasets are single files."""
    with here.database.read() as session:
        readable_dataset(session, viewer, dataset_id, history_id)
    return []
