"""Watching a job to its end: by news from the server where it sends them, else by looking ever less often."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any, Protocol, Self

import requests

from perijove_lab.client.connection import Connection
from perijove_lab.client.display import Progress, duration
from perijove_lab.client.errors import AwayError, LabError

FINAL = ("ok", "error", "deleted", "failed", "stopped", "skipped")
HELD = ("paused",)  # by Galaxy, until somebody resumes it
WAITING = ("new", "queued", "waiting")
FIRST_PAUSE, LONGEST_PAUSE = 0.3, 5.0  # seconds between two looks
PATIENCE = 600.0  # seconds without any answer after which watching ends (the job does not)
_SILENCE = 60.0  # seconds; the server says something every 15


class Watched(Protocol):
    """What is needed of a job here."""

    connection: Connection
    id: str

    @property
    def state(self) -> str: ...  # noqa: D102

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def progress(self) -> dict[str, Any]: ...  # noqa: D102


class _Heed:
    """Makes sure that a Ctrl-C counts: Python loses one that arrives while it cleans up behind a request."""

    def __init__(self) -> None:
        self._seen = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._seen = True
        raise KeyboardInterrupt

    def check(self) -> None:
        """KeyboardInterrupt where one has been lost."""
        if self._seen:
            raise KeyboardInterrupt


def watch(job: Watched, progress: Progress, deadline: float | None) -> bool:
    """Show the job until it is final or held (True) or `deadline` has passed (False).

    AwayError after ten minutes without any answer from the server.
    """
    with _Heed() as heed:
        _listen(job, progress, deadline, heed)
        return _look(job, progress, deadline, heed)


def _listen(job: Watched, progress: Progress, deadline: float | None, heed: _Heed) -> None:
    """Follow the server's news; returns at the end, at the deadline, or where there are no (more) news."""
    left = 3600.0 if deadline is None else max(0.1, min(3600.0, deadline - time.monotonic()))
    try:
        if job.state in FINAL or not job.connection.is_perijove:
            return
        progress.label = f"Job {job.id} ({job.name})"
        for event in _news(job, left):
            heed.check()
            _show(progress, str(event.get("state")), known(event))
    except (LabError, requests.RequestException, ValueError):
        return


def _news(job: Watched, seconds: float) -> Iterator[dict[str, Any]]:
    with job.connection.request(
        "GET",
        f"api/jobs/{job.id}/events",
        params={"timeout": f"{seconds:.1f}"},
        stream=True,
        timeout=(10, _SILENCE),
    ) as response:
        for line in response.iter_lines(chunk_size=1):
            if line.startswith(b"data:"):
                yield dict(json.loads(line[5:]))


def _look(job: Watched, progress: Progress, deadline: float | None, heed: _Heed) -> bool:
    pause, seen, answered = FIRST_PAUSE, "", time.monotonic()
    while True:
        state = seen
        try:
            state = job.state
            answered = time.monotonic()
            _show(progress, state, job.progress)
        except AwayError:
            progress.update(text="the server does not answer; trying again")
            if time.monotonic() - answered > PATIENCE:
                raise
        heed.check()
        if state in FINAL or state in HELD:
            return True
        if deadline is not None and time.monotonic() >= deadline:
            return False
        pause = FIRST_PAUSE if state != seen else min(pause * 1.3, LONGEST_PAUSE)
        seen = state
        time.sleep(pause if deadline is None else max(0.0, min(pause, deadline - time.monotonic())))


def known(live: Mapping[str, Any]) -> dict[str, Any]:
    """Progress, and why it waits, from the server's words on a job."""
    waiting = {key: live[key] for key in ("position", "reason") if live.get(key) not in (None, "")}
    return dict(live.get("progress") or {}) | waiting


def _show(progress: Progress, state: str, facts: Mapping[str, Any]) -> None:
    percent = facts.get("percent")
    if state in FINAL:
        progress.total = 100 if state == "ok" else progress.total
        progress.text = _ending(state, progress)
        progress.done = 100 if state == "ok" else progress.done
    elif isinstance(percent, (int, float)):
        progress.update(percent, total=100, text=standing(state, facts))
    else:
        progress.update(text=standing(state, facts))


def _ending(state: str, progress: Progress) -> str:
    words = {"ok": "done", "deleted": "cancelled", "error": "failed"}
    return f"{words.get(state, state)}, {duration(progress.elapsed)}"


def standing(state: str, facts: Mapping[str, Any]) -> str:
    """`running, epoch 3 of 15, loss 0.12, 3 min left` or `queued, place 2: all GPUs are taken`."""
    parts = [{"deleted": "cancelled"}.get(state, state)]
    if facts.get("position") and state in WAITING:
        parts.append(f"place {facts['position']}")
    if facts.get("epoch") is not None:
        parts.append(f"epoch {facts['epoch']}" + (f" of {facts['epochs']}" if facts.get("epochs") else ""))
    elif facts.get("cells"):
        parts.append(f"cell {facts.get('cell')} of {facts['cells']}")
    parts += [f"{name} {value:.4g}" for name, value in _numbers(facts.get("metrics"))]
    if isinstance(facts.get("eta"), (int, float)) and state == "running":
        parts.append(f"{duration(facts['eta'])} left")
    text = ", ".join(parts)
    reason = facts.get("reason") or facts.get("message")
    return f"{text}: {reason}" if reason and state not in FINAL else text


def _numbers(metrics: object) -> list[tuple[str, float]]:
    pairs = metrics.items() if isinstance(metrics, Mapping) else ()
    return [(str(name), value) for name, value in pairs if isinstance(value, (int, float))][:4]
