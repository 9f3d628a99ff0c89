"""Values of a JSON file, asked for by name and kind; what is of another kind is refused with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class ShapeError(ValueError):
    """A value is not of the kind that its place asks for; `str()` names the place and the kind."""


@dataclass(frozen=True)
class Part:
    """An object of the file. `where`: its place, as people find it. Absent values are empty ones."""

    value: Mapping[str, Any]
    where: str = ""

    @classmethod
    def of(cls, value: object, where: str = "") -> Part:
        """`value`, which must be an object."""
        if not isinstance(value, Mapping):
            raise ShapeError(f"{where or 'the file'} is no object")
        return cls(value, where)

    def _at(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name

    def text(self, name: str) -> str:
        """A text."""
        found = self.value.get(name)
        if found is not None and not isinstance(found, str):
            raise ShapeError(f"{self._at(name)} is no text")
        return found or ""

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        found = self._list(name)
        if not all(isinstance(one, str) for one in found):
            raise ShapeError(f"{self._at(name)} is no list of texts")
        return found

    def part(self, name: str) -> Part:
        """An object within this one."""
        found = self.value.get(name)
        return Part.of({} if found is None else found, self._at(name))

    def parts(self, name: str) -> list[Part]:
        """A list of objects."""
        return [Part.of(one, f"{self._at(name)}.{index}") for index, one in enumerate(self._list(name))]

    def number(self, name: str, *, least: float, above: bool = False) -> float | None:
        """A number of at least (or above) `least`; None where there is none."""
        found = self.value.get(name)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, (int, float)):
            raise ShapeError(f"{self._at(name)} is no number")
        if not (found > least if above else found >= least):
            raise ShapeError(f"{self._at(name)} must be {'more than' if above else 'at least'} {least:g}")
        return found

    def flag(self, name: str) -> bool:
        """True or false."""
        return self.value.get(name) is True

    def _list(self, name: str) -> list[Any]:
        found = self.value.get(name)
        if found is not None and not isinstance(found, list):
            raise ShapeError(f"{self._at(name)} is no list")
        return found or []
