from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from perijove_lab.runner import observe, progress


def test_a_module_is_patched_right_after_its_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "watched_one.py").write_text("value = 1")
    monkeypatch.syspath_prepend(str(tmp_path))
    seen: list[int] = []

    def patch(module: ModuleType) -> None:
        seen.append(module.value)
        raise RuntimeError("a patch that fails is nobody's business")

    watcher = observe._Watcher({"watched_one": patch})
    monkeypatch.setattr(sys, "meta_path", [watcher, *sys.meta_path])
    assert importlib.import_module("watched_one").value == 1
    assert seen == [1]


def test_a_fit_reports_epochs_percent_and_time_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(observe.time, "monotonic", lambda: now[0])
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "p.jsonl"))
    fit = observe._Fit({"epochs": 4, "steps": 10})
    for epoch in range(4):
        fit.epoch = epoch
        for batch in range(1, 11):
            now[0] += 1
            fit.tell_batch(batch, {"loss": 1.0 / batch})
        fit.tell_epoch(epoch + 1, {"loss": 0.5, "val_loss": 0.75})
    lines = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert lines[0]["percent"] == 2.5
    assert lines[0]["eta"] == 39
    assert (lines[-1]["epoch"], lines[-1]["epochs"], lines[-1]["percent"]) == (4, 4, 100)
    assert lines[-1]["metrics"] == {"loss": 0.5, "val_loss": 0.75}
