"""Writing arrays of any size in blocks, so that no second copy of an array is ever made."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

BLOCK = 16 * 1024 * 1024  # bytes handled at a time
_WORTH = 0.6  # compress what shrinks to this share or less …
_BUDGET = 20.0  # … and takes no longer than this many seconds
_LEAST = 64 * 1024  # bytes below which compression is not worth a thought

Slices = tuple[slice, ...]


@dataclass(frozen=True, kw_only=True)
class Source:
    """An array somewhere: shape, NumPy type, and how to get a part of it as a NumPy array."""

    shape: tuple[int, ...]
    dtype: Any
    read: Callable[[Slices], Any]

    @property
    def nbytes(self) -> int:
        """Bytes of the whole."""
        return math.prod(self.shape) * int(self.dtype.itemsize)


def blocks(shape: tuple[int, ...], itemsize: int, limit: int = BLOCK) -> Iterator[Slices]:
    """Slices that cover the array in order, none larger than `limit` bytes (but for a single element)."""
    if not shape:
        yield ()
        return
    row = math.prod(shape[1:]) * itemsize
    if row > limit:
        for index in range(shape[0]):
            for rest in blocks(shape[1:], itemsize, limit):
                yield (slice(index, index + 1), *rest)
        return
    step = max(1, limit // max(1, row))
    rest_whole = tuple(slice(0, size) for size in shape[1:])
    for start in range(0, shape[0], step):
        yield (slice(start, min(shape[0], start + step)), *rest_whole)


def write(parent: Any, name: str, source: Source) -> Any:
    """Write the array as the dataset `name` and return it. Peak memory beyond the array: a few blocks."""
    dataset = parent.create_dataset(name, shape=source.shape, dtype=source.dtype, **_compression(source))
    if 0 not in source.shape:
        for part in blocks(source.shape, source.dtype.itemsize):
            dataset[part] = source.read(part)
    return dataset


def _compression(source: Source) -> dict[str, Any]:
    """Light compression where a sample shows that it pays within the budget of time."""
    if not source.shape or source.nbytes < _LEAST or source.dtype.hasobject:
        return {}
    middle = tuple(slice(size // 2, size // 2 + 1) for size in source.shape[:-1])
    limit = max(1, 256 * 1024 // source.dtype.itemsize)
    sample = b"".join(_samples(source, middle, limit))
    started = time.perf_counter()
    packed = len(zlib.compress(sample, 1))
    seconds = (time.perf_counter() - started) * source.nbytes / max(1, len(sample))
    if packed > _WORTH * len(sample) or seconds > _BUDGET:
        return {}
    return {"compression": "gzip", "compression_opts": 1, "shuffle": True, "chunks": _chunks(source)}


def _samples(source: Source, middle: Slices, limit: int) -> Iterator[bytes]:
    """Up to 256 KiB from the middle of the array, row by row of its first axis."""
    taken = 0
    first = source.shape[0]
    for index in range(first // 2, first):
        lead = (slice(index, index + 1), *middle[1:])
        rest = [slice(0, min(size, limit)) for size in source.shape[len(lead) :]]
        part = source.read((*lead, *rest)).tobytes()
        yield part
        taken += len(part)
        if taken >= limit * source.dtype.itemsize:
            return


def _chunks(source: Source) -> tuple[int, ...]:
    """About 1 MiB, whole rows of the last axes."""
    chunk = [1] * len(source.shape)
    left = max(1, 1024 * 1024 // source.dtype.itemsize)
    for axis in range(len(source.shape) - 1, -1, -1):
        chunk[axis] = max(1, min(source.shape[axis], left))
        left //= chunk[axis]
    return tuple(chunk)
