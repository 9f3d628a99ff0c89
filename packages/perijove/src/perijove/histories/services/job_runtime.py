"""The job part of one history server: submission, the job loop, and what is known of jobs beside their rows.

`Jobs(...)` is made by the application, `start`ed when it starts, `stop`ped when it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from perijove.core.errors import PerijoveError
from perijove.core.flavors import offered_flavors
from perijove.core.settings import Settings
from perijove.core.states import JobState
from perijove.engines.base import Engine
from perijove.engines.galaxy import GalaxyLinks
from perijove.environments.optional import offered
from perijove.histories.context import Account
from perijove.histories.database import Database
from perijove.histories.schemas.jobs import FlavorOffer, MachineState
from perijove.histories.schemas.workflows import InvocationRequest
from perijove.histories.services import job_directory, jobs
from perijove.histories.services.invoking import Means, invoke
from perijove.histories.services.job_lock import REASON, JobLock
from perijove.histories.services.job_loop import JobLoop
from perijove.histories.services.job_mail import JobMail
from perijove.histories.services.job_signals import JobSignals
from perijove.histories.services.job_steps import JobSteps
from perijove.histories.services.jobs import LiveView
from perijove.histories.services.offer import Offer
from perijove.histories.services.submission import submit_job
from perijove.histories.store.files import FileStore
from perijove.histories.store.models import Job
from perijove.sandbox.launcher import Launcher


@dataclass(frozen=True, kw_only=True)
class _Parts:
    settings: Settings
    database: Database
    files: FileStore
    engine: Engine
    launcher: Launcher


class Jobs:
    """Everything about jobs that the routes need. Methods may be called from any thread."""

    def __init__(
        self,
        *,
        settings: Settings,
        database: Database,
        files: FileStore,
        engine: Engine,
        launcher: Launcher,
        tell: Callable[[str], object] = lambda _: None,
    ) -> None:
        """`tell` is called with the id of each job that has changed."""
        self._parts = _Parts(
            settings=settings, database=database, files=files, engine=engine, launcher=launcher
        )
        self.signals = JobSignals(tell)
        self.steps = JobSteps(
            settings=settings, database=database, files=files, engine=engine, launcher=launcher
        )
        self._mail = JobMail(settings, database)
        self.loop = JobLoop(self.steps, self.signals, self._mail.ended)
        self.lock = JobLock(settings.layout.state)
        self.links = GalaxyLinks(settings)

    def start(self) -> None:
        """Start the job loop (it waits while another server of the installation runs it)."""
        self.loop.start()

    def stop(self) -> None:
        """Stop the loop; what runs goes on and is found again at the next start."""
        self.loop.stop()
        self._mail.close()

    def submit(self, account: Account, *, history_id: str, inputs: dict[str, Any]) -> str:
        """Put a job on record; see `services.submission.submit_job`."""
        parts = self._parts
        job_id = submit_job(
            parts.database,
            parts.files,
            self.offer(),
            account,
            history_id=history_id,
            inputs=inputs,
            linked=self.links.get,
        )
        self.signals.wake()
        return job_id

    def invoke(self, account: Account, workflow_id: str, request: InvocationRequest) -> str:
        """Put a run of a workflow on record; see `services.invoking.invoke`."""
        means = Means(
            database=self._parts.database,
            files=self._parts.files,
            offer=self.offer(),
            linked=self.links.get,
        )
        invocation_id = invoke(means, account, workflow_id, request)
        self.signals.wake()
        return invocation_id

    def cancel(self, account: Account, job_id: str) -> bool:
        """Ask for the end of a job; False where it has ended before."""
        with self._parts.database.write() as session:
            asked = jobs.request_cancel(session, account, job_id)
        self.signals.wake()
        self.signals.changed(job_id)
        return asked

    def hold(self, *, active: bool) -> None:
        """Let no job start any more, or again."""
        self.lock.set(active=active)
        self.signals.wake()

    def offer(self) -> Offer:
        """What may be asked for."""
        settings, total = self._parts.settings, self._parts.launcher.total()
        return Offer(
            flavors=offered_flavors(settings.flavors, total),
            total=total,
            network=settings.sandbox.network,
            only_flavors=bool(settings.flavors),
            environments=offered(settings.layout),
        )

    def flavors(self, account: Account) -> list[FlavorOffer]:
        """The flavors the account may use, and whether each could start now."""
        free = self._parts.launcher.free()
        return [
            FlavorOffer(flavor=flavor, fits_now=flavor.resources.fits_in(free))
            for flavor in self.offer().allowed(account)
        ]

    def machine(self) -> MachineState:
        """What the machine has and what is free."""
        launcher = self._parts.launcher
        running = [one for one in launcher.list() if one.state == "running"]
        return MachineState(
            total=launcher.total(),
            free=launcher.free(),
            labs=sum(one.kind == "lab" for one in running),
            running_jobs=sum(one.kind == "job" for one in running),
            waiting_jobs=self.loop.waiting,
        )

    def live(self, job: Job) -> LiveView:
        """How the job stands now; of an ended one, what its row says."""
        environment = job.spec.get("environment") or self._parts.settings.jobs.environment
        if job.state.final:
            return LiveView(
                progress=job.progress, gpus=job.metrics.get("gpus") or (), environment=environment
            )
        try:
            return self._live(job, environment)
        except PerijoveError as error:
            return LiveView(
                reason=job.reason or error.message, progress=job.progress, environment=environment
            )

    def _live(self, job: Job, environment: str) -> LiveView:
        status = self._parts.engine.status(job.id)
        running = status.state == "running"
        return LiveView(
            reason=REASON if self._held(job, status.state) else _reason(job, status.reason),
            position=status.position,
            progress=job_directory.read_progress(self.steps.directory(job.id)),
            gpus=status.gpus,
            usage=self._parts.engine.usage(job.id) if running else None,
            environment=environment,
        )

    def _held(self, job: Job, state: str) -> bool:
        return state in ("unknown", "waiting") and not job.cancel_requested and self.lock.active


def _reason(job: Job, engine_reason: str) -> str:
    if job.cancel_requested:
        return "is being cancelled"
    if job.reason:
        return job.reason
    return "is being prepared" if job.state is JobState.NEW else engine_reason
