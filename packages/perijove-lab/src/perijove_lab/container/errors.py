"""What ends a start: one message that says what to do."""

from __future__ import annotations


class StartError(Exception):
    """The container does not start; `message` says why, `advice` what to change."""

    def __init__(self, message: str, *, advice: str) -> None:
        super().__init__(f"{message} {advice}")
        self.message = message
        self.advice = advice
