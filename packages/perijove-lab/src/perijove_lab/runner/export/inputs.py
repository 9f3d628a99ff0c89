"""Recognising arrays that came unchanged from an input, so that they are not written out again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from perijove_lab.runner.export.blocks import Slices, Source, blocks

_DATASETS = 20_000  # of one input file; beyond, the rest is not compared


@dataclass(frozen=True, kw_only=True)
class InputFile:
    """An input as the job sees it: `path` is what the code names, `file` where it lies."""

    path: str
    file: str


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    input: str
    dataset: str
    read: Callable[[Slices], Any]


class InputArrays:
    """All arrays of HDF5 and NumPy inputs by shape and type. Inputs that cannot be read are left out."""

    def __init__(self, inputs: tuple[InputFile, ...]) -> None:
        self._stack = contextlib.ExitStack()
        self._by_kind: dict[tuple[tuple[int, ...], str], list[_Candidate]] = {}
        for item in inputs:
            with contextlib.suppress(Exception):  # a truncated or foreign file is simply no candidate
                self._add(item)

    def close(self) -> None:
        """Close the input files."""
        self._by_kind.clear()
        self._stack.close()

    def match(self, source: Source) -> tuple[str, str] | None:
        """The input and the dataset in it that hold exactly these bytes, or None.

        Each candidate is read block by block until the first difference.
        """
        if not source.shape or 0 in source.shape or source.dtype.hasobject:
            return None
        for candidate in self._by_kind.get((source.shape, source.dtype.str), ()):
            with contextlib.suppress(OSError):
                if _equal(source, candidate):
                    return candidate.input, candidate.dataset
        return None

    def _add(self, item: InputFile) -> None:
        with open(item.file, "rb") as stream:
            magic = stream.read(8)
        if magic.startswith(b"\x93NUMPY"):
            self._add_numpy(item)
        elif magic == b"\x89HDF\r\n\x1a\n":
            self._add_hdf5(item)

    def _add_numpy(self, item: InputFile) -> None:
        import numpy as np

        array = np.load(item.file, mmap_mode="r", allow_pickle=False)
        self._remember(item, "", array.shape, array.dtype, lambda part: array[part])

    def _add_hdf5(self, item: InputFile) -> None:
        import h5py

        file = self._stack.enter_context(h5py.File(item.file, "r"))
        for name, dataset in _datasets(file):
            self._remember(item, name, dataset.shape, dataset.dtype, dataset.__getitem__)

    def _remember(
        self, item: InputFile, name: str, shape: Any, dtype: Any, read: Callable[[Slices], Any]
    ) -> None:
        if shape:
            key = (tuple(shape), dtype.str)
            candidate = _Candidate(input=item.path, dataset=name, read=read)
            self._by_kind.setdefault(key, []).append(candidate)


def _datasets(file: Any) -> Iterator[tuple[str, Any]]:
    import h5py

    found: list[tuple[str, Any]] = []

    def visit(name: str, item: Any) -> bool | None:
        if isinstance(item, h5py.Dataset) and not item.dtype.hasobject:
            found.append((name, item))
        return True if len(found) >= _DATASETS else None

    file.visititems(visit)
    yield from found


def _equal(source: Source, candidate: _Candidate) -> bool:
    import numpy as np

    return all(
        np.array_equal(_bytes(source.read(part)), _bytes(candidate.read(part)))
        for part in blocks(source.shape, source.dtype.itemsize)
    )


def _bytes(block: Any) -> Any:
    import numpy as np

    return np.ascontiguousarray(block).view(np.uint8)
