"""The options of bubblewrap for a plan. A pure function: what a sandbox is can be read here."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from perijove.sandbox.plan import Plan

# Directories that are links into /usr on most systems.
_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
# Parts of /sys that libraries ask for the shape of the machine, and what GPU libraries need besides.
_SYS = ("/sys/devices/system/cpu", "/sys/devices/system/node")
_SYS_GPU = ("/sys/bus/pci", "/sys/devices", "/sys/module/nvidia", "/sys/module/nvidia_uvm", "/sys/class/drm")


def options(plan: Plan, *, staging: str, host: Path = Path("/")) -> list[str]:
    """All options but the descriptors, in order; they hold the environment, so pass them by `--args`."""
    return [
        *("--unshare-all", "--share-net", "--new-session", "--die-with-parent"),
        *("--cap-drop", "ALL", "--hostname", "perijove"),
        *_system(host),
        *("--ro-bind", f"{staging}/etc", "/etc"),
        *("--proc", "/proc"),
        *_devices(plan, staging),
        *_temporary(plan),
        *_shape_of_the_machine(host, gpus=bool(plan.devices)),
        *_mounts(plan, staging),
        *("--remount-ro", "/dev", "--remount-ro", "/"),
        *_environment(plan),
        *("--chdir", plan.cwd),
    ]


def _system(host: Path) -> list[str]:
    found = ["--ro-bind", str(host / "usr"), "/usr"]
    for name in _MERGED:
        path = host / name
        if path.is_symlink():
            found += ["--symlink", os.readlink(path), f"/{name}"]
        elif path.is_dir():
            found += ["--ro-bind", str(path), f"/{name}"]
    return found


def _devices(plan: Plan, staging: str) -> list[str]:
    """A /dev of its own with the common devices, the granted ones, and shared memory of half the memory."""
    found = ["--dev", "/dev"]
    for index, device in enumerate(plan.devices):
        found += ["--dev-bind", f"{staging}/d{index}", f"/dev/{PurePosixPath(device).name}"]
    return [*found, "--size", str(plan.memory // 2), "--perms", "1777", "--tmpfs", "/dev/shm"]  # noqa: S108


def _temporary(plan: Plan) -> list[str]:
    """Memory, half of the sandbox's at most: so a full directory is an error and not the end."""
    size = min(plan.tmp_size, plan.memory // 2)
    return [
        *("--size", str(size), "--perms", "1777", "--tmpfs", "/tmp"),  # noqa: S108
        *("--dir", "/run", "--dir", "/var", "--symlink", "../run", "/var/run"),
        *("--symlink", "../tmp", "/var/tmp"),  # noqa: S108
    ]


def _shape_of_the_machine(host: Path, *, gpus: bool) -> list[str]:
    found = []
    for path in (*_SYS, *(_SYS_GPU if gpus else ())):
        if (host / path.lstrip("/")).exists():
            found += ["--ro-bind", path, path]
    return found


def _mounts(plan: Plan, staging: str) -> list[str]:
    """Shallow targets first, so that a deeper one is not covered."""
    numbered = sorted(enumerate(plan.mounts), key=lambda pair: len(PurePosixPath(pair[1].target).parts))
    found = []
    for index, mount in numbered:
        found += ["--bind" if mount.writable else "--ro-bind", f"{staging}/m{index}", mount.target]
    return found


def _environment(plan: Plan) -> list[str]:
    found = ["--clearenv"]
    for name, value in plan.env.items():
        found += ["--setenv", name, value]
    return found
