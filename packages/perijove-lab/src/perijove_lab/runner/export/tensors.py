"""NumPy arrays and the tensors of TensorFlow, PyTorch and JAX as `blocks.Source`, read in parts.

A framework is asked for only where it was imported already.
"""

from __future__ import annotations

import sys
from typing import Any

from perijove_lab.runner.export.blocks import Slices, Source
from perijove_lab.runner.export.unsaveable import UnsaveableError


def framework_of(value: Any) -> str | None:
    """`numpy`, `tensorflow`, `torch`, `jax` or `keras` for an array or tensor of it, else None."""
    if isinstance(value, str | bytes):  # also NumPy's own texts
        return None
    for name, module, kinds in (
        ("numpy", "numpy", ("ndarray", "generic")),
        ("torch", "torch", ("Tensor",)),
        ("tensorflow", "tensorflow", ("Tensor", "Variable")),
        ("jax", "jax", ("Array",)),
        ("keras", "keras", ("Variable",)),
    ):
        loaded = sys.modules.get(module)
        types = tuple(getattr(loaded, kind) for kind in kinds if hasattr(loaded, kind)) if loaded else ()
        if types and isinstance(value, types):
            return name
    return None


def source_of(value: Any, framework: str) -> Source:
    """The array behind the value. Raises UnsaveableError where there is none to be had."""
    return {"numpy": _numpy, "torch": _torch, "tensorflow": _tensorflow, "jax": _jax, "keras": _keras}[
        framework
    ](value)


def _numpy(value: Any) -> Source:
    import numpy as np

    array = np.asarray(value)
    if array.dtype.kind == "V" and array.dtype.fields is None and array.dtype.type is not np.void:
        return _widened(array)  # bfloat16 and its like, which HDF5 does not know
    return Source(shape=array.shape, dtype=array.dtype, read=lambda part: array[part])


def _widened(array: Any) -> Source:
    import numpy as np

    return Source(
        shape=array.shape, dtype=np.dtype("float32"), read=lambda part: array[part].astype(np.float32)
    )


def _torch(value: Any) -> Source:
    import numpy as np
    import torch

    tensor = value.detach()
    if tensor.layout != torch.strided or tensor.is_quantized:
        raise UnsaveableError("sparse and quantized tensors are not saved: call .to_dense() or .dequantize()")
    if tensor.is_meta:
        raise UnsaveableError("a tensor on the meta device holds no data")
    wide = tensor.dtype == torch.bfloat16 or "float8" in str(tensor.dtype)
    probe = torch.zeros((), dtype=torch.float32 if wide else tensor.dtype).numpy()

    def read(part: Slices) -> Any:
        block = tensor[part].resolve_conj().resolve_neg()
        return (block.float() if wide else block).cpu().numpy()

    return Source(shape=tuple(tensor.shape), dtype=np.dtype(probe.dtype), read=read)


def _tensorflow(value: Any) -> Source:
    import numpy as np
    import tensorflow as tf

    tensor = tf.convert_to_tensor(value)
    if not hasattr(tensor, "numpy"):
        raise UnsaveableError("a symbolic tensor holds no data")
    dtype = tensor.dtype
    wide = dtype == tf.bfloat16
    if dtype == tf.string:
        return _numpy(_decoded(tensor.numpy()))

    def read(part: Slices) -> Any:
        block = tensor[part] if part else tensor
        return np.asarray(tf.cast(block, tf.float32) if wide else block)

    return Source(
        shape=tuple(tensor.shape), dtype=np.dtype("float32" if wide else dtype.as_numpy_dtype), read=read
    )


def _decoded(strings: Any) -> Any:
    import numpy as np

    flat = [item.decode("utf-8", "surrogateescape") for item in np.asarray(strings, dtype=object).ravel()]
    return np.array(flat, dtype=object).reshape(np.shape(strings))


def _jax(value: Any) -> Source:
    import jax
    import numpy as np

    if isinstance(value, jax.core.Tracer) or jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
        raise UnsaveableError("tracers and random keys of JAX hold no array: use jax.random.key_data")
    if value.is_deleted() or not value.is_fully_addressable:
        raise UnsaveableError("this array of JAX was donated, deleted or lies on other hosts")
    on_host = all(device.platform == "cpu" for device in value.devices())
    if on_host and len(value.devices()) == 1:
        return _numpy(np.asarray(value))  # a view
    wide = np.dtype(value.dtype).kind == "V"
    dtype = np.dtype("float32") if wide else np.dtype(value.dtype)
    return Source(
        shape=value.shape, dtype=dtype, read=lambda part: np.asarray(value[part]).astype(dtype, copy=False)
    )


def _keras(value: Any) -> Source:
    tensor = value.value
    framework = framework_of(tensor)
    if framework in (None, "keras"):
        raise UnsaveableError("a variable of Keras without a value")
    return source_of(tensor, str(framework))
