"""Many files into the store at once: two syncs of the file system for all, not three for each.

The order keeps the promise of `files`: contents are on the disk before any of them gets its name.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

from perijove.core.errors import BadRequestError
from perijove.histories.store.files import (
    FileStore,
    StoredContent,
    _duplicate,
    _opened,
    digest_of,
    storage_errors,
)

FEW = 8
"""Up to here one after the other is faster: a sync also writes what others have left to write."""
_libc = ctypes.CDLL(None, use_errno=True)


def ingest_all(
    files: FileStore, sources: Sequence[Path], *, within: Path
) -> list[StoredContent | BadRequestError]:
    """What `FileStore.ingest` gives for each of `sources`, or its refusal; the sources stay."""
    if len(sources) <= FEW:
        return [_ingest(files, source, within) for source in sources]
    staged: list[Path | BadRequestError] = []
    with storage_errors():
        try:
            staged.extend(_stage(files, source, within) for source in sources)
            _sync(files.staging)
            contents = [one if isinstance(one, BadRequestError) else _name(files, one) for one in staged]
            _sync(files.root)
        finally:
            for one in staged:
                if isinstance(one, Path):
                    one.unlink(missing_ok=True)
    return contents


def _ingest(files: FileStore, source: Path, within: Path) -> StoredContent | BadRequestError:
    try:
        return files.ingest(source, within=within)
    except BadRequestError as error:
        return error


def _stage(files: FileStore, source: Path, within: Path) -> Path | BadRequestError:
    staged = files.new_staging_path()
    try:
        with _opened(source, within) as descriptor:
            _duplicate(descriptor, staged)
    except BadRequestError as error:
        return error
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    return staged


def _name(files: FileStore, staged: Path) -> StoredContent:
    with _opened(staged) as descriptor:
        content = StoredContent(digest_of(descriptor), os.fstat(descriptor).st_size)
        os.fchmod(descriptor, 0o444)
    target = files.path(content.digest)
    if not (target.exists() and target.stat().st_size == content.size):
        for directory in (target.parent.parent, target.parent):
            directory.mkdir(mode=0o700, exist_ok=True)
        staged.rename(target)
    return content


def _sync(directory: Path) -> None:
    """Everything of this file system that waits to be written, on the disk. OSError where it fails."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if _libc.syncfs(descriptor) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(descriptor)
