"""Which device TensorFlow, PyTorch and JAX will use, found without importing any of them."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_DRIVERS = ("libcuda.so.1", "libcuda.so")
_FRAMEWORKS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
_OLDEST_DRIVER = 12000  # CUDA 12.0, as cuDriverGetVersion counts


@dataclass(frozen=True, kw_only=True)
class Driver:
    """What the NVIDIA driver says: the names of the GPUs this container may use, and its CUDA version."""

    present: bool = False
    gpus: tuple[str, ...] = ()
    version: int = 0
    error: int = 0


def describe(driver: Driver, *, variant: str, frameworks: Sequence[str], nodes: bool) -> str:
    """The one message. `nodes`: there are GPU device files; `variant`: what the image is for, cpu or gpu."""
    users = _and(frameworks) or "Notebooks"
    cpu = f"{users} use the CPU"
    if variant != "gpu":
        seen = bool(driver.gpus) or nodes
        return f"{cpu}: this image is the CPU variant, build one with --gpu." if seen else f"{cpu}."
    if not driver.present:
        how = "start the container with --device nvidia.com/gpu=all (podman) or --gpus all (docker)"
        return f"{cpu}: no NVIDIA driver is in this container; {how}."
    if driver.error or not driver.gpus:
        return f"{cpu}: the NVIDIA driver shows no GPU (code {driver.error}); was one granted?"
    if driver.version < _OLDEST_DRIVER:
        return f"{cpu}: the driver is for CUDA {_dotted(driver.version)}, and 12.0 or newer is needed."
    return f"{users} use {_counted(driver.gpus)} (driver for CUDA {_dotted(driver.version)})."


def message(variant: str, environment: Path) -> str:
    """The message for this container."""
    return describe(
        ask_driver(), variant=variant, frameworks=installed_frameworks(environment), nodes=has_nodes()
    )


def has_nodes(folder: Path = Path("/dev")) -> bool:
    """Whether NVIDIA's device files are here."""
    return any(folder.glob("nvidia[0-9]*"))


def installed_frameworks(environment: Path) -> list[str]:
    """Those of TensorFlow, JAX and PyTorch that the kernel's environment holds."""
    site = next(iter(environment.glob("lib/python3*/site-packages")), environment)
    return [title for name, title in _FRAMEWORKS.items() if (site / name).is_dir()]


def ask_driver() -> Driver:
    """Ask libcuda itself. It is what the frameworks ask, so it tells what they will find."""
    try:
        return _ask(_library())
    except (OSError, AttributeError):
        return Driver()


def _library() -> ctypes.CDLL:
    for name in _DRIVERS[:-1]:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return ctypes.CDLL(_DRIVERS[-1])


def _ask(cuda: ctypes.CDLL) -> Driver:
    version, count = ctypes.c_int(0), ctypes.c_int(0)
    if error := cuda.cuInit(0):
        return Driver(present=True, error=error)
    cuda.cuDriverGetVersion(ctypes.byref(version))
    cuda.cuDeviceGetCount(ctypes.byref(count))
    names = tuple(_name(cuda, index) for index in range(count.value))
    return Driver(present=True, gpus=names, version=version.value)


def _name(cuda: ctypes.CDLL, index: int) -> str:
    device, text = ctypes.c_int(0), ctypes.create_string_buffer(128)
    cuda.cuDeviceGet(ctypes.byref(device), index)
    cuda.cuDeviceGetName(text, len(text), device)
    return text.value.decode(errors="replace")


def _counted(names: Sequence[str]) -> str:
    if len(set(names)) == 1:
        return f"{len(names)} × {names[0]}" if len(names) > 1 else names[0]
    return _and(names)


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _dotted(version: int) -> str:
    return f"{version // 1000}.{version % 1000 // 10}"
