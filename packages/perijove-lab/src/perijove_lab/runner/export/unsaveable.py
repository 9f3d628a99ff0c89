"""The one exception by which an exporter says: this cannot be saved, and why."""

from __future__ import annotations


class UnsaveableError(Exception):
    """Holds the reason, for people; it ends up in the manifest's `unsaved`, never in a failed job."""


def reason_of(error: BaseException) -> str:
    """One line about any exception, short enough for a table."""
    if isinstance(error, UnsaveableError):
        return str(error)
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:500] if text else type(error).__name__
