"""What a cell leaves in the executed notebook, within bounds; the job's log holds the text up to a cap."""

from __future__ import annotations

import sys
from typing import Any

from nbformat import NotebookNode

from perijove_lab.printed.bounds import HEAD, TAIL, Rich, Tail, squash, squash_part

HEAD_LATER = 16 * 1024  # characters kept of one cell, at each end, once the notebook holds TEXT_TOTAL
TEXT_TOTAL = 64 * 1024 * 1024
LOG_CAP = 256 * 1024 * 1024


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
        self._tail = Tail()
        self._tail_output: NotebookNode | None = None
        self._rich = Rich("write them to files below outputs/")
        self._rich_note: NotebookNode | None = None
        self.text_kept = 0

    def add_text(self, outs: list[NotebookNode], name: str, text: str) -> None:
        """Append printed text to the stream `name` (stdout or stderr)."""
        text = squash_part(text)
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
        shown = self._tail_output
        if shown is None or not any(out is shown for out in reversed(outs)):  # none yet, or cleared meanwhile
            self._tail = Tail(self._tail_limit, hint="; the job's log has more")
            self._tail_output = _stream(name)
            outs.append(self._tail_output)
        self._tail.add(text)

    def settle(self) -> None:
        """Bring the tail's text up to date; called before the notebook is saved and when the cell ends."""
        if self._tail_output is not None:
            self._tail_output["text"] = self._tail.shown()

    def admits(self, data: dict[str, Any], outs: list[NotebookNode]) -> bool:
        """Whether a picture, table or the like still finds room; what does not is counted in a note."""
        if self._rich.admits(data):
            return True
        if self._rich_note is None:
            self._rich_note = _stream("stderr")
            outs.append(self._rich_note)
        self._rich_note["text"] = self._rich.note
        return False


def _stream(name: str) -> NotebookNode:
    return NotebookNode(output_type="stream", name=name, text="")  # type: ignore[no-untyped-call]
