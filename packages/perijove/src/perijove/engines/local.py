"""Jobs on this machine: confined processes of the launcher, which grants resources to labs and jobs alike.

What was started is the launcher's record, which outlives this process; what waits is in memory only, and is
submitted again by the job loop after a restart. The launcher refuses a second start of an id, so a
job whose start this process did not live to see is not run twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from perijove.core.errors import ConflictError, InsufficientResourcesError, NotFoundError, PerijoveError
from perijove.core.settings import Settings
from perijove.engines.base import Engine, EngineJob, EngineStatus, JobView
from perijove.engines.job_sandbox import INSIDE, job_sandbox
from perijove.engines.queue import Holder, Machine, Plan, fair_order, plan
from perijove.sandbox.launcher import Launcher
from perijove.sandbox.spec import SandboxStatus, Usage

STOP_GRACE = 15.0
"""Seconds between SIGTERM and SIGKILL: the runner saves and leaves within 10."""
REPLAN_SECONDS = 1.0
"""How long a plan holds when nothing changed: room is kept, and turns come, by the clock as well."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Waiting:
    job: EngineJob
    reason: str = "waits for its turn"
    position: int | None = None

    @property
    def status(self) -> EngineStatus:
        return EngineStatus(state="waiting", reason=self.reason, position=self.position)


class LocalEngine(Engine):
    """Runs jobs through `launcher`, in the order of `engines.queue`. For use from any thread."""

    name = "local"

    def __init__(
        self, launcher: Launcher, settings: Settings, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._launcher = launcher
        self._settings = settings
        self._clock = clock
        self._lock = threading.RLock()
        self._waiting: dict[str, _Waiting] = {}
        self._ended: dict[str, EngineStatus] = {}  # ended without having started
        self._starting: set[str] = set()
        self._cancelled: set[str] = set()
        self._last_starts: dict[str, float] = {}
        self._planned_at = 0.0
        self._planned_for: tuple[object, ...] = ()

    def view(self, job: EngineJob) -> JobView:
        """`/job` where the launcher confines, the directory itself where it does not."""
        if not self._launcher.confines:
            return JobView(root=job.directory, inputs=tuple(given.source for given in job.inputs))
        inputs = tuple(INSIDE / "inputs" / str(index) for index in range(len(job.inputs)))
        return JobView(root=INSIDE, inputs=inputs)

    def submit(self, job: EngineJob) -> None:
        """See `Engine.submit`."""
        with self._lock:
            if job.id in self._waiting or job.id in self._ended:
                return
        if self._record(job.id) is not None:
            return
        total = self._launcher.total()
        if not job.resources.fits_in(total):
            raise InsufficientResourcesError(
                f"The job asks for {job.resources}; this machine has {total}.",
                advice="Ask for less.",
                retry=False,
            )
        with self._lock:
            self._waiting.setdefault(job.id, _Waiting(job=job))

    def status(self, job_id: str) -> EngineStatus:
        """See `Engine.status`."""
        with self._lock:
            if job_id in self._waiting:
                return self._waiting[job_id].status
            if job_id in self._ended:
                return self._ended[job_id]
        record = self._record(job_id)
        if record is None:
            return EngineStatus(state="unknown")
        return _translate(record, cancelled=job_id in self._cancelled)

    def usage(self, job_id: str) -> Usage | None:
        """See `Engine.usage`."""
        try:
            return self._launcher.usage(job_id)
        except NotFoundError:
            return None

    def cancel(self, job_id: str) -> None:
        """See `Engine.cancel`. What runs may save and leave; after `STOP_GRACE` seconds it is killed."""
        with self._lock:
            if job_id in self._ended or job_id in self._cancelled:
                return
            if job_id in self._waiting and job_id not in self._starting:
                del self._waiting[job_id]
                self._ended[job_id] = _cancelled_early(self._clock())
                return
            self._cancelled.add(job_id)
            if job_id in self._starting:  # `_started` stops it
                return
        self._stop_soon(job_id)

    def forget(self, job_id: str) -> None:
        """See `Engine.forget`."""
        self._launcher.forget(job_id)
        with self._lock:
            self._waiting.pop(job_id, None)
            self._ended.pop(job_id, None)
            self._cancelled.discard(job_id)

    def advance(self) -> None:
        """See `Engine.advance`."""
        with self._lock:
            waiting = [entry.job for entry in self._waiting.values()]
        if not waiting:
            return
        machine = self._machine()
        now = self._clock()
        planned_for = (frozenset(job.id for job in waiting), machine.free, machine.holders)
        if planned_for == self._planned_for and now - self._planned_at < REPLAN_SECONDS:
            return
        self._planned_for, self._planned_at = planned_for, now
        order = fair_order(waiting, machine, now=now)
        chosen = plan(order, machine, max_running_per_user=self._settings.jobs.max_running_per_user, now=now)
        self._explain(chosen)
        for job in chosen.start:
            self._start(job)

    def _machine(self) -> Machine:
        records = self._launcher.list()
        for record in records:
            if record.kind == "job":
                last = self._last_starts.get(record.owner, 0.0)
                self._last_starts[record.owner] = max(last, record.started)
        running = [record for record in records if record.state == "running" and record.kind != "inspect"]
        return Machine(
            total=self._launcher.total(),
            free=self._launcher.free(),
            holders=tuple(
                Holder(owner=one.owner, is_job=one.kind == "job", resources=one.resources) for one in running
            ),
            last_starts=self._last_starts,
        )

    def _explain(self, chosen: Plan) -> None:
        with self._lock:
            for position, (job_id, reason) in enumerate(chosen.reasons.items(), start=1):
                if job_id in self._waiting:
                    entry = self._waiting[job_id]
                    self._waiting[job_id] = replace(entry, reason=reason, position=position)

    def _start(self, job: EngineJob) -> None:
        """Start one job, unless it was cancelled. It stays in the queue until the launcher has it."""
        with self._lock:
            if job.id not in self._waiting:
                return
            self._starting.add(job.id)
            self._waiting[job.id] = _Waiting(job=job, reason="is being started")
        try:
            account = self._launcher.account(job.owner)
            self._launcher.start(job_sandbox(job, self._settings, account=account, view=self.view(job)))
        except ConflictError:
            log.info("job %s had been started before", job.id)
        except (PerijoveError, OSError) as error:
            self._not_started(job, error)
            return
        self._started(job)

    def _started(self, job: EngineJob) -> None:
        with self._lock:
            self._starting.discard(job.id)
            del self._waiting[job.id]
            stop_it = job.id in self._cancelled
        if stop_it:
            self._stop_soon(job.id)

    def _not_started(self, job: EngineJob, error: PerijoveError | OSError) -> None:
        """Wait on where waiting can help; end the job where it cannot, or where its user wants it ended."""
        reason = str(error)
        with self._lock:
            self._starting.discard(job.id)
            if job.id in self._cancelled:
                self._cancelled.discard(job.id)
                del self._waiting[job.id]
                self._ended[job.id] = _cancelled_early(self._clock())
            elif isinstance(error, OSError) or error.retry:
                self._waiting[job.id] = _Waiting(job=job, reason=f"could not be started yet: {reason}")
            else:
                del self._waiting[job.id]
                self._ended[job.id] = EngineStatus(state="ended", reason=reason, ended=self._clock())
                log.warning("job %s cannot be started: %s", job.id, reason)

    def _stop_soon(self, job_id: str) -> None:
        threading.Thread(target=self._stop, args=(job_id,), name=f"stop-{job_id}", daemon=True).start()

    def _stop(self, job_id: str) -> None:
        try:
            self._launcher.stop(job_id, grace=STOP_GRACE)
        except NotFoundError:
            return
        except (PerijoveError, OSError) as error:
            log.warning("job %s could not be stopped: %s", job_id, error)
            with self._lock:
                self._cancelled.discard(job_id)  # the job loop asks again

    def _record(self, job_id: str) -> SandboxStatus | None:
        try:
            return self._launcher.status(job_id)
        except NotFoundError:
            return None


def _cancelled_early(now: float) -> EngineStatus:
    return EngineStatus(state="ended", reason="cancelled before it started", cancelled=True, ended=now)


def _translate(record: SandboxStatus, *, cancelled: bool) -> EngineStatus:
    states = {"running": "running", "exited": "ended", "lost": "lost"}
    return EngineStatus.model_validate(
        {
            "state": states[record.state],
            "exit_code": record.exit_code,
            "out_of_memory": record.out_of_memory,
            "process_limit_hit": record.process_limit_hit,
            "timed_out": record.timed_out,
            "cancelled": cancelled,
            "started": record.started,
            "ended": record.ended,
            "gpus": record.gpus,
            "memory_peak": record.memory_peak,
            "cpu_seconds": record.cpu_seconds,
        }
    )
