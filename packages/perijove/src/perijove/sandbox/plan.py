"""What the launcher hands to a keeper: plain values in one JSON file, quick to read.

A keeper imports neither pydantic nor dataclasses: there is one per lab, and its memory and its start count.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class PlannedMount(NamedTuple):
    """One checked mount; `source` holds no link any more."""

    source: str
    target: str
    writable: bool


class Plan(NamedTuple):
    """A checked description of one process, with all that the launcher granted and found out."""

    id: str
    name: str
    uid: int
    gid: int
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    mounts: tuple[PlannedMount, ...]
    cpus: float
    memory: int
    processes: int
    tmp_size: int
    network: str
    inbound: tuple[tuple[int, int], ...]
    outbound: tuple[tuple[int, str, int], ...]
    log: str
    log_limit: int
    log_owner: tuple[int, int]
    time_limit: float | None
    confine: bool
    devices: tuple[str, ...]
    cgroup: str
    scope: bool
    image: str = ""

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON values."""
        return {**self._asdict(), "mounts": [mount._asdict() for mount in self.mounts]}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Plan:
        """The plan that `to_json` wrote."""
        return cls(
            **{
                **values,
                "argv": tuple(values["argv"]),
                "mounts": tuple(PlannedMount(**mount) for mount in values["mounts"]),
                "inbound": tuple((host, port) for host, port in values["inbound"]),
                "outbound": tuple((port, host, host_port) for port, host, host_port in values["outbound"]),
                "log_owner": (values["log_owner"][0], values["log_owner"][1]),
                "devices": tuple(values["devices"]),
            }
        )
