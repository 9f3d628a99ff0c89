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
    """A file or directory of the host seen inside.

    The session's uid must be able to read `source` itself; the directories above it may be closed to it.
    One that is `optional` is left out where there is no `source`.
    """

    source: Path
    target: Path
    writable: bool = False
    optional: bool = False


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
    """Everything a confined process gets; what is not listed here it does not have.

    `uid` and `gid` are those of `Launcher.account(owner)`. Secrets belong into `env`: it is seen by nobody
    but the owner, whereas `argv` stands in the host's process list like that of any process.
    """

    id: str = Field(pattern=SANDBOX_ID)
    kind: Literal["lab", "job", "inspect"]
    owner: str
    uid: int = Field(ge=0)
    gid: int = Field(ge=0)
    argv: tuple[str, ...] = Field(min_length=1)
    env: dict[str, str] = Field(default_factory=dict)
    cwd: Path
    image: str = Field(
        default="", description="container image whose files it sees; none: this machine's programs"
    )
    mounts: tuple[Mount, ...] = ()
    resources: Resources = Resources()
    processes: int = 512
    tmp_size: int = 2**31
    network: Literal["open", "none"] = "none"
    inbound: tuple[Inbound, ...] = ()
    outbound: tuple[Outbound, ...] = ()
    log: Path | None = Field(
        default=None,
        description="standard output and error; below jobs/<id> or logs/; none: in the launcher's own record",
    )
    log_limit: int = Field(
        default=2**26, ge=0, description="bytes kept of the log; what comes after is counted and dropped"
    )
    time_limit: float | None = Field(default=None, gt=0, description="seconds; none: no limit")


class SandboxStatus(_Frozen):
    """What became of a confined process.

    `lost` means that it is gone and left no exit code (the machine stopped, or its keeper was killed).
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
    memory_peak: int | None = Field(
        default=None, description="bytes, page cache included, as the kernel counts"
    )
    cpu_seconds: float | None = None


class GpuUse(_Frozen):
    """One granted GPU now: busy percent and bytes of its memory."""

    index: int
    percent: float
    memory: int
    memory_total: int


class Usage(_Frozen):
    """What a confined process uses now and used at most: seconds and bytes."""

    cpu_seconds: float
    memory: int
    memory_peak: int
    processes: int
    oom_kills: int = 0
    gpus: tuple[GpuUse, ...] = ()


class Account(_Frozen):
    """The system identity of a user: needs no entry in the host's user database."""

    name: str = Field(description="the user's name inside the sandbox: safe as a file name")
    uid: int
    gid: int
    home: Path
