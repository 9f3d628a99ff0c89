"""What the two versions have in common."""

from __future__ import annotations

import os
import signal
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Limits(NamedTuple):
    """Bounds of one group. `memory` counts swap in: no swap beyond it.

    `hands_on`: an engine makes a container's group inside, which may get no more than this one.
    """

    cpus: float
    memory: int
    processes: int
    devices: tuple[str, ...] = ()
    hands_on: bool = False


class Counters(NamedTuple):
    """What a group uses, used at most, and how often it ran into its limits."""

    cpu_seconds: float = 0.0
    memory: int = 0
    memory_peak: int = 0
    processes: int = 0
    oom_kills: int = 0
    process_limit_hits: int = 0


class Cgroup(ABC):
    """One group. `create` raises OSError when a limit cannot be set; nothing runs in it then."""

    @abstractmethod
    def create(self, limits: Limits) -> None:
        """Make the group and set every limit."""

    @abstractmethod
    def enter(self) -> None:
        """Move the calling process into the group."""

    @abstractmethod
    def counters(self) -> Counters:
        """What it uses; zeros where the group is gone."""

    @abstractmethod
    def remember(self) -> None:
        """Count what happens in groups inside also once they are gone; in this process, from now on."""

    @abstractmethod
    def pids(self) -> list[int]:
        """The processes in it, by the host's numbers."""

    @abstractmethod
    def directories(self) -> list[Path]:
        """The directories that make it up."""

    def kill(self, *, patience: float = 10.0) -> bool:
        """SIGKILL to everything in it, until it is empty. False when something would not end in time."""
        deadline = time.monotonic() + patience
        while pids := self.pids():
            for pid in pids:
                _kill(pid)
            if time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        return True

    @abstractmethod
    def parents(self) -> list[Path]:
        """The directories above it that are ours, the innermost first."""

    def remove(self) -> None:
        """Delete the empty group, and what was made above it once nothing is in that; harmless when gone."""
        for directory in self.directories():
            for inside in below(directory):
                _remove(inside)
            _remove(directory)
        for parent in self.parents():
            with suppress(OSError):  # others are in it, or it is gone
                parent.rmdir()


def make_group(directory: Path) -> None:
    """Make a group and those above it, also while the last one leaves those and they are being deleted."""
    for _ in range(20):
        with suppress(FileNotFoundError):
            directory.mkdir(parents=True, exist_ok=True)
            return
    directory.mkdir(parents=True, exist_ok=True)


def remove_empty(top: Path, name: str) -> None:
    """Remove the group `name` below `top`, what is in it, and what is above it; stop at what is in use."""
    group = top / name
    with suppress(OSError):
        for path in (*below(group), group, *list(group.parents)[: len(Path(name).parts) - 1]):
            path.rmdir()


def machine_cpus() -> int:
    """CPUs of the machine: the share of all sandboxes together, against the host's own processes."""
    return os.cpu_count() or 1


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _remove(directory: Path) -> None:
    """The kernel may still count a process that has just ended: EBUSY for a moment."""
    for _ in range(50):
        try:
            directory.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)
        else:
            return


def read_number(path: Path) -> int:
    """The number in a file of the kernel; 0 where it is gone, has another form, or the kernel lacks it."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0


def read_fields(path: Path) -> dict[str, int]:
    """Lines of `name number`; empty where the file is gone."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split() for line in lines)
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def read_pids(group: Path) -> list[int]:
    """The processes in a group and in those below it (a container's); none where it is gone."""
    return [pid for part in (group, *below(group)) for pid in _read_pids(part / "cgroup.procs")]


def _read_pids(path: Path) -> list[int]:
    try:
        return [int(line) for line in path.read_text().split()]
    except OSError:
        return []


def below(group: Path) -> list[Path]:
    """The groups inside a group, the innermost first."""
    found: list[Path] = []
    try:
        inside = [Path(entry.path) for entry in os.scandir(group) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return found
    for part in inside:
        found += [*below(part), part]
    return found
