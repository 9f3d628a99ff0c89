"""A launcher whose processes exist in memory only: tests say when they end."""

from __future__ import annotations

from pathlib import Path

from perijove.core.errors import ConflictError, InsufficientResourcesError, NotFoundError
from perijove.core.resources import Free, Resources
from perijove.sandbox.launcher import Launcher
from perijove.sandbox.spec import Account, SandboxSpec, SandboxStatus, Usage

GIB = 2**30


class ScriptedLauncher(Launcher):
    """Grants resources by the book. `failure`, where set, is raised by the next starts."""

    def __init__(self, total: Resources, *, confines: bool = True) -> None:
        self._total = total
        self.confines = confines
        self.specs: dict[str, SandboxSpec] = {}
        self.records: dict[str, SandboxStatus] = {}
        self.stopped: list[str] = []
        self.failure: Exception | None = None
        self.now = 1000.0

    def start(self, spec: SandboxSpec) -> SandboxStatus:
        if spec.id in self.records:
            raise ConflictError(f"{spec.id} was started before")
        if self.failure is not None:
            raise self.failure
        if not spec.resources.fits_in(self.free()):
            raise InsufficientResourcesError("taken meanwhile")
        self.specs[spec.id] = spec
        self.records[spec.id] = SandboxStatus(
            id=spec.id,
            kind=spec.kind,
            owner=spec.owner,
            state="running",
            resources=spec.resources,
            gpus=tuple(range(spec.resources.gpus)),
            started=self.now,
        )
        return self.records[spec.id]

    def hold(self, name: str, resources: Resources, *, owner: str = "someone", kind: str = "lab") -> None:
        """Let a lab (or another process) hold resources."""
        self.records[name] = SandboxStatus(
            id=name, kind=kind, owner=owner, state="running", resources=resources, started=self.now
        )

    def end(self, name: str, *, exit_code: int | None = 0, state: str = "exited", **flags: bool) -> None:
        """Let a process end."""
        update = {"state": state, "exit_code": exit_code, "ended": self.now, **flags}
        self.records[name] = self.records[name].model_copy(update=update)

    def status(self, sandbox_id: str) -> SandboxStatus:
        if sandbox_id not in self.records:
            raise NotFoundError("never started")
        return self.records[sandbox_id]

    def usage(self, sandbox_id: str) -> Usage | None:
        running = self.status(sandbox_id).state == "running"
        return Usage(cpu_seconds=1.0, memory=2, memory_peak=3, processes=4) if running else None

    def stop(self, sandbox_id: str, *, grace: float = 10.0) -> SandboxStatus:
        if self.status(sandbox_id).state == "running":
            self.stopped.append(sandbox_id)
            self.end(sandbox_id, exit_code=143)
        return self.records[sandbox_id]

    def forget(self, sandbox_id: str) -> None:
        self.records.pop(sandbox_id, None)

    def list(self) -> list[SandboxStatus]:
        return list(self.records.values())

    def total(self) -> Resources:
        return self._total

    def free(self) -> Free:
        free = Free(cpus=self._total.cpus, memory=self._total.memory, gpus=self._total.gpus)
        for record in self.records.values():
            if record.state == "running":
                free = free.minus(record.resources)
        return free

    def account(self, user: str) -> Account:
        return Account(name=user, uid=200_000, gid=200_000, home=Path("/homes") / user)

    def make_job_directory(self, job_id: str, owner: str) -> Path:
        raise NotImplementedError

    def collect_job_directory(self, job_id: str) -> tuple[str, ...]:
        raise NotImplementedError

    def remove_job_directory(self, job_id: str) -> None:
        raise NotImplementedError


def machine(cpus: float = 8, memory: int = 32 * GIB, gpus: int = 2) -> Resources:
    """A machine of a usual size."""
    return Resources(cpus=cpus, memory=memory, gpus=gpus)
