"""Sample inputs for models: real data of the job where shapes fit, seeded random numbers else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from perijove_lab.runner.export.tensors import framework_of, source_of

_ROWS = 64
_BYTES = 16 * 1024 * 1024
SEED = 20_230


class Samples:
    """Looks for inputs among the variables of the job. `None` in a shape stands for any size."""

    def __init__(self, variables: dict[str, Any]) -> None:
        self._variables = variables

    def rows(self, shape: tuple[int | None, ...], *, kinds: str = "fiub") -> tuple[Any, str] | None:
        """Some first rows of a variable whose axes after the first fit `shape`, with its name.

        Names that look like inputs (`x…`, `…test…`, `…input…`) are preferred. `kinds` are NumPy's.
        """
        for name, value in sorted(self._variables.items(), key=lambda item: _rank(item[0])):
            found = _first_rows(value, shape, kinds)
            if found is not None:
                return found, name
        return None

    def frame(self, columns: list[str]) -> tuple[Any, str] | None:
        """Some first rows of a data frame that has all these columns, with its name."""
        for name, value in sorted(self._variables.items(), key=lambda item: _rank(item[0])):
            has_columns = hasattr(value, "columns") and hasattr(value, "iloc")
            if has_columns and len(value) and set(columns) <= set(value.columns):
                return value[columns].head(_ROWS), name
        return None

    def every(self, *, kinds: str) -> Iterator[tuple[str, Any]]:
        """Name and some first rows of every array of at least two axes."""
        for name, value in sorted(self._variables.items(), key=lambda item: _rank(item[0])):
            rank = len(getattr(value, "shape", ()))
            found = _first_rows(value, (None,) * rank, kinds) if rank > 1 else None
            if found is not None:
                yield name, found

    def of_type(self, name: str) -> Iterator[tuple[str, Any]]:
        """Name and value of the variables whose class, or a parent of it, has this name."""
        for variable, value in self._variables.items():
            if any(kind.__name__ == name for kind in type(value).__mro__):
                yield variable, value

    def texts(self) -> tuple[list[str], str] | None:
        """Some texts of a list, array or series of texts, with its name."""
        for name, value in sorted(self._variables.items(), key=lambda item: _rank(item[0])):
            items = list(value[:_ROWS]) if isinstance(value, list | tuple) else _strings(value)
            if len(items) > 1 and all(isinstance(item, str) for item in items):
                return [str(item) for item in items], name
        return None


def _rank(name: str) -> int:
    lower = name.lower()
    return 0 if lower.startswith("x") else 1 if "test" in lower or "input" in lower else 2


def _first_rows(value: Any, shape: tuple[int | None, ...], kinds: str) -> Any:
    import numpy as np

    if hasattr(value, "iloc") and hasattr(value, "to_numpy"):
        value = value.head(_ROWS).to_numpy()
    framework = framework_of(value)
    if framework is None or not _fits(tuple(getattr(value, "shape", ())), shape):
        return None
    source = source_of(value, framework)
    if source.dtype.kind not in kinds:
        return None
    row = max(1, math.prod(source.shape[1:]) * source.dtype.itemsize)
    count = max(1, min(_ROWS, source.shape[0], _BYTES // row))
    part = (slice(0, count), *(slice(0, size) for size in source.shape[1:]))
    return np.array(source.read(part))


def _fits(actual: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    if len(actual) != len(wanted) or not actual or actual[0] < 1:
        return False
    return all(want is None or want == size for size, want in zip(actual[1:], wanted[1:], strict=True))


def _strings(value: Any) -> list[Any]:
    if getattr(value, "ndim", 0) == 1 and str(getattr(value, "dtype", "")).startswith(
        ("object", "str", "<U")
    ):
        return list(value[:_ROWS])
    return []


def random_input(shape: tuple[int, ...], dtype: str, *, high: int = 2) -> Any:
    """Seeded random numbers: normal for floating point, 0 ≤ n < `high` for integers, fair for booleans."""
    import numpy as np

    generator = np.random.default_rng(SEED)
    kind = np.dtype(dtype).kind
    if kind == "f":
        return generator.standard_normal(shape).astype(dtype)
    if kind == "b":
        return generator.random(shape) < 0.5
    return generator.integers(0, max(1, high), shape).astype(dtype)
