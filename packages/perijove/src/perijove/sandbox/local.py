"""What the launchers of this machine have in common: the ledger, the records, the job directories."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path

from perijove.core.errors import ConflictError, PerijoveError, StorageError
from perijove.core.layout import Layout
from perijove.core.resources import Free, Resources
from perijove.core.settings import Settings
from perijove.sandbox import record as records
from perijove.sandbox.accounts import PlatformAccount
from perijove.sandbox.directories import JobDirectories
from perijove.sandbox.keepers import (
    list_records,
    list_statuses,
    read_status,
    run_keeper,
    stop_keeper,
    write_spec,
)
from perijove.sandbox.launcher import Launcher
from perijove.sandbox.ledger import Ledger
from perijove.sandbox.machine import Machine, granted_resources
from perijove.sandbox.plan import Plan
from perijove.sandbox.record import Record
from perijove.sandbox.spec import SandboxSpec, SandboxStatus


class LocalLauncher(Launcher):
    """Keeps records and ledger in `sandboxes`. Any number of launchers may work on one PERIJOVE_HOME."""

    def __init__(
        self,
        layout: Layout,
        settings: Settings,
        *,
        platform: PlatformAccount,
        machine: Machine,
        clean_up: Callable[[Record], None],
    ) -> None:
        self._layout = layout
        self._platform = platform
        self._machine = machine
        self._clean_up = clean_up
        self._make_directories()
        self._jobs = JobDirectories(layout.jobs, platform)
        total, gpus = granted_resources(machine, settings.machine)
        self._ledger = Ledger(layout.sandboxes, total, gpus, clean_up)

    def _make_directories(self) -> None:
        """The launcher's own; `jobs` and `logs` are the platform's account's."""
        self._layout.root.mkdir(mode=0o711, parents=True, exist_ok=True)
        for path, mode in ((self._layout.homes, 0o711), (self._layout.sandboxes, 0o700)):
            path.mkdir(mode=mode, exist_ok=True)
        for path in (self._layout.jobs, self._layout.logs):
            if not path.exists():
                path.mkdir(mode=0o711)
                os.chown(path, self._platform.uid, self._platform.gid)

    @abstractmethod
    def _prepare(self, spec: SandboxSpec) -> Plan:
        """The checked plan, all but the devices. Nothing is claimed yet."""

    @abstractmethod
    def _equip(self, plan: Plan, record: Record, gpus: tuple[int, ...]) -> Plan:
        """The plan with what the granted GPUs bring; `record` gets what else the keeper needs."""

    def start(self, spec: SandboxSpec) -> SandboxStatus:
        """See `Launcher`."""
        plan = self._prepare(spec)
        claim = self._ledger.claim(spec.id, spec.resources)
        record = self._ledger.record(spec.id)
        try:
            write_spec(record, spec, claim.gpus)
            run_keeper(record, self._equip(plan, record, claim.gpus), claim.lock)
        except PerijoveError:
            record.remove()
            raise
        except OSError as error:
            record.remove()
            raise StorageError(
                f"The launcher's record cannot be written: {error.strerror}.", advice="Is the disk full?"
            ) from error
        finally:
            os.close(claim.lock)
        return self.status(spec.id)

    def status(self, sandbox_id: str) -> SandboxStatus:
        """See `Launcher`."""
        return read_status(self._ledger.record(sandbox_id))

    def stop(self, sandbox_id: str, *, grace: float = 10.0) -> SandboxStatus:
        """See `Launcher`."""
        record = self._ledger.record(sandbox_id)
        status = read_status(record)
        if status.state == "running":
            stop_keeper(record, grace)
            status = read_status(record)
        if status.state == "lost":
            self._clean_up(record)
        return status

    def forget(self, sandbox_id: str) -> None:
        """See `Launcher`."""
        self._ledger.forget(sandbox_id)

    def list(self) -> list[SandboxStatus]:
        """See `Launcher`."""
        return list_statuses(self._layout.sandboxes)

    def total(self) -> Resources:
        """See `Launcher`."""
        return self._ledger.total

    def free(self) -> Free:
        """See `Launcher`."""
        return self._ledger.free()

    def make_job_directory(self, job_id: str, owner: str) -> Path:
        """See `Launcher`."""
        return self._jobs.make(job_id, self.account(owner))

    def collect_job_directory(self, job_id: str) -> tuple[str, ...]:
        """See `Launcher`."""
        self._check_unused(job_id)
        return self._jobs.collect(job_id)

    def remove_job_directory(self, job_id: str) -> None:
        """See `Launcher`."""
        self._check_unused(job_id)
        self._jobs.remove(job_id)

    def _check_unused(self, job_id: str) -> None:
        prefix = str(self._layout.jobs.resolve() / job_id)
        for record in list_records(self._layout.sandboxes):
            plan = record.read(records.PLAN) if record.locked else None
            sources = [mount["source"] for mount in (plan or {}).get("mounts", ())]
            if any(source == prefix or source.startswith(f"{prefix}/") for source in sources):
                raise ConflictError(f"Job {job_id} still runs.", advice="Stop it first.")
