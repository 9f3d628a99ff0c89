"""What the start page says of jobs and histories, and the administrator's news."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from perijove.hub.news import LONGEST, read_news
from perijove.hub.overview import history_line, job_line
from perijove.hub.pages import piece


def job(state: str, **live: Any) -> dict[str, Any]:
    return {"name": "train", "state": state, "perijove": live}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (job("queued", position=2, reason="Waits for 1 GPU"), "number 2 in the queue · Waits for 1 GPU"),
        (job("new"), ""),
        (
            job("running", progress={"epoch": 3, "epochs": 12, "eta": 600}),
            "epoch 3 of 12 · about 10 min left",
        ),
        (job("running", progress={"eta": 20, "message": "saving"}), "less than a minute left · saving"),
        (job("running", progress={"eta": 36_000}), "about 10 h left"),
        (job("running", progress={"eta": "soon", "epoch": 1}), ""),
        ({"name": None, "state": "running"}, ""),
    ],
)
def test_a_job_in_words(given: dict[str, Any], told: str) -> None:
    assert job_line(given).told == told


@pytest.mark.parametrize(
    ("said", "percent"), [(41.6, 41.6), (140, 100.0), (-3, 0.0), ("half", None), (None, None)]
)
def test_percent(said: Any, percent: float | None) -> None:
    assert job_line(job("running", progress={"percent": said})).percent == percent
    assert job_line(job("queued", progress={"percent": said})).percent is None


def test_what_a_user_wrote_is_text() -> None:
    history = {
        "name": "<script>1</script>",
        "count": 2,
        "size": 2048,
        "update_time": "2026-11-21T20:00:00.123456",
    }
    line = history_line({**history, "importable": False, "published": False})
    assert (line.size, line.changed, line.shared) == ("2 KiB", "2026-11-21T20:00:00Z", False)
    shown = job_line(job("running", progress={"message": "<img src=x>", "percent": 10}))
    html = piece("work.html", overview={"jobs": [shown], "more_jobs": 3, "histories": [line]})
    assert "<script" not in html
    assert "<img" not in html
    assert "and 3 more" in html


def test_news(tmp_path: Path) -> None:
    file = tmp_path / "news.txt"
    assert read_news(file) is None
    file.write_text(" \n\n ")
    assert read_news(file) is None
    file.write_text("one\nline\n\n\ntwo\n")
    os.utime(file, (1_800_000_000, 1_800_000_000))
    news = read_news(file)
    assert news is not None
    assert (news.paragraphs, news.date) == (("one line", "two"), "2027-01-15")
    file.write_bytes(b"\xff" + b"x" * 2 * LONGEST)
    assert read_news(file) is not None
    assert read_news(tmp_path) is None
