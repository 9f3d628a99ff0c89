"""Pass the lines of a growing file on, so that whoever reads the job's output sees its progress."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perijove_lab.galaxy.told import tell_progress

_PAUSE = 1.0  # seconds
_LIMIT = 5_000  # lines; a training of a week stays readable


@contextmanager
def following(path: Path) -> Iterator[None]:
    """While the context lasts, every line that is appended to `path` is told; the rest at its end."""
    ended = threading.Event()
    thread = threading.Thread(target=_follow, args=(path, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=10)


def _follow(path: Path, ended: threading.Event) -> None:
    place = told = 0
    while True:
        last = ended.wait(_PAUSE)
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                file.seek(place)
                while (line := file.readline()).endswith("\n"):
                    place = file.tell()
                    if told < _LIMIT:
                        tell_progress(line)
                    told += 1
        except OSError:
            pass
        if last:
            return
