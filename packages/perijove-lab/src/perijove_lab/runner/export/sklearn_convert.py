"""One call of skl2onnx, with the options and allowances that its converters need."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from perijove_lab.runner.export.sklearn_inputs import parts_of

# Tree ensembles and boosters exist in newer forms that skl2onnx's own code cannot always mix.
_TARGETS: tuple[dict[str, int] | None, ...] = (None, {"": 18, "ai.onnx.ml": 3})


def convert(model: Any, types: list[tuple[str, Any]]) -> Any:
    """The ONNX model. Raises what skl2onnx raises when no way of asking works."""
    if hasattr(model, "flatten_transform"):  # of voting classifiers; predictions do not depend on it
        model = copy.copy(model)
        model.flatten_transform = False
    problem: Exception | None = None
    for target in _TARGETS:
        for options in (
            _options(model, plain_probabilities=True),
            _options(model, plain_probabilities=False),
        ):
            try:
                return _convert(model, types, options, target)
            except NameError as error:  # skl2onnx's way to say: no such option for this model
                problem = problem or error
            except RuntimeError as error:
                if "target_opset" not in str(error):
                    raise
                problem = error
    raise problem or RuntimeError("skl2onnx gave no model")


def _convert(
    model: Any,
    types: list[tuple[str, Any]],
    options: dict[int, dict[str, Any]],
    target: dict[str, int] | None,
) -> Any:
    from skl2onnx import to_onnx

    with _whole_numbers():
        return to_onnx(model, initial_types=types, options=options or None, target_opset=target)


def _options(model: Any, *, plain_probabilities: bool) -> dict[int, dict[str, Any]]:
    """Probabilities as a matrix, not a list of dictionaries; texts in the one locale that exists anywhere."""
    from sklearn.base import is_classifier

    options: dict[int, dict[str, Any]] = {}
    for part in parts_of(model):
        if hasattr(part, "vocabulary_"):
            options[id(part)] = {"locale": "C"}
    if plain_probabilities and is_classifier(model) and hasattr(model, "classes_"):
        options[id(model)] = {"zipmap": False}
    return options


@contextmanager
def _whole_numbers() -> Iterator[None]:
    """protobuf 7 refuses booleans among whole numbers, and skl2onnx gives such for histogram trees."""
    import numpy as np
    import onnx.helper

    original = onnx.helper.make_attribute

    def make_attribute(key: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, list) and any(isinstance(item, bool | np.bool_) for item in value):
            value = [int(item) for item in value]
        return original(key, value, *args, **kwargs)

    onnx.helper.make_attribute = make_attribute
    try:
        yield
    finally:
        onnx.helper.make_attribute = original
