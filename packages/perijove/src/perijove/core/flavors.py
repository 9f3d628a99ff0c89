"""Flavors: the sizes of lab and job that an administrator offers."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from perijove.core.resources import Resources, Size

_GIB = 2**30


class Flavor(BaseModel):
    """A named size. `groups` empty means that everybody may use it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,29}$", description="name, as it stands in URLs")
    title: str = Field(default="", description="what users read; the name where empty")
    cpus: float = Field(default=1.0, gt=0, description="CPUs")
    memory: Size = Field(default=2**31, description="memory")
    gpus: int = Field(default=0, ge=0, description="whole GPUs")
    groups: tuple[str, ...] = Field(default=(), description="JupyterHub groups that may use it; empty: all")

    @property
    def resources(self) -> Resources:
        """What a session of this flavor holds."""
        return Resources(cpus=self.cpus, memory=self.memory, gpus=self.gpus)

    def allows(self, groups: set[str], *, admin: bool) -> bool:
        """Whether a user in `groups` may choose it."""
        return admin or not self.groups or bool(groups & set(self.groups))


def offered_flavors(configured: tuple[Flavor, ...], total: Resources) -> tuple[Flavor, ...]:
    """Those of the settings (`settings.flavors`), else some that fit the machine (`launcher.total()`)."""
    return configured or default_flavors(total)


def default_flavors(total: Resources) -> tuple[Flavor, ...]:
    """Small, medium and large, and one with a GPU where there are GPUs; none larger than the machine."""
    cpus, memory = total.cpus, total.memory
    found = [
        Flavor(name="small", title="Small", cpus=min(1, cpus), memory=_whole(min(4 * _GIB, memory // 4))),
        Flavor(
            name="medium",
            title="Medium",
            cpus=_share(max(cpus / 2, min(1, cpus)), 4),
            memory=_whole(min(16 * _GIB, memory * 4 // 10)),
        ),
        Flavor(
            name="large",
            title="Large",
            cpus=_share(cpus, 16),
            memory=_whole(min(64 * _GIB, memory * 8 // 10)),
        ),
    ]
    if total.gpus:
        share = memory * 8 // 10 // total.gpus
        found.append(
            Flavor(
                name="gpu",
                title="GPU",
                cpus=_share(max(cpus / total.gpus, min(1, cpus)), 16),
                memory=_whole(share),
                gpus=1,
            )
        )
    return tuple(_distinct(found))


def _share(cpus: float, most: int) -> float:
    return float(min(most, max(1, int(cpus)))) if cpus >= 1 else cpus


def _whole(size: int) -> int:
    """Down to whole GiB, so that people read round figures; small machines keep what they have."""
    return size // _GIB * _GIB or size


def _distinct(flavors: Iterable[Flavor]) -> list[Flavor]:
    by_resources: dict[Resources, Flavor] = {}
    for flavor in flavors:
        by_resources.setdefault(flavor.resources, flavor)
    return list(by_resources.values())
