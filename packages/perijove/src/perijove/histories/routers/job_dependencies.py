"""What the routes about jobs ask for."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from perijove.core.errors import EngineError
from perijove.histories.services.job_runtime import Jobs


def get_jobs(request: Request) -> Jobs:
    """The job part of this server. EngineError where it was started without an engine."""
    jobs = getattr(request.app.state, "jobs", None)
    if jobs is None:
        raise EngineError(
            "This server runs no jobs.", advice="Ask an administrator to start it with an engine."
        )
    return cast(Jobs, jobs)


JobsHere = Annotated[Jobs, Depends(get_jobs)]
