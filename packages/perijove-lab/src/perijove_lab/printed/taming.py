"""Keeps printing from flooding the channel between kernel and listeners: few messages, none of them huge."""

from __future__ import annotations

import sys
import time
from typing import Any

_FLUSH_EVERY = 0.1  # seconds; the kernel sends by itself five times a second anyway
_LARGEST = 4 * 1024 * 1024  # characters in one message
_BURST = 32 * 1024 * 1024  # characters that may be printed at once …
_RATE = 20 * 1024 * 1024  # … and in each second after, or all of it would queue in the memory of who listens


def install(shell: Any) -> None:
    """Tame standard output and error of an IPython kernel, once; other kinds of streams are left alone."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "pub_thread") and not isinstance(getattr(stream.write, "__self__", None), _Tamed):
            _Tamed(stream, shell)


class _Tamed:
    """`flush` at most ten times a second (and always when a cell ends), `write` in pieces and not too fast.

    The kernel's own flushes all pass: it asks for one before it sends a picture, to keep the order.
    """

    def __init__(self, stream: Any, shell: Any) -> None:
        self._flush = stream.flush
        self._write = stream.write
        self._flushed = 0.0
        self._unsent = self._owed = 0.0
        self._sent = time.monotonic()
        stream.flush = self.flush
        stream.write = self.write
        shell.events.register("post_run_cell", self._cell_ended)

    def flush(self) -> None:
        now = time.monotonic()
        asks = str(sys._getframe(1).f_globals.get("__name__", ""))
        if now - self._flushed >= _FLUSH_EVERY or asks.startswith("ipykernel."):
            self._flush()
            self._flushed = now

    def write(self, text: str) -> Any:
        if not isinstance(text, str):
            return self._write(text)
        for start in range(0, len(text), _LARGEST):
            piece = text[start : start + _LARGEST]
            self._write(piece)
            self._unsent += len(piece)
            if self._unsent >= _LARGEST:
                self._flush()
                self._pace()
        return len(text)

    def _pace(self) -> None:
        now = time.monotonic()
        self._owed = max(0.0, self._owed - (now - self._sent) * _RATE) + self._unsent
        self._unsent, self._sent = 0.0, now
        time.sleep(max(0.0, self._owed - _BURST) / _RATE)

    def _cell_ended(self, result: object) -> None:
        self._flushed = 0.0
