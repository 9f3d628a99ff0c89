from __future__ import annotations

import hashlib
import importlib.metadata
from pathlib import Path

import pytest

from perijove_lab.runner import provenance
from perijove_lab.runner.spec import InputSpec, JobSpec


def test_packages_agree_with_the_slow_way() -> None:
    fast = provenance.packages()
    for name in ("numpy", "nbclient", "pytest"):
        assert fast[name] == importlib.metadata.version(name)


def test_what_is_told(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("x = 1")
    item = InputSpec(source=tmp_path / "train.py", path="a.h5", name="a")
    spec = JobSpec(
        code=tmp_path / "train.py", code_name="train.py", work=tmp_path, out=tmp_path, inputs=(item,)
    )
    told = provenance.collect(spec, started=1.0, ended=2.0, interpreter=None)
    assert told["code"] == {"name": "train.py", "sha256": hashlib.sha256(b"x = 1").hexdigest()}
    assert told["inputs"] == [{"path": "a.h5", "name": "a", "bytes": 5}]
    assert (told["started"], told["ended"]) == (1.0, 2.0)
    assert told["python"].startswith("3.")


def test_gpus_by_the_drivers_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "0000:01:00.0").mkdir()
    (tmp_path / "0000:01:00.0" / "information").write_text("Model: \t NVIDIA H200\nIRQ: 3\n")
    monkeypatch.setattr(provenance, "_GPUS", tmp_path)
    assert provenance.gpus() == ["NVIDIA H200"]
