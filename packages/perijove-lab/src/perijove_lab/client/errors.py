"""The one tree of errors that a notebook can meet here.

LabError                  what went wrong, what to do next, whether trying again helps
├── NotConnectedError     no address or no key to reach histories with
├── AwayError             the server does not answer                                     (retry)
├── KeyRefusedError       the key is wrong, or no longer valid
├── RefusedError          the server understood and said no
├── MissingError          no such history, dataset or job, or not yours
├── TransferError         a file arrived incomplete or changed, or cannot be written     (retry)
├── InputError            what was asked for cannot be done as written
├── JobFailedError        the job ended without success
└── StillRunningError     waiting ended before the job did
    └── StoppedWaiting    because of Ctrl-C; also a KeyboardInterrupt, so that no later cell runs

In a notebook they show as a short block instead of a traceback; the cause stays in `__cause__`.
"""

from __future__ import annotations


class LabError(Exception):
    """What went wrong (`message`), what to do next (`advice`), and whether trying again helps (`retry`)."""

    retry = False

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        lines = [f"\x1b[31m{self.message}\x1b[0m"]
        return [*lines, self.advice] if self.advice else lines


class NotConnectedError(LabError):
    """No address or no key to reach histories with."""


class AwayError(LabError):
    """The server does not answer."""

    retry = True


class KeyRefusedError(LabError):
    """The key is wrong, or no longer valid."""


class RefusedError(LabError):
    """The server understood the request and said no; `status` is its HTTP status.

    `retry` is what the server says of it: the same request may do a moment later.
    """

    def __init__(self, message: str, *, advice: str = "", status: int = 0, retry: bool = False) -> None:
        super().__init__(message, advice=advice)
        self.status = status
        self.retry = retry


class MissingError(LabError):
    """No such history, dataset or job, or not yours."""


class TransferError(LabError):
    """A file arrived incomplete or changed, or cannot be written."""

    retry = True


class InputError(LabError):
    """What was asked for cannot be done as written."""


class JobFailedError(LabError):
    """The job ended without success."""


class StillRunningError(LabError):
    """Waiting ended before the job did; the job goes on."""


class StoppedWaiting(StillRunningError, KeyboardInterrupt):  # noqa: N818 (an interrupt, not an error)
    """The user stopped waiting; the job goes on."""
