"""Amounts of a machine: CPUs, memory and GPUs, asked for, granted or free."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*$", re.IGNORECASE)


def parse_size(value: int | str) -> int:
    """Bytes of `"8G"`, `"512 MiB"` or a plain number; powers of 1024. ValueError says what is accepted."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _SIZE.match(str(value))
    if match is None:
        raise ValueError(f"{value!r} is not a size; write it as 8G, 512M or a number of bytes")
    return int(float(match.group(1)) * _UNITS[match.group(2).upper()])


def format_size(size: int) -> str:
    """`size` bytes for people: 8 GiB, 1.5 MiB."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if amount == int(amount) else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


Size = Annotated[int, BeforeValidator(parse_size), Field(ge=0)]


class Resources(BaseModel):
    """CPUs (may be a fraction), memory in bytes, whole GPUs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpus: float = Field(default=1.0, gt=0, description="CPUs, fractions allowed")
    memory: Size = Field(default=2**31, description="memory: bytes, or 8G, 512M")
    gpus: int = Field(default=0, ge=0, description="whole GPUs")

    def fits_in(self, free: Resources | Free) -> bool:
        """Whether `free` holds at least this much of everything."""
        return self.cpus <= free.cpus + 1e-9 and self.memory <= free.memory and self.gpus <= free.gpus

    def __str__(self) -> str:
        gpus = f", {self.gpus} GPU{'s' if self.gpus > 1 else ''}" if self.gpus else ""
        return f"{self.cpus:g} CPU{'s' if self.cpus != 1 else ''}, {format_size(self.memory)}{gpus}"


class Free(BaseModel):
    """What is left of a machine; unlike `Resources`, any amount may be zero."""

    model_config = ConfigDict(frozen=True)

    cpus: float
    memory: int
    gpus: int

    def minus(self, taken: Resources) -> Self:
        """What remains after `taken`; may fall below zero when a machine is over-committed."""
        return type(self)(
            cpus=self.cpus - taken.cpus, memory=self.memory - taken.memory, gpus=self.gpus - taken.gpus
        )
