"""The launcher of `--single-user`: one person, no confinement."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from perijove.core.errors import ConfinementError
from perijove.core.layout import Layout
from perijove.core.settings import Settings
from perijove.sandbox import record as records
from perijove.sandbox.accounts import PlatformAccount, safe_name
from perijove.sandbox.keepers import plan_values
from perijove.sandbox.local import LocalLauncher
from perijove.sandbox.machine import Machine
from perijove.sandbox.plan import Plan
from perijove.sandbox.record import Record
from perijove.sandbox.spec import Account, SandboxSpec, Usage

GIVEN_UP = (
    "Single-user mode confines nothing: labs and jobs run as you, see all your files, processes and network,"
    " and may use more CPUs and memory than was granted to them. Let nobody else use this platform."
)
MARK = "PERIJOVE_SANDBOX"


class UnconfinedLauncher(LocalLauncher):
    """All of the contract but the confinement: ledger, survival, end, time limit. See `GIVEN_UP`.

    Processes carry the variable PERIJOVE_SANDBOX, so that those a killed keeper leaves behind are found.
    """

    confines = False

    def __init__(self, layout: Layout, settings: Settings, *, machine: Machine | None = None) -> None:
        """ConfinementError unless the settings ask for a single user."""
        if not settings.single_user:
            raise ConfinementError(
                "Several users cannot be served without confinement.",
                advice="Start as root, or use --single-user if nobody but you comes here.",
            )
        own = PlatformAccount(uid=os.geteuid(), gid=os.getegid())
        super().__init__(layout, settings, platform=own, machine=machine or Machine(), clean_up=_clean_up)

    def _prepare(self, spec: SandboxSpec) -> Plan:
        log = spec.log or self._layout.sandboxes.resolve() / spec.id / records.LOG
        values = plan_values(spec)
        mark = {MARK: str(self._layout.sandboxes.resolve() / spec.id)}
        return Plan(
            **{**values, "env": {**spec.env, **mark}},
            name=safe_name(spec.owner),
            mounts=(),
            log=str(log.parent.resolve() / log.name),
            log_owner=(self._platform.uid, self._platform.gid),
            confine=False,
            devices=(),
            cgroup="",
            scope=False,
        )

    def _equip(self, plan: Plan, record: Record, gpus: tuple[int, ...]) -> Plan:
        """The granted GPUs by CUDA's own variable: a request to libraries, not a wall."""
        visible = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": ",".join(map(str, gpus))}
        return plan._replace(env={**plan.env, **visible})

    def usage(self, sandbox_id: str) -> Usage | None:
        """None: nothing measures it. NotFoundError as `status`."""
        self.status(sandbox_id)
        return None

    def account(self, user: str) -> Account:
        """This process's own uid for everybody; the home lies in `homes`."""
        name = safe_name(user)
        home = self._layout.homes / name
        home.mkdir(mode=0o700, exist_ok=True)
        return Account(name=name, uid=self._platform.uid, gid=self._platform.gid, home=home)


def _clean_up(record: Record) -> None:
    """End what a killed keeper has left: its program ended with it, what that had started did not."""
    mark = f"{MARK}={record.directory.resolve()}".encode()
    deadline = time.monotonic() + 10
    while (left := _marked(mark)) and time.monotonic() < deadline:
        for pid in left:
            _kill(pid)
        time.sleep(0.01)


def _marked(mark: bytes) -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and _has_mark(entry, mark)]


def _has_mark(pid: str, mark: bytes) -> bool:
    try:
        return mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return
