"""Pipelines as Galaxy workflows; gxformat2, the format's own library, checks them."""

from __future__ import annotations

import json

import pytest
import yaml
from gxformat2.lint import lint_format2
from gxformat2.linting import LintContext

from perijove_pipelines.conversion import convert
from perijove_pipelines.errors import PipelineError
from perijove_pipelines.pipeline import Node, Pipeline
from perijove_pipelines.workflow import to_yaml

TRAIN = Node(
    key="1",
    label="train.ipynb",
    code="nb/train.ipynb",
    files={"data/ct.h5": "nb/data/ct.h5"},
    outputs=("outputs/scaled.csv", "model.onnx", "arrays.h5"),
    parameters={"epochs": 3},
    resources={"cpus": 2, "memory": "4G"},
)
PREDICT = Node(key="2", label="predict.py", code="predict.py", after=("1",))
REPORT = Node(
    key="3", label="report.ipynb", code="report.ipynb", files={"ct.h5": "nb/data/ct.h5"}, after=("2",)
)


def converted(*nodes: Node) -> dict:
    """The workflow's file, read again; without faults."""
    text = to_yaml(convert(Pipeline(name="CT", nodes=nodes)).workflow)
    found = yaml.safe_load(text)
    context = LintContext()
    lint_format2(context, found)
    assert (context.error_messages, context.warn_messages) == ([], [])
    return dict(found)


def test_each_node_is_a_step_with_its_own_paths() -> None:
    found = converted(TRAIN, PREDICT, REPORT)
    assert set(found["inputs"]) == {"nb_train.ipynb", "predict.py", "report.ipynb", "nb_data_ct.h5"}
    train = found["steps"]["train"]
    assert train["tool_id"] == "run_jupyter_job"
    assert train["in"]["select_file"]["source"] == "nb_train.ipynb"
    assert train["in"]["inputs_0|dataset"]["source"] == "nb_data_ct.h5"
    state = train["tool_state"]
    assert state["inputs"] == [{"path": "data/ct.h5"}]
    assert json.loads(state["parameters"]) == {"epochs": 3}
    assert (state["cpus"], state["memory"]) == (2, "4G")


def test_what_a_node_writes_the_next_reads() -> None:
    found = converted(TRAIN, PREDICT, REPORT)
    predict = found["steps"]["predict"]
    paths = [one["path"] for one in predict["tool_state"]["inputs"]]
    assert paths == ["outputs/scaled.csv", "model.onnx", "arrays.h5"]
    sources = [predict["in"][f"inputs_{index}|dataset"]["source"] for index in range(3)]
    assert sources == ["scaled.csv of train/output", "model.onnx of train/output", "train/arrays"]
    extraction = found["steps"]["scaled.csv of train"]
    assert extraction["in"]["input"]["source"] == "train/files"
    assert extraction["tool_state"]["which"]["identifier"] == "scaled.csv"
    assert found["steps"]["model.onnx of train"]["in"]["input"]["source"] == "train/models"


def test_a_node_that_only_waits_gets_a_report() -> None:
    found = converted(TRAIN, PREDICT, REPORT)["steps"]["report"]
    paths = [one["path"] for one in found["tool_state"]["inputs"]]
    assert paths == ["ct.h5", "outputs/scaled.csv", "model.onnx", "arrays.h5", "after/predict.json"]
    assert found["in"]["inputs_4|dataset"]["source"] == "predict/report"


def test_nodes_of_one_name_get_labels_of_their_own() -> None:
    twice = Node(key="9", label="train.ipynb", code="other/train.ipynb")
    found = converted(TRAIN, twice)
    assert list(found["steps"]) == ["train", "train (2)"]
    assert len(found["outputs"]) == 10


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        (("model.h5",), "no job keeps that"),
        (("data/model.onnx",), "no job keeps that"),
        (("outputs",), "no job keeps that"),
        (("outputs/*.csv",), "says that it writes"),
    ],
)
def test_outputs_that_nobody_would_find(outputs: tuple[str, ...], words: str) -> None:
    first = Node(key="1", label="a", code="a.ipynb", outputs=outputs)
    with pytest.raises(PipelineError, match=words):
        converted(first, PREDICT)


def test_two_files_under_one_path() -> None:
    clash = Node(key="2", label="b", code="b.ipynb", files={"model.onnx": "model.onnx"}, after=("1",))
    with pytest.raises(PipelineError, match=r"two files as model\.onnx"):
        converted(TRAIN, clash)
