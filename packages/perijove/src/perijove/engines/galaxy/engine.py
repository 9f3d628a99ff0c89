"""Jobs sent to the Galaxy account that their user has linked; their results come back into the job directory.

Everything that waits for a network is done by threads of the engine, so no call here blocks. They work only
where the job loop runs: another server of the installation merely reads the records.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from perijove.core.errors import EngineError, PerijoveError, StorageError
from perijove.core.settings import Settings
from perijove.engines.base import Engine, EngineJob, EngineStatus, JobView
from perijove.engines.galaxy.errand import Errand, cancelled
from perijove.engines.galaxy.errors import GalaxyAwayError, GalaxyKeyError
from perijove.engines.galaxy.links import HOW_TO_LINK, GalaxyLink, GalaxyLinks
from perijove.engines.galaxy.progress import Progress
from perijove.engines.galaxy.records import Records, SentJob
from perijove.engines.galaxy.remote import RemoteGalaxy
from perijove.sandbox.spec import Usage

WORKERS = 4
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds until a Galaxy that does not answer is asked again: doubled each time, within these bounds."""
MAX_FAULTS = 5

log = logging.getLogger(__name__)


class _Tracked:
    """One job; its record is on disk whenever `update` has returned."""

    def __init__(
        self, record: SentJob, records: Records, lock: threading.RLock, closed: threading.Event
    ) -> None:
        self.record, self._records, self._lock, self._closed = record, records, lock, closed
        self.reason = f"waits to be sent to {record.url}"
        self.released = record.is_there
        self.busy = False
        self.due = 0.0
        self.pause = FIRST_PAUSE
        self.faults = 0
        self.progress = Progress()

    def update(self, **changes: Any) -> None:
        """Write the changes; one thread after the other."""
        with self._lock:
            if self._closed.is_set():  # the records are the next job loop's
                raise GalaxyAwayError("The platform stops.")
            changed = self.record.model_copy(update=changes)
            self._records.save(changed)
            self.record = changed

    def tell(self, reason: str) -> None:
        """Why it is where it is."""
        self.reason = reason

    @property
    def status(self) -> EngineStatus:
        return _status(self.record, self.reason)


class GalaxyEngine(Engine):
    """Runs jobs in the Galaxy accounts of `links`. For use from any thread."""

    name = "galaxy"

    def __init__(
        self,
        settings: Settings,
        *,
        links: GalaxyLinks | None = None,
        connect: Callable[[GalaxyLink], RemoteGalaxy] = RemoteGalaxy,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._links = links or GalaxyLinks(settings)
        self._limit = settings.histories.max_upload
        self._records = Records(settings.layout.state)
        self._connect = connect
        self._clock = clock
        self._lock = threading.RLock()
        self._jobs: dict[str, _Tracked] | None = None
        self._closed = threading.Event()

    def view(self, job: EngineJob) -> JobView:
        """The directory itself: nothing of the job runs on this machine."""
        return JobView(root=job.directory, inputs=tuple(given.source for given in job.inputs))

    def submit(self, job: EngineJob) -> None:
        """See `Engine.submit`. EngineError where the owner has no Galaxy account linked."""
        with self._lock:
            jobs = self._mine()
            if job.id in jobs:
                return
            link = self._links.get(job.owner)
            if link is None:
                raise EngineError("No Galaxy account is linked.", advice=HOW_TO_LINK)
            record = SentJob(job=job, url=link.url)
            self._records.save(record)
            jobs[job.id] = self._track(record)

    def status(self, job_id: str) -> EngineStatus:
        """See `Engine.status`."""
        with self._lock:
            if self._jobs is not None:
                found = self._jobs.get(job_id)
                return found.status if found else EngineStatus(state="unknown")
        record = self._records.load(job_id)
        return _status(record, "") if record else EngineStatus(state="unknown")

    def usage(self, job_id: str) -> Usage | None:
        """None: nothing measures it here."""
        return None

    def cancel(self, job_id: str) -> None:
        """See `Engine.cancel`. What was sent is cancelled there too."""
        with self._lock:
            found = self._mine().get(job_id)
            if found is None or found.record.cancelled or found.record.ended is not None:
                return
            found.update(cancelled=True)
            found.due, found.released = 0.0, True
            if not found.busy and not found.record.is_there:
                found.update(ended=cancelled(self._clock()))

    def forget(self, job_id: str) -> None:
        """See `Engine.forget`."""
        with self._lock:
            if self._jobs is not None:
                self._jobs.pop(job_id, None)
            self._records.remove(job_id)

    def advance(self) -> None:
        """See `Engine.advance`."""
        with self._lock:
            for tracked in self._mine().values():
                tracked.released = True
        self.attend()

    def attend(self) -> None:
        """See `Engine.attend`."""
        with self._lock:
            jobs = self._mine().values()
            free = WORKERS - sum(tracked.busy for tracked in jobs)
            now = time.monotonic()
            due = [one for one in jobs if one.released and not one.busy and one.due <= now]
            for tracked in [one for one in due if one.record.ended is None][: max(0, free)]:
                if self._closed.is_set():
                    return
                tracked.busy = True
                name = f"galaxy-{tracked.record.job.id}"
                threading.Thread(target=self._work, args=(tracked,), name=name, daemon=True).start()

    def close(self) -> None:
        """See `Engine.close`. What is under way is cut off as by a crash."""
        with self._lock:
            self._closed.set()
            self._jobs = None

    def _mine(self) -> dict[str, _Tracked]:
        """Every job on record; read when the job loop first asks, since another server may have had them."""
        if self._jobs is None:
            found = [record for job_id in self._records.ids() if (record := self._records.load(job_id))]
            self._jobs = {one.job.id: self._track(one) for one in found}
        return self._jobs

    def _track(self, record: SentJob) -> _Tracked:
        return _Tracked(record, self._records, self._lock, self._closed)

    def _work(self, tracked: _Tracked) -> None:
        before = tracked.record.cancelled
        try:
            wait = self._step(tracked)
            tracked.pause, tracked.faults = FIRST_PAUSE, 0
        except (GalaxyAwayError, StorageError) as error:
            tracked.tell(str(error))
            wait = self._longer(tracked)
        except OSError as error:
            tracked.tell(f"Its files cannot be read or written here: {error.strerror}.")
            wait = self._longer(tracked)
        except PerijoveError as error:
            wait = self._refused(tracked, error)
        except Exception:
            log.exception("job %s on a Galaxy: unforeseen", tracked.record.job.id)
            wait = self._unforeseen(tracked)
        with self._lock:
            just_cancelled = tracked.record.cancelled and not before
            tracked.due = 0.0 if just_cancelled else time.monotonic() + wait
            tracked.busy = False

    def _step(self, tracked: _Tracked) -> float:
        record = tracked.record
        link = self._links.get(record.job.owner)
        if link is not None and link.url != record.url and not record.is_there:
            tracked.update(url=link.url, history=None, uploads=())
        if link is None or link.url != tracked.record.url:
            return self._unlinked(tracked)
        with self._connect(link) as remote:
            return Errand(tracked, remote, limit=self._limit, clock=self._clock).step()

    def _unlinked(self, tracked: _Tracked) -> float:
        if tracked.record.cancelled:
            tracked.update(ended=cancelled(self._clock(), started=tracked.record.started))
        else:
            tracked.tell(f"The account on {tracked.record.url} is not linked: link it again, or cancel.")
        return LONGEST_PAUSE / 10

    def _refused(self, tracked: _Tracked, error: PerijoveError) -> float:
        """What was not sent ends with the reason; what is there waits where a new key could bring it back."""
        waits = isinstance(error, GalaxyKeyError) and tracked.record.is_there
        if tracked.record.cancelled:
            tracked.update(ended=cancelled(self._clock(), started=tracked.record.started))
        elif waits:
            tracked.tell(str(error))
        else:
            log.warning("job %s on a Galaxy: %s", tracked.record.job.id, error)
            tracked.update(ended=EngineStatus(state="ended", reason=str(error), ended=self._clock()))
        return self._longer(tracked)

    def _unforeseen(self, tracked: _Tracked) -> float:
        tracked.faults += 1
        tracked.tell("Something unforeseen happened; it is tried again.")
        if tracked.faults >= MAX_FAULTS:
            reason = f"{tracked.record.url} answers what is not understood. The platform's log says more."
            tracked.update(ended=EngineStatus(state="ended", reason=reason, ended=self._clock()))
        return self._longer(tracked)

    def _longer(self, tracked: _Tracked) -> float:
        wait = tracked.pause
        tracked.pause = min(LONGEST_PAUSE, 2 * wait)
        return wait


def _status(record: SentJob, reason: str) -> EngineStatus:
    """Running from the first moment on: a job that a Galaxy puts back is still under way for its user."""
    if record.ended is not None:
        return record.ended
    if record.started is not None:
        return EngineStatus(state="running", reason=reason, started=record.started)
    return EngineStatus(state="waiting", reason=reason)
