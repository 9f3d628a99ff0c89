"""Keras on TensorFlow → ONNX: Keras's export, or for gigabytes one that never copies the weights."""

from __future__ import annotations

from typing import Any

from perijove_lab.runner.export import keras_weights
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
    """Convert the computation with its weights as inputs, then turn these into data beside the graph.

    So no graph ever holds the weights, and the memory needed is that of one block.
    """
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    names = [f"weight_{number}" for number in range(len(variables))]
    graph = _convert_with_weights_as_inputs(model, variables, names)
    keras_weights.store(graph, dict(zip(names, variables, strict=True)), request.path)
    return request.path.name, f"{request.path.name}.data"


def _convert_with_weights_as_inputs(model: Any, variables: list[Any], names: list[str]) -> Any:
    import tensorflow as tf
    import tf2onnx
    from keras import tree
    from keras.src.export.export_utils import get_input_signature, make_tf_tensor_spec
    from keras.src.export.tf2onnx_lib import patch_tf2onnx

    structure = get_input_signature(model)
    inputs = [make_tf_tensor_spec(spec) for spec in tree.flatten(structure)]
    weights = [
        tf.TensorSpec(variable.shape, variable.dtype, name=name)
        for variable, name in zip(variables, names, strict=True)
    ]
    split = len(model.trainable_variables)
    mode = {"training": False} if model._call_has_training_arg else {}

    @tf.function(input_signature=[*inputs, *weights])  # type: ignore[untyped-decorator]
    def compute(*arguments: Any) -> Any:
        values = arguments[len(inputs) :]
        given = tree.pack_sequence_as(structure, arguments[: len(inputs)])
        outputs, _ = model.stateless_call(list(values[:split]), list(values[split:]), *given, **mode)
        return outputs

    patch_tf2onnx()
    converted, _ = tf2onnx.convert.from_function(compute, [*inputs, *weights], opset=OPSET)
    return converted
