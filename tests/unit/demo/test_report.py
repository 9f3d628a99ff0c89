"""The report says what was found, safely and completely."""

from __future__ import annotations

from pathlib import Path

import pytest

from perijove.core.errors import EngineError
from perijove.demo import outside, report
from perijove.demo.journey import ONNX_LIMIT, onnx_difference


def row(patient: str, dice: float) -> dict:
    return {"patient": patient, "slices": 2, "precision": 0.9, "recall": 0.8, "dice": dice, "iou": dice / 2}


def findings(**changes) -> report.Findings:
    given = {
        "user": "demo-1",
        "data": "<ct>.h5",
        "parameters": {"epochs": 3},
        "job": {"id": "j1", "job_metrics": [{"name": "runtime_seconds", "value": "283.0 s"}]},
        "scores": [row("a|b", 0.5), row("finds nothing, all together", 0.0)],
        "onnx_difference": 1.2e-7,
        "compared": 2e-8,
        "times": [("sign up", 1.25), ("close", 2.5)],
        "pictures": {"predictions.png": b"png"},
    }
    return report.Findings(**(given | changes))


def test_the_report_holds_table_facts_times_and_pictures(tmp_path: Path):
    page = report.write(findings(), tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "| a\\|b | 2 | 0.900 | 0.800 | 0.500 | 0.250 |" in text
    assert "| finds nothing, all together | 2 | 0.900 | 0.800 | 0.000 | 0.000 |" in text
    facts = (
        "1.2e-07",
        "2.0e-08",
        "j1",
        "283.0 s",
        "epochs = 3",
        "| sign up | 1.2 |",
        "| close | 2.5 |",
        "](predictions.png)",
    )
    for fact in facts:
        assert fact in text
    assert (tmp_path / "predictions.png").read_bytes() == b"png"
    assert "&lt;ct&gt;.h5" in page.read_text()
    assert "<ct>" not in page.read_text()


def test_without_a_comparison_none_is_reported():
    assert "plain script" not in report.markdown(findings(compared=None))


def test_the_largest_difference_of_two_tables():
    inside, changed = [row("a", 0.5), row("b", 0.25)], [row("a", 0.5), row("b", 0.25) | {"recall": 0.7996}]
    assert outside.largest_difference(inside, inside) == 0
    assert outside.largest_difference(inside, changed) == pytest.approx(4e-4)


def test_tables_about_others_cannot_be_compared():
    with pytest.raises(EngineError, match="same patients"):
        outside.largest_difference([row("a", 0.5)], [row("b", 0.5)])


def test_the_worst_model_counts():
    assert onnx_difference({"models": [{"max_difference": 1e-7}, {"max_difference": 3e-6}]}) == 3e-6


@pytest.mark.parametrize(
    "models", [[], [{"max_difference": None}], [{}], [{"max_difference": 2 * ONNX_LIMIT}]]
)
def test_a_model_that_was_not_verified_or_differs_is_a_failure(models):
    with pytest.raises(EngineError):
        onnx_difference({"models": models})
