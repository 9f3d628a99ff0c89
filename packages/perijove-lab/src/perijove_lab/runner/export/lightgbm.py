"""LightGBM → ONNX with onnxmltools: boosters and the estimators with scikit-learn's interface."""

from __future__ import annotations

import sys
from typing import Any

from perijove_lab.runner.export import boosters
from perijove_lab.runner.export.registry import Exported, Request
from perijove_lab.runner.export.unsaveable import UnsaveableError


def matches(value: Any) -> bool:
    """Whether the value is a booster or an estimator of LightGBM."""
    package = sys.modules["lightgbm"]
    return isinstance(value, (package.Booster, package.LGBMModel))


def export(request: Request) -> Exported:
    """Write the model. Raises UnsaveableError for unfitted models and for categorical features."""
    model = request.value
    booster = _booster(model)
    if booster.dump_model(num_iteration=1).get("pandas_categorical"):
        raise UnsaveableError("models with categorical features have no ONNX form: encode them as numbers")
    count = booster.num_feature()
    data, origin = boosters.matrix(count, request.samples)
    options = {"zipmap": False} if hasattr(model, "predict_proba") or _classifies(booster) else {}
    onnx_model = boosters.tools().convert_lightgbm(
        model, initial_types=boosters.float_input(count), **options
    )
    return boosters.save(
        request, onnx_model, data, origin, lambda rows: _predictions(model, rows), "LightGBM"
    )


def _booster(model: Any) -> Any:
    package = sys.modules["lightgbm"]
    if isinstance(model, package.Booster):
        return model
    if not getattr(model, "fitted_", False):
        raise UnsaveableError("it is not fitted yet: call fit first")
    return model.booster_


def _classifies(booster: Any) -> bool:
    return str(booster.params.get("objective", "")).startswith(("binary", "multiclass"))


def _predictions(model: Any, rows: Any) -> list[Any]:
    if hasattr(model, "predict_proba"):
        return [model.predict(rows), model.predict_proba(rows)]
    scores = model.predict(rows)
    if sys.modules["lightgbm"].Booster is type(model) and _classifies(model):
        return [None, _both_classes(scores)]
    return [scores]


def _both_classes(scores: Any) -> Any:
    import numpy as np

    return np.stack([1 - scores, scores], axis=1) if scores.ndim == 1 else scores
