"""Uploads: tus for files that may be large, /api/tools/fetch to make datasets of them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from perijove.histories.context import Account, Context
from perijove.histories.dependencies import Here, Me
from perijove.histories.errors import error_response
from perijove.histories.routers import tools
from perijove.histories.routers.job_dependencies import get_jobs
from perijove.histories.schemas.tools import ToolRun, ToolRunAnswer
from perijove.histories.schemas.uploads import FetchRequest, UploadAnswer
from perijove.histories.services import tus, uploads
from perijove.histories.services.receiving import drain, metadata_pairs

TUS_VERSION = "1.0.0"
_EXTENSIONS = "creation,termination,expiration"
_BODY = "application/offset+octet-stream"


def _tus_headers(response: Response) -> None:
    response.headers["Tus-Resumable"] = TUS_VERSION


router = APIRouter(prefix="/api", tags=["uploads"])
resumable = APIRouter(
    prefix="/api/upload/resumable_upload", tags=["uploads"], dependencies=[Depends(_tus_headers)]
)
UploadId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/FetchRequest"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["history_id", "targets"],
                    "properties": {
                        "history_id": {"type": "string"},
                        "targets": {"type": "string", "description": "JSON"},
                        "files_0|file_data": {"type": "string", "format": "binary"},
                    },
                }
            },
        },
    }
}


UPLOAD_TOOLS = ("upload1", "__DATA_FETCH__")
_TOOL_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["tool_id"],
                    "properties": {
                        "tool_id": {"type": "string"},
                        "history_id": {"type": "string"},
                        "inputs": {"type": "object"},
                        "input_format": {"type": "string"},
                    },
                }
            },
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["tool_id"],
                    "properties": {
                        "tool_id": {"type": "string"},
                        "history_id": {"type": "string"},
                        "inputs": {"type": "string", "description": "JSON"},
                        "files_0|file_data": {"type": "string", "format": "binary"},
                    },
                }
            },
        },
    }
}


@router.post("/tools/fetch", openapi_extra=_FORM, responses={422: {"model": FetchRequest}})
async def fetch(here: Here, me: Me, request: Request) -> UploadAnswer:
    """Make datasets of files: parts of this form, tus uploads, pasted text, URLs of allowed hosts."""
    received = await uploads.receive(request, here)
    try:
        return await run_in_threadpool(uploads.run_fetch, here, me, received)
    finally:
        await run_in_threadpool(received.discard)


@router.post("/tools", openapi_extra=_TOOL_FORM)
async def run_tool(here: Here, me: Me, request: Request) -> UploadAnswer | ToolRunAnswer:
    """Run a tool: `upload1` makes datasets, `run_jupyter_job` runs a notebook or script."""
    received = await uploads.receive(request, here)
    try:
        if received.payload.get("tool_id") in UPLOAD_TOOLS:
            return await run_in_threadpool(uploads.run_upload1, here, me, received)
        call = _tool_call(received.payload)
        return await run_in_threadpool(tools.run_tool, here, me, get_jobs(request), call)
    finally:
        await run_in_threadpool(received.discard)


def _tool_call(payload: dict[str, Any]) -> ToolRun:
    try:
        return ToolRun.model_validate(payload)
    except ValidationError as error:
        raise RequestValidationError(
            [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors(include_context=False)]
        ) from None


def _progress_headers(progress: tus.Progress) -> dict[str, str]:
    headers = {
        "Tus-Resumable": TUS_VERSION,
        "Upload-Offset": str(progress.offset),
        "Upload-Length": str(progress.length),
        "Cache-Control": "no-store",
    }
    if progress.expires:
        headers["Upload-Expires"] = progress.expires
    return headers


@resumable.options("/{upload_id}", status_code=204)
def upload_capabilities(here: Here, upload_id: UploadId) -> Response:
    """What of tus is spoken here."""
    return capabilities(here)


@resumable.options("", status_code=204)
def capabilities(here: Here) -> Response:
    """What of tus is spoken here."""
    headers = {
        "Tus-Resumable": TUS_VERSION,
        "Tus-Version": TUS_VERSION,
        "Tus-Extension": _EXTENSIONS,
        "Tus-Max-Size": str(here.settings.histories.max_upload),
    }
    return Response(status_code=204, headers=headers)


@resumable.post("", status_code=201)
@resumable.post("/", status_code=201, include_in_schema=False)
def create_upload(
    here: Here,
    me: Me,
    request: Request,
    upload_length: Annotated[str | None, Header()] = None,
    upload_metadata: Annotated[str, Header(max_length=8000)] = "",
    tus_resumable: Annotated[str, Header()] = TUS_VERSION,
) -> Response:
    """Begin an upload; `Location` says where its bytes go."""
    if tus_resumable != TUS_VERSION:
        return _wrong_version()
    progress = tus.create(here, me, tus.parse_length(upload_length), metadata_pairs(upload_metadata))
    location = f"{request.scope.get('root_path', '')}/api/upload/resumable_upload/{progress.id}"
    return Response(status_code=201, headers={**_progress_headers(progress), "Location": location})


def _wrong_version() -> Response:
    return error_response(
        412, f"Only tus {TUS_VERSION} is spoken here.", headers={"Tus-Version": TUS_VERSION}
    )


@resumable.head("/{upload_id}")
@resumable.get("/{upload_id}")
def show_upload(here: Here, me: Me, upload_id: UploadId) -> Response:
    """How far an upload is."""
    return Response(status_code=200, headers=_progress_headers(tus.show(here, me, upload_id)))


_PATCH: dict[str, Any] = {
    "requestBody": {"content": {_BODY: {"schema": {"type": "string", "format": "binary"}}}}
}


@resumable.patch("/{upload_id}", status_code=204, openapi_extra=_PATCH)
async def continue_upload(
    here: Here,
    me: Me,
    upload_id: UploadId,
    request: Request,
    upload_offset: Annotated[str | None, Header()] = None,
) -> Response:
    """Append bytes at an offset."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != _BODY:
        return error_response(
            415, f"The body's type must be {_BODY}.", headers={"Tus-Resumable": TUS_VERSION}
        )
    progress = await _append(here, me, upload_id, tus.parse_offset(upload_offset), request)
    return Response(status_code=204, headers=_progress_headers(progress))


async def _append(here: Context, me: Account, upload_id: str, offset: int, request: Request) -> tus.Progress:
    continuation = await run_in_threadpool(tus.Continuation, here, me, upload_id, offset)
    try:
        await drain(request.stream(), continuation.append)
    except ClientDisconnect:
        pass  # what arrived is kept; the client resumes
    except BaseException:
        await run_in_threadpool(continuation.close)
        raise
    return await run_in_threadpool(continuation.close)


@resumable.delete("/{upload_id}", status_code=204)
def end_upload(here: Here, me: Me, upload_id: UploadId) -> Response:
    """End an upload and forget what has arrived."""
    tus.remove(here, me, upload_id)
    return Response(status_code=204, headers={"Tus-Resumable": TUS_VERSION})
