"""The inputs of a fitted scikit-learn model: their ONNX types, and a sample for both sides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from perijove_lab.runner.export.unsaveable import UnsaveableError
from perijove_lab.runner.samples import Samples, random_input

_ROWS = 32
_TEXTS = ["a first text", "the second one is longer", "third"]


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """`types` for skl2onnx, `feeds` for onnxruntime, and the same numbers as the `original` takes them."""

    types: list[tuple[str, Any]]
    feeds: dict[str, Any]
    original: Any
    origin: str


def inputs_of(model: Any, samples: Samples, precision: str) -> Inputs:
    """One matrix `X`; or one input per column for pipelines that pick columns by name; or texts."""
    columns = getattr(model, "feature_names_in_", None)
    if columns is not None and any(_names_columns(part) for part in parts_of(model)):
        return _columns(model, [str(name) for name in columns], samples, precision)
    count = getattr(model, "n_features_in_", None)
    if isinstance(count, int):
        return _matrix(count, samples, precision)
    if any(hasattr(part, "vocabulary_") for part in parts_of(model)):
        return _texts(samples)
    raise UnsaveableError("the model does not say how many features it was fitted on")


def parts_of(model: Any) -> Iterator[Any]:
    """The model itself and the steps and transformers inside it, outermost first."""
    yield model
    inner = [step for _, step in getattr(model, "steps", [])]
    inner += [item[1] for item in getattr(model, "transformers_", [])]
    inner += [item[1] for item in getattr(model, "transformer_list", [])]
    for part in inner:
        if hasattr(part, "get_params"):
            yield from parts_of(part)


def _names_columns(part: Any) -> bool:
    groups = [item[2] for item in getattr(part, "transformers_", [])]
    return any(isinstance(name, str) for group in groups for name in _as_list(group))


def _as_list(group: Any) -> list[Any]:
    return [group] if isinstance(group, str) else list(group) if hasattr(group, "__iter__") else []


def _matrix(count: int, samples: Samples, precision: str) -> Inputs:
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    found = samples.rows((None, count)) or (random_input((_ROWS, count), precision), "random")
    data = found[0].astype(precision)
    kind = FloatTensorType if precision == "float32" else DoubleTensorType
    return Inputs(types=[("X", kind([None, count]))], feeds={"X": data}, original=data, origin=found[1])


def _texts(samples: Samples) -> Inputs:
    import numpy as np
    from skl2onnx.common.data_types import StringTensorType

    texts, origin = samples.texts() or (_TEXTS, "made up")
    feeds = {"X": np.array(texts, dtype=object).reshape(-1, 1)}
    return Inputs(types=[("X", StringTensorType([None, 1]))], feeds=feeds, original=texts, origin=origin)


def _columns(model: Any, names: list[str], samples: Samples, precision: str) -> Inputs:
    categories = _categories(model)
    found = samples.frame(names)
    frame, origin = found if found else (_made_up(names, categories), "random")
    kinds = {name: _kind(frame[name], categories.get(name), precision) for name in names}
    frame = _retyped(frame, kinds)
    feeds = {
        name: frame[name].to_numpy(dtype=object if kind == "text" else kind).reshape(-1, 1)
        for name, kind in kinds.items()
    }
    types = [(name, _onnx_type(kind)) for name, kind in kinds.items()]
    return Inputs(types=types, feeds=feeds, original=frame, origin=origin)


def _categories(model: Any) -> dict[str, Any]:
    """Column → the categories that an encoder learnt for it."""
    found: dict[str, Any] = {}
    for part in parts_of(model):
        for _, transformer, group in getattr(part, "transformers_", []):
            names = [name for name in _as_list(group) if isinstance(name, str)]
            for encoder in parts_of(transformer) if hasattr(transformer, "get_params") else ():
                learnt = getattr(encoder, "categories_", None)
                if learnt is not None and len(learnt) == len(names):
                    found.update(zip(names, learnt, strict=True))
    return found


def _made_up(names: list[str], categories: dict[str, Any]) -> Any:
    import numpy as np
    import pandas as pd

    numbers = random_input((_ROWS, len(names)), "float32")
    return pd.DataFrame(
        {
            name: np.resize(categories[name], _ROWS) if name in categories else numbers[:, position]
            for position, name in enumerate(names)
        }
    )


def _kind(column: Any, categories: Any, precision: str) -> str:
    """`text`, or the NumPy type of a numeric column; whole numbers only where they are categories."""
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(column.dtype):
        return "text"
    if categories is not None and categories.dtype.kind in "iu":
        return "int64"
    return precision


def _retyped(frame: Any, kinds: dict[str, str]) -> Any:
    """The frame with exactly the numbers that ONNX will see."""
    numeric = {name: kind for name, kind in kinds.items() if kind != "text"}
    complete = frame.dropna(subset=[name for name, kind in kinds.items() if kind == "text"])
    if not len(complete):
        raise UnsaveableError("the sample has no row whose text columns are all filled")
    return complete.astype(numeric)


def _onnx_type(kind: str) -> Any:
    from skl2onnx.common import data_types as types

    made = {
        "text": types.StringTensorType,
        "int64": types.Int64TensorType,
        "float32": types.FloatTensorType,
        "float64": types.DoubleTensorType,
    }
    return made[kind]([None, 1])
