"""What a job of `run_jupyter_job` says on a real Galaxy, which carries only text: its printed lines.

`perijove_lab.galaxy.told` writes them. Everything here is empty for other tools' jobs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from perijove_lab.client.errors import MissingError, RefusedError
from perijove_lab.galaxy.told import ERROR, PROGRESS

if TYPE_CHECKING:
    from perijove_lab.client.connection import Connection

_PIECE = 1 << 16  # characters read at once
_UNFINISHED = ("new", "upload", "queued", "running", "setting_metadata", "paused")
_DISCOVERED = "__new_primary_file"  # how Galaxy names the elements of collections among a job's outputs


class Console:
    """The progress of one running job, read on from where the last look ended."""

    def __init__(self) -> None:
        self._place = 0
        self._rest = ""
        self._known: dict[str, Any] = {}
        self._refused = False

    def progress(self, connection: Connection, job_id: str) -> dict[str, Any]:
        """The latest of each figure; none where this Galaxy shows no output of running jobs (asked once)."""
        while not self._refused and (piece := self._read(connection, job_id)):
            self._place += len(piece.encode())
            *lines, self._rest = (self._rest + piece).split("\n")
            for told in _told(lines, PROGRESS):
                self._known |= told
            if len(piece) < _PIECE:
                break
        return dict(self._known)

    def _read(self, connection: Connection, job_id: str) -> str:
        piece = _console_piece(connection, job_id, self._place)
        self._refused = piece is None
        return piece or ""


def console_text(connection: Connection, job_id: str) -> str:
    """All that a running job has printed; empty where this Galaxy does not show it."""
    text, place = "", 0
    while piece := _console_piece(connection, job_id, place):
        text, place = text + piece, place + len(piece.encode())
        if len(piece) < _PIECE:
            break
    return text


def _console_piece(connection: Connection, job_id: str, place: int) -> str | None:
    """What a running job has printed from `place` (bytes) on; None where this Galaxy does not show it."""
    try:
        found = connection.json(
            f"api/jobs/{job_id}/console_output",
            stdout_position=place,
            stdout_length=_PIECE,
            stderr_position=0,
            stderr_length=0,
        )
    except (MissingError, RefusedError):
        return None
    return str((found or {}).get("stdout") or "")


def progress_lines(text: str) -> list[dict[str, Any]]:
    """The lines of progress in what a job printed, oldest first."""
    return list(_told(text.splitlines(), PROGRESS))


def error(details: Mapping[str, Any]) -> dict[str, Any]:
    """Why the job failed: `type`, `message`, `advice`, `cell`; empty where it did not say."""
    lines = str(details.get("tool_stderr") or details.get("stderr") or "").splitlines()
    return next(iter(_told(reversed(lines), ERROR)), {})


def held_by(connection: Connection, details: Mapping[str, Any]) -> str:
    """Why the job waits or is paused; empty where a Galaxy does not tell, as of a place in a queue."""
    if details.get("state") == "paused":
        return _first(_remark(one) for one in _datasets(connection, details.get("outputs")))
    if details.get("state") in ("new", "waiting"):
        return _first(_unfinished(one) for one in _datasets(connection, details.get("inputs")))
    return ""


def _datasets(connection: Connection, named: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    for entry in (named or {}).values():
        if entry.get("src", "hda") == "hda":
            yield connection.json(f"api/datasets/{entry['id']}")


def _remark(dataset: Mapping[str, Any]) -> str:
    """What Galaxy writes on an output of a job that it has paused."""
    return str(dataset.get("misc_info") or "").strip()


def _unfinished(dataset: Mapping[str, Any]) -> str:
    return f"waits for {dataset.get('name')}" if dataset.get("state") in _UNFINISHED else ""


def _first(reasons: Iterable[str]) -> str:
    return next(filter(None, reasons), "")


def people_lines(text: str) -> str:
    """What a job printed, without the lines meant for this client."""
    lines = text.splitlines()
    return "\n".join(line for line in lines if not line.startswith((PROGRESS, ERROR)))


def is_output(name: str) -> bool:
    """Whether the name is one that the tool gives to an output."""
    return not name.startswith(_DISCOVERED)


def _told(lines: Iterable[str], mark: str) -> Iterable[dict[str, Any]]:
    for line in lines:
        if not line.startswith(mark):
            continue
        try:
            found = json.loads(line.removeprefix(mark))
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found
