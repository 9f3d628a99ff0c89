"""Bounds on what a cell leaves in the executed notebook; the job's log holds the full text, up to a cap.

Printed text keeps its head and its tail with a note between them, so that a runaway loop neither fills the
memory nor makes a notebook that nobody can open.
"""

from __future__ import annotations

import re
import sys
from collections import deque
from typing import Any

from nbformat import NotebookNode

HEAD = TAIL = 512 * 1024  # characters of printed text kept of one cell, at each end
HEAD_LATER = 16 * 1024  # … once the notebook holds TEXT_TOTAL
TEXT_TOTAL = 64 * 1024 * 1024
RICH_CELL = 64 * 1024 * 1024  # characters of pictures, tables and the like of one cell …
RICH_COUNT = 2000  # … and how many
LOG_CAP = 256 * 1024 * 1024
_OVERWRITTEN = re.compile(r"[^\n]*\r(?=[^\r\n])")


class Log:
    """Copies printed text to the runner's own standard output and error, up to a cap for the whole job."""

    def __init__(self, cap: int = LOG_CAP) -> None:
        self._left = cap

    def write(self, name: str, text: str) -> None:
        """Write the text, or what the cap leaves of it."""
        if self._left <= 0:
            return
        stream = sys.stderr if name == "stderr" else sys.stdout
        self._left -= len(text)
        try:
            stream.write(text if self._left > 0 else text[: self._left] + "\n[log full: no more is kept]\n")
            stream.flush()
        except (OSError, ValueError):  # a full disk or a reader that went away must not end the job
            self._left = 0


class CellOutputs:
    """Puts the outputs of one cell into its list, within bounds. The list is valid at any moment."""

    def __init__(self, *, head: int = HEAD, tail: int = TAIL) -> None:
        self._head_left = head
        self._tail_limit = tail
        self._tail: deque[str] = deque()
        self._tail_size = self._cut = 0
        self._tail_output: NotebookNode | None = None
        self._rich_size = self._rich_count = self._rich_dropped = 0
        self._rich_note: NotebookNode | None = None
        self.text_kept = 0

    def add_text(self, outs: list[NotebookNode], name: str, text: str) -> None:
        """Append printed text to the stream `name` (stdout or stderr)."""
        text = _squash_part(text)
        if self._head_left > 0:
            text = self._add_head(outs, name, text)
        if text:
            self._add_tail(outs, name, text)

    def _add_head(self, outs: list[NotebookNode], name: str, text: str) -> str:
        head, rest = text[: self._head_left], text[self._head_left :]
        last = outs[-1] if outs else None
        if last is None or last.get("output_type") != "stream" or last.get("name") != name:
            last = _stream(name)
            outs.append(last)
        before = len(last["text"])
        last["text"] = squash(last["text"] + head)
        grown = len(last["text"]) - before
        self._head_left -= grown if not rest else len(head)
        self.text_kept += grown
        return rest

    def _add_tail(self, outs: list[NotebookNode], name: str, text: str) -> None:
        if self._tail_output is None:
            self._tail_output = _stream(name)
            outs.append(self._tail_output)
        elif not any(out is self._tail_output for out in reversed(outs)):  # cleared meanwhile
            self._restart_tail(outs, name)
        self._tail.append(text[-self._tail_limit :])
        self._cut += max(0, len(text) - self._tail_limit)
        self._tail_size += len(self._tail[-1])
        while self._tail_size - len(self._tail[0]) >= self._tail_limit:
            dropped = len(self._tail.popleft())
            self._tail_size -= dropped
            self._cut += dropped

    def _restart_tail(self, outs: list[NotebookNode], name: str) -> None:
        self._tail.clear()
        self._tail_size = self._cut = 0
        self._tail_output = _stream(name)
        outs.append(self._tail_output)

    def settle(self) -> None:
        """Bring the tail's text up to date; called before the notebook is saved and when the cell ends."""
        if self._tail_output is None:
            return
        text = squash("".join(self._tail))
        over = max(0, len(text) - self._tail_limit)
        note = f"\n\n[… {self._cut + over:,} characters are left out here; the job's log has more …]\n\n"
        self._tail_output["text"] = (note if self._cut + over else "") + text[over:]

    def admits(self, data: dict[str, Any], outs: list[NotebookNode]) -> bool:
        """Whether a picture, table or the like still finds room; what does not is counted in a note."""
        size = sum(len(part) for part in data.values() if isinstance(part, str))
        if self._rich_count < RICH_COUNT and self._rich_size + size <= RICH_CELL:
            self._rich_count += 1
            self._rich_size += size
            return True
        self._rich_dropped += 1
        if self._rich_note is None:
            self._rich_note = _stream("stderr")
            outs.append(self._rich_note)
        self._rich_note["text"] = (
            f"\n[{self._rich_dropped:,} more pictures or tables of this cell are left out: "
            "write them to files below outputs/]\n"
        )
        return False


def _stream(name: str) -> NotebookNode:
    return NotebookNode(output_type="stream", name=name, text="")  # type: ignore[no-untyped-call]


def squash(text: str) -> str:
    """The text without what carriage returns overwrote, as a terminal would show it (progress bars)."""
    return _OVERWRITTEN.sub("", text) if "\r" in text else text


def _squash_part(text: str) -> str:
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
