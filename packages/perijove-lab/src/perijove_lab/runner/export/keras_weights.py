"""Inputs of an ONNX graph that stand for weights → data in a file beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from perijove_lab.runner.export.blocks import blocks
from perijove_lab.runner.export.tensors import source_of

_PAGE = 4096  # each weight begins at a multiple, so that it can be mapped into memory


def store(model: Any, weights: dict[str, Any], path: Path) -> None:
    """Write `model` to `path` and the weights that are among its inputs to `<path>.data`, block by block."""
    import onnx

    graph = model.graph
    wanted = {
        item.name: item.type.tensor_type.elem_type
        for item in graph.input
        if _weight_name(item.name) in weights
    }
    with open(path.with_name(f"{path.name}.data"), "wb") as data:
        for name, element_type in wanted.items():
            variable = weights[_weight_name(name)]
            place = _append(data, variable)
            graph.initializer.append(_outside(name, element_type, variable.shape, f"{path.name}.data", place))
    kept = [item for item in graph.input if item.name not in wanted]
    del graph.input[:]
    graph.input.extend(kept)
    onnx.save_model(model, str(path))


def _weight_name(name: str) -> str:
    return name.partition(":")[0]


def _append(data: BinaryIO, variable: Any) -> tuple[int, int]:
    """Write one weight; where it begins, and its bytes."""
    data.write(b"\0" * (-data.tell() % _PAGE))
    begin = data.tell()
    source = source_of(variable, "keras")
    for part in blocks(source.shape, source.dtype.itemsize):
        data.write(source.read(part).astype(source.dtype.newbyteorder("<"), copy=False).tobytes())
    return begin, data.tell() - begin


def _outside(name: str, element_type: int, shape: Any, file: str, place: tuple[int, int]) -> Any:
    import onnx

    tensor = onnx.TensorProto(name=name, data_type=element_type, dims=list(shape))
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", file), ("offset", str(place[0])), ("length", str(place[1]))):
        tensor.external_data.add(key=key, value=value)
    return tensor
