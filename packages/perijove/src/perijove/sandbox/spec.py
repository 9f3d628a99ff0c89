"""The description of a confined process: frozen, serialisable, apart from the mechanism that applies it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from perijove.core.resources import Resources

SANDBOX_ID = r"^[a-z0-9][a-z0-9._-]{0,62}$"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Mount(_Frozen):
    """A file or directory of the host seen inside. The session's uid must be able to reach `source`."""

    source: Path
    target: Path
    writable: bool = False


class Inbound(_Frozen):
    """A port on the host's loopback that leads to `port` on the sandbox's own loopback (a lab's server)."""

    host_port: int
    port: int


class Outbound(_Frozen):
    """A port on the sandbox's own loopback that leads to one address of the host (the front door)."""

    port: int
    host: str
    host_port: int


class SandboxSpec(_Frozen):
    """Everything a confined process gets; what is not listed here it does not have."""

    id: str = Field(pattern=SANDBOX_ID)
    kind: Literal["lab", "job", "inspect"]
    owner: str
    uid: int = Field(ge=1000)
    gid: int = Field(ge=1000)
    argv: tuple[str, ...]
    env: dict[str, str] = Field(default_factory=dict)
    cwd: Path
    mounts: tuple[Mount, ...] = ()
    resources: Resources = Resources()
    processes: int = 512
    tmp_size: int = 2**31
    network: Literal["open", "none"] = "none"
    inbound: tuple[Inbound, ...] = ()
    outbound: tuple[Outbound, ...] = ()
    log: Path | None = None
    time_limit: float | None = Field(default=None, gt=0, description="seconds; none: no limit")


class SandboxStatus(_Frozen):
    """What became of a confined process.

    `lost` means that it is gone and left no exit code (the machine stopped, or its keeper was killed with it).
    """

    id: str
    kind: str
    owner: str
    state: Literal["running", "exited", "lost"]
    resources: Resources
    gpus: tuple[int, ...] = ()
    started: float
    ended: float | None = None
    exit_code: int | None = None
    out_of_memory: bool = False
    process_limit_hit: bool = False
    timed_out: bool = False


class Usage(_Frozen):
    """What a confined process uses now and used at most: seconds and bytes."""

    cpu_seconds: float
    memory: int
    memory_peak: int
    processes: int
