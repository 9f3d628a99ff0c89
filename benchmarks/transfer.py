"""Upload and download of a 1 GiB HDF5 file over HTTP, against `cp` plus fsync of the same file."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import h5py
import numpy as np
from bioblend.galaxy import GalaxyInstance

from benchmarks.measure import Row, seconds
from benchmarks.platform import Platform
from perijove_lab import get, put

SIZE = 2**30


def run(platform: Platform) -> list[Row]:
    """Upload (tus, through the front door) and download, each beside the copy."""
    folder = Path(tempfile.mkdtemp(prefix="perijove-bench-", dir="/var/tmp"))
    os.environ.update(GALAXY_URL=platform.galaxy_url, API_KEY=platform.key)
    galaxy = GalaxyInstance(platform.galaxy_url, key=platform.key)
    history = galaxy.histories.create_history("transfer benchmark")["id"]
    try:
        up, down, copy = _measure(folder, history)
    finally:
        shutil.rmtree(folder)
        galaxy.histories.delete_history(history, purge=True)
    aim = "at most 2 × cp + fsync"
    return [
        Row("upload of a 1 GiB H5", up, copy, "s", f"{SIZE / up / 1e6:.0f} MB/s", aim),
        Row("download of a 1 GiB H5", down, copy, "s", f"{SIZE / down / 1e6:.0f} MB/s", aim),
    ]


def _measure(folder: Path, history: str) -> tuple[float, float, float]:
    # Contents differ from turn to turn, or the content-addressed store would have the second already.
    turns = [_turn(folder, history, turn) for turn in range(3)]
    up, down, copy = (sorted(column)[1] for column in zip(*turns, strict=True))
    return up, down, copy


def _turn(folder: Path, history: str, turn: int) -> tuple[float, float, float]:
    source = folder / f"{turn}.h5"
    _make_file(source, seed=turn)
    copy = seconds(lambda: _copy(source, folder / "copy"), repeat=1)
    up = seconds(lambda: put(str(source), history_id=history), repeat=1)
    down = seconds(lambda: get(turn + 1, history_id=history, to=folder / "back.h5"), repeat=1)
    (folder / "back.h5").unlink()
    source.unlink()
    return up, down, copy


def _make_file(path: Path, *, seed: int) -> None:
    block = np.random.default_rng(seed).random(2**20, dtype=np.float32)
    with h5py.File(path, "w") as file:
        array = file.create_dataset("x", shape=(SIZE // 4,), dtype="float32")
        for start in range(0, SIZE // 4, block.size):
            array[start : start + block.size] = block + start


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", source, target], check=True)
    descriptor = os.open(target, os.O_RDWR)
    os.fsync(descriptor)
    os.close(descriptor)
    target.unlink()
