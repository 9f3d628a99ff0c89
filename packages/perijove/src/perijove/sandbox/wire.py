"""What stands on the launcher's socket: one line of JSON asks, one line answers, then it closes."""

from __future__ import annotations

import json
from typing import Any

from perijove.core import errors
from perijove.core.errors import PerijoveError

MAX_LINE = 2**22


def encode(message: dict[str, Any]) -> bytes:
    """One line."""
    return json.dumps(message).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """The object of one line. ValueError where it is none, or was cut short."""
    message = json.loads(line)
    if not isinstance(message, dict) or not line.endswith(b"\n"):
        raise ValueError("not one whole JSON object")
    return message


def error_message(error: PerijoveError) -> dict[str, Any]:
    """An error as it travels."""
    return {
        "error": {
            "type": type(error).__name__,
            "message": error.message,
            "advice": error.advice,
            "retry": error.retry,
        }
    }


def travelled_error(described: dict[str, Any]) -> PerijoveError:
    """The error as it was raised on the other side."""
    kind = getattr(errors, str(described["type"]), PerijoveError)
    if not (isinstance(kind, type) and issubclass(kind, PerijoveError)):
        kind = PerijoveError
    return kind(described["message"], advice=described["advice"], retry=described["retry"])
