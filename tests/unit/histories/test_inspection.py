"""The worker that looks into files: right about good ones, harmless about bad ones."""

from __future__ import annotations

import io
import json
import random
import time
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from perijove.histories.inspection import worker
from perijove.histories.inspection.process import LimitedInspection


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "file"
    path.write_bytes(content)
    return path


def test_onnx(tmp_path: Path, onnx_model: bytes) -> None:
    found = worker.onnx(str(write(tmp_path, onnx_model)))
    assert found["metadata"]["producer"] == "a test"
    assert found["metadata"]["opset"] == {"ai.onnx": 17}
    assert found["metadata"]["inputs"] == [{"name": "x", "dtype": "float32", "shape": [4, "N"]}]
    assert found["metadata"]["node_count"] == 1


def test_archives(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", b"\0" * 10_000_000)
    found = worker.archive(str(write(tmp_path, buffer.getvalue())))
    assert found["metadata"] == {"members": ["bomb"], "member_count": 1, "unpacked_size": 10_000_000}
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros((2, 3), "f4"))
    found = worker.numpy_archive(str(write(tmp_path, buffer.getvalue())))
    assert found["metadata"]["arrays"] == [{"name": "a", "shape": [2, 3], "dtype": "float32"}]


def test_notebook(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "code", "source": ["import keras\n", "x"]},
        {"cell_type": "markdown", "source": "# t"},
    ]
    content = {
        "cells": cells,
        "nbformat": 4,
        "metadata": {"kernelspec": {"name": "ai", "language": "python"}},
    }
    found = worker.notebook(str(write(tmp_path, json.dumps(content).encode())))
    assert found["metadata"] == {
        "cells": 2,
        "code_cells": 1,
        "kernel": "ai",
        "language": "python",
        "nbformat": 4,
    }
    assert found["peek"] == "import keras\nx"


@pytest.mark.parametrize("ext", sorted(worker.READERS))
def test_noise_becomes_a_fault(tmp_path: Path, ext: str) -> None:
    noise = random.Random(1).randbytes(5000)
    found = LimitedInspection().inspect(write(tmp_path, noise), ext)
    assert found is not None
    assert "fault" in found or ext == "png"


def test_a_pickle_in_an_array_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "file.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    found = LimitedInspection().inspect(path, "npy")
    assert found is not None
    assert found.get("metadata", {}).get("dtype", "object") == "object"


def test_many_datasets_are_counted_and_some_named(tmp_path: Path) -> None:
    path = tmp_path / "many.h5"
    with h5py.File(path, "w") as file:
        for number in range(300):
            file[f"d{number}"] = number
    found: dict[str, Any] = worker.hdf5(str(path))
    assert found["metadata"]["dataset_count"] == 300
    assert len(found["metadata"]["datasets"]) == worker.MOST_ENTRIES


def test_what_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text("import time; time.sleep(60)")
    monkeypatch.setattr("perijove.histories.inspection.process._WORKER", sleeper)
    monkeypatch.setattr("perijove.histories.inspection.process.SECONDS", 1)
    started = time.monotonic()
    assert LimitedInspection().inspect(tmp_path / "x", "h5") is None
    assert time.monotonic() - started < 30


def test_memory_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    eater = tmp_path / "eater.py"
    source = (
        Path(worker.__file__)
        .read_text()
        .replace(
            "READERS: dict",
            'def eat(path: str) -> dict[str, Any]:\n    return {"peek": "x" * 2**33}\n\n\nREADERS: dict',
        )
    )
    eater.write_text(source.replace('"h5": hdf5', '"h5": eat'))
    monkeypatch.setattr("perijove.histories.inspection.process._WORKER", eater)
    found = LimitedInspection().inspect(tmp_path / "x", "h5")
    assert found is None or "MemoryError" in found["fault"]
