"""Keeps printing from flooding the channel between kernel and runner: few messages, none of them huge."""

from __future__ import annotations

import sys
import time
from typing import Any

_FLUSH_EVERY = 0.1  # seconds; the kernel sends by itself five times a second anyway
_LARGEST = 4 * 1024 * 1024  # characters in one message
_BURST = 8  # messages of that size in a row before each waits …
_PAUSE = 0.1  # … so many seconds for the runner to keep up, or both would hold all of it in memory


def install(shell: Any) -> None:
    """Tame standard output and error of an IPython kernel; other kinds of streams are left alone."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "pub_thread"):
            _Tamed(stream, shell)


class _Tamed:
    """`flush` at most ten times a second (and always when a cell ends), `write` in pieces."""

    def __init__(self, stream: Any, shell: Any) -> None:
        self._flush = stream.flush
        self._write = stream.write
        self._flushed = 0.0
        stream.flush = self.flush
        stream.write = self.write
        shell.events.register("post_run_cell", self._cell_ended)

    def flush(self) -> None:
        now = time.monotonic()
        if now - self._flushed >= _FLUSH_EVERY:
            self._flush()
            self._flushed = now

    def write(self, text: str) -> Any:
        if not isinstance(text, str) or len(text) <= _LARGEST:
            return self._write(text)
        for number, start in enumerate(range(0, len(text), _LARGEST)):
            self._write(text[start : start + _LARGEST])
            self._flush()
            time.sleep(_PAUSE if number >= _BURST else 0)
        return len(text)

    def _cell_ended(self, result: object) -> None:
        self._flushed = 0.0
