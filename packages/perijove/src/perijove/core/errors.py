"""The one tree of errors.

PerijoveError                  every error a user or operator may see
├── BadRequestError            what was sent cannot be accepted as it is                     (HTTP 400)
├── NotAuthenticatedError      no valid token                                                (HTTP 401)
├── ForbiddenError             the token is valid, the action is not allowed                 (HTTP 403)
├── NotFoundError              nothing there, or nothing this user may know of               (HTTP 404)
├── ConflictError              the thing is not in a state that allows this                  (HTTP 409)
├── TooLargeError              over a limit of size or number                                (HTTP 413)
│   └── QuotaExceededError     over the user's own quota
├── InsufficientResourcesError more CPUs, memory or GPUs than are free or exist              (HTTP 409)
├── ConfinementError           a process cannot be confined as asked: it is not started      (HTTP 503)
├── EngineError                an engine refused or lost a job                               (HTTP 502)
├── StorageError               the disk or the database failed (full, read-only)             (HTTP 507)
└── ConfigurationError         a setting is wrong; the platform does not start               (HTTP 500)
"""

from __future__ import annotations


class PerijoveError(Exception):
    """What went wrong (`message`), what to do next (`advice`) and whether trying again helps (`retry`)."""

    status: int = 500
    retry: bool = False

    def __init__(self, message: str, *, advice: str = "", retry: bool | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        if retry is not None:
            self.retry = retry

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()


class BadRequestError(PerijoveError):
    """What was sent cannot be accepted as it is."""

    status = 400


class NotAuthenticatedError(PerijoveError):
    """No valid token came with the request."""

    status = 401


class ForbiddenError(PerijoveError):
    """The token is valid but does not allow this."""

    status = 403


class NotFoundError(PerijoveError):
    """Nothing there, or nothing this user may know of."""

    status = 404


class ConflictError(PerijoveError):
    """The thing exists but is not in a state that allows this."""

    status = 409


class TooLargeError(PerijoveError):
    """Over a limit of size or number."""

    status = 413


class QuotaExceededError(TooLargeError):
    """Over the user's own quota."""


class InsufficientResourcesError(PerijoveError):
    """More CPUs, memory or GPUs than are free (retry) or exist (do not)."""

    status = 409
    retry = True


class ConfinementError(PerijoveError):
    """A process cannot be confined as asked, so it is not started."""

    status = 503


class EngineError(PerijoveError):
    """An engine refused or lost a job."""

    status = 502


class StorageError(PerijoveError):
    """The disk or the database failed: full, read-only, away."""

    status = 507
    retry = True


class ConfigurationError(PerijoveError):
    """A setting is wrong; the platform does not start."""
