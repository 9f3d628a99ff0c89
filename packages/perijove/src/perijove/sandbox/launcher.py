"""The contract of a launcher: the one way in which the platform starts labs and jobs."""

from __future__ import annotations

from abc import ABC, abstractmethod

from perijove.core.resources import Free, Resources
from perijove.sandbox.spec import SandboxSpec, SandboxStatus, Usage


class Launcher(ABC):
    """Starts confined processes and keeps the ledger of CPUs, memory and GPUs that they hold.

    A started process outlives the platform: after a restart (or a kill -9) of whoever called `start`, the
    same id gives the same status. All methods may be called from any thread.
    """

    @abstractmethod
    def start(self, spec: SandboxSpec) -> SandboxStatus:
        """Claim `spec.resources` and start the process, fully confined, or do neither.

        Raises InsufficientResourcesError (nothing started; `retry` says whether it could ever fit),
        ConfinementError (the confinement asked for cannot be had), ConflictError (the id was started before).
        """

    @abstractmethod
    def status(self, sandbox_id: str) -> SandboxStatus:
        """What became of it. NotFoundError for an id never started, or forgotten."""

    @abstractmethod
    def usage(self, sandbox_id: str) -> Usage | None:
        """What it uses now; None where it has ended or nothing measures it."""

    @abstractmethod
    def stop(self, sandbox_id: str, *, grace: float = 10.0) -> SandboxStatus:
        """SIGTERM, after `grace` seconds SIGKILL to everything in it; returns when nothing of it is left."""

    @abstractmethod
    def forget(self, sandbox_id: str) -> None:
        """Drop the record of an ended process; harmless when there is none. ConflictError while it runs."""

    @abstractmethod
    def list(self) -> list[SandboxStatus]:
        """Every process on record, running or ended."""

    @abstractmethod
    def total(self) -> Resources:
        """What the machine has to grant."""

    @abstractmethod
    def free(self) -> Free:
        """What nobody holds now."""
