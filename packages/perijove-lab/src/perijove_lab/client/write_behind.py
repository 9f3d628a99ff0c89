"""Writing while more arrives: the next block is received while the one before is written and synced."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Self

_AHEAD = 4  # blocks received and not yet written: what it holds in memory
_SYNC_EVERY = 64 << 20


class WriteBehind:
    """Appends blocks to `file`, in order; all are written when the context ends, however it ends.

    OSError, from `write` or the end of the context, where a block could not be written or brought to the
    disk: nothing is written after that block, so what is there can be continued. A last fsync is the
    caller's; little is left for it.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.position = file.seek(0, os.SEEK_END)
        self._file, self._unsynced, self._broken = file, 0, False
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="perijove-write")
        self._syncer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="perijove-sync")
        self._writing: deque[Future[None]] = deque()
        self._syncing: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._writer.shutdown()
        self._syncer.shutdown()
        for done in self._writing:
            done.result()
        self._file.flush()
        if self._syncing is not None:
            self._syncing.result()

    def write(self, block: bytes) -> None:
        """Take a block; waits where those before it are not written yet."""
        while len(self._writing) >= _AHEAD:
            self._writing.popleft().result()
        self._writing.append(self._writer.submit(self._write, block))
        self.position += len(block)

    def _write(self, block: bytes) -> None:
        if self._broken:
            return
        try:
            self._append(block)
        except OSError:
            self._broken = True
            raise

    def _append(self, block: bytes) -> None:
        self._file.write(block)
        self._unsynced += len(block)
        if self._unsynced < _SYNC_EVERY or (self._syncing and not self._syncing.done()):
            return
        if self._syncing is not None:
            self._syncing.result()  # the kernel tells of a failed write once only
        self._file.flush()
        self._unsynced = 0
        self._syncing = self._syncer.submit(os.fdatasync, self._file.fileno())
