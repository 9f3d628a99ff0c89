"""Downloads: a file in constant memory, whole or a range of it; many files as one zip archive.

Whatever users uploaded never runs in a browser under this address: it is sent as an attachment, with its type
fixed and, should something open it all the same, in a sandbox without scripts.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from perijove.core.errors import ConflictError, NotFoundError, StorageError
from perijove.histories.archives.packing import Member, zipped
from perijove.histories.context import Context
from perijove.histories.datatypes import registry
from perijove.histories.store.models import Collection, CollectionElement, Dataset

CHUNK = 2**20
_readers = ThreadPoolExecutor(max_workers=16, thread_name_prefix="send")
_RANGE = re.compile(r"^bytes=(\d{0,18})-(\d{0,18})$")
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# What a browser may show in place: pictures that cannot hold scripts.
INLINE = frozenset({"png", "jpg", "gif"})


@dataclass(frozen=True)
class Download:
    """A file to send: what `open_dataset` found."""

    path: Path
    size: int
    name: str
    mime: str
    etag: str
    modified: datetime
    inline: bool = False


def open_dataset(context: Context, dataset: Dataset, *, preview: bool = False) -> Download:
    """A dataset's content. NotFoundError once it was purged, ConflictError before it is finished."""
    if dataset.purged:
        raise NotFoundError("This dataset was purged: its content is gone.")
    if dataset.digest is None:
        if dataset.state.final:
            raise NotFoundError(f"This dataset has no content: its state is {dataset.state}.")
        raise ConflictError(
            "This dataset is not finished yet.", advice="Wait until its state is ok.", retry=True
        )
    kind = registry.datatype(dataset.ext)
    inline = preview and dataset.ext in INLINE
    return Download(
        path=context.files.path(dataset.digest),
        size=dataset.size,
        name=file_name(dataset.name, dataset.ext),
        mime=kind.mime if inline or not kind.text else "text/plain; charset=utf-8",
        etag=f'"{dataset.digest[:40]}"',
        modified=dataset.create_time.replace(microsecond=0),
        inline=inline,
    )


def file_name(name: str, ext: str) -> str:
    """A name for a file: what the dataset is called, with its ending, and nothing a file system minds."""
    plain = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]+', "_", name).strip(". ") or "dataset"
    return plain if ext == "data" or plain.lower().endswith(f".{ext}") else f"{plain}.{ext}"


def disposition(name: str, *, inline: bool = False) -> str:
    """Content-Disposition with a plain name for old clients and the real one for others."""
    plain = re.sub(r'[^\x20-\x7e]|["\\\';%]', "_", name)
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def respond(request: Request, download: Download) -> Response:
    """200 with everything, 206 with a range, 304 for what the client has, 416 for a range beyond it."""
    headers = {
        **SAFE_HEADERS,
        "Accept-Ranges": "bytes",
        "ETag": download.etag,
        "Last-Modified": download.modified.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "Content-Disposition": disposition(download.name, inline=download.inline),
        "Cache-Control": "private, no-cache",
    }
    if _has_it(request, download):
        return Response(status_code=304, headers=headers)
    span = _span(request, download)
    if span is None:
        return _whole_or_part(download, headers, 0, download.size, 200)
    start, end = span
    if start >= end:
        headers["Content-Range"] = f"bytes */{download.size}"
        return Response(status_code=416, headers=headers)
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{download.size}"
    return _whole_or_part(download, headers, start, end, 206)


def _has_it(request: Request, download: Download) -> bool:
    known = request.headers.get("if-none-match")
    if known is not None:
        tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        return download.etag in tags or "*" in tags
    return False


def _span(request: Request, download: Download) -> tuple[int, int] | None:
    """The bytes asked for, from start to before end; None: all. An empty span: none of them exist."""
    match = _RANGE.match(request.headers.get("range", "").replace(" ", ""))
    if match is None or match.group(0) == "bytes=-" or not _same(request.headers.get("if-range"), download):
        return None  # no range, several ranges, or one of another file: all of it is a right answer
    first, last = match.group(1), match.group(2)
    if not first:
        return max(0, download.size - int(last)), download.size
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) + 1 if last else download.size, download.size)


def _same(condition: str | None, download: Download) -> bool:
    """Whether the client's part, by its If-Range, is of this very file."""
    if condition is None:
        return True
    if condition.startswith('"'):
        return condition == download.etag
    try:
        return parsedate_to_datetime(condition).replace(tzinfo=None) == download.modified
    except (ValueError, TypeError):
        return False


def _whole_or_part(
    download: Download, headers: dict[str, str], start: int, end: int, status: int
) -> Response:
    headers["Content-Length"] = str(end - start)
    return _FileResponse(download, start, end, status, headers)


class _FileResponse(Response):
    """Sends a part of a file: the next chunk is read while the one before is on its way."""

    def __init__(
        self, download: Download, start: int, end: int, status: int, headers: dict[str, str]
    ) -> None:
        self._start, self._end = start, end
        self.status_code = status
        self.background = None
        self.body = b""
        self.media_type = download.mime
        self.init_headers(headers)
        try:
            self._file = os.open(download.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise StorageError(
                "The dataset's content cannot be read.", advice="Tell an administrator."
            ) from error

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it; the file is closed however that ends."""
        loop = asyncio.get_running_loop()
        reading: asyncio.Future[bytes] | None = None
        try:
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            position = self._end if scope["method"] == "HEAD" else self._start
            while position < self._end:
                reading = reading or loop.run_in_executor(_readers, self._read, position)
                chunk = await reading
                position += len(chunk)
                more = position < self._end and bool(chunk)
                reading = loop.run_in_executor(_readers, self._read, position) if more else None
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                if not chunk:
                    raise StorageError("A dataset's content is shorter than it was.")
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            if reading is not None:
                await asyncio.wait([reading])
            os.close(self._file)

    def _read(self, position: int) -> bytes:
        return os.pread(self._file, min(CHUNK, self._end - position), position)


def archive_response(
    context: Context, collection: Collection, elements: Sequence[CollectionElement]
) -> Response:
    """A collection as a zip archive, made while it is sent. ConflictError while a dataset is not finished."""
    members: list[Member] = [
        (path, context.files.path(digest)) for path, digest in _member_paths(collection, elements)
    ]
    headers = {**SAFE_HEADERS, "Content-Disposition": disposition(file_name(collection.name, "zip"))}
    return StreamingResponse(zipped(members), media_type="application/zip", headers=headers)


def _member_paths(collection: Collection, elements: Sequence[CollectionElement]) -> Iterator[tuple[str, str]]:
    by_id = {element.id: element for element in elements}
    used: set[str] = set()
    for element in elements:
        dataset = element.dataset
        if dataset is None:
            continue
        if dataset.digest is None and not dataset.purged:
            raise ConflictError(
                f"The element {element.identifier[:80]!r} is {dataset.state}.",
                advice="Wait for it.",
                retry=True,
            )
        if dataset.digest is not None:
            yield _free(_member_path(collection, element, by_id), used), dataset.digest


def _member_path(
    collection: Collection, element: CollectionElement, by_id: dict[str, CollectionElement]
) -> str:
    assert element.dataset is not None
    parts = [*element.identifier.split("/")]
    parts[-1] = file_name(parts[-1], element.dataset.ext)
    parent = by_id.get(element.parent_id or "")
    while parent is not None:
        parts = [*parent.identifier.split("/"), *parts]
        parent = by_id.get(parent.parent_id or "")
    safe = [file_name(part, "data") for part in [collection.name, *parts] if part not in ("", ".", "..")]
    return "/".join(safe)


def _free(path: str, used: set[str]) -> str:
    """A path that no other member has; two identifiers may become the same file name."""
    stem, dot, ending = path.rpartition(".")
    candidate, number = path, 1
    while candidate.lower() in used:
        number += 1
        candidate = f"{stem} ({number}){dot}{ending}" if stem else f"{path} ({number})"
    used.add(candidate.lower())
    return candidate
