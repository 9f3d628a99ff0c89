"""scikit-learn → ONNX with skl2onnx: feature count and types come from the fitted model."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from typing import Any

from perijove_lab.runner import verify
from perijove_lab.runner.export import registry, sklearn_convert
from perijove_lab.runner.export.registry import Exported, Request, Sample
from perijove_lab.runner.export.sklearn_inputs import Inputs, inputs_of
from perijove_lab.runner.export.unsaveable import UnsaveableError, reason_of


def matches(value: Any) -> bool:
    """Whether the value is an estimator of scikit-learn, or of a package that builds on it."""
    base = sys.modules.get("sklearn.base")
    return base is not None and isinstance(value, base.BaseEstimator)


def export(request: Request) -> Exported:
    """Write the model with 32-bit inputs, or with 64-bit ones where only these agree with the original.

    Raises UnsaveableError for models that are not fitted or that have no form in ONNX.
    """
    model = getattr(request.value, "best_estimator_", request.value)  # what a grid search settled on
    _refuse_unfitted(model)
    _register_boosters(model)
    exported = _write(model, request, "float32")
    if _agrees(request, exported):
        return exported
    return _better(model, request, exported)


def _better(model: Any, request: Request, exported: Exported) -> Exported:
    """The 64-bit form if it exists and agrees; else the 32-bit one again, whose difference is then told."""
    try:
        wide = _write(model, request, "float64")
        if _agrees(request, wide):
            return wide
    except Exception:  # not every converter knows 64 bits
        return replace(_write(model, request, "float32"), sample=exported.sample)
    return _write(model, request, "float32")


def _agrees(request: Request, exported: Exported) -> bool:
    try:
        return exported.sample is not None and verify.verify(request.path, exported.sample).verified
    except Exception:  # the verification proper tells the reason
        return False


def _refuse_unfitted(model: Any) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except NotFittedError as error:
        raise UnsaveableError("it is not fitted yet: call fit first") from error
    except TypeError as error:
        raise UnsaveableError("it is no estimator that could be fitted") from error


def _write(model: Any, request: Request, precision: str) -> Exported:
    inputs = inputs_of(model, request.samples, precision)
    onnx_model = _convert(model, inputs)
    request.path.write_bytes(onnx_model.SerializeToString())
    sample = Sample(
        feeds=inputs.feeds, original=lambda: _predictions(model, inputs.original), origin=inputs.origin
    )
    metadata = {
        "exporter": "scikit-learn",
        "opset": registry.opset_of(onnx_model),
        "precision": precision,
        "dynamic_batch": True,
    }
    return Exported(files=(request.path.name,), sample=sample, metadata=metadata)


def _convert(model: Any, inputs: Inputs) -> Any:
    try:
        from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator
    except ImportError as error:
        raise UnsaveableError("skl2onnx is not installed in this kernel") from error
    try:
        return sklearn_convert.convert(model, inputs.types)
    except (MissingConverter, MissingShapeCalculator) as error:
        name = type(model).__name__
        raise UnsaveableError(f"skl2onnx has no converter for {name} or a part of it") from error
    except (RuntimeError, NotImplementedError, ValueError, TypeError) as error:
        raise UnsaveableError(f"skl2onnx could not convert it: {reason_of(error)[:300]}") from error


def _predictions(model: Any, data: Any) -> list[Any]:
    """The original's outputs in the order in which skl2onnx lays them out."""
    from sklearn.base import is_classifier, is_clusterer, is_outlier_detector

    if is_classifier(model):
        return [model.predict(data), model.predict_proba(data) if hasattr(model, "predict_proba") else None]
    if is_clusterer(model) or is_outlier_detector(model) or type(model).__name__.endswith("Mixture"):
        return [model.predict(data), _scores(model, data)]
    return [model.predict(data) if hasattr(model, "predict") else _dense(model.transform(data))]


def _scores(model: Any, data: Any) -> Any:
    for method in ("predict_proba", "transform", "decision_function"):
        if hasattr(model, method):
            return getattr(model, method)(data)
    return None


def _dense(values: Any) -> Any:
    return values.toarray() if hasattr(values, "toarray") else values


def _register_boosters(model: Any) -> None:
    """Let pipelines hold XGBoost and LightGBM estimators, where onnxmltools is installed."""
    from perijove_lab.runner.export import boosters

    if "steps" in model.__dict__ and importlib.util.find_spec("onnxmltools"):
        boosters.register_with_skl2onnx()
