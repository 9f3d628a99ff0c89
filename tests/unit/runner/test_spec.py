from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perijove_lab.runner import spec
from perijove_lab.runner.errors import SpecError


def description(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "code": {"path": str(tmp_path / "a.ipynb"), "name": "a.ipynb"},
        "inputs": [{"source": "/data/0", "path": "data/ct.h5", "name": "ct.h5"}],
        "parameters": {"epochs": 3},
        "work": str(tmp_path / "work"),
        "out": str(tmp_path / "out"),
        "capture": True,
        "kernel": None,
    } | changes


def test_a_whole_description(tmp_path: Path) -> None:
    job = spec.parse(description(tmp_path))
    assert job.is_notebook
    assert job.inputs[0] == spec.InputSpec(source=Path("/data/0"), path="data/ct.h5", name="ct.h5")
    assert (job.parameters, job.capture, job.kernel) == ({"epochs": 3}, True, None)
    assert job.work.is_dir()
    assert job.out.is_dir()


def test_the_short_form_has_defaults(tmp_path: Path) -> None:
    raw = description(tmp_path)
    for key in ("inputs", "parameters", "capture", "kernel"):
        del raw[key]
    job = spec.parse(raw | {"code": {"path": "/x/train.py"}})
    assert (job.code_name, job.is_notebook, job.inputs, job.capture) == ("train.py", False, (), True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": 2}, "version 2"),
        ({"code": "a.ipynb"}, "`code`"),
        ({"code": {"name": "a.ipynb"}}, "`code.path`"),
        ({"inputs": {}}, "`inputs`"),
        ({"inputs": [3]}, "`inputs[0]`"),
        ({"inputs": [{"path": "a"}]}, "`inputs[0].source`"),
        ({"inputs": [{"source": "/x", "path": "a\0b"}]}, "`inputs[0].path`"),
        ({"parameters": [1]}, "`parameters`"),
        ({"parameters": {"two words": 1}}, "'two words'"),
        ({"parameters": {"class": 1}}, "'class'"),
        ({"work": ""}, "`work`"),
        ({"out": 3}, "`out`"),
        ({"out": "/proc/nowhere/out"}, "`out`"),
        ({"capture": "yes"}, "`capture`"),
        ({"kernel": 7}, "`kernel`"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as caught:
        spec.parse(description(tmp_path, **changes))
    assert said in caught.value.message


@pytest.mark.parametrize("content", [b"", b'{"version": 1,', b"\xff\xfe", b"[1]", b"[" * 100_000])
def test_a_file_that_is_no_description(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "job.json"
    path.write_bytes(content)
    with pytest.raises(SpecError, match="job description"):
        spec.read(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be read"):
        spec.read(tmp_path / "none.json")


def test_reading_gives_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text(json.dumps(description(tmp_path)))
    assert spec.read(path) == description(tmp_path)
