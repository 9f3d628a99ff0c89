"""Who holds which CPUs, memory and GPUs of this machine: one ledger for labs and jobs.

A claim counts for exactly as long as its sandbox's lock is held, by the launcher that starts it and then
by its keeper. So a crash at any moment leaves nothing claimed: whoever looks next finds the lock free.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from perijove.core.errors import BadRequestError, ConflictError, InsufficientResourcesError
from perijove.core.resources import Free, Resources, format_size
from perijove.sandbox import record as records
from perijove.sandbox.databases import Database
from perijove.sandbox.record import Record
from perijove.sandbox.spec import SANDBOX_ID

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS claims "
    "(id TEXT PRIMARY KEY, cpus REAL NOT NULL, memory INTEGER NOT NULL, gpus TEXT NOT NULL)"
)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What was granted. Closing `lock`, in every process that has it, gives it back."""

    gpus: tuple[int, ...]
    lock: int


class Ledger:
    """Claims on `total`, whose GPUs have the indices `gpus`. Safe from any thread and process.

    `left_behind` is called for every sandbox found dead while its claim still stood.
    """

    def __init__(
        self,
        sandboxes: Path,
        total: Resources,
        gpus: tuple[int, ...],
        left_behind: Callable[[Record], None],
    ) -> None:
        self._sandboxes = sandboxes
        self._database = Database(sandboxes / ".ledger.sqlite", _SCHEMA)
        self._left_behind = left_behind
        self.total = total
        self._gpus = gpus

    def record(self, sandbox_id: str) -> Record:
        """The record of a sandbox, there or not. BadRequestError for what is no id."""
        if not re.match(SANDBOX_ID, sandbox_id):
            raise BadRequestError(f"{sandbox_id[:80]!r} is no id of a sandbox.")
        return Record(self._sandboxes / sandbox_id)

    def claim(self, sandbox_id: str, wanted: Resources) -> Claim:
        """Grant `wanted` to a sandbox that was never started, and lock its new, empty record.

        ConflictError where the id was started before; InsufficientResourcesError, whose `retry` says
        whether it could fit once others have ended.
        """
        if not wanted.fits_in(self.total):
            raise InsufficientResourcesError(
                f"This machine grants {self.total}; {wanted} can never fit.",
                advice="Choose a smaller flavor.",
                retry=False,
            )
        with self._database.exclusive() as connection:
            self._reconcile(connection)
            gpus = self._choose(connection, wanted)
            lock = self._take(sandbox_id)
            values = (sandbox_id, wanted.cpus, wanted.memory, json.dumps(gpus))
            connection.execute("INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?)", values)
        return Claim(gpus=gpus, lock=lock)

    def _take(self, sandbox_id: str) -> int:
        record = self.record(sandbox_id)
        if record.locked or record.path(records.STARTED).exists():
            raise ConflictError(f"{sandbox_id} was started before.", advice="Take another id, or forget it.")
        record.remove()
        record.create()
        lock = record.lock()
        if lock is None:
            raise ConflictError(f"{sandbox_id} is being started.", advice="Choose another id.")
        return lock

    def _choose(self, connection: sqlite3.Connection, wanted: Resources) -> tuple[int, ...]:
        free, gpus = self._free(connection)
        if not wanted.fits_in(free):
            raise InsufficientResourcesError(
                f"{wanted} asked for, free {free.cpus:g} CPUs, {format_size(free.memory)}, {free.gpus} GPUs.",
                advice="Try again when another lab or job has ended, or choose a smaller flavor.",
                retry=True,
            )
        return gpus[: wanted.gpus]

    def _free(self, connection: sqlite3.Connection) -> tuple[Free, tuple[int, ...]]:
        free = Free(cpus=self.total.cpus, memory=self.total.memory, gpus=self.total.gpus)
        gpus = list(self._gpus)
        for _, cpus, memory, indices in connection.execute("SELECT * FROM claims"):
            held = json.loads(indices)
            free = free.minus(Resources(cpus=cpus, memory=memory, gpus=len(held)))
            gpus = [index for index in gpus if index not in held]
        return free, tuple(gpus)

    def _reconcile(self, connection: sqlite3.Connection) -> None:
        """Drop the claims of the dead, and see to what they left behind before anybody else gets it."""
        for (sandbox_id,) in connection.execute("SELECT id FROM claims").fetchall():
            record = self.record(sandbox_id)
            if not record.locked:
                self._left_behind(record)
                connection.execute("DELETE FROM claims WHERE id = ?", (sandbox_id,))

    def free(self) -> Free:
        """What nobody holds now."""
        with self._database.exclusive() as connection:
            self._reconcile(connection)
            return self._free(connection)[0]

    def forget(self, sandbox_id: str) -> None:
        """Drop the record of a dead sandbox; harmless when there is none. ConflictError while it lives."""
        with self._database.exclusive() as connection:
            self._reconcile(connection)
            record = self.record(sandbox_id)
            if record.locked:
                raise ConflictError(f"{sandbox_id} still runs.", advice="Stop it first.")
            record.remove()
