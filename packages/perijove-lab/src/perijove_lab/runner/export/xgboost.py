"""XGBoost → ONNX with onnxmltools: boosters and the estimators with scikit-learn's interface."""

from __future__ import annotations

import json
import sys
from typing import Any

from perijove_lab.runner.export import boosters
from perijove_lab.runner.export.registry import Exported, Request
from perijove_lab.runner.export.unsaveable import UnsaveableError


def matches(value: Any) -> bool:
    """Whether the value is a booster or an estimator of XGBoost."""
    package = sys.modules["xgboost"]
    return isinstance(value, (package.Booster, package.XGBModel))


def export(request: Request) -> Exported:
    """Write the model. Raises UnsaveableError for unfitted models and for categorical features."""
    model = request.value
    booster = _booster(model)
    if "c" in (booster.feature_types or []):
        raise UnsaveableError("models with categorical features have no ONNX form: encode them as numbers")
    data, origin = boosters.matrix(booster.num_features(), request.samples)
    _forget_names(booster)
    onnx_model = boosters.tools().convert_xgboost(
        model, initial_types=boosters.float_input(booster.num_features())
    )
    return boosters.save(request, onnx_model, data, origin, lambda rows: _predictions(model, rows), "XGBoost")


def _booster(model: Any) -> Any:
    package = sys.modules["xgboost"]
    if isinstance(model, package.Booster):
        return model
    try:
        return model.get_booster()
    except Exception as error:
        raise UnsaveableError("it is not fitted yet: call fit first") from error


def _objective(booster: Any) -> str:
    return str(json.loads(booster.save_config())["learner"]["objective"]["name"])


def _class_outputs(scores: Any) -> list[Any]:
    """Label and probabilities, as the converter lays them out (`multi:softmax` gives labels only)."""
    import numpy as np

    if scores.ndim == 2:
        return [np.argmax(scores, axis=1), scores]
    if set(np.unique(scores)) <= set(range(10_000)):
        return [scores.astype(np.int64), None]
    return [None, np.stack([1 - scores, scores], axis=1)]


def _forget_names(booster: Any) -> None:
    """The converter knows columns by number only."""
    booster.feature_names = None
    booster.feature_types = None


def _predictions(model: Any, rows: Any) -> list[Any]:
    package = sys.modules["xgboost"]
    if isinstance(model, package.Booster):
        scores = model.predict(package.DMatrix(rows))
        return (
            _class_outputs(scores)
            if _objective(model).startswith(("binary:logistic", "multi:"))
            else [scores]
        )
    if hasattr(model, "predict_proba"):
        return [model.predict(rows), model.predict_proba(rows)]
    return [model.predict(rows)]
