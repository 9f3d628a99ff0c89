"""States of datasets and jobs, named as Galaxy names them."""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """`new → queued → running → ok | error | deleted`; the last three are final.

    `paused`: a job that makes one of its inputs did not end well; it is `new` again when that one runs again.
    """

    NEW = "new"
    PAUSED = "paused"
    QUEUED = "queued"
    RUNNING = "running"
    OK = "ok"
    ERROR = "error"
    DELETED = "deleted"

    @property
    def final(self) -> bool:
        """Whether a job in this state never changes again."""
        return self in (JobState.OK, JobState.ERROR, JobState.DELETED)


class DatasetState(StrEnum):
    """States of a dataset. One that is `ok` can always be read."""

    NEW = "new"
    PAUSED = "paused"
    QUEUED = "queued"
    RUNNING = "running"
    UPLOAD = "upload"
    OK = "ok"
    EMPTY = "empty"
    ERROR = "error"
    DISCARDED = "discarded"

    @property
    def final(self) -> bool:
        """Whether the dataset's content never changes again."""
        return self in (DatasetState.OK, DatasetState.EMPTY, DatasetState.ERROR, DatasetState.DISCARDED)
