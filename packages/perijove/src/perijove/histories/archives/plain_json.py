"""JSON of strangers as values that every database holds."""

from __future__ import annotations

import json
import math
from typing import Any


def parsed(content: bytes) -> Any:
    """The value: text without NUL and halves of characters, null for infinite numbers. ValueError else."""
    try:
        return _plain(json.loads(content, parse_constant=lambda _name: None))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def plain(text: str) -> str:
    """Text that a database can hold."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {plain(name): _plain(one) for name, one in value.items()}
    return value
