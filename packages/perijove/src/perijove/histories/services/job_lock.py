"""Galaxy's job lock: while an administrator has set it, no job starts; those that run go on.

A file in the state directory, so that it holds for whichever process runs the job loop, and after a restart.
"""

from __future__ import annotations

from pathlib import Path

from perijove.histories.store.files import storage_errors

REASON = "An administrator holds back all jobs that have not started."


class JobLock:
    """The lock of one installation; `state` is its state directory."""

    def __init__(self, state: Path) -> None:
        self._path = state / "job-lock"

    @property
    def active(self) -> bool:
        """Whether no job may start now."""
        return self._path.exists()

    def set(self, *, active: bool) -> None:
        """Hold jobs back, or let them start again. StorageError where the disk fails."""
        with storage_errors():
            if active:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._path.touch(mode=0o600)
            else:
                self._path.unlink(missing_ok=True)
