"""What the lab uses of what it was given."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psutil


@dataclass(frozen=True)
class Usage:
    """CPUs and bytes: used now, and the limits of the flavor (0 where none is set)."""

    cpus: float
    memory: int
    cpu_limit: float
    memory_limit: int
    flavor: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dict(self.__dict__)


class Meter:
    """Looks at every process of the lab. In a sandbox these are all that there are."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._seconds: dict[int, float] = {}
        self._looked = time.monotonic()
        self.read()

    def read(self) -> Usage:
        """Memory now; CPUs on average since the last look."""
        now = time.monotonic()
        before, self._seconds, memory, used = self._seconds, {}, 0, 0.0
        for process in _processes(self._environ):
            try:
                seconds = sum(process.cpu_times()[:2])
                memory += _own_memory(process)
            except psutil.Error:
                continue
            self._seconds[process.pid] = seconds
            used += max(0.0, seconds - before.get(process.pid, seconds))
        passed, self._looked = max(now - self._looked, 0.1), now
        return Usage(
            cpus=round(used / passed, 2),
            memory=memory,
            cpu_limit=float(self._environ.get("CPU_LIMIT") or 0),
            memory_limit=int(self._environ.get("MEM_LIMIT") or 0),
            flavor=self._environ.get("PERIJOVE_FLAVOR", ""),
        )


def _processes(environ: Mapping[str, str]) -> list[psutil.Process]:
    """All that there are where the lab has numbers of its own for processes, else those that it started."""
    own = psutil.Process()
    if _is_confined():
        return list(psutil.process_iter())
    return [own, *own.children(recursive=True)]


def _is_confined() -> bool:
    """Whether process 1 is the lab's own, not the machine's."""
    try:
        return psutil.Process(1).uids().real == os.getuid() != 0
    except psutil.Error:
        return False


def _own_memory(process: psutil.Process) -> int:
    """What it holds beyond what it shares: the sum over all is what their limit counts."""
    info = process.memory_info()
    return int(info.rss - getattr(info, "shared", 0))
