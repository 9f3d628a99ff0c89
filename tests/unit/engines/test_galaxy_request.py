from __future__ import annotations

import json
from pathlib import Path

import pytest

from perijove.engines.base import EngineJob
from perijove.engines.galaxy.errors import GalaxyRefusedError
from perijove.engines.galaxy.request import check_takes, tool_inputs, uploads


def job(directory: Path, **more: object) -> EngineJob:
    description = {
        "version": 1,
        "code": {"path": f"{directory}/code/train.ipynb", "name": "train.ipynb"},
        "inputs": [{"source": f"{directory}/inputs/0", "path": "data/a, b.csv", "name": "b.csv"}],
        "parameters": {"epochs": 3},
        "kernel": "ai",
    }
    (directory / "job.json").write_text(json.dumps(description))
    return EngineJob(id="a1", owner="ada", directory=directory, submitted=1.0, **more)


def test_what_the_tool_is_given(tmp_path: Path):
    one = job(tmp_path, time_limit=60.0, asked={"gpus": 1, "memory": "1024B"})
    files = uploads(one)
    assert [(file.name, file.ext, file.path) for file in files] == [
        ("train.ipynb", "ipynb", ""),
        ("b.csv", "auto", "data/a, b.csv"),
    ]
    assert tool_inputs(one, [file.path for file in files], ["d0", "d1"]) == {
        "select_file": {"src": "hda", "id": "d0"},
        "submission_id": "a1",
        "gpus": 1,
        "memory": "1024B",
        "inputs_0|path": "data/a, b.csv",
        "inputs_0|dataset": {"src": "hda", "id": "d1"},
        "parameters": '{"epochs": 3}',
        "kernel": "ai",
        "time_limit": 60.0,
    }


def test_what_the_tool_there_would_drop_is_refused(tmp_path: Path):
    asked = tool_inputs(job(tmp_path), ["", "x"], ["d0", "d1"])
    check_takes(asked, {"select_file", "inputs", "parameters", "kernel", "submission_id"}, "https://g")
    with pytest.raises(GalaxyRefusedError, match="does not take inputs, submission_id"):
        check_takes(asked, {"select_file", "parameters", "kernel"}, "https://g")
