"""How much a user keeps, and how much a user may keep."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from perijove.core.errors import QuotaExceededError, TooLargeError
from perijove.core.resources import format_size
from perijove.core.settings import Settings
from perijove.histories.store.models import Dataset, History, NotebookPage, StoredFile, User


def usage(session: Session, user_id: str) -> int:
    """Bytes of the contents that the user's datasets name, each once, and of the user's public pages.

    Deleted datasets count until they are purged.
    """
    held = (
        select(Dataset.digest)
        .join(History, History.id == Dataset.history_id)
        .where(History.user_id == user_id, Dataset.digest.is_not(None))
    )
    total = session.scalar(
        select(func.coalesce(func.sum(StoredFile.size), 0)).where(StoredFile.digest.in_(held))
    )
    pages = session.scalar(select(func.sum(NotebookPage.size)).where(NotebookPage.user_id == user_id))
    return int(total or 0) + int(pages or 0)


def limit(session: Session, user_id: str, settings: Settings) -> int:
    """Bytes the user may keep; 0: no limit."""
    own = session.scalar(select(User.quota).where(User.id == user_id))
    return settings.histories.quota if own is None else own


def ensure_room(session: Session, user_id: str, size: int, settings: Settings) -> None:
    """QuotaExceededError when a file of `size` bytes does not fit; TooLargeError over the largest file."""
    if size > settings.histories.max_upload:
        raise TooLargeError(
            f"A file may have {format_size(settings.histories.max_upload)}, not {format_size(size)}.",
            advice="Split it, or ask an administrator.",
        )
    ensure_quota(session, user_id, size, settings)


def room(session: Session, user_id: str, settings: Settings) -> int | None:
    """Bytes the user may add; None: no limit."""
    allowed = limit(session, user_id, settings)
    return max(0, allowed - usage(session, user_id)) if allowed else None


def ensure_quota(session: Session, user_id: str, size: int, settings: Settings) -> None:
    """QuotaExceededError when `size` more bytes do not fit."""
    allowed = limit(session, user_id, settings)
    if not allowed:
        return
    used = usage(session, user_id)
    if used + size > allowed:
        raise QuotaExceededError(
            f"Your quota is full: you keep {format_size(used)} of {format_size(allowed)}, "
            f"and this needs {format_size(size)} more.",
            advice="Purge datasets you no longer need (deleting alone frees nothing), or ask for more.",
        )
