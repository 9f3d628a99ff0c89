"""What is wrong with a pipeline or a workflow."""

from __future__ import annotations


class PipelineError(Exception):
    """It cannot be run as it is: `message` says why, `advice` what to change."""

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()


class NoPipelineError(PipelineError):
    """There is no such file."""
