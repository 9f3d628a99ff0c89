"""Progress of a job: lines of JSON appended to `progress.jsonl`, by the runner and by the code it runs.

`report` is the public helper (`perijove_lab.progress`): it works in a job, in any of its child processes,
and does nothing anywhere else.
"""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import Any

VARIABLE = "PERIJOVE_JOB_PROGRESS"
_SHORTEST = 0.5  # seconds between two lines of one process …
_LONGEST = 30.0  # … growing with the age of the job, so that a week of training stays a small file


def append(path: str | os.PathLike[str], **fields: Any) -> None:
    """Append one line now. A full disk or a vanished folder is no reason to disturb a training."""
    line = json.dumps({"time": round(time.time(), 3), **fields}, allow_nan=False, default=str) + "\n"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)
    except OSError:
        return


class Throttle:
    """Lets the first line through and then one every half second to half minute."""

    def __init__(self) -> None:
        self._started = self._last = -math.inf

    def ready(self) -> bool:
        """Whether a line may be written now; asking costs a tenth of a microsecond."""
        now = time.monotonic()
        if now - self._last < self._interval(now):
            return False
        if self._started == -math.inf:
            self._started = now
        self._last = now
        return True

    def _interval(self, now: float) -> float:
        if self._started == -math.inf:
            return 0.0
        return min(_LONGEST, max(_SHORTEST, (now - self._started) / 5000))


_throttle = Throttle()


def report(
    percent: float | None = None,
    epoch: int | None = None,
    epochs: int | None = None,
    eta: float | None = None,
    message: str | None = None,
    **metrics: Any,
) -> None:
    """Tell how far the work has come: `progress(percent=40, epoch=2, epochs=5, loss=0.31)`.

    `percent` is 0–100, `eta` seconds, `metrics` are numbers (tensors of one element will do). Cheap enough
    for every step of a training: lines are written at most twice a second, the last one always
    (`percent=100` or `epoch == epochs`). Harmless outside a job. Never raises.
    """
    if not os.environ.get(VARIABLE):
        return
    finished = percent == 100 or (epochs is not None and epoch == epochs)
    if finished or _throttle.ready():
        tell(percent=percent, epoch=epoch, epochs=epochs, eta=eta, message=message, metrics=metrics)


def tell(*, metrics: dict[str, Any] | None = None, **known: Any) -> None:
    """`report` without its throttle, for callers that have their own."""
    path = os.environ.get(VARIABLE)
    if path:
        append(path, **_line(metrics=metrics or {}, **known))


def _line(
    *,
    metrics: dict[str, Any],
    percent: Any = None,
    epoch: Any = None,
    epochs: Any = None,
    eta: Any = None,
    message: Any = None,
) -> dict[str, Any]:
    """The fields of a progress line; what is no finite number is told in words, since JSON has none such."""
    numbers = {name: _number(value) for name, value in metrics.items()}
    finite = {name: value for name, value in numbers.items() if value is not None and math.isfinite(value)}
    odd = [
        f"{name} is {value}" for name, value in numbers.items() if value is not None and name not in finite
    ]
    text = "; ".join(filter(None, [str(message) if message is not None else "", *odd]))
    line = {
        "percent": _clip(_number(percent)),
        "epoch": _whole(epoch),
        "epochs": _whole(epochs),
        "eta": _clip(_number(eta), high=math.inf),
        "metrics": finite or None,
        "message": text[:500] or None,
    }
    return {key: value for key, value in line.items() if value is not None}


def _number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except Exception:  # whatever a user's object raises in float()
        return None


def _clip(value: float | None, high: float = 100.0) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return round(min(high, max(0.0, value)), 3)


def _whole(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and math.isfinite(number) else None


def path_in(out: Path) -> Path:
    """Where the progress of a job stands."""
    return out / "progress.jsonl"
