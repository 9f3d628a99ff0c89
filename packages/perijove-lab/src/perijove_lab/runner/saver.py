"""Saving the executed notebook: a whole file at any moment, without eating the job's time."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import nbformat
from nbformat import NotebookNode

_SHARE = 20  # a save may take a twentieth of the time since the one before


class Saver:
    """Writes the notebook to a temporary name and renames it. `dirty` is set by whoever changes it."""

    def __init__(self, notebook: NotebookNode, path: Path) -> None:
        self._notebook = notebook
        self._path = path
        self._cost = 0.0
        self._saved = 0.0
        self.dirty = True

    def save_if_cheap(self) -> None:
        """Save unless the last save was slow and not long ago; then the next call does it.

        A full disk does not end the job here: the last whole file stays, and the final `save` tells.
        """
        if self.dirty and time.monotonic() - self._saved >= self._cost * _SHARE:
            with contextlib.suppress(OSError):
                self.save()

    def save(self) -> None:
        """Save now. Raises OSError when the disk does not take it; the last whole file then stays."""
        started = time.monotonic()
        text = nbformat.versions[4].writes_json(self._notebook)
        part = self._path.with_name(f".{self._path.name}.part")
        try:
            part.write_text(text, encoding="utf-8", errors="backslashreplace")
            os.replace(part, self._path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        self._saved = time.monotonic()
        self._cost = self._saved - started
        self.dirty = False
