"""The launcher in the calling process, which must be root's."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from perijove.core.errors import ConfinementError, ConflictError, PerijoveError, StorageError
from perijove.core.layout import Layout
from perijove.core.resources import Free, Resources
from perijove.core.settings import Settings
from perijove.sandbox import record as records
from perijove.sandbox.accounts import Accounts, PlatformAccount, platform_account
from perijove.sandbox.cgroups import detect
from perijove.sandbox.directories import JobDirectories
from perijove.sandbox.keepers import (
    cgroup_of,
    clean_up,
    list_records,
    list_statuses,
    plan_values,
    read_status,
    run_keeper,
    stop_keeper,
    systemd_runs,
    write_spec,
)
from perijove.sandbox.launcher import Launcher
from perijove.sandbox.ledger import Ledger
from perijove.sandbox.machine import Machine, gpu_use, granted_resources
from perijove.sandbox.plan import Plan
from perijove.sandbox.policy import Policy
from perijove.sandbox.seccomp import compiled_filter
from perijove.sandbox.spec import Account, SandboxSpec, SandboxStatus, Usage


class DirectLauncher(Launcher):
    """Starts keepers itself. Any number of launchers may work on one PERIJOVE_HOME."""

    def __init__(
        self,
        layout: Layout,
        settings: Settings,
        *,
        platform: PlatformAccount | None = None,
        machine: Machine | None = None,
        readable: tuple[Path, ...] = (),
    ) -> None:
        """ConfinementError where this process is not root's; ConfigurationError for wrong machine settings."""
        if os.geteuid() != 0:
            raise ConfinementError(
                "Only root can confine labs and jobs.", advice="Start as root, or use --single-user."
            )
        self._layout = layout
        self._platform = platform or platform_account()
        self._machine = machine or Machine()
        self._make_directories()
        self._policy = Policy(layout, readable=readable)
        self._accounts = Accounts(layout, settings)
        self._jobs = JobDirectories(layout.jobs, self._platform)
        total, gpus = granted_resources(self._machine, settings.machine)
        self._ledger = Ledger(layout.sandboxes, total, gpus, clean_up)

    def _make_directories(self) -> None:
        """The launcher's own, root's; `jobs` and `logs` are the platform's account's."""
        self._layout.root.mkdir(mode=0o711, parents=True, exist_ok=True)
        for path, mode in ((self._layout.homes, 0o711), (self._layout.sandboxes, 0o700)):
            path.mkdir(mode=mode, exist_ok=True)
        for path in (self._layout.jobs, self._layout.logs):
            if not path.exists():
                path.mkdir(mode=0o711)
                os.chown(path, self._platform.uid, self._platform.gid)

    def start(self, spec: SandboxSpec) -> SandboxStatus:
        """See `Launcher`."""
        account = self.account(spec.owner)
        self._policy.check(spec, account)
        plan = self._plan(spec, account)
        seccomp = compiled_filter()
        claim = self._ledger.claim(spec.id, spec.resources)
        record = self._ledger.record(spec.id)
        try:
            record.put(records.SECCOMP, seccomp)
            write_spec(record, spec, claim.gpus)
            run_keeper(record, plan._replace(devices=self._machine.devices(claim.gpus)), claim.lock)
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

    def _plan(self, spec: SandboxSpec, account: Account) -> Plan:
        """All but the devices, which the claim decides."""
        return Plan(
            **plan_values(spec),
            name=account.name,
            mounts=self._policy.mounts(spec, account),
            log=str(self._policy.log(spec, account)),
            log_owner=(self._platform.uid, self._platform.gid),
            confine=True,
            devices=(),
            cgroup=f"perijove/{self._home_hash()}/{spec.id}",
            scope=detect().number == 2 and systemd_runs(),
        )

    def _home_hash(self) -> str:
        """Two platforms on one machine must not meet in one control group."""
        return sha256(str(self._layout.root.resolve()).encode()).hexdigest()[:8]

    def status(self, sandbox_id: str) -> SandboxStatus:
        """See `Launcher`."""
        return read_status(self._ledger.record(sandbox_id))

    def usage(self, sandbox_id: str) -> Usage | None:
        """See `Launcher`."""
        status = self.status(sandbox_id)
        cgroup = cgroup_of(self._ledger.record(sandbox_id))
        if status.state != "running" or cgroup is None:
            return None
        counters = cgroup.counters()
        used = gpu_use() if status.gpus else {}
        return Usage(
            cpu_seconds=counters.cpu_seconds,
            memory=counters.memory,
            memory_peak=counters.memory_peak,
            processes=counters.processes,
            oom_kills=counters.oom_kills,
            gpus=tuple(used[index] for index in status.gpus if index in used),
        )

    def stop(self, sandbox_id: str, *, grace: float = 10.0) -> SandboxStatus:
        """See `Launcher`."""
        record = self._ledger.record(sandbox_id)
        status = read_status(record)
        if status.state == "running":
            stop_keeper(record, grace)
            status = read_status(record)
        if status.state == "lost":
            clean_up(record)
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

    def account(self, user: str) -> Account:
        """See `Launcher`."""
        return self._accounts.account(user)

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
