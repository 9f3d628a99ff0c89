"""Open files below a directory whose contents are somebody else's."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

_WALK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def open_beneath(directory: Path, relative: str) -> int:
    """A read-only descriptor of the regular file `relative` below `directory`; the caller closes it.

    No component of `relative` may be a link, and nothing but a regular file is opened, so a hostile owner
    of the directory can lead to no other file and cannot make the caller wait at a pipe. Raises OSError
    as `open` does: FileNotFoundError, NotADirectoryError for a link among the directories, and OSError
    with ELOOP for a link or EINVAL for another kind of file at the end. ValueError where `relative`
    leaves the directory.
    """
    *parents, name = split_beneath(relative)
    folder = open_directory(directory, parents)
    try:
        return _open_regular(folder, name)
    finally:
        os.close(folder)


def open_directory(directory: Path, parents: Iterable[str] = ()) -> int:
    """An O_PATH descriptor of the directory that `parents` lead to below `directory`, no link followed."""
    folder = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in parents:
        above = folder
        try:
            folder = os.open(part, _WALK | os.O_DIRECTORY, dir_fd=above)
        finally:
            os.close(above)
    return folder


def open_resolved(path: str) -> int:
    """An O_PATH descriptor of the absolute `path`, in which no component is a link. OSError else."""
    here = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in PurePosixPath(path).parts[1:]:
        above = here
        try:
            here = os.open(part, _WALK, dir_fd=above)
        finally:
            os.close(above)
    if stat.S_ISLNK(os.fstat(here).st_mode):
        os.close(here)
        raise OSError(errno.ELOOP, "is a link", path)
    return here


def split_beneath(relative: str) -> tuple[str, ...]:
    """The components of `relative`; ValueError where it is absolute, empty, or holds `..` or a NUL."""
    path = PurePosixPath(relative)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\0" in relative:
        raise ValueError(f"{relative!r} is not a path below its directory")
    return path.parts


def _open_regular(folder: int, name: str) -> int:
    found = os.open(
        name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=folder
    )
    if stat.S_ISREG(os.fstat(found).st_mode):
        return found
    os.close(found)
    raise OSError(errno.EINVAL, "not a regular file", name)
