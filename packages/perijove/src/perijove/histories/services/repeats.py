"""An upload that is asked for again, because its answer was lost, gives what it gave the first time."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from perijove.histories.context import Account
from perijove.histories.services.targets import UploadRequest
from perijove.histories.store.models import Job
from perijove.histories.store.types import utcnow

REPEATED_WITHIN = timedelta(days=2)


def submission_of(upload_id: str) -> str:
    """What marks the job that a resumable upload became."""
    return f"upload:{upload_id}"


def submission_of_request(request: UploadRequest) -> str | None:
    """The mark of a request, where it is for one resumable upload and nothing else."""
    sessions = [item.session_id for item in request.items]
    return submission_of(sessions[0]) if len(sessions) == 1 and sessions[0] else None


def made_before(session: Session, account: Account, submission_id: str | None) -> Job | None:
    """The job that took the upload before. None where there is none, it is old, or its dataset deleted."""
    if submission_id is None:
        return None
    query = select(Job).where(
        Job.user_id == account.id,
        Job.submission_id == submission_id,
        Job.create_time > utcnow() - REPEATED_WITHIN,
    )
    job = session.scalar(query)
    if job is None or job.history.deleted or any(one.dataset and one.dataset.deleted for one in job.outputs):
        return None
    return job
