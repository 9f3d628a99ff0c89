"""What the machine has, from files that stand for the kernel's and the driver's."""

from __future__ import annotations

from pathlib import Path

import pytest

from perijove.core.errors import ConfigurationError
from perijove.core.settings import MachineSettings
from perijove.sandbox.machine import Machine, granted_resources, parse_gpu_use


@pytest.fixture
def host(tmp_path: Path) -> Path:
    (tmp_path / "proc").mkdir()
    (tmp_path / "dev").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal:        1024 kB\nMemFree: 1 kB\n")
    return tmp_path


def add_gpu(host: Path, address: str, minor: int) -> None:
    folder = host / "proc/driver/nvidia/gpus" / address
    folder.mkdir(parents=True)
    (folder / "information").write_text(f"Model: \t\t NVIDIA H200\nDevice Minor: \t {minor}\n")
    (host / "dev" / f"nvidia{minor}").touch()


def test_indices_follow_the_bus_and_not_the_numbers_of_the_files(host: Path) -> None:
    add_gpu(host, "0000:17:00.0", 1)
    add_gpu(host, "0000:65:00.0", 0)
    (host / "dev" / "nvidiactl").touch()
    machine = Machine(host)
    assert [(gpu.index, gpu.device.name, gpu.name) for gpu in machine.gpus()] == [
        (0, "nvidia1", "NVIDIA H200"),
        (1, "nvidia0", "NVIDIA H200"),
    ]
    assert machine.devices((0,)) == (str(host / "dev/nvidia1"), str(host / "dev/nvidiactl"))
    assert machine.devices(()) == ()


def test_no_gpus(host: Path) -> None:
    assert Machine(host).gpus() == ()


def test_what_is_granted(host: Path) -> None:
    machine = Machine(host)
    total, gpus = granted_resources(machine, MachineSettings())
    assert (total.memory, total.gpus, gpus) == (int(1024 * 1024 * 0.9), 0, ())
    assert total.cpus == machine.cpus() > 0
    total, _ = granted_resources(machine, MachineSettings(cpus=3, memory=7))
    assert (total.cpus, total.memory) == (3, 7)


def test_a_gpu_that_is_not_there(host: Path) -> None:
    add_gpu(host, "0000:17:00.0", 0)
    assert granted_resources(Machine(host), MachineSettings(gpus=(0,)))[1] == (0,)
    with pytest.raises(ConfigurationError, match="GPU 2, which is not there"):
        granted_resources(Machine(host), MachineSettings(gpus=(0, 2)))


def test_gpu_use() -> None:
    text = "0, 87, 71234, 143771\n1, 0, 4, 143771\n2, [N/A], 1, 2\nFailed to initialize NVML\n"
    used = parse_gpu_use(text)
    assert sorted(used) == [0, 1]
    assert (used[0].percent, used[0].memory, used[0].memory_total) == (87, 71234 * 2**20, 143771 * 2**20)
