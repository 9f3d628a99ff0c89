"""Which control groups this machine has, and the group of a given name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from perijove.sandbox.cgroups.base import Cgroup, remove_empty
from perijove.sandbox.cgroups.v1 import OPTIONAL, CgroupV1
from perijove.sandbox.cgroups.v1 import REQUIRED as REQUIRED_V1
from perijove.sandbox.cgroups.v2 import REQUIRED as REQUIRED_V2
from perijove.sandbox.cgroups.v2 import CgroupV2

MOUNTS = Path("/proc/self/mounts")


class Version(NamedTuple):
    """The control groups found. `missing` names the controllers without which limits cannot be had."""

    number: Literal[0, 1, 2]
    controllers: tuple[str, ...]
    missing: tuple[str, ...]
    mounts: dict[str, Path]


def detect(mounts_file: Path = MOUNTS) -> Version:
    """Version 1 where its controllers are mounted (hybrid mode too), else version 2, else 0: none."""
    first, second = _mounts(mounts_file)
    if all(name in first for name in REQUIRED_V1):
        return Version(number=1, controllers=tuple(sorted(first)), mounts=first, missing=())
    if second is not None:
        found = tuple((second / "cgroup.controllers").read_text().split())
        missing = tuple(name for name in REQUIRED_V2 if name not in found)
        return Version(number=2, controllers=found, missing=missing, mounts={"": second})
    return Version(number=0, controllers=tuple(sorted(first)), missing=REQUIRED_V1, mounts=first)


def _mounts(mounts_file: Path) -> tuple[dict[str, Path], Path | None]:
    first: dict[str, Path] = {}
    second = None
    for line in mounts_file.read_text().splitlines():
        _, point, kind, options, *_ = line.split()
        if kind == "cgroup2":
            second = second or Path(point)
        if kind == "cgroup":
            names = set(options.split(",")) & {*REQUIRED_V1, *OPTIONAL}
            first |= {name: Path(point) for name in names}
    return first, second


def open_cgroup(name: str, version: Version | None = None) -> Cgroup:
    """The group `name`, made or not. OSError where this machine's control groups cannot hold it."""
    found = version or detect()
    if found.missing:
        raise OSError(f"no control group for {', '.join(found.missing)}")
    if found.number == 1:
        return CgroupV1(found.mounts, name)
    return CgroupV2(found.mounts[""], name)


def remove_everywhere(name: str, mounts_file: Path = MOUNTS) -> None:
    """Remove the empty group `name` from every hierarchy of version 1: engines use those that we do not.

    Harmless where there is none, and on version 2, where there is but one.
    """
    if detect(mounts_file).number != 1:
        return
    for line in mounts_file.read_text().splitlines():
        _, point, kind, *_ = line.split()
        if kind in ("cgroup", "cgroup2"):
            remove_empty(Path(point), name)


def delegated_cgroup(version: Version | None = None) -> tuple[str, Cgroup]:
    """A group below the calling process's own, which systemd has delegated to it, and the group's name.

    The caller moves into a sibling first, because a group that hands on controllers may hold no process.
    """
    found = version or detect()
    if found.number != 2 or found.missing:
        raise OSError("a delegated control group needs version 2 with the controllers cpu, memory and pids")
    own = _own_group()
    top = found.mounts[""] / own
    (top / "keeper").mkdir(exist_ok=True)
    (top / "keeper" / "cgroup.procs").write_text("0")
    return f"{own}/payload", CgroupV2(top, "payload")


def _own_group() -> str:
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    return next(line.removeprefix("0::").strip("/") for line in lines if line.startswith("0::"))
