"""What can go wrong with a job, as the manifest tells it.

RunnerError       a message and an advice for the person who sent the job
└── SpecError     the job description (or the code file it names) is wrong: nothing was run, exit code 2
"""

from __future__ import annotations

from dataclasses import dataclass, field


class RunnerError(Exception):
    """What went wrong (`message`) and what to do about it (`advice`)."""

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


class SpecError(RunnerError):
    """The job description, or the code it names, cannot be run as it is."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a job did not end well; the manifest's `error`."""

    type: str
    message: str
    advice: str = ""
    cell: int | None = None
    traceback: tuple[str, ...] = field(default=())

    def text(self) -> str:
        """For the log."""
        return "\n".join([*self.traceback, f"{self.message} {self.advice}".strip()])

    def to_dict(self) -> dict[str, object]:
        """As the manifest holds it."""
        return {
            "type": self.type,
            "message": self.message,
            "advice": self.advice,
            "cell": self.cell,
            "traceback": "\n".join(self.traceback),
        }
