"""How far a job on a Galaxy is: what it prints there (`perijove-progress: {…}`) becomes its progress here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from perijove.engines.galaxy.errors import GalaxyRefusedError
from perijove.engines.galaxy.remote import RemoteGalaxy

MARK = "perijove-progress: "
PIECE = 1 << 16
_MOST_PIECES = 16


class Progress:
    """The progress of one running job, read on from where the last look ended. All of it can be lost."""

    def __init__(self) -> None:
        self._place = 0
        self._rest = ""
        self._known: dict[str, Any] = {}
        self._refused = False

    def write(self, remote: RemoteGalaxy, details: Mapping[str, Any], directory: Path) -> None:
        """Write what is known now where whoever follows the job here reads it."""
        ours = details.get("perijove")
        told = ours.get("progress") if isinstance(ours, dict) else None
        new = [told] if isinstance(told, dict) else self._printed(remote, str(details.get("id")))
        for one in new:
            self._known |= one
        if self._known:
            (directory / "out" / "progress.jsonl").write_text(f"{json.dumps(self._known)}\n")

    def _printed(self, remote: RemoteGalaxy, job_id: str) -> list[dict[str, Any]]:
        """What it has printed since; nothing where this Galaxy shows none of running jobs (asked once)."""
        found: list[dict[str, Any]] = []
        for _ in range(0 if self._refused else _MOST_PIECES):
            try:
                piece = remote.console(job_id, self._place, PIECE)
            except GalaxyRefusedError:
                self._refused = True
                break
            self._place += len(piece.encode())
            *lines, self._rest = (self._rest + piece).split("\n")
            found += _told(lines)
            if len(piece) < PIECE:
                break
        self._rest = self._rest[-PIECE:]
        return found


def _told(lines: Iterable[str]) -> list[dict[str, Any]]:
    found = []
    for line in lines:
        if line.startswith(MARK):
            try:
                one = json.loads(line.removeprefix(MARK))
            except (ValueError, RecursionError):
                continue
            found += [one] if isinstance(one, dict) else []
    return found
