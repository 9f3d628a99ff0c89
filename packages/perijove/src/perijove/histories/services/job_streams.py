"""What a job wrote, as responses: its log, its executed notebook, and the form to call it again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi.responses import FileResponse, Response, StreamingResponse

from perijove.histories.services import job_directory, jobs, tools
from perijove.histories.services.event_files import open_event_file
from perijove.histories.services.job_outputs import EXECUTED, TOOL_ID
from perijove.histories.services.remapping import REMAPPABLE
from perijove.histories.store.files import FileStore
from perijove.histories.store.models import Job
from perijove.sandbox.files import open_beneath

TAIL = 2**16
_CHUNK = 2**18
_NOTEBOOK_TYPE = "application/x-ipynb+json"


def tail(directory: Path) -> str:
    """The end of the log as text."""
    content, _ = job_directory.read_log(directory, offset=-TAIL, limit=TAIL)
    return content.decode("utf-8", "replace")


def log_response(directory: Path, *, offset: int, limit: int) -> Response:
    """Part of the log, read as it is sent."""
    try:
        descriptor = open_beneath(directory, job_directory.LOG)
    except (OSError, ValueError):
        return Response(b"", media_type="text/plain", headers=_part_headers(0, 0))
    return _part(descriptor, offset, limit, "text/plain")


def event_file_response(directory: Path, path: str, *, offset: int, limit: int) -> Response | None:
    """Part of an event file that may grow, read as it is sent; None where there is no such file."""
    try:
        descriptor = open_event_file(directory, path)
    except (OSError, ValueError):
        return None
    return _part(descriptor, offset, limit, "application/octet-stream")


def _part(descriptor: int, offset: int, limit: int, media_type: str) -> Response:
    """What stands from `offset` on (negative: from the end), as far as it is there now."""
    size = os.fstat(descriptor).st_size
    start = max(0, size + offset) if offset < 0 else min(offset, size)
    end = min(size, start + limit)
    return StreamingResponse(
        _read(descriptor, start, end), media_type=media_type, headers=_part_headers(end, size)
    )


def _part_headers(next_offset: int, size: int) -> dict[str, str]:
    return {
        "x-next-offset": str(next_offset),
        "x-size": str(size),
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }


def published_notebook(job: Job, files: FileStore) -> Path | None:
    """The stored executed notebook; None while there is none."""
    for row in job.outputs:
        if row.name == EXECUTED.name and row.dataset is not None and row.dataset.digest:
            return files.path(row.dataset.digest)
    return None


def notebook_response(directory: Path, published: Path | None) -> Response | None:
    """The executed notebook: the published one, else the one that grows; None where there is neither."""
    if published is not None:
        return FileResponse(published, media_type=_NOTEBOOK_TYPE)
    try:
        descriptor = open_beneath(directory / "out", job_directory.NOTEBOOK)
    except (OSError, ValueError):
        return None
    size = os.fstat(descriptor).st_size
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return StreamingResponse(_read(descriptor, 0, size), media_type=_NOTEBOOK_TYPE, headers=headers)


def _read(descriptor: int, start: int, end: int) -> Iterator[bytes]:
    """Bytes `start` to `end`; the runner replaces the notebook as a whole, so an open one stays whole."""
    try:
        while start < end:
            chunk = os.pread(descriptor, min(_CHUNK, end - start), start)
            if not chunk:
                return
            start += len(chunk)
            yield chunk
    finally:
        os.close(descriptor)


def rerun_form(job: Job) -> dict[str, Any]:
    """Galaxy's `build_for_rerun`: the form of the tool as `job` was called."""
    inputs = jobs.rerun_inputs(job)
    if job.tool_id != TOOL_ID:
        return {"id": job.tool_id, "history_id": job.history_id, "state_inputs": inputs, "job_remap": None}
    return {
        **tools.build(inputs, job.history_id),
        "state_inputs": inputs,
        "job_id": job.id,
        "job_remap": job.state in REMAPPABLE,
    }
