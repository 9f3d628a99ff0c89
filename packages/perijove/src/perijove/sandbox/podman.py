"""What podman must be told on machines without systemd, or with control groups version 1."""

from __future__ import annotations

import resource
import shutil
from pathlib import Path

from perijove.sandbox.cgroups import detect

PODMAN = "podman"
_SYSTEMD = Path("/run/systemd/system")
# What podman asks for by itself, an error where the machine allows less; and what is asked for then.
_LIMITS = (
    ("nofile", resource.RLIMIT_NOFILE, 1_048_576, 1_048_576),
    ("nproc", resource.RLIMIT_NPROC, 4_194_304, 32_768),
)


def machine_options() -> list[str]:
    """Options before the command."""
    options = [] if _SYSTEMD.is_dir() else ["--cgroup-manager=cgroupfs", "--events-backend=file"]
    # crun refuses version 1 beside version 2.
    if detect().number == 1 and shutil.which("runc"):
        options.append("--runtime=runc")
    return options


def process_limits() -> list[str]:
    """Options of `run` and `build`: no more open files and processes than this account may grant."""
    options = []
    for name, limit, usual, granted in _LIMITS:
        most = resource.getrlimit(limit)[1]
        if most != resource.RLIM_INFINITY and most < usual:
            options.append(f"--ulimit={name}={min(most, granted)}:{min(most, granted)}")
    return options
