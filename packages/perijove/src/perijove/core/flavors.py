"""Flavors: the sizes of lab and job that an administrator offers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from perijove.core.resources import Resources, Size


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
