"""Histories as archives: exported as RO-Crate or as Galaxy's own archive, and imported."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from perijove.core.errors import BadRequestError
from perijove.histories.context import Account, Context
from perijove.histories.dependencies import Here, Id, Me, Viewer
from perijove.histories.schemas.archives import (
    HistoryExport,
    HistoryImport,
    StoreExport,
    StoreImport,
    StoreRequest,
)
from perijove.histories.schemas.histories import HistoryCreate, HistoryDetail
from perijove.histories.services import exports, histories, imports
from perijove.histories.services.access import readable_history
from perijove.histories.services.exports import Choice
from perijove.histories.services.uploads import Received, receive
from perijove.histories.store.ids import ID_PATTERN

router = APIRouter(prefix="/api", tags=["archives"])
_OPTIONS = r"(rocrate\.zip|tar\.gz|tar)(-[a-z]+){0,3}$"
ExportId = Annotated[str, Path(pattern=f"^{_OPTIONS}")]
StorageId = Annotated[str, Path(pattern=f"{ID_PATTERN.removesuffix('$')}\\.{_OPTIONS}")]
_ARCHIVE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The archive.", "content": {"application/octet-stream": {}}}
}
_FORM = {
    "requestBody": {
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/HistoryCreate"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "archive_source": {"type": "string", "description": "an address"},
                        "archive_file": {"type": "string", "format": "binary"},
                    },
                }
            },
        },
    }
}


@router.put("/histories/{history_id}/exports")
def export_history(
    here: Here,
    viewer: Viewer,
    history_id: Id,
    gzip: bool = True,
    include_hidden: bool = False,
    include_deleted: bool = False,
) -> HistoryExport:
    """Ask for Galaxy's own archive of a history: ready at once, since it is made while it is downloaded."""
    choice = Choice(format="tar.gz" if gzip else "tar", deleted=include_deleted, hidden=include_hidden)
    with here.database.read() as session:
        readable_history(session, viewer, history_id)
    url = f"/api/histories/{history_id}/exports/{choice}"
    return HistoryExport(
        download_url=url,
        external_download_latest_url=here.settings.galaxy_url + url,
        external_download_permanent_url=here.settings.galaxy_url + url,
    )


@router.get("/histories/{history_id}/exports/{export_id}", responses=_ARCHIVE, response_class=Response)
def download_export(here: Here, viewer: Viewer, history_id: Id, export_id: ExportId) -> Response:
    """The archive of a history, made while it is sent."""
    with here.database.read() as session:
        return exports.export(here, session, viewer, history_id, Choice.parse(export_id))


@router.post("/histories/{history_id}/prepare_store_download")
def prepare_store_download(
    here: Here, viewer: Viewer, history_id: Id, request: StoreExport = StoreExport()
) -> StoreRequest:
    """Ask for an archive (`rocrate.zip`: a Workflow Run RO-Crate); it is ready at once."""
    format = "tar.gz" if request.model_store_format == "tgz" else request.model_store_format
    choice = Choice(
        format=format,
        files=request.include_files,
        deleted=request.include_deleted,
        hidden=request.include_hidden,
    )
    with here.database.read() as session:
        readable_history(session, viewer, history_id)
    return StoreRequest(storage_request_id=f"{history_id}.{choice}")


@router.get("/short_term_storage/{storage_request_id}/ready")
def storage_ready(here: Here, viewer: Viewer, storage_request_id: StorageId) -> bool:
    """Whether the archive that was asked for can be downloaded: always."""
    with here.database.read() as session:
        readable_history(session, viewer, storage_request_id.partition(".")[0])
    return True


@router.get("/short_term_storage/{storage_request_id}", responses=_ARCHIVE, response_class=Response)
def serve_storage(here: Here, viewer: Viewer, storage_request_id: StorageId) -> Response:
    """The archive that was asked for, made while it is sent. Unlike Galaxy's it needs the key."""
    history_id, _, word = storage_request_id.partition(".")
    with here.database.read() as session:
        return exports.export(here, session, viewer, history_id, Choice.parse(word))


@router.post("/histories", openapi_extra=_FORM, responses={422: {"model": HistoryCreate}})
async def create_history(here: Here, me: Me, request: Request) -> HistoryDetail | HistoryImport:
    """Make a history, copy one, or import an archive (`archive_file`, or the address `archive_source`)."""
    form = request.headers.get("content-type", "").startswith("multipart/form-data")
    received = await receive(request, here) if form or await request.body() else Received({})
    try:
        return await run_in_threadpool(_create, here, me, received)
    finally:
        await run_in_threadpool(received.discard)


def _create(here: Context, me: Account, received: Received) -> HistoryDetail | HistoryImport:
    staged, source = received.files.get("archive_file"), received.payload.get("archive_source")
    if staged is not None:
        return _imported(imports.import_archive(here, me, staged.path))
    if source:
        return _imported(imports.import_from_url(here, me, str(source)))
    if "archive_type" in received.payload or received.files:
        raise BadRequestError("Send the archive as archive_file, or its address as archive_source.")
    try:
        wanted = HistoryCreate.model_validate(received.payload)
    except ValidationError as error:
        raise RequestValidationError(
            [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors(include_context=False)]
        ) from None
    with here.database.write() as session:
        return histories.create(session, me, wanted)


def _imported(history: HistoryDetail) -> HistoryImport:
    return HistoryImport(
        id=history.id, name=history.name, message=f"The archive was imported as the history {history.name!r}."
    )


@router.post("/histories/from_store")
def create_from_store(here: Here, me: Me, request: StoreImport) -> HistoryDetail:
    """Import an archive from an address of an allowed host."""
    return imports.import_from_url(here, me, request.store_content_uri)
