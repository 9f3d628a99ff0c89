"""What XGBoost and LightGBM share: conversion with onnxmltools, and their estimators inside pipelines."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from typing import Any

from perijove_lab.runner.export import registry
from perijove_lab.runner.export.registry import Exported, Request, Sample
from perijove_lab.runner.export.unsaveable import UnsaveableError
from perijove_lab.runner.samples import Samples, random_input

_ROWS = 32


def tools() -> Any:
    """The onnxmltools package. Raises UnsaveableError where it is missing."""
    try:
        return importlib.import_module("onnxmltools")
    except ImportError as error:
        raise UnsaveableError("onnxmltools is not installed in this kernel") from error


def matrix(count: int, samples: Samples) -> tuple[Any, str]:
    """A float32 sample of so many features, and where it came from."""
    rows, origin = samples.rows((None, count)) or (random_input((_ROWS, count), "float32"), "random")
    return rows.astype("float32"), origin


def save(
    request: Request,
    onnx_model: Any,
    data: Any,
    origin: str,
    original: Callable[[Any], list[Any]],
    exporter: str,
) -> Exported:
    """Write the converted model; its one input takes the sample."""
    request.path.write_bytes(onnx_model.SerializeToString())
    name = onnx_model.graph.input[0].name
    sample = Sample(feeds={name: data}, original=lambda: original(data), origin=origin)
    metadata = {
        "exporter": exporter,
        "opset": registry.opset_of(onnx_model),
        "precision": "float32",
        "dynamic_batch": True,
    }
    return Exported(files=(request.path.name,), sample=sample, metadata=metadata)


def float_input(count: int) -> list[tuple[str, Any]]:
    """The input declaration that onnxmltools takes: a matrix `X` of any number of rows."""
    types = importlib.import_module("onnxmltools.convert.common.data_types")
    return [("X", types.FloatTensorType([None, count]))]


@functools.cache
def register_with_skl2onnx() -> None:
    """Teach skl2onnx the estimators of those boosters that are imported."""
    if "xgboost" in sys.modules:
        _register("xgboost", "XGBClassifier", "XGBRegressor")
    if "lightgbm" in sys.modules:
        _register("lightgbm", "LGBMClassifier", "LGBMRegressor")


def _register(package: str, classifier: str, regressor: str) -> None:
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )

    module = "XGBoost" if package == "xgboost" else "LightGbm"
    converters = importlib.import_module(f"onnxmltools.convert.{package}.operator_converters.{module}")
    convert = getattr(converters, f"convert_{package}")
    boosters = sys.modules[package]
    for name, shapes, options in (
        (
            classifier,
            calculate_linear_classifier_output_shapes,
            {"zipmap": [True, False], "nocl": [True, False]},
        ),
        (regressor, calculate_linear_regressor_output_shapes, None),
    ):
        alias = f"Perijove{name}"
        update_registered_converter(getattr(boosters, name), alias, shapes, convert, options=options)
