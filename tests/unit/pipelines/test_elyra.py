"""Pipelines as Elyra saves them, read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perijove_pipelines.elyra import read_pipeline
from perijove_pipelines.errors import NoPipelineError, PipelineError


def node(key: str, filename: str, *after: str, op: str = "execute-notebook-node", **parameters: Any) -> dict:
    """A node as Elyra 3 and 4 write it."""
    links = [{"id": f"{key}-{one}", "node_id_ref": one, "port_id_ref": "outPort"} for one in after]
    return {
        "id": key,
        "type": "execution_node",
        "op": op,
        "app_data": {
            "component_parameters": {"filename": filename, **parameters},
            "label": "",
            "ui_data": {"label": filename, "x_pos": 1, "y_pos": 2},
        },
        "inputs": [{"id": "inPort", "app_data": {}, "links": links}],
        "outputs": [{"id": "outPort", "app_data": {}}],
    }


def saved(folder: Path, *nodes: dict, **properties: Any) -> Path:
    path = folder / "train.pipeline"
    flow = {
        "id": "p",
        "nodes": list(nodes),
        "app_data": {"version": 8, "properties": properties},
        "runtime_ref": "",
    }
    content = {
        "doc_type": "pipeline",
        "version": "3.0",
        "id": "e",
        "primary_pipeline": "p",
        "pipelines": [flow],
    }
    path.write_text(json.dumps({**content, "schemas": []}))
    return path


def test_nodes_come_in_the_order_they_run(tmp_path: Path) -> None:
    path = saved(
        tmp_path,
        node("b", "predict.ipynb", "a"),
        node("a", "nb/train.ipynb", outputs=["outputs/m.h5"], cpu=2, gpu=1, memory=6),
        name="CT",
    )
    found = read_pipeline(path)
    assert found.name == "CT"
    first, second = found.nodes
    assert (first.label, first.code, first.outputs) == ("train.ipynb", "nb/train.ipynb", ("outputs/m.h5",))
    assert first.resources == {"cpus": 2, "memory": "6G", "gpus": 1}
    assert second.after == ("a",)


def test_patterns_are_looked_up_beside_the_notebook(tmp_path: Path) -> None:
    (tmp_path / "nb" / "data").mkdir(parents=True)
    for name in ("a.csv", "b.csv", "c.txt"):
        (tmp_path / "nb" / "data" / name).write_text("x")
    path = saved(tmp_path, node("a", "nb/t.ipynb", dependencies=["data/*.csv", "far.h5", ""]))
    assert read_pipeline(path).nodes[0].files == {
        "data/a.csv": "nb/data/a.csv",
        "data/b.csv": "nb/data/b.csv",
        "far.h5": "nb/far.h5",
    }


def test_what_is_not_taken_over_is_said(tmp_path: Path) -> None:
    path = saved(tmp_path, node("a", "t.ipynb", env_vars=[{"env_var": "A", "value": "1"}], runtime_image="x"))
    (remark,) = read_pipeline(path).remarks
    assert "environment variables" in remark
    assert "parameters" in remark


def test_no_file_and_no_pipeline(tmp_path: Path) -> None:
    with pytest.raises(NoPipelineError, match="no file"):
        read_pipeline(tmp_path / "x.pipeline")
    for text in ("", "[1]", "{}", '{"pipelines": []}', '{"pipelines": [{"nodes": [{}]}]}', "[" * 10_000):
        (tmp_path / "x.pipeline").write_text(text)
        with pytest.raises(PipelineError, match="is no pipeline"):
            read_pipeline(tmp_path / "x.pipeline")


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([], "has no nodes"),
        ([node("a", "a.ipynb", "b"), node("b", "b.ipynb", "a")], "in a circle"),
        ([node("a", "a.ipynb", "gone")], "not there"),
        ([node("a", "a.r", op="execute-r-node")], "neither a notebook nor a Python script"),
        ([node("a", "")], "cannot be the file"),
        ([node("a", "../a.ipynb")], "cannot be the file"),
        ([node("a", "a.ipynb", dependencies=["/etc/passwd"])], "cannot be a file"),
        ([node("a", "a.ipynb", dependencies=["*.csv"])], "no such file lies beside it"),
        ([node("a", "a.ipynb", outputs=["../x"])], "cannot be an output"),
        ([node("a", "a.ipynb", cpu=-1)], "as Elyra saves it"),
    ],
)
def test_pipelines_that_cannot_run(tmp_path: Path, nodes: list[dict], words: str) -> None:
    with pytest.raises(PipelineError, match=words):
        read_pipeline(saved(tmp_path, *nodes))
