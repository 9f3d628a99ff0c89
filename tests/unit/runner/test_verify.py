from __future__ import annotations

import numpy as np
import pytest

from perijove_lab.runner.verify import compare


def test_equal_outputs() -> None:
    x = np.linspace(0, 1, 10, dtype="f4")
    assert compare([x, np.array([1, 2])], [x + np.float32(1e-7), np.array([[1], [2]])])[1] == []


def test_the_largest_difference_is_told() -> None:
    difference, problems = compare([np.zeros(3), np.zeros(3)], [np.zeros(3), np.array([0, -0.5, 0.25])])
    assert difference == 0.5
    assert "output 1 differs by up to 0.5" in problems[0]


def test_big_numbers_are_allowed_more() -> None:
    assert compare([np.array([1e6])], [np.array([1e6 + 50])])[1] == []
    assert compare([np.array([1.0])], [np.array([1.001])])[1] != []


def test_half_precision_is_allowed_more() -> None:
    assert compare([np.array([1.0], dtype="f2")], [np.array([1.005], dtype="f2")])[1] == []


@pytest.mark.parametrize(
    "labels", [(["yes", "no"], ["yes", "yes"]), ([0, 1], [1, 1]), ([True, False], [True, True])]
)
def test_labels_must_be_equal(labels: tuple[list[object], list[object]]) -> None:
    want, have = (np.array(side) for side in labels)
    assert compare([want], [want])[1] == []
    assert "1 of 2 labels" in compare([want], [have])[1][0]


def test_shapes_and_nan() -> None:
    nan = np.array([np.nan, 1.0])
    assert compare([nan], [nan]) == (0.0, [])
    assert "not finite" in compare([np.ones(2)], [nan])[1][0]
    assert "shape" in compare([np.ones(2)], [np.ones(3)])[1][0]


def test_nothing_to_compare_is_no_success() -> None:
    assert compare([None], [np.ones(2)]) == (None, ["there was nothing to compare"])
