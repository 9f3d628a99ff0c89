"""What the machine has: CPUs, memory, GPUs; and what of it is granted to labs and jobs."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from perijove.core.errors import ConfigurationError
from perijove.core.resources import Resources
from perijove.core.settings import MachineSettings
from perijove.sandbox.cgroups import detect
from perijove.sandbox.spec import GpuUse

_SHARED_DEVICES = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools")
_QUERY = "index,utilization.gpu,memory.used,memory.total"


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One GPU. `index` counts them as nvidia-smi does (by PCI address); `device` is its own file."""

    index: int
    device: Path
    name: str


class Machine:
    """The machine as this process may use it. `host` is where the root directory lies (tests)."""

    def __init__(self, host: Path = Path("/")) -> None:
        self._host = host

    def cpus(self) -> float:
        """CPUs, as far as affinity and control groups let this process have them."""
        allowed = float(len(os.sched_getaffinity(0)))
        return min([allowed, *self._cpu_quotas()])

    def memory(self) -> int:
        """Bytes of memory, as far as control groups let this process have them."""
        lines = (self._host / "proc/meminfo").read_text().splitlines()
        total = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:"))
        return min([total, *self._memory_limits()])

    def gpus(self) -> tuple[Gpu, ...]:
        """NVIDIA GPUs whose driver is loaded, in nvidia-smi's order; none elsewhere."""
        described = sorted((self._host / "proc/driver/nvidia/gpus").glob("*/information"))
        if described:
            return tuple(self._describe(index, file) for index, file in enumerate(described))
        nodes = sorted(self._host.glob("dev/nvidia[0-9]*"), key=lambda node: int(node.name[6:]))
        return tuple(Gpu(index=int(node.name[6:]), device=node, name="NVIDIA GPU") for node in nodes)

    def _describe(self, index: int, file: Path) -> Gpu:
        pairs = (line.partition(":") for line in file.read_text().splitlines())
        fields = {name.strip(): value.strip() for name, _, value in pairs}
        minor = fields.get("Device Minor", str(index))
        return Gpu(
            index=index, device=self._host / f"dev/nvidia{minor}", name=fields.get("Model", "NVIDIA GPU")
        )

    def devices(self, granted: tuple[int, ...]) -> tuple[str, ...]:
        """The device files of the granted GPUs, and those that every one of them needs."""
        if not granted:
            return ()
        own = [gpu.device for gpu in self.gpus() if gpu.index in granted]
        shared = [self._host / "dev" / name for name in _SHARED_DEVICES]
        return tuple(str(path) for path in (*own, *shared) if path.exists())

    def _cpu_quotas(self) -> list[float]:
        quotas = (_cpu_quota(directory) for directory in self._groups("cpu"))
        return [quota for quota in quotas if quota]

    def _memory_limits(self) -> list[int]:
        names = ("memory.max", "memory.limit_in_bytes")
        limits = (_number(directory / name) for directory in self._groups("memory") for name in names)
        return [limit for limit in limits if limit is not None]

    def _groups(self, controller: str) -> list[Path]:
        """The groups from the mount down to this process's own."""
        version = detect()
        mount = version.mounts.get(controller) or version.mounts.get("")
        if mount is None:
            return []
        own = _own_group(controller if version.number == 1 else "")
        parts = Path(own).parts[1:]
        return [mount.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]


def granted_resources(machine: Machine, settings: MachineSettings) -> tuple[Resources, tuple[int, ...]]:
    """What labs and jobs may hold together, and the indices of the GPUs among it.

    ConfigurationError where the settings name a GPU that is not there.
    """
    present = tuple(gpu.index for gpu in machine.gpus())
    gpus = present if settings.gpus is None else settings.gpus
    if absent := sorted(set(gpus) - set(present)):
        raise ConfigurationError(
            f"machine.gpus names GPU {', '.join(map(str, absent))}, which is not there.",
            advice=f"This machine has {', '.join(map(str, present)) or 'none'}; mend or remove the setting.",
        )
    memory = settings.memory or int(machine.memory() * 0.9)
    return Resources(cpus=settings.cpus or machine.cpus(), memory=memory, gpus=len(gpus)), tuple(gpus)


def gpu_use() -> dict[int, GpuUse]:
    """What every GPU does now, by index; empty where nvidia-smi is missing or fails."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return {}
    command = [program, f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    return parse_gpu_use(answer.stdout)


def parse_gpu_use(text: str) -> dict[int, GpuUse]:
    """The lines of `nvidia-smi --query-gpu`; one that holds no numbers ("[N/A]") is left out."""
    found = {}
    for line in text.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) == 4 and all(field.replace(".", "", 1).isdigit() for field in fields):
            index, percent, used, total = int(fields[0]), float(fields[1]), int(fields[2]), int(fields[3])
            found[index] = GpuUse(
                index=index, percent=percent, memory=used * 2**20, memory_total=total * 2**20
            )
    return found


def _own_group(controller: str) -> str:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return path
    return "/"


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _cpu_quota(directory: Path) -> float | None:
    """CPUs that one group allows (`cpu.max` of version 2, two files of version 1); None without a bound."""
    try:
        quota, period = (directory / "cpu.max").read_text().split()
    except (OSError, ValueError):
        quota, period = (
            str(_number(directory / "cpu.cfs_quota_us")),
            str(_number(directory / "cpu.cfs_period_us")),
        )
    if quota.isdigit() and period.isdigit() and int(period):
        return int(quota) / int(period)
    return None
