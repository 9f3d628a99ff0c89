"""The one job loop of an installation: moves every job from `new` to its end.

It runs as a thread of the history server. A lock file lets one process at a time run it, and the lock
vanishes with that process; another server then goes on from what the database, the job directories and the
engine say. The loop sleeps until it is woken (`JobSignals`), or until it is time to look at what runs.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from sqlalchemy import select

from perijove.core.errors import ConflictError, PerijoveError
from perijove.core.states import JobState
from perijove.engines.base import EngineStatus
from perijove.histories.services.job_leftovers import Leftovers
from perijove.histories.services.job_lock import JobLock
from perijove.histories.services.job_outputs import TOOL_ID
from perijove.histories.services.job_signals import JobSignals
from perijove.histories.services.job_steps import JobRecord, JobSteps
from perijove.histories.services.promises import awaited
from perijove.histories.services.publish import UNFINISHED
from perijove.histories.store.models import Job

log = logging.getLogger(__name__)

LOCK_RETRY = 1.0
IDLE = 5.0
"""Seconds between looks at the database when nobody wakes the loop."""
QUICK, SLOW = 0.05, 1.0
"""Seconds between looks at a running job: a fiftieth of its age, within these bounds."""
TRY_AGAIN = 5.0
MAX_FAULTS = 5
"""After this many failures that nobody foresaw, a job is given up rather than tried for ever."""
WORKERS = 4


@dataclass
class _Tracked:
    """What the loop remembers of a job between two looks. All of it can be lost."""

    state: JobState
    cancel_requested: bool
    running_since: float = 0.0
    look_at: float = 0.0
    busy: bool = False
    noted: str = ""
    faults: int = 0
    awaiting: bool = False
    """Other jobs have to end first: looked at again whenever one has."""


class JobLoop:
    """Drives all jobs through `steps`. `start` returns at once; `stop` waits for the work at hand."""

    def __init__(
        self, steps: JobSteps, signals: JobSignals, ended: Callable[[str], object] = lambda _: None
    ) -> None:
        """`ended` is called once with the id of each job that has become final; it must not wait."""
        self._ended = ended
        self._steps = steps
        self._signals = signals
        self._leftovers = Leftovers(steps)
        self._lock = JobLock(steps.settings.layout.state)
        self._jobs: dict[str, _Tracked] = {}
        self._reload_at = 0.0
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="job-publish")
        self._thread = threading.Thread(target=self._run, name="job-loop", daemon=True)
        self.leading = False
        """Whether this process runs the jobs now; another one does where it is False."""

    @property
    def waiting(self) -> int:
        """How many jobs have not started yet."""
        return sum(entry.state in (JobState.NEW, JobState.QUEUED) for entry in list(self._jobs.values()))

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; running jobs go on without it."""
        self._stopping.set()
        self._signals.wake()
        self._thread.join()
        self._pool.shutdown(wait=True)

    def _run(self) -> None:
        lock = self._acquire()
        if lock is None:
            return
        try:
            self.leading = True
            self._survive(self._leftovers.clean)
            while not self._stopping.is_set():
                self._survive(self.tick)
                if self._signals.wait_for_work(self._pause()):
                    self._woken()
        finally:
            self.leading = False
            self._pool.shutdown(wait=True)
            self._survive(self._steps.engine.close)
            os.close(lock)

    def _woken(self) -> None:
        """Something was submitted, cancelled or has ended: look at the table, and at who waits for jobs."""
        self._reload_at = 0.0
        for entry in list(self._jobs.values()):
            if entry.awaiting:
                entry.look_at = 0.0

    def _acquire(self) -> int | None:
        """The lock, once it is free; None where the loop was stopped before."""
        path = self._steps.settings.layout.state / "job-loop.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        while not self._stopping.is_set():
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._stopping.wait(LOCK_RETRY)
            else:
                return descriptor
        os.close(descriptor)
        return None

    def _survive(self, act: Callable[[], None]) -> None:
        """The loop outlives what goes wrong in one turn: database away, launcher restarted, our mistakes."""
        try:
            act()
        except PerijoveError as error:
            log.warning("job loop: %s", error)
            self._stopping.wait(QUICK)
        except Exception:
            log.exception("job loop: unforeseen")
            self._stopping.wait(SLOW)

    def tick(self) -> None:
        """One turn: take up new jobs, let the engine start what it can, look at the others."""
        if time.monotonic() >= self._reload_at:
            self._reload()
        self._look_at(JobState.PAUSED)
        self._look_at(JobState.NEW)
        if self._lock.active:
            self._steps.engine.attend()
        else:
            self._steps.engine.advance()
        self._look_at(JobState.QUEUED)
        self._look_at(JobState.RUNNING)

    def _reload(self) -> None:
        query = select(Job.id, Job.state, Job.cancel_requested).where(
            Job.state.in_(UNFINISHED), Job.tool_id == TOOL_ID
        )
        with self._steps.database.read() as session:
            rows = session.execute(query.order_by(Job.create_time)).all()
        self._reload_at = time.monotonic() + IDLE
        found = {job_id: entry for job_id, entry in self._jobs.items() if entry.busy}
        for job_id, state, cancel_requested in rows:
            entry = self._jobs.get(job_id) or _Tracked(state=state, cancel_requested=cancel_requested)
            if cancel_requested and not entry.cancel_requested:
                entry.cancel_requested, entry.look_at = True, 0.0
            found[job_id] = entry
        self._jobs = found

    def _look_at(self, state: JobState) -> None:
        now = time.monotonic()
        for job_id, entry in list(self._jobs.items()):
            if entry.state is state and not entry.busy and entry.look_at <= now:
                self._survive(partial(self._step, job_id, entry))

    def _step(self, job_id: str, entry: _Tracked) -> None:
        entry.look_at = time.monotonic() + TRY_AGAIN  # should it fail
        if entry.state in (JobState.NEW, JobState.PAUSED):
            self._submit(job_id, entry)
            return
        if entry.cancel_requested:
            self._steps.engine.cancel(job_id)
        self._follow(job_id, entry, self._steps.engine.status(job_id))

    def _submit(self, job_id: str, entry: _Tracked) -> None:
        """Give a new job to the engine; one that can never run ends here, with the reason."""
        job = self._steps.load(job_id)
        if job is None:
            return
        if job.cancel_requested:
            self._finish_soon(job_id, entry, _CANCELLED)
            return
        if awaited(job.spec):
            self._await(job, entry)
            return
        try:
            self._steps.submit(job)
        except PerijoveError as error:
            self._not_submitted(job, entry, error)
            return
        if entry.state is JobState.NEW:
            self._moved(job_id, entry, JobState.QUEUED)
        entry.look_at = 0.0

    def _await(self, job: JobRecord, entry: _Tracked) -> None:
        """Let a job that other jobs must serve first wait, pause or go on, as those now stand."""
        standing = self._steps.settle_inputs(job)
        entry.awaiting = standing.state != "ready"
        after = JobState.PAUSED if standing.state == "held" else JobState.NEW
        if entry.state is not after:
            self._moved(job.id, entry, after, standing.reason or None)
            self._signals.wake()  # those that wait for this one
        else:
            self._note(job.id, entry, standing.reason)
        if not entry.awaiting:
            self._submit(job.id, entry)

    def _not_submitted(self, job: JobRecord, entry: _Tracked, error: PerijoveError) -> None:
        if error.retry:
            self._note(job.id, entry, f"could not be prepared yet: {error}")
            return
        never = EngineStatus(state="ended", reason=str(error))
        self._finish_soon(job.id, entry, never)

    def _follow(self, job_id: str, entry: _Tracked, status: EngineStatus) -> None:
        """Do what the engine's answer asks for."""
        match status.state:
            case "waiting":
                entry.look_at = 0.0
            case "running":
                if entry.state is JobState.QUEUED:
                    self._moved(job_id, entry, JobState.RUNNING)
                entry.look_at = time.monotonic() + _look_after(time.time() - (status.started or 0.0))
            case "unknown" if entry.state is JobState.QUEUED and not entry.cancel_requested:
                self._submit(job_id, entry)  # a restart: the engine forgets what waits
            case "unknown" if entry.state is JobState.QUEUED:
                self._finish_soon(job_id, entry, _CANCELLED)
            case "unknown":
                self._finish_soon(job_id, entry, EngineStatus(state="lost"))
            case "ended" | "lost":
                self._finish_soon(job_id, entry, status)

    def _moved(self, job_id: str, entry: _Tracked, after: JobState, reason: str | None = None) -> None:
        self._steps.mark(job_id, before=entry.state, after=after, reason=reason)
        entry.state, entry.noted = after, reason or ""
        self._signals.changed(job_id)

    def _note(self, job_id: str, entry: _Tracked, reason: str) -> None:
        if entry.noted != reason:
            self._steps.note(job_id, reason)
            entry.noted = reason
            self._signals.changed(job_id)

    def _finish_soon(self, job_id: str, entry: _Tracked, status: EngineStatus) -> None:
        entry.busy = True
        self._pool.submit(self._finish, job_id, entry, status)

    def _finish(self, job_id: str, entry: _Tracked, status: EngineStatus) -> None:
        """Publish, in a thread of the pool: gigabytes of one job must not keep the others waiting."""
        try:
            self._try_to_finish(job_id, entry, status)
        except ConflictError:  # something of it is still being taken down
            entry.look_at = time.monotonic() + 4 * QUICK
        except PerijoveError as error:
            entry.look_at = time.monotonic() + TRY_AGAIN
            self._survive(partial(self._note, job_id, entry, _waiting_outputs(error)))
        except Exception:
            log.exception("job %s could not be published", job_id)
            entry.faults += 1
            entry.look_at = time.monotonic() + TRY_AGAIN
        finally:
            entry.busy = False
            self._signals.wake()
            self._signals.changed(job_id)

    def _try_to_finish(self, job_id: str, entry: _Tracked, status: EngineStatus) -> None:
        job = self._steps.load(job_id)
        if job is None or job.state.final:
            entry.state = JobState.DELETED if job is None else job.state
            return
        if entry.faults < MAX_FAULTS:
            self._steps.finish(job, status)
        else:
            self._steps.give_up(job, f"The job's outputs could not be published; they lie in jobs/{job_id}.")
        entry.state = JobState.OK
        self._signals.changed(job_id)  # whoever waits need not wait for the cleaning
        self._ended(job_id)
        self._clean(job_id)

    def _clean(self, job_id: str) -> None:
        try:
            self._steps.clean(job_id)
        except PerijoveError as error:
            log.warning("job %s is left to be cleaned up at the next start: %s", job_id, error)

    def _pause(self) -> float:
        """Seconds until there is something to look at again."""
        now = time.monotonic()
        entries = [entry for entry in self._jobs.values() if not entry.busy and not entry.state.final]
        nexts = [max(entry.look_at - now, _AT_LEAST[entry.state]) for entry in entries]
        return min([IDLE, *nexts])


_CANCELLED = EngineStatus(state="ended", cancelled=True)
_AT_LEAST = {JobState.NEW: QUICK, JobState.PAUSED: IDLE, JobState.QUEUED: 4 * QUICK, JobState.RUNNING: 0.0}


def _look_after(age: float) -> float:
    return min(SLOW, max(QUICK, age / 50))


def _waiting_outputs(error: PerijoveError) -> str:
    return f"It has ended; its outputs are kept and will be published when that is possible: {error}"
