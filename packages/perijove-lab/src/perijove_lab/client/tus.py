"""Resumable upload of one file (tus 1.0), streamed from disk over one connection.

tuspy is not used here: it has no timeout, holds each chunk in memory and opens a connection for every one.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from perijove_lab.client import records
from perijove_lab.client.connection import BLOCK, Connection, patient
from perijove_lab.client.errors import AwayError, LabError, MissingError, RefusedError, TransferError

CREATE = "api/upload/resumable_upload"
WHOLE = 1 << 62
CHUNK = 64 << 20  # for servers that may stand behind a proxy which buffers
SMALL_CHUNK = 8 << 20  # for those behind a proxy that limits a request's body
_PAUSES = (1.0, 2.0, 4.0, 8.0, *(15.0,) * 7)  # seconds; two minutes in all
_PROTOCOL = {"Tus-Resumable": "1.0.0"}
TROUBLE = "the server does not answer; trying again"
Seen = Callable[[int], None]
Told = Callable[[str], None]


def upload(connection: Connection, path: Path, *, seen: Seen, told: Told = lambda _: None) -> str:
    """Send the file and return the upload's session id. `seen` gets the bytes sent, `told` any trouble.

    A broken connection is taken up again where it broke, also by a later call for the same unchanged file.
    AwayError after two minutes without any progress; TransferError where the file changes meanwhile.
    """
    before = records.file_identity(path)
    name = records.digest(connection.url, before)
    size = path.stat().st_size
    session, offset = _resume(connection, name) or (_create(connection, path, size), 0)
    records.save("uploads", name, {"session": session})
    seen(offset)
    _send(connection, path, session, offset, seen=seen, told=told)
    if records.file_identity(path) != before:
        raise TransferError(f"{path} changed while it was sent.", advice="Send it again when it is complete.")
    return session


def begun(connection: Connection, path: Path) -> bool:
    """Whether an earlier call for this unchanged file has left an upload to take up."""
    return bool(records.load("uploads", records.digest(connection.url, records.file_identity(path))))


def forget(connection: Connection, path: Path) -> None:
    """Once a dataset is made of it, an upload cannot be used again."""
    records.forget("uploads", records.digest(connection.url, records.file_identity(path)))


def _create(connection: Connection, path: Path, size: int) -> str:
    # A Galaxy does not say how far an upload is whose type was not named.
    told = {"filename": path.name.encode(errors="replace")[:500], "filetype": b"application/octet-stream"}
    metadata = ",".join(f"{key} {base64.b64encode(value).decode()}" for key, value in told.items())
    headers = _PROTOCOL | {"Upload-Length": str(size), "Upload-Metadata": metadata}
    response = connection.request("POST", CREATE, headers=headers, allow_redirects=False)
    session = response.headers.get("Location", "").rstrip("/").rsplit("/", 1)[-1]
    if not session:
        raise TransferError(f"{connection.url} opened no upload for {path.name}.")
    return session


def _resume(connection: Connection, name: str) -> tuple[str, int] | None:
    session = str(records.load("uploads", name).get("session", ""))
    if not session:
        return None
    try:
        return session, _offset(connection, session)
    except (MissingError, RefusedError, TransferError):
        return None


def _offset(connection: Connection, session: str) -> int:
    response = connection.request("HEAD", f"{CREATE}/{session}", headers=_PROTOCOL)
    try:
        return int(response.headers["Upload-Offset"])
    except (KeyError, ValueError) as error:
        raise TransferError(f"{connection.url} does not say how far the upload is.") from error


def _send(connection: Connection, path: Path, session: str, offset: int, *, seen: Seen, told: Told) -> None:
    size, failures = path.stat().st_size, 0
    chunk = WHOLE if connection.is_perijove else CHUNK
    while offset < size:
        part = _Part(path, offset, min(chunk, size - offset), seen)
        try:
            offset = patient(partial(_patch, connection, session, part))
            failures = 0
        except LabError as error:
            if _too_large(error) and chunk > SMALL_CHUNK:
                chunk = SMALL_CHUNK
                continue
            told(TROUBLE)
            reached = _recovered(connection, session, error, failures)
            failures = 0 if reached > offset else failures + 1
            offset = reached


def _recovered(connection: Connection, session: str, error: LabError, failures: int) -> int:
    """Where to go on after `error`; raises it where going on makes no sense."""
    lost_place = isinstance(error, RefusedError) and error.status == 409
    if not (isinstance(error, AwayError) or lost_place) or failures >= len(_PAUSES):
        raise error
    for pause in _PAUSES[failures:]:
        time.sleep(pause)
        try:
            return _offset(connection, session)
        except AwayError:
            continue
    raise error


def _too_large(error: LabError) -> bool:
    """Whether a proxy, and not the server with words of its own, found the request too long."""
    return isinstance(error, RefusedError) and error.status == 413 and "HTTP 413" in error.message


def _patch(connection: Connection, session: str, part: _Part) -> int:
    headers = _PROTOCOL | {
        "Upload-Offset": str(part.offset),
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(part.length),
    }
    response = connection.request(
        "PATCH", f"{CREATE}/{session}", headers=headers, data=part, allow_redirects=False
    )
    reached = int(response.headers.get("Upload-Offset", part.offset + part.length))
    if reached <= part.offset:
        raise TransferError(f"{connection.url} takes no more of {part.path.name}.", advice="Try again later.")
    return reached


class _Part:
    """`length` bytes of a file from `offset`, read when they are sent."""

    def __init__(self, path: Path, offset: int, length: int, seen: Seen) -> None:
        self.path, self.offset, self.length, self._seen = path, offset, length, seen

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[bytes]:
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            left = self.length
            while left and (block := file.read(min(BLOCK, left))):
                yield block
                left -= len(block)
                self._seen(self.offset + self.length - left)
