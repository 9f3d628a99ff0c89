"""Resumable uploads (tus 1.0.0): creation, continuation from any offset, termination, expiration.

What has arrived of an upload is the size of its file. That stands after a kill -9 of the server, because the
kernel keeps what was written. After a crash of the machine only what was synced is believed.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from blake3 import blake3
from sqlalchemy import delete, select, update

from perijove.core.errors import BadRequestError, ConflictError, NotFoundError, TooLargeError
from perijove.histories.context import Account, Context
from perijove.histories.database import boot_id
from perijove.histories.services.quotas import ensure_room
from perijove.histories.services.repeats import made_before, submission_of
from perijove.histories.store.files import FileStore, storage_errors, write_all
from perijove.histories.store.models import Upload
from perijove.histories.store.types import utcnow

CHUNK_ADVISED = 32 * 2**20
KEPT_FOR = timedelta(days=2)
MOST_PER_USER = 1000
_SYNC_EVERY = 64 * 2**20
_syncer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tus-sync")


@dataclass(frozen=True)
class Progress:
    """How far an upload is."""

    id: str
    offset: int
    length: int
    expires: str


class _Hashers:
    """Digests of uploads under way, so that finishing need not read the file again; a few hundred at most."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[int, blake3]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, upload_id: str, offset: int) -> blake3 | None:
        """The digest of the first `offset` bytes, where it is known."""
        with self._lock:
            known, hasher = self._kept.pop(upload_id, (0, blake3()))
        return hasher if known == offset else None

    def keep(self, upload_id: str, offset: int, hasher: blake3) -> None:
        """Remember the digest of the first `offset` bytes."""
        with self._lock:
            self._kept[upload_id] = (offset, hasher)
            while len(self._kept) > 512:
                self._kept.popitem(last=False)


_hashers = _Hashers()


def create(context: Context, account: Account, length: int, metadata: dict[str, str]) -> Progress:
    """Begin an upload of `length` bytes. Refused at once where quota or disk have no room."""
    context.files.ensure_space(length)
    with context.database.write() as session:
        ensure_room(session, account.id, length, context.settings)
        held = session.scalars(select(Upload.id).where(Upload.user_id == account.id).limit(MOST_PER_USER))
        if len(list(held)) >= MOST_PER_USER:
            raise TooLargeError(f"You have {MOST_PER_USER} unfinished uploads.", advice="Finish or end some.")
        upload = Upload(
            id=secrets.token_hex(16),
            user_id=account.id,
            length=length,
            name=metadata.get("filename", "")[:255] or None,
            metadata_json=metadata,
            boot_id=boot_id(),
            expires=utcnow() + KEPT_FOR,
        )
        session.add(upload)
    with storage_errors():
        _path(context.files, upload.id).touch(mode=0o600)
    return _progress(context, upload)


def show(context: Context, account: Account, upload_id: str) -> Progress:
    """How far an upload is: whole, where a dataset was made of it and the client may not know yet."""
    with context.database.read() as session:
        job = made_before(session, account, submission_of(upload_id))
        sizes = [one.dataset.size for one in job.outputs if one.dataset] if job else []
    if sizes:
        return Progress(upload_id, sizes[0], sizes[0], "")
    return _progress(context, _find(context, account, upload_id))


def remove(context: Context, account: Account, upload_id: str) -> None:
    """End an upload and forget what has arrived."""
    _find(context, account, upload_id)
    discard(context, [upload_id])


def discard(context: Context, upload_ids: list[str]) -> None:
    """Drop uploads, rows first: a row without its file would mislead, a file without row is swept."""
    with context.database.write() as session:
        session.execute(delete(Upload).where(Upload.id.in_(upload_ids)))
    for upload_id in upload_ids:
        _path(context.files, upload_id).unlink(missing_ok=True)


def expire(context: Context) -> int:
    """Drop uploads whose time is over; returns how many."""
    with context.database.read() as session:
        ids = list(session.scalars(select(Upload.id).where(Upload.expires < utcnow()).limit(1000)))
    if ids:
        discard(context, ids)
    return len(ids)


class Continuation:
    """One PATCH: bytes appended at `offset`. Made in a thread, fed from a thread, closed in a thread."""

    def __init__(self, context: Context, account: Account, upload_id: str, offset: int) -> None:
        upload = _find(context, account, upload_id)
        self._context, self._id, self._length = context, upload_id, upload.length
        with storage_errors():
            self._file = os.open(
                _path(context.files, upload_id), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        try:
            _lock(self._file)
            self.offset = _trusted(upload, os.fstat(self._file).st_size)
            if offset != self.offset:
                raise ConflictError(
                    f"The upload is at offset {self.offset}, not {offset}.", advice="Resume there."
                )
        except BaseException:
            os.close(self._file)
            raise
        _believe(context, upload, self._file, self.offset)
        self._hasher = _hashers.take(upload_id, self.offset)
        self._synced = upload.synced

    def append(self, chunks: list[bytes]) -> None:
        """Write a batch. TooLargeError beyond the length that was announced."""
        size = sum(map(len, chunks))
        if self.offset + size > self._length:
            raise TooLargeError(f"The upload was announced with {self._length} bytes; more arrived.")
        with storage_errors():
            os.lseek(self._file, self.offset, os.SEEK_SET)
            for chunk in chunks:
                write_all(self._file, chunk)
                self.offset += len(chunk)
                if self._hasher is not None:
                    self._hasher.update(chunk)

    def close(self) -> Progress:
        """End this PATCH; what was written counts, however it ended."""
        if self._hasher is not None:
            _hashers.keep(self._id, self.offset, self._hasher)
        if self.offset - self._synced >= _SYNC_EVERY:
            _syncer.submit(_sync, self._context, self._id, self.offset)
        os.close(self._file)
        return Progress(self._id, self.offset, self._length, "")


def _sync(context: Context, upload_id: str, offset: int) -> None:
    """In the background: bring an upload's bytes to the disk and note how far."""
    try:
        # Opened anew: a duplicate of the writer's descriptor would keep its lock.
        descriptor = os.open(_path(context.files, upload_id), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
    with context.database.write() as session:
        session.execute(
            update(Upload).where(Upload.id == upload_id, Upload.synced < offset).values(synced=offset)
        )


@contextmanager
def finished(context: Context, account: Account, upload_id: str) -> Iterator[tuple[Path, str | None, Upload]]:
    """A whole upload, held against others: its file, its digest where known, its row.

    ConflictError while bytes are missing.
    """
    upload = _find(context, account, upload_id)
    path = _path(context.files, upload_id)
    with storage_errors():
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _lock(descriptor)
        offset = _trusted(upload, os.fstat(descriptor).st_size)
        if offset != upload.length:
            raise ConflictError(
                f"The upload is not complete: {offset:,} of {upload.length:,} bytes have arrived.",
                advice="Resume it, then ask again.",
                retry=True,
            )
        hasher = _hashers.take(upload_id, offset)
        yield path, hasher.hexdigest() if hasher else None, upload
    finally:
        os.close(descriptor)


def parse_length(value: str | None) -> int:
    """The header Upload-Length. BadRequestError where it is missing or no number."""
    return _number(value, "Upload-Length")


def parse_offset(value: str | None) -> int:
    """The header Upload-Offset. BadRequestError where it is missing or no number."""
    return _number(value, "Upload-Offset")


def _number(value: str | None, header: str) -> int:
    if value is None or not value.isascii() or not value.isdecimal() or len(value) > 18:
        raise BadRequestError(
            f"The header {header} must be a number of bytes.", advice="See tus.io, version 1.0.0."
        )
    return int(value)


def _find(context: Context, account: Account, upload_id: str) -> Upload:
    with context.database.read() as session:
        upload = session.get(Upload, upload_id)
    if upload is None or upload.user_id != account.id or upload.expires < utcnow():
        raise NotFoundError("There is no such upload, or it has expired.", advice="Begin it again.")
    return upload


def _path(files: FileStore, upload_id: str) -> Path:
    return files.staging / f"tus-{upload_id}"


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConflictError(
            "Another request is writing to this upload.", advice="Ask for its offset and go on.", retry=True
        ) from None


def _trusted(upload: Upload, size: int) -> int:
    """How much of what the file holds can be believed."""
    return size if upload.boot_id == boot_id() else min(size, upload.synced)


def _believe(context: Context, upload: Upload, descriptor: int, offset: int) -> None:
    """Cut off what cannot be believed; from then on believe what this life of the machine writes."""
    if upload.boot_id == boot_id():
        return
    with storage_errors():
        os.ftruncate(descriptor, offset)
    with context.database.write() as session:
        session.execute(update(Upload).where(Upload.id == upload.id).values(boot_id=boot_id()))


def _progress(context: Context, upload: Upload) -> Progress:
    with storage_errors():
        path = _path(context.files, upload.id)
        size = path.stat().st_size if path.exists() else 0
    expires = upload.expires.strftime("%a, %d %b %Y %H:%M:%S GMT")
    return Progress(upload.id, _trusted(upload, size), upload.length, expires)
