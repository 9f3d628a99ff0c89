"""The interactive tool: a lab that Galaxy opens, or a notebook run without one."""

from __future__ import annotations

from pathlib import Path


def run(path: Path) -> int:
    """The exit code."""
    raise NotImplementedError(path)
