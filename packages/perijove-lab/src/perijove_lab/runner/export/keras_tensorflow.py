"""Keras on TensorFlow → ONNX: Keras's export, or tf2onnx with external data for models of gigabytes."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import Any

from perijove_lab.runner.export.registry import Request
from perijove_lab.runner.export.unsaveable import UnsaveableError

LARGE = 1_800_000_000  # bytes of weights; one protobuf message holds less than 2 GiB
OPSET = 18

Result = tuple[tuple[str, ...], dict[str, Any]]


def export(model: Any, request: Request, sample: list[Any]) -> Result:
    """Write the model beside its data file, if it needs one: file names and metadata."""
    try:
        import tf2onnx  # noqa: F401
    except ImportError as error:
        raise UnsaveableError("tf2onnx is not installed in this kernel") from error
    metadata = {"opset": OPSET, "dynamic_batch": True}
    if weight_bytes(model) > LARGE:
        return _export_large(model, request), metadata
    model.export(str(request.path), format="onnx", verbose=False, opset_version=OPSET)
    return (request.path.name,), metadata


def weight_bytes(model: Any) -> int:
    """Bytes of all weights."""
    import math

    return sum(math.prod(weight.shape) * _size(str(weight.dtype)) for weight in model.weights)


def _size(dtype: str) -> int:
    return 8 if "64" in dtype else 2 if "16" in dtype else 1 if "8" in dtype or dtype == "bool" else 4


def _export_large(model: Any, request: Request) -> tuple[str, ...]:
    """tf2onnx writes a zip of the graph and its weights; they become one ONNX file and one data file."""
    with tempfile.TemporaryDirectory(prefix=".large-", dir=request.folder) as folder:
        archive = Path(folder, "model.zip")
        _convert_large(model, archive)
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)  # written a moment ago by tf2onnx itself
        archive.unlink()
        return _join(Path(folder), request)


def _convert_large(model: Any, archive: Path) -> None:
    import tensorflow as tf
    import tf2onnx
    from keras import tree
    from keras.src.export.export_utils import get_input_signature, make_tf_tensor_spec
    from keras.src.export.onnx import get_concrete_fn
    from keras.src.export.tf2onnx_lib import patch_tf2onnx

    signature = tree.map_structure(make_tf_tensor_spec, get_input_signature(model))
    patch_tf2onnx()
    with tf.device("/CPU:0"):
        function = get_concrete_fn(model, signature)
        tf2onnx.convert.from_function(
            function, signature, opset=OPSET, large_model=True, output_path=str(archive)
        )


def _join(folder: Path, request: Request) -> tuple[str, ...]:
    import onnx

    graph = onnx.load(str(folder / "__MODEL_PROTO.onnx"))
    data = f"{request.path.name}.data"
    onnx.save_model(
        graph, str(request.path), save_as_external_data=True, all_tensors_to_one_file=True, location=data
    )
    return request.path.name, data
