from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from perijove.core.errors import BadRequestError
from perijove.histories.services.manifest import Output, read_manifest, salvage


def write(directory: Path, content: object) -> None:
    (directory / "out").mkdir(parents=True, exist_ok=True)
    (directory / "out" / "manifest.json").write_text(json.dumps(content))


def test_the_contracts_own_example(tmp_path: Path):
    page = Path(__file__).parents[4] / "docs" / "reference" / "job-contract.md"
    example = page.read_text().split("## manifest.json")[1].split("```json")[1].split("```")[0]
    write(tmp_path, json.loads(example))
    manifest = read_manifest(tmp_path)
    assert [output.path for output in manifest.outputs] == [
        "out/executed.ipynb",
        "out/datasets/model.onnx",
        "work/outputs/fig/a.png",
    ]
    assert manifest.outputs[2].identifier == "fig/a.png"


def test_none_is_none(tmp_path: Path):
    assert read_manifest(tmp_path) is None


@pytest.mark.parametrize(
    "file", ["/etc/passwd", "../x", "work/secret", "work", "a/../../x", "work/outputs/../x"]
)
def test_places_that_are_no_outputs(tmp_path: Path, file: str):
    write(tmp_path, {"version": 1, "state": "ok", "outputs": [{"name": "x", "file": file}]})
    with pytest.raises(BadRequestError):
        read_manifest(tmp_path)


def test_more_outputs_than_any_collection_holds(tmp_path: Path):
    write(tmp_path, {"version": 1, "state": "ok", "outputs": [{"name": "x", "file": "x"}] * 20_001})
    with pytest.raises(BadRequestError, match="20000"):
        read_manifest(tmp_path)


@given(st.text(min_size=1, max_size=60))
def test_an_accepted_path_lies_in_out_or_outputs(file: str):
    try:
        path = Output(name="x", file=file).path
    except (ValueError, ValidationError):
        return
    assert path.startswith(("out/", "work/outputs/"))
    assert ".." not in path.split("/")


def test_what_a_killed_job_left_is_found(tmp_path: Path):
    outputs = tmp_path / "work" / "outputs"
    (outputs / "deep").mkdir(parents=True)
    (outputs / "deep" / "b").write_text("x")
    (outputs / "a").write_text("x")
    (outputs / "link").symlink_to("/etc/passwd")
    (outputs / "folder").symlink_to("/etc")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "executed.ipynb").write_text("{}")
    found = salvage(tmp_path)
    assert [(output.role, output.element) for output in found] == [
        ("notebook", None),
        ("file", "a"),
        ("file", "deep/b"),
    ]
