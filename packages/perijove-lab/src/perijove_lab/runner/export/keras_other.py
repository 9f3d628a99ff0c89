"""Keras on PyTorch and on JAX → ONNX."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from perijove_lab.runner.export import registry
from perijove_lab.runner.export.registry import Request
from perijove_lab.runner.export.unsaveable import UnsaveableError

Result = tuple[tuple[str, ...], dict[str, Any]]
_MINUTES = 30
_REBUILD = """
import sys, keras, numpy
model = keras.saving.load_model(sys.argv[1], compile=False, safe_mode=False)
sample = list(numpy.load(sys.argv[3]).values())
model(sample[0] if len(sample) == 1 else sample, training=False)
model.export(sys.argv[2], format="onnx", verbose=False)
"""


def export_on_torch(model: Any, request: Request, sample: list[Any]) -> Result:
    """Keras's own export, which keeps the batch size open."""
    training = model.training
    try:
        model.export(str(request.path), format="onnx", verbose=False)
    except Exception:
        if len(sample) != 1:
            raise
        _export_by_torch(model, request, sample[0])  # axes of open size, which Keras takes for 1
    finally:
        model.train(training)
    return registry.files_of(request.path), {"dynamic_batch": True, "opset": registry.opset_in(request.path)}


def _export_by_torch(model: Any, request: Request, sample: Any) -> None:
    import torch as framework

    from perijove_lab.runner.export import torch

    model.eval()
    torch.write(model, (framework.from_numpy(sample),), request.path)


def export_on_jax(model: Any, request: Request, sample: list[Any]) -> Result:
    """Save the model, load it on TensorFlow or PyTorch in a process of its own, export it there.

    Raises UnsaveableError with the reason where neither is installed, or where a custom layer is tied to
    JAX or unknown outside the notebook.
    """
    import numpy as np

    backend = next((name for name in ("tensorflow", "torch") if importlib.util.find_spec(name)), None)
    if backend is None:
        raise UnsaveableError("Keras on JAX exports through TensorFlow or PyTorch, and neither is installed")
    with tempfile.TemporaryDirectory(prefix=".rebuild-", dir=request.folder) as folder:
        saved = Path(folder, "model.keras")
        model.save(saved)
        np.savez(saved.with_suffix(".npz"), *sample)
        _rebuild(saved, request.path, backend)
    metadata = {"dynamic_batch": True, "opset": registry.opset_in(request.path), "rebuilt_on": backend}
    return registry.files_of(request.path), metadata


def _rebuild(saved: Path, path: Path, backend: str) -> None:
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, "-c", _REBUILD, str(saved), str(path), str(saved.with_suffix(".npz"))]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_MINUTES * 60, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UnsaveableError(f"rebuilding it on {backend} took longer than {_MINUTES} minutes") from error
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise UnsaveableError(f"Keras on JAX is exported through {backend}, which failed: {last[0][:300]}")
