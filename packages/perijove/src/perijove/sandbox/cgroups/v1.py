"""Control groups version 1: one hierarchy per controller."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from perijove.sandbox.cgroups.base import (
    Cgroup,
    Counters,
    Limits,
    below,
    machine_cpus,
    make_group,
    read_fields,
    read_number,
    read_pids,
)

REQUIRED = ("cpu", "memory", "pids")
OPTIONAL = ("cpuacct", "devices")

_PERIOD = 100_000
_SHARES = 1024  # of one CPU: the kernel's own default for a group
# null, zero, full, random, urandom, tty, ptmx and the terminals: what a private /dev holds.
_COMMON_DEVICES = ("c 1:3", "c 1:5", "c 1:7", "c 1:8", "c 1:9", "c 5:0", "c 5:2", "c 136:*")

# What runc lets every container have; making nodes needs a capability that none here has.
_ENGINE_RULES = ("c *:* m", "b *:* m", "c 5:1 rw", "c 10:200 rw")


class CgroupV1(Cgroup):
    """The same path below each controller's mount."""

    def __init__(self, mounts: dict[str, Path], name: str) -> None:
        self._paths = {controller: mounts[controller] / name for controller in mounts}
        self._depth = len(Path(name).parts)
        self._out_of_memory: int | None = None

    def create(self, limits: Limits) -> None:
        """See `Cgroup`."""
        for path in set(self._paths.values()):
            make_group(path)
        self._limit_memory(limits.memory)
        self._limit_cpus(limits.cpus)
        (self._paths["pids"] / "pids.max").write_text(str(limits.processes))
        if "devices" in self._paths:
            self._limit_devices((*_COMMON_DEVICES, *map(_number, limits.devices)))
            if limits.hands_on:
                self._allow(_ENGINE_RULES)

    def _limit_memory(self, size: int) -> None:
        memory = self._paths["memory"]
        (memory / "memory.limit_in_bytes").write_text(str(size))
        with_swap = memory / "memory.memsw.limit_in_bytes"
        if with_swap.exists():
            with_swap.write_text(str(size))
        else:
            (memory / "memory.swappiness").write_text("0")

    def _limit_cpus(self, cpus: float) -> None:
        cpu = self._paths["cpu"]
        (cpu / "cpu.cfs_period_us").write_text(str(_PERIOD))
        (cpu / "cpu.cfs_quota_us").write_text(str(max(1000, int(cpus * _PERIOD))))
        # A group counts as one process against the host's, whatever runs in it, unless it is told its share.
        (cpu / "cpu.shares").write_text(str(max(2, int(cpus * _SHARES))))
        for parent in self._above(cpu):
            (parent / "cpu.shares").write_text(str(machine_cpus() * _SHARES))

    def _limit_devices(self, granted: tuple[str, ...]) -> None:
        (self._paths["devices"] / "devices.deny").write_text("a")
        self._allow(tuple(f"{device} rw" for device in granted))

    def _allow(self, rules: tuple[str, ...]) -> None:
        for rule in rules:
            (self._paths["devices"] / "devices.allow").write_text(rule)

    def enter(self) -> None:
        """See `Cgroup`."""
        for path in set(self._paths.values()):
            (path / "cgroup.procs").write_text("0")

    def remember(self) -> None:
        """By an event of the group whose limit it is: the kernel counts where the process was."""
        memory = self._paths["memory"]
        self._out_of_memory = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        control = os.open(memory / "memory.oom_control", os.O_RDONLY)
        try:
            (memory / "cgroup.event_control").write_text(f"{self._out_of_memory} {control}")
        finally:
            os.close(control)

    def _remembered(self) -> tuple[int, int]:
        """Times out of memory, and whether the limit of processes was reached."""
        if self._out_of_memory is None:
            return 0, 0
        times, pids = 0, self._paths["pids"]
        with suppress(BlockingIOError):
            times = os.eventfd_read(self._out_of_memory)
            os.eventfd_write(self._out_of_memory, times)
        most = read_number(pids / "pids.max")
        return times, int(0 < most <= read_number(pids / "pids.peak"))

    def counters(self) -> Counters:
        """See `Cgroup`."""
        times, reached = self._remembered()
        memory, pids = self._paths["memory"], self._paths["pids"]
        account = self._paths.get("cpuacct")
        return Counters(
            cpu_seconds=read_number(account / "cpuacct.usage") / 1e9 if account else 0.0,
            memory=read_number(memory / "memory.usage_in_bytes"),
            memory_peak=read_number(memory / "memory.max_usage_in_bytes"),
            processes=read_number(pids / "pids.current"),
            oom_kills=max(times, sum(_oom_kills(group) for group in (memory, *below(memory)))),
            process_limit_hits=max(reached, read_fields(pids / "pids.events").get("max", 0)),
        )

    def pids(self) -> list[int]:
        """See `Cgroup`."""
        return read_pids(self._paths["pids"])

    def directories(self) -> list[Path]:
        """See `Cgroup`."""
        return sorted(set(self._paths.values()))

    def parents(self) -> list[Path]:
        """See `Cgroup`."""
        return [parent for path in self.directories() for parent in self._above(path)]

    def _above(self, path: Path) -> tuple[Path, ...]:
        return tuple(path.parents)[: self._depth - 1]


def _oom_kills(memory: Path) -> int:
    """Of this group alone: the kernel counts where the process was, not where the limit is."""
    return read_fields(memory / "memory.oom_control").get("oom_kill", 0)


def _number(device: str) -> str:
    number = os.stat(device).st_rdev
    return f"c {os.major(number)}:{os.minor(number)}"
