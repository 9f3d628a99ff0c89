"""What the engine remembers of each job on disk, so that a kill at any moment makes no second Galaxy job."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from perijove.core.errors import StorageError
from perijove.engines.base import EngineJob, EngineStatus
from perijove.engines.galaxy.links import write_private


class SentJob(BaseModel):
    """A job on its way to a Galaxy and back. Each field is written before what follows from it is done."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job: EngineJob
    url: str
    history: str | None = None
    uploads: tuple[str, ...] = ()
    """The code's dataset, then those of the inputs, as far as they were sent."""
    asked: float | None = None
    """When the Galaxy was, perhaps, asked to run it: it is looked for there before it is asked again."""
    remote: str | None = None
    sent: float | None = None
    started: float | None = None
    cancelled: bool = False
    ended: EngineStatus | None = None

    @property
    def is_there(self) -> bool:
        """Whether the Galaxy may have a job of it."""
        return self.asked is not None or self.remote is not None


class Records:
    """One file per job below `state/galaxy-jobs`."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "galaxy-jobs"

    def ids(self) -> list[str]:
        """Every job on record."""
        return sorted(path.stem for path in self._folder.glob("*.json") if not path.name.startswith("."))

    def load(self, job_id: str) -> SentJob | None:
        """The record; None where there is none that can be read."""
        try:
            return SentJob.model_validate_json(self._path(job_id).read_bytes())
        except (OSError, ValidationError):
            return None

    def save(self, record: SentJob) -> None:
        """StorageError where the disk fails."""
        text = json.dumps(record.model_dump(mode="json"))
        write_private(self._path(record.job.id), text.encode())

    def remove(self, job_id: str) -> None:
        """Harmless where there is none."""
        try:
            self._path(job_id).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"A record cannot be removed: {error.strerror}.") from error

    def _path(self, job_id: str) -> Path:
        return self._folder / f"{job_id}.json"
