"""The launcher in the calling process, which must be root's."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from perijove.core.errors import ConfinementError
from perijove.core.layout import Layout
from perijove.core.settings import Settings
from perijove.sandbox import record as records
from perijove.sandbox.accounts import Accounts, PlatformAccount, platform_account
from perijove.sandbox.cgroups import detect
from perijove.sandbox.keepers import cgroup_of, clean_up, plan_values, systemd_runs
from perijove.sandbox.local import LocalLauncher
from perijove.sandbox.machine import Machine, gpu_use
from perijove.sandbox.plan import Plan
from perijove.sandbox.policy import Policy
from perijove.sandbox.record import Record
from perijove.sandbox.seccomp import compiled_filter, container_profile
from perijove.sandbox.spec import Account, SandboxSpec, Usage


class DirectLauncher(LocalLauncher):
    """Confines every process, or does not start it."""

    def __init__(
        self,
        layout: Layout,
        settings: Settings,
        *,
        platform: PlatformAccount | None = None,
        machine: Machine | None = None,
        readable: tuple[Path, ...] = (),
    ) -> None:
        """`readable`: further directories that may be bound into sandboxes, read-only.

        ConfinementError where this process is not root's; ConfigurationError for wrong machine settings.
        """
        if os.geteuid() != 0:
            raise ConfinementError(
                "Only root can confine labs and jobs.", advice="Start as root, or use --single-user."
            )
        super().__init__(
            layout,
            settings,
            platform=platform or platform_account(),
            machine=machine or Machine(),
            clean_up=clean_up,
        )
        self._policy = Policy(
            layout, readable=readable, front_door=settings.bind, image=settings.hub.lab_image
        )
        self._home = settings.home
        self._accounts = Accounts(layout, settings)

    def _prepare(self, spec: SandboxSpec) -> Plan:
        account = self.account(spec.owner)
        self._policy.check(spec, account)
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

    def _equip(self, plan: Plan, record: Record, gpus: tuple[int, ...]) -> Plan:
        if plan.image:
            record.put(records.SECCOMP_PROFILE, container_profile())
        else:
            record.put(records.SECCOMP, compiled_filter())
        return plan._replace(devices=self._machine.devices(gpus))

    def _home_hash(self) -> str:
        """Two platforms on one machine must not meet in one control group."""
        return sha256(str(self._home.resolve()).encode()).hexdigest()[:8]

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

    def account(self, user: str) -> Account:
        """See `Launcher`."""
        return self._accounts.account(user)
