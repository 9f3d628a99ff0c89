"""Content-addressed files: every content once, under its BLAKE3 digest, whole or not at all.

BLAKE3 and not SHA-256, because the digest is computed on the way of every upload: on a CPU without SHA
instructions SHA-256 makes 0.36 GB/s and would be slower than the disk; BLAKE3 makes 5 GB/s.

A content is written to a staging name, fsynced, made read-only and renamed. Between that rename and the
commit of the row that names it, nothing points to the file: whoever stores files does both inside
`holding()`, which keeps the sweep (`sweeping()`, exclusive) away. Both locks are the kernel's, so they hold
across processes and vanish with one that is killed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from perijove.core.errors import BadRequestError, StorageError
from perijove.sandbox.files import open_beneath

CHUNK = 2**20
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_FILE = (errno.ELOOP, errno.ENOTDIR, errno.ENOENT, errno.EINVAL, errno.ENXIO)
_NO_SHORTCUT = (
    errno.EXDEV,
    errno.EPERM,
    errno.EACCES,
    errno.EMLINK,
    errno.ENOTSUP,
    errno.ENOSYS,
    errno.EINVAL,
)


@dataclass(frozen=True)
class StoredContent:
    """A content that is in the store. Keep it only inside the `holding()` in which it was stored."""

    digest: str
    size: int


class FileStore:
    """The store below `root`; `staging` must be on the same file system."""

    def __init__(self, root: Path, staging: Path) -> None:
        self.root = root
        self.staging = staging

    def prepare(self) -> None:
        """Make the directories. Nobody else reaches the files: the launcher mounts them into jobs."""
        with storage_errors():
            for directory in (self.root, self.staging):
                directory.mkdir(parents=True, exist_ok=True)
                directory.chmod(0o700)
            (self.root / ".lock").touch(mode=0o600)

    def path(self, digest: str) -> Path:
        """Where the content with this digest lies (or would)."""
        return self.root / digest[:2] / digest[2:4] / digest

    def new_staging_path(self) -> Path:
        """A fresh name in the staging directory."""
        return self.staging / f"tmp-{secrets.token_hex(12)}"

    @contextmanager
    def holding(self) -> Iterator[None]:
        """While this lasts nothing is swept: store files and commit their rows inside it."""
        with self._lock(fcntl.LOCK_SH):
            yield

    @contextmanager
    def sweeping(self) -> Iterator[None]:
        """While this lasts nobody holds: files without a row may be removed. Waits for those who hold."""
        with self._lock(fcntl.LOCK_EX):
            yield

    def store(self, source: Path, *, digest: str | None = None) -> StoredContent:
        """Move a file of ours into the store; `source` is gone then. A `digest` given is trusted."""
        with storage_errors(), _opened(source) as descriptor:
            content = StoredContent(digest or digest_of(descriptor), os.fstat(descriptor).st_size)
            self._place(source, descriptor, content)
            return content

    def adopt(self, source: Path, *, digest: str | None = None) -> StoredContent:
        """Store a file of the server's own that stays at `source` until the caller's rows are in."""
        staged = self.new_staging_path()
        with storage_errors():
            try:
                os.link(source, staged)
                return self.store(staged, digest=digest)
            finally:
                staged.unlink(missing_ok=True)

    def ensure_space(self, size: int) -> None:
        """StorageError when `size` more bytes would not leave the disk a hundredth free."""
        if size > self.free_space():
            raise _disk_full()

    def free_space(self) -> int:
        """Bytes that may be written, a hundredth of the disk left free."""
        with storage_errors():
            disk = os.statvfs(self.staging)
        return max(0, (disk.f_bavail - disk.f_blocks // 100) * disk.f_frsize)

    def ingest(self, source: Path, *, within: Path | None = None) -> StoredContent:
        """Store what a job or a user left at `source`, which stays as it is.

        A file of our own is linked (nobody may write to it afterwards), another's is copied, sharing blocks
        where the file system can. BadRequestError for what is no regular file, or is reached through a
        symbolic link below `within`.
        """
        staged = self.new_staging_path()
        with storage_errors():
            try:
                with _opened(source, within) as descriptor:
                    _duplicate(descriptor, staged)
                return self.store(staged)
            finally:
                staged.unlink(missing_ok=True)

    def remove(self, digest: str) -> None:
        """Remove a content; only inside `sweeping()`."""
        with storage_errors():
            self.path(digest).unlink(missing_ok=True)

    def digests(self) -> Iterator[str]:
        """Every content that lies in the store."""
        for path in self.root.glob("??/??/*"):
            yield path.name

    def _place(self, source: Path, descriptor: int, content: StoredContent) -> None:
        target = self.path(content.digest)
        if target.exists() and target.stat().st_size == content.size:
            source.unlink(missing_ok=True)
            return
        os.fchmod(descriptor, 0o444)
        os.fsync(descriptor)
        for directory in (target.parent.parent, target.parent):
            if not directory.exists():
                directory.mkdir(mode=0o700, exist_ok=True)
                sync_directory(directory.parent)
        source.rename(target)
        sync_directory(target.parent)

    @contextmanager
    def _lock(self, kind: int) -> Iterator[None]:
        with storage_errors():
            descriptor = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, kind)
            yield
        finally:
            os.close(descriptor)


def digest_of(descriptor: int) -> str:
    """BLAKE3 of an open file, from its start, in hexadecimal. The offset is left alone."""
    hasher, offset = blake3(), 0
    while chunk := os.pread(descriptor, CHUNK, offset):
        hasher.update(chunk)
        offset += len(chunk)
    return hasher.hexdigest()


def sync_directory(directory: Path) -> None:
    """Make renames in `directory` survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def storage_errors() -> Iterator[None]:
    """Errors of the disk as StorageError; a full disk says so."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _disk_full() from error
        raise StorageError(
            f"The server's disk failed: {error.strerror or type(error).__name__}.",
            advice="Tell an administrator.",
        ) from error


def _disk_full() -> StorageError:
    return StorageError(
        "The server's disk is full.",
        advice="Purge datasets you no longer need, or ask an administrator for space, and try again.",
    )


@contextmanager
def _opened(source: Path, within: Path | None = None) -> Iterator[int]:
    """A descriptor of a regular file, reached without following symbolic links below `within`."""
    folder = within or source.parent
    try:
        descriptor = open_beneath(folder, str(source.relative_to(folder)))
    except ValueError:
        raise BadRequestError(f"{source.name} does not lie where outputs are expected.") from None
    except OSError as error:
        if error.errno in _NO_FILE:
            raise BadRequestError(f"{source.name} is not there, is a link, or is no file.") from error
        raise
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _duplicate(descriptor: int, target: Path) -> None:
    """The same content under `target`: a link where the file is ours alone, else a copy."""
    status = os.fstat(descriptor)
    if status.st_uid == os.geteuid() and status.st_nlink == 1 and _linked(descriptor, target):
        return
    copy = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        _copy(descriptor, copy)
    finally:
        os.close(copy)


def _linked(descriptor: int, target: Path) -> bool:
    try:
        # src_dir_fd makes Python call linkat, which alone follows the link in /proc
        os.link(f"/proc/self/fd/{descriptor}", target, src_dir_fd=descriptor, follow_symlinks=True)
    except OSError as error:
        if error.errno in _NO_SHORTCUT or error.errno == errno.ENOENT:
            return False
        raise
    return True


def _copy(source: int, target: int) -> None:
    with suppress(OSError):
        if _copy_in_kernel(source, target):
            return
    os.ftruncate(target, 0)
    os.lseek(target, 0, os.SEEK_SET)
    offset = 0
    while chunk := os.pread(source, CHUNK, offset):
        offset += len(chunk)
        write_all(target, chunk)


def _copy_in_kernel(source: int, target: int) -> bool:
    size, offset = os.fstat(source).st_size, 0
    while offset < size:
        copied = os.copy_file_range(source, target, size - offset, offset, offset)
        if copied == 0:
            return False
        offset += copied
    return True


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write everything, however many calls it takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
