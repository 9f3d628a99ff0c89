"""Feeding a model: types, shapes, batches. The runtime itself is tested in tests/integration/client."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from perijove_lab.client.errors import InputError, MissingError
from perijove_lab.client.models import Model, load_model


class Session:
    """Echoes the sum of its inputs, and remembers what it was fed."""

    def __init__(self, inputs: list[tuple[str, str, list[Any]]], outputs: int = 1) -> None:
        self._inputs = [SimpleNamespace(name=n, type=f"tensor({t})", shape=s) for n, t, s in inputs]
        self._outputs = [
            SimpleNamespace(name=f"out{n}", type="tensor(float)", shape=["N"]) for n in range(outputs)
        ]
        self.fed: list[dict[str, Any]] = []

    def get_inputs(self) -> Any:
        return self._inputs

    def get_outputs(self) -> Any:
        return self._outputs

    def get_modelmeta(self) -> Any:
        return SimpleNamespace(custom_metadata_map={"max_difference": "1e-7"})

    def run(self, _: None, feed: dict[str, Any]) -> list[Any]:
        self.fed.append(feed)
        total = sum(array.reshape(len(array), -1).sum(axis=1) for array in feed.values())
        return [total + n for n in range(len(self._outputs))]


def model(*inputs: tuple[str, str, list[Any]], outputs: int = 1) -> tuple[Model, Session]:
    session = Session(list(inputs), outputs)
    return Model(Path("m.onnx"), session), session


def test_types_are_cast() -> None:
    made, session = model(("x", "float", ["N", 3]))
    assert made.predict([[1, 2, 3], [4, 5, 6]]).tolist() == [6, 15]
    assert session.fed[0]["x"].dtype == np.float32
    assert made.predict(np.ones((2, 3), dtype="float64")).tolist() == [3, 3]
    assert made.inputs[0].shape == (None, 3)
    assert made.metadata == {"max_difference": "1e-7"}


def test_fractions_never_become_whole_numbers() -> None:
    made, _ = model(("ids", "int64", ["N", 2]))
    assert made.predict([[1.0, 2.0]]).tolist() == [3]
    with pytest.raises(InputError, match="fractions"):
        made.predict([[1.5, 2.0]])


def test_text_is_no_number() -> None:
    made, _ = model(("x", "float", ["N", 1]))
    with pytest.raises(InputError, match="takes numbers"):
        made.predict([["a"]])


def test_one_sample_gets_its_batch_axis() -> None:
    made, session = model(("x", "float", ["N", 2, 2]))
    made.predict(np.zeros((2, 2)))
    assert session.fed[0]["x"].shape == (1, 2, 2)


@pytest.mark.parametrize("shape", [(2, 4), (3,), (2, 3, 1)])
def test_a_shape_that_does_not_fit(shape: tuple[int, ...]) -> None:
    made, _ = model(("x", "float", ["N", 3, 3]))
    with pytest.raises(InputError, match="does not fit"):
        made.predict(np.zeros(shape))


def test_batches() -> None:
    made, session = model(("x", "float", ["N", 1]))
    x = np.arange(10.0).reshape(10, 1)
    assert made.predict(x, batch_size=4).tolist() == x.ravel().tolist()
    assert [len(feed["x"]) for feed in session.fed] == [4, 4, 2]


def test_a_model_of_one_sample_at_a_time() -> None:
    made, session = model(("x", "float", [1, 2]))
    assert made.predict(np.ones((3, 2))).tolist() == [2, 2, 2]
    assert len(session.fed) == 3


def test_several_inputs_by_name_and_in_order() -> None:
    made, _ = model(("a", "float", ["N", 1]), ("b", "int64", ["N", 1]))
    assert made.predict({"a": [[1]], "b": [[2]]}).tolist() == [3]
    assert made.predict([[[1]], [[2]]]).tolist() == [3]
    with pytest.raises(InputError, match="input b is missing"):
        made.predict({"a": [[1]]})


def test_probabilities_are_the_second_output() -> None:
    made, _ = model(("x", "float", ["N", 1]), outputs=2)
    assert made.predict_proba([[1.0]]).tolist() == [2]
    assert set(made.run([[1.0]])) == {"out0", "out1"}
    single, _ = model(("x", "float", ["N", 1]))
    with pytest.raises(InputError, match="no probabilities"):
        single.predict_proba([[1.0]])


def test_folders(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no ONNX model"):
        load_model(tmp_path)
    for name in ("a.onnx", "b.onnx"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"a\.onnx, b\.onnx"):
        load_model(tmp_path)
