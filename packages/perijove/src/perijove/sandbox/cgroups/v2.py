"""Control groups version 2: one hierarchy. Devices are kept away by the private /dev alone."""

from __future__ import annotations

from pathlib import Path

from perijove.sandbox.cgroups.base import (
    Cgroup,
    Counters,
    Limits,
    machine_cpus,
    make_group,
    read_fields,
    read_number,
    read_pids,
)

REQUIRED = ("cpu", "memory", "pids")

_PERIOD = 100_000
_WEIGHT = 100  # of one CPU: the kernel's own default for a group


class CgroupV2(Cgroup):
    """A directory below `top`, whose way down from `top` hands on the controllers."""

    def __init__(self, top: Path, name: str) -> None:
        self._top = top
        self._path = top / name

    def create(self, limits: Limits) -> None:
        """See `Cgroup`."""
        make_group(self._path)
        for parent in self._way_down():
            (parent / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in REQUIRED))
        self._write("memory.max", str(limits.memory))
        if (self._path / "memory.swap.max").exists():
            self._write("memory.swap.max", "0")
        self._write("cpu.max", f"{max(1000, int(limits.cpus * _PERIOD))} {_PERIOD}")
        # A group counts as one process against the host's, whatever runs in it, unless it is told its share.
        self._write("cpu.weight", _weight(limits.cpus))
        for parent in self.parents():
            (parent / "cpu.weight").write_text(_weight(machine_cpus()))
        self._write("pids.max", str(limits.processes))

    def _way_down(self) -> list[Path]:
        steps = self._path.relative_to(self._top).parts[:-1]
        return [self._top, *(self._top.joinpath(*steps[: depth + 1]) for depth in range(len(steps)))]

    def _write(self, name: str, value: str) -> None:
        (self._path / name).write_text(value)

    def enter(self) -> None:
        """See `Cgroup`."""
        self._write("cgroup.procs", "0")

    def remember(self) -> None:
        """See `Cgroup`. Version 2 does so by itself."""

    def counters(self) -> Counters:
        """See `Cgroup`."""
        return Counters(
            cpu_seconds=read_fields(self._path / "cpu.stat").get("usage_usec", 0) / 1e6,
            memory=read_number(self._path / "memory.current"),
            memory_peak=read_number(self._path / "memory.peak"),
            processes=read_number(self._path / "pids.current"),
            oom_kills=read_fields(self._path / "memory.events").get("oom_kill", 0),
            process_limit_hits=read_fields(self._path / "pids.events").get("max", 0),
        )

    def pids(self) -> list[int]:
        """See `Cgroup`."""
        return read_pids(self._path)

    def directories(self) -> list[Path]:
        """See `Cgroup`."""
        return [self._path]

    def parents(self) -> list[Path]:
        """See `Cgroup`."""
        return self._way_down()[:0:-1]


def _weight(cpus: float) -> str:
    return str(min(10_000, max(1, int(cpus * _WEIGHT))))
