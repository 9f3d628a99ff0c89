from __future__ import annotations

import math
from pathlib import Path

import h5py
import numpy as np
import pytest

from perijove_lab.runner.export import blocks
from perijove_lab.runner.export.blocks import Source


@pytest.mark.parametrize("shape", [(), (0,), (1,), (1000,), (7, 5), (3, 400, 9), (1, 1, 5000), (2, 0, 3)])
@pytest.mark.parametrize("limit", [1, 64, 10_000])
def test_blocks_cover_everything_once(shape: tuple[int, ...], limit: int) -> None:
    array = np.zeros(shape, dtype="i2")
    for part in blocks.blocks(shape, 2, limit):
        array[part] += 1
        assert array[part].nbytes <= max(limit, 2)
    assert np.all(array == 1)


def a_source(array: np.ndarray) -> Source:
    return Source(shape=array.shape, dtype=array.dtype, read=lambda part: array[part])


@pytest.mark.parametrize(
    ("array", "compressed"),
    [
        (np.zeros((500, 300)), True),
        (np.random.default_rng(0).random((500, 300)), False),
        (np.zeros(100), False),
        (np.zeros((1, 1, 200_000), dtype="u1"), True),
        (np.zeros((200_000, 1), dtype="f4"), True),
    ],
)
def test_compression_where_it_pays(tmp_path: Path, array: np.ndarray, compressed: bool) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = blocks.write(file, "x", a_source(array))
        assert (dataset.compression == "gzip") is compressed
        assert np.array_equal(dataset[...], array)


def test_no_second_copy_is_asked_for(tmp_path: Path) -> None:
    largest = 0

    def read(part: tuple[slice, ...]) -> np.ndarray:
        nonlocal largest
        shape = [len(range(*one.indices(size))) for one, size in zip(part, (3000, 5000), strict=True)]
        largest = max(largest, math.prod(shape) * 8)
        return np.ones(shape)

    with h5py.File(tmp_path / "a.h5", "w") as file:
        blocks.write(file, "x", Source(shape=(3000, 5000), dtype=np.dtype("f8"), read=read))
    assert largest <= blocks.BLOCK
