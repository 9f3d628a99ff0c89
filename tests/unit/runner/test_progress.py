from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import perijove_lab
from perijove_lab.runner import progress


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress.jsonl"))
    monkeypatch.setattr(progress, "_throttle", progress.Throttle())
    return tmp_path / "progress.jsonl"


def test_the_public_helper_writes_a_line(log: Path) -> None:
    perijove_lab.progress(percent=40, epoch=2, epochs=5, eta=12.5, message="half", loss=0.25)
    (line,) = lines(log)
    assert line.pop("time") > 1_700_000_000
    assert line == {
        "percent": 40,
        "epoch": 2,
        "epochs": 5,
        "eta": 12.5,
        "message": "half",
        "metrics": {"loss": 0.25},
    }


def test_lines_are_throttled_but_the_last_one_comes(log: Path) -> None:
    for step in range(1, 1001):
        progress.report(percent=step / 10)
    assert [line["percent"] for line in lines(log)] == [0.1, 100]


def test_what_is_no_finite_number_is_told_in_words(log: Path) -> None:
    progress.report(percent=float("nan"), loss=float("nan"), accuracy=0.5, what=object())
    (line,) = lines(log)
    assert line["metrics"] == {"accuracy": 0.5}
    assert line["message"] == "loss is nan"
    assert "percent" not in line


def test_percent_is_clipped(log: Path) -> None:
    progress.tell(percent=250)
    progress.tell(percent=-3)
    assert [line["percent"] for line in lines(log)] == [100, 0]


def test_harmless_outside_a_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(progress.VARIABLE, raising=False)
    progress.report(percent=1)
    assert list(tmp_path.iterdir()) == []


def test_a_vanished_folder_disturbs_nobody(tmp_path: Path) -> None:
    progress.append(tmp_path / "gone" / "progress.jsonl", percent=1)
    assert list(tmp_path.iterdir()) == []


def test_a_week_of_lines_stays_a_small_file(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    throttle = progress.Throttle()
    written = 0
    for second in range(0, 7 * 24 * 3600, 5):
        now[0] = float(second)
        written += throttle.ready()
    assert 15_000 < written < 60_000
