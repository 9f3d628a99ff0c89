"""Printed text as a terminal shows it: a progress bar overwrites its line."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CONTROL = re.compile("[\n\b\r]")


@dataclass(frozen=True)
class Edit:
    """Turns the text that is known into the new one: `removed` goes from its end, `inserted` comes there."""

    removed: str
    inserted: str


class Stream:
    """The text of one output. `\\r` and `\\b` work within the last line, as in JupyterLab.

    What is asked for by `edit` is only what changed since the last time, however long the text is.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._lines: list[str] = []
        """Chunks of ended lines: nothing changes them any more."""
        self._ended = 0
        self._line = ""
        self._column = 0
        self._known_chunks = 0
        self._known_line = ""

    @property
    def size(self) -> int:
        """How many characters it has."""
        return self._ended + len(self._line)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self._lines) + self._line

    @property
    def known(self) -> str:
        """What `edit` has told of."""
        return "".join(self._lines[: self._known_chunks]) + self._known_line

    def write(self, text: str) -> None:
        """Take what a kernel printed."""
        start = 0
        while found := _CONTROL.search(text, start):
            self._put(text[start : found.start()])
            self._control(found.group())
            start = found.end()
        self._put(text[start:])

    def _put(self, text: str) -> None:
        end = self._column + len(text)
        self._line = self._line[: self._column] + text + self._line[end:]
        self._column = end

    def _control(self, character: str) -> None:
        if character == "\n":
            self._lines.append(f"{self._line}\n")
            self._ended += len(self._lines[-1])
            self._line, self._column = "", 0
        elif character == "\r":
            self._column = 0
        elif self._column > 0:
            self._line = self._line[: self._column - 1] + self._line[self._column :]
            self._column -= 1

    def edit(self) -> Edit | None:
        """What changed since the last call, None where nothing did; it counts as known from now on."""
        ended = "".join(self._lines[self._known_chunks :])
        new = ended + self._line
        same = _common(self._known_line, new)
        edit = Edit(self._known_line[same:], new[same:])
        self._known_chunks = len(self._lines)
        self._known_line = self._line
        return edit if edit.removed or edit.inserted else None

    def rest(self) -> Stream:
        """A stream that begins after what is known: somebody took the known part away."""
        after = Stream(self.name)
        change = self.edit()
        after.write(change.inserted if change else "")
        return after


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    if other.startswith(one):
        return len(one)
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
