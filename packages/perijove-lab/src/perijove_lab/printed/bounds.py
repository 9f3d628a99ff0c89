"""Bounds on what a cell leaves in a notebook.

Printed text keeps its head and its tail with a note between them, so that a runaway loop neither fills the
memory nor makes a notebook that nobody can open.
"""

from __future__ import annotations

import json
import re
from collections import deque
from typing import Any

HEAD = TAIL = 512 * 1024
"""Characters of printed text kept of one cell, at each end."""
RICH_CELL = 64 * 1024 * 1024
"""Characters of pictures, tables and the like of one cell …"""
RICH_COUNT = 2000
"""… and how many."""
_OVERWRITTEN = re.compile(r"[^\n]*\r(?=[^\r\n])")


class Tail:
    """The last `limit` characters of a text of any length; what it takes of memory does not grow."""

    def __init__(self, limit: int = TAIL, *, hint: str = "") -> None:
        self._limit = limit
        self._hint = hint
        self._parts: deque[str] = deque()
        self._size = self._cut = 0

    def add(self, text: str) -> None:
        """Append printed text."""
        text = squash_part(text)
        self._parts.append(text[-self._limit :])
        self._cut += max(0, len(text) - self._limit)
        self._size += len(self._parts[-1])
        while self._size - len(self._parts[0]) >= self._limit:
            dropped = len(self._parts.popleft())
            self._size -= dropped
            self._cut += dropped

    def shown(self, last: int | None = None) -> str:
        """A note on what is left out, where anything is, and the end of the text: `last` characters of it."""
        text = squash("".join(self._parts))
        over = max(0, len(text) - min(self._limit, last or self._limit))
        left_out = self._cut + over
        note = f"\n\n[… {left_out:,} characters are left out here{self._hint} …]\n\n"
        return (note if left_out else "") + text[over:]


class Rich:
    """Which pictures, tables and the like of a cell still find room; what does not is counted."""

    def __init__(self, hint: str) -> None:
        self._hint = hint
        self._size = self._count = 0
        self.dropped = 0

    def admits(self, data: dict[str, Any]) -> bool:
        """Whether there is room for it."""
        size = sum(_length(part) for part in data.values())
        if self._count < RICH_COUNT and self._size + size <= RICH_CELL:
            self._count += 1
            self._size += size
            return True
        self.dropped += 1
        return False

    @property
    def note(self) -> str:
        """What to say of those that found none."""
        return f"\n[{self.dropped:,} more pictures or tables of this cell are left out: {self._hint}]\n"


def _length(part: Any) -> int:
    return len(part) if isinstance(part, str) else len(json.dumps(part, default=str))


def squash(text: str) -> str:
    """The text without what carriage returns overwrote, as a terminal would show it (progress bars)."""
    return _OVERWRITTEN.sub("", text) if "\r" in text else text


def squash_part(text: str) -> str:
    """`squash` for a piece whose first line goes on one that is not at hand: what overwrites it stays."""
    if "\r" not in text:
        return text
    line, newline, rest = text.partition("\n")
    shown = line.rstrip("\r")
    if "\r" in shown:
        shown = "\r" + shown.rsplit("\r", 1)[1]
    return shown + "\r" * line.endswith("\r") + newline + squash(rest)


def bounded_error(content: dict[str, Any]) -> dict[str, Any]:
    """An error message whose parts fit on a page, whatever the exception carried."""
    traceback = [line if len(line) <= 20_000 else line[:20_000] + " […]" for line in content["traceback"]]
    if len(traceback) > 200:
        traceback = [*traceback[:100], "[…]", *traceback[-100:]]
    return {**content, "evalue": str(content["evalue"])[:20_000], "traceback": traceback}
