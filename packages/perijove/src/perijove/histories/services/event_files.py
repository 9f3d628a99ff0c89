"""TensorBoard's event files below a job's working directory, while the job runs.

The directory belongs to the user: no link is followed, only regular files are named and read, and a look
round ends after so many entries, levels and seconds, whatever the job has put there.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from perijove.histories.schemas.jobs import EventFile
from perijove.sandbox.files import open_beneath, open_directory

MARK = "tfevents"
"""What TensorBoard knows its files by."""
MOST_FILES = 1000
MOST_ENTRIES = 200_000
MOST_LEVELS = 16
MOST_SECONDS = 2.0


def find(directory: Path) -> list[EventFile]:
    """Those of the job in `directory`, by path; what lies less deep is looked at first. Empty without any."""
    found: list[EventFile] = []
    deadline = time.monotonic() + MOST_SECONDS
    for number, (path, entry) in enumerate(_entries(directory / "work")):
        if number >= MOST_ENTRIES or len(found) >= MOST_FILES or time.monotonic() > deadline:
            break
        with suppress(OSError):
            if is_event_file(path) and entry.is_file(follow_symlinks=False):
                found.append(EventFile(path=path, size=entry.stat(follow_symlinks=False).st_size))
    return sorted(found, key=lambda file: file.path)


def open_event_file(directory: Path, path: str) -> int:
    """A descriptor to read the file `path`; the caller closes it. OSError, ValueError where there is none."""
    if not is_event_file(path):
        raise ValueError(f"{path!r} is no event file")
    return open_beneath(directory / "work", path)


def is_event_file(path: str) -> bool:
    """Whether TensorBoard would read it, by its name, which must be text."""
    return MARK in path.rpartition("/")[2] and path.isprintable()


def _entries(root: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """What lies below `root`, level by level."""
    waiting: deque[tuple[str, ...]] = deque([()])
    while waiting:
        parents = waiting.popleft()
        with suppress(OSError):
            for entry in _listed(root, parents):
                below = (*parents, entry.name)
                yield "/".join(below), entry
                if len(below) < MOST_LEVELS and entry.is_dir(follow_symlinks=False):
                    waiting.append(below)


def _listed(root: Path, parents: tuple[str, ...]) -> Iterator[os.DirEntry[str]]:
    """The entries of one directory. They are asked about by its descriptor, which is open until the last."""
    folder = open_directory(root, parents)
    try:
        readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        with os.scandir(readable) as entries:
            yield from entries
    finally:
        os.close(readable)
