from __future__ import annotations

import json
from pathlib import Path

from perijove_lab.runner.errors import Failure
from perijove_lab.runner.manifest import Manifest, leave_failure, write_json


def test_a_good_end(tmp_path: Path) -> None:
    Manifest(outputs=[{"name": "x", "metadata": {"max_difference": float("nan")}}]).write(tmp_path)
    document = json.loads((tmp_path / "manifest.json").read_text())
    assert (document["version"], document["state"], document["error"]) == (1, "ok", None)
    assert document["outputs"][0]["metadata"] == {"max_difference": None}
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_a_failure(tmp_path: Path) -> None:
    leave_failure(tmp_path, Failure(type="E", message="m", advice="a", cell=2, traceback=("1", "2")))
    document = json.loads((tmp_path / "manifest.json").read_text())
    assert document["state"] == "error"
    assert document["error"] == {"type": "E", "message": "m", "advice": "a", "cell": 2, "traceback": "1\n2"}


def test_text_that_is_no_unicode(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": "\ud800ü"})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"a": "\ud800ü"}
