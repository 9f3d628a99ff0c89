"""News over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from perijove.core.states import JobState
from perijove.histories.schemas.common import Answer, EncodedId
from perijove.sandbox.spec import Usage


class WatchedJob(Answer):
    """How a watched job stands now."""

    id: EncodedId
    state: JobState
    reason: str
    position: int | None
    progress: dict[str, Any]
    cancel_requested: bool
    started: datetime | None
    log: int = Field(description="bytes in its log")
    notebook: int = Field(description="changes whenever the executed notebook does")
    usage: Usage | None


class ChangesAnswer(Answer):
    """What changed. What it looks like now is for the caller to ask."""

    mark: str = Field(description="to be sent as `since` the next time")
    everything: bool = Field(description="anything may have changed: `histories` and `jobs` name nothing")
    histories: list[EncodedId] = Field(description="in which something changed")
    jobs: list[EncodedId]
    watched: list[WatchedJob]
