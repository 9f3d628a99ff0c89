"""Keras 3 → ONNX by Keras's own export; models on JAX are rebuilt on another backend first."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from perijove_lab.runner.export import keras_other, keras_tensorflow
from perijove_lab.runner.export.registry import Exported, Request, Sample
from perijove_lab.runner.export.unsaveable import UnsaveableError
from perijove_lab.runner.samples import Samples, random_input

_OPEN_AXIS = 32  # size of an axis that may have any: divisible by the strides of common networks
_BATCH = 8


def matches(value: Any) -> bool:
    """Whether the value is a model of Keras 3 (Sequential, functional or subclassed)."""
    model = getattr(sys.modules["keras"], "Model", None)
    return model is not None and isinstance(value, model)


def export(request: Request) -> Exported:
    """Write the model. Raises UnsaveableError for models that were never built, or have no ONNX form."""
    import keras

    model = request.value
    specs = _input_specs(model)
    backend = keras.backend.backend()
    arrays, origin = _sample(model, specs, request.samples)
    if not model._called:  # Keras exports only what was called before
        _predictions(model, arrays)
    files, metadata = _EXPORT_ON.get(backend, _refuse)(model, request, arrays)
    feeds = {name: array for (name, _, _), array in zip(specs, arrays, strict=True)}
    sample = Sample(feeds=feeds, original=lambda: _predictions(model, arrays), origin=origin)
    return Exported(files=files, sample=sample, metadata={"exporter": f"Keras ({backend})", **metadata})


def _refuse(model: Any, request: Request, sample: list[Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    raise UnsaveableError("Keras exports from its TensorFlow, PyTorch and JAX backends only")


_EXPORT_ON: dict[str, Callable[[Any, Request, list[Any]], tuple[tuple[str, ...], dict[str, Any]]]] = {
    "tensorflow": keras_tensorflow.export,
    "torch": keras_other.export_on_torch,
    "jax": keras_other.export_on_jax,
}


def _input_specs(model: Any) -> list[tuple[str, tuple[int | None, ...], str]]:
    """Name, shape and type of every input. Raises UnsaveableError for a model that has none yet."""
    from keras import tree
    from keras.src.export.export_utils import get_input_signature

    if not model.built:
        raise UnsaveableError("it was never built: call it, fit it or give it an Input")
    try:
        signature = get_input_signature(model)
    except Exception as error:
        raise UnsaveableError("Keras does not know its inputs: call the model once on data") from error
    if not signature:
        raise UnsaveableError("Keras does not know its inputs: call the model once on data")
    flat = tree.flatten(signature)
    return [
        (getattr(spec, "name", None) or f"input_{position}", tuple(spec.shape), str(spec.dtype))
        for position, spec in enumerate(flat)
    ]


def _sample(
    model: Any, specs: list[tuple[str, tuple[int | None, ...], str]], samples: Samples
) -> tuple[list[Any], str]:
    if len(specs) == 1:
        (_, shape, dtype) = specs[0]
        found = samples.rows(shape, kinds="fiub" if dtype.startswith("float") else "iu")
        if found:
            return [found[0][:_BATCH].astype(dtype)], found[1]
    high = _smallest_vocabulary(model)
    sizes = [
        tuple(size or (_OPEN_AXIS if axis else _BATCH) for axis, size in enumerate(s)) for _, s, _ in specs
    ]
    return [
        random_input(size, dtype, high=high) for size, (_, _, dtype) in zip(sizes, specs, strict=True)
    ], "random"


def _smallest_vocabulary(model: Any) -> int:
    """Whole numbers below this are valid for every embedding of the model."""
    sizes = [layer.input_dim for layer in model._flatten_layers() if type(layer).__name__ == "Embedding"]
    return min(sizes, default=2)


def _predictions(model: Any, arrays: list[Any]) -> list[Any]:
    from keras import ops, tree

    inputs = [ops.convert_to_tensor(array) for array in arrays]
    outputs = model(inputs[0] if len(inputs) == 1 else inputs, training=False)
    return [ops.convert_to_numpy(output) for output in tree.flatten(outputs)]
