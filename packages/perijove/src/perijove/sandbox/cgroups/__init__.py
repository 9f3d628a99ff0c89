"""Control groups, version 1 and 2: limits, counters and the end of everything in a group."""

from __future__ import annotations

from perijove.sandbox.cgroups.base import Cgroup, Counters, Limits
from perijove.sandbox.cgroups.detect import Version, delegated_cgroup, detect, open_cgroup, remove_everywhere

__all__ = [
    "Cgroup",
    "Counters",
    "Limits",
    "Version",
    "delegated_cgroup",
    "detect",
    "open_cgroup",
    "remove_everywhere",
]
