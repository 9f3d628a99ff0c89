"""Which variant of an environment fits this machine."""

from __future__ import annotations

import re
from pathlib import Path

_DEVICE = re.compile(r"^nvidia\d+$")


def find_variant(devices: Path = Path("/dev")) -> str:
    """`gpu` where the NVIDIA driver shows a device, else `cpu`."""
    return "gpu" if any(_DEVICE.match(entry.name) for entry in devices.iterdir()) else "cpu"
