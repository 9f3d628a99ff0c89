"""The contract of an engine: the place where jobs run (this machine, Slurm, …)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from perijove.core.resources import Resources
from perijove.sandbox.spec import Usage


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class JobInput(_Frozen):
    """A read-only file of the host that the job sees as `inputs/<index>` of its directory."""

    source: Path


class EngineJob(_Frozen):
    """What an engine needs to run one job; its directory holds the rest (docs/reference/job-contract.md)."""

    id: str
    owner: str
    directory: Path
    inputs: tuple[JobInput, ...] = ()
    resources: Resources = Resources()
    time_limit: float | None = None
    network: Literal["open", "none"] = "open"
    submitted: float = Field(description="seconds since the epoch; order within one user")
    engine: str = Field(default="local", description="the engine that it is for")
    environment: str = Field(default="", description="the environment that runs it; empty: the settings' own")
    asked: dict[str, float | int | str] = Field(
        default_factory=dict, description="of cpus, memory, gpus and name those that its user gave"
    )


class JobView(_Frozen):
    """Where the job's own process finds its directory and its inputs: what `job.json` must say."""

    root: Path
    inputs: tuple[Path, ...] = ()


class EngineStatus(_Frozen):
    """Where a job stands with its engine."""

    state: Literal["unknown", "waiting", "running", "ended", "lost"]
    """`ended` without an exit code: it never started, for `reason`."""
    reason: str = Field(default="", description="why it waits, or what ended it, for people")
    position: int | None = Field(default=None, description="place in the queue, from 1, while it waits")
    exit_code: int | None = None
    out_of_memory: bool = False
    process_limit_hit: bool = False
    timed_out: bool = False
    cancelled: bool = False
    started: float | None = None
    ended: float | None = None
    gpus: tuple[int, ...] = ()
    memory_peak: int | None = None
    cpu_seconds: float | None = None


class Engine(ABC):
    """Runs jobs once each.

    An engine may forget waiting jobs when the platform restarts (they are submitted again, under the same
    id) but never running ones: `status` of a job that was started is right after any crash of the platform.
    """

    name: str

    @abstractmethod
    def view(self, job: EngineJob) -> JobView:
        """The paths of `job` as its process will see them; the same before and after it is submitted."""

    @abstractmethod
    def submit(self, job: EngineJob) -> None:
        """Queue the job. Submitting an id again is harmless: it is neither queued nor run twice.

        Raises InsufficientResourcesError (retry False) for what could never fit, EngineError else.
        """

    @abstractmethod
    def status(self, job_id: str) -> EngineStatus:
        """Where it stands; `unknown` for an id it never had or has forgotten."""

    @abstractmethod
    def usage(self, job_id: str) -> Usage | None:
        """What a running job uses now; None where it does not run or nothing measures it."""

    @abstractmethod
    def cancel(self, job_id: str) -> None:
        """End it, waiting or running; harmless when it has ended. Returns at once; `status` tells."""

    @abstractmethod
    def forget(self, job_id: str) -> None:
        """Drop the engine's own record of an ended job."""

    @abstractmethod
    def advance(self) -> None:
        """Start what can start now. Called often (several times a second) by the one job loop."""

    def attend(self) -> None:  # noqa: B027 (most engines need nothing)
        """Follow what has started: `advance` does that too, this is called while no job may start."""

    def close(self) -> None:  # noqa: B027
        """The job loop ends: leave what runs to the next one."""
