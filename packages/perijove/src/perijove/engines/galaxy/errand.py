"""One job's way to a Galaxy and back, in steps that may each be repeated after a crash.

Every job gets a history of its own there, found again by its name: whatever job of the tool is in it, is this
job. So after a crash between asking and noting the answer the job is found, not sent again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from perijove.engines.base import EngineStatus
from perijove.engines.galaxy import request, results
from perijove.engines.galaxy.errors import GalaxyRefusedError
from perijove.engines.galaxy.progress import Progress
from perijove.engines.galaxy.records import SentJob
from perijove.engines.galaxy.remote import RUN_SECONDS, RemoteGalaxy

SOONEST, LATEST = 0.5, 30.0
"""Seconds between looks at a job: a twentieth of its age, within these bounds."""
PATIENCE = RUN_SECONDS + 15.0
"""Seconds after which a job whose answer was lost, and that is not there, is sent again."""
_BROKEN = ("error", "discarded", "failed_metadata", "paused")
_ENDED = ("ok", "error", "deleted", "stopped", "failed", "skipped")
_GOING = ("running", "stop", "deleting")


class Notes(Protocol):
    """What is known of the job; `update` keeps it on disk."""

    @property
    def record(self) -> SentJob:
        """As it stands; somebody may cancel the job meanwhile."""

    @property
    def progress(self) -> Progress:
        """How far it is, as far as was seen."""

    def update(self, **changes: Any) -> None:
        """Write the changes. StorageError where the disk fails."""

    def tell(self, reason: str) -> None:
        """Why it is where it is, for its user."""


class Errand:
    """Moves one job on. `step` returns the seconds until it wants to be called again."""

    def __init__(
        self,
        notes: Notes,
        remote: RemoteGalaxy,
        *,
        limit: int,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._notes, self._remote, self._limit, self._clock = notes, remote, limit, clock
        self._patience = patience

    def step(self) -> float:
        """Do what can be done now; the job may take any number of steps. Raises what `remote` does."""
        record = self._notes.record
        if record.cancelled:
            return self._cancel()
        if record.remote is None:
            return self._send()
        return self._follow()

    def _send(self) -> float:
        if not self._notes.record.history:
            self._notes.tell(f"is being sent to {self._remote.url}")
            self._check_tool()
            self._notes.update(history=self._remote.history(history_name(self._notes.record.job.id)))
        self._upload()
        record = self._notes.record
        if record.cancelled or not self._ready(record.uploads):
            return SOONEST
        self._run()
        return SOONEST

    def _check_tool(self) -> None:
        job = self._notes.record.job
        files = request.uploads(job)
        asked = request.tool_inputs(job, [file.path for file in files], [""] * len(files))
        request.check_takes(asked, self._remote.tool_inputs(), self._remote.url)

    def _upload(self) -> None:
        """Send what was not sent yet. A crash here sends one file again, into the job's own history."""
        files = request.uploads(self._notes.record.job)
        history = str(self._notes.record.history)
        for number, file in enumerate(files):
            if number < len(self._notes.record.uploads):
                continue
            if self._notes.record.cancelled:
                return
            self._notes.tell(f"is being sent to {self._remote.url}: file {number + 1} of {len(files)}")
            made = self._remote.upload(history, file.source, name=file.name, ext=file.ext)
            self._notes.update(uploads=(*self._notes.record.uploads, made))

    def _ready(self, datasets: tuple[str, ...]) -> bool:
        for dataset in datasets:
            shown = self._remote.dataset(dataset)
            if shown.get("state") in _BROKEN:
                why = " ".join(str(shown.get("misc_info") or "").split())[:500]
                raise GalaxyRefusedError(
                    f"{self._remote.url} could not take {shown.get('name')!r}. {why}".strip()
                )
            if shown.get("state") in results.PENDING:
                self._notes.tell(f"was sent to {self._remote.url}, which reads the files")
                return False
        return True

    def _run(self) -> None:
        record = self._notes.record
        there = self._remote.jobs(str(record.history))
        now = self._clock()
        if not there and self._too_soon(record, now):
            self._notes.tell(f"was sent to {self._remote.url}, whose answer was lost: it is looked for there")
            return
        if not there:
            self._notes.update(asked=now)
            files = request.uploads(record.job)
            asked = request.tool_inputs(record.job, [file.path for file in files], record.uploads)
            there = [self._remote.run(str(record.history), asked)]
        self._notes.update(remote=there[0], sent=now)

    def _too_soon(self, record: SentJob, now: float) -> bool:
        """Whether the Galaxy may still be making the job of the call whose answer was lost."""
        lately = record.asked is not None and now < record.asked + self._patience
        return lately and not self._remote.knows_submissions()

    def _follow(self) -> float:
        record = self._notes.record
        details = self._remote.job(str(record.remote))
        state = str(details.get("state"))
        if state in _ENDED:
            return self._finish(details)
        if state in _GOING and record.started is None:
            self._notes.update(started=self._clock())
        self._notes.tell(self._standing(details, state))
        if state in _GOING:
            self._notes.progress.write(self._remote, details, record.job.directory)
        age = self._clock() - (record.sent or self._clock())
        return min(LATEST, max(SOONEST, age / 20))

    def _standing(self, details: dict[str, Any], state: str) -> str:
        where = f"on {self._remote.url}"
        if state == "paused":
            return f"is paused {where}: most often its quota is full. Resume it there, or cancel it here"
        why = str((details.get("perijove") or {}).get("reason") or "")[:500]
        return f"runs {where}" if state in _GOING else f"waits {where}{': ' if why else ''}{why}"

    def _finish(self, details: dict[str, Any]) -> float:
        record = self._notes.record
        self._notes.tell(f"has ended on {self._remote.url}; its results are being fetched")
        if not results.bring(self._remote, details, record.job.directory, limit=self._limit):
            return SOONEST
        now = self._clock()
        code = details.get("exit_code")
        known = code if isinstance(code, int) else (0 if details.get("state") == "ok" else 1)
        self._notes.update(
            ended=EngineStatus(
                state="ended",
                exit_code=known,
                cancelled=details.get("state") == "deleted",
                started=record.started or record.sent,
                ended=now,
            )
        )
        return LATEST

    def _cancel(self) -> float:
        """End it there too; where the answer to the call that ran it was lost, it is looked for first."""
        record = self._notes.record
        there = [record.remote] if record.remote else []
        if record.asked is not None and not there:
            there = list(self._remote.jobs(str(record.history)))
        for job in there:
            self._remote.cancel(job)
        self._notes.update(ended=cancelled(self._clock(), started=record.started))
        return LATEST


def cancelled(now: float, *, started: float | None = None) -> EngineStatus:
    """The end of a job whose user wanted it ended."""
    return EngineStatus(state="ended", reason="cancelled", cancelled=True, started=started, ended=now)


def history_name(job_id: str) -> str:
    """What the job's history is called there."""
    return f"Perijove job {job_id}"
