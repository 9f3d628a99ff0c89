"""Stop a platform from outside, within a deadline."""

from __future__ import annotations

import time

import psutil

from perijove.core.errors import PerijoveError
from perijove.core.layout import Layout
from perijove.supervisor.presence import (
    end_leftovers,
    is_supervised,
    read_presence,
    same_process,
    sole_supervisor,
)

_DEADLINE = 60.0


def stop_platform(layout: Layout) -> bool:
    """Stop the supervisor and everything it started; whether there was something to stop.

    SIGTERM first; after a minute the supervisor and its processes are killed.
    """
    if not is_supervised(layout):
        return bool(_clear(layout))
    found = read_presence(layout)
    process = same_process(found.pid, found.created) if found else None
    if process is None:
        raise PerijoveError(
            "A start is under way.", advice="Wait until it is done, then stop it.", retry=True
        )
    try:
        process.terminate()
        _await_end(layout, process)
    except psutil.AccessDenied as error:
        raise PerijoveError(
            "This account may not stop Perijove.", advice="Use the account that started it (sudo)."
        ) from error
    _clear(layout)
    return True


def _await_end(layout: Layout, process: psutil.Process) -> None:
    deadline = time.monotonic() + _DEADLINE
    while is_supervised(layout) and time.monotonic() < deadline:
        time.sleep(0.1)
    if is_supervised(layout):
        process.kill()
        process.wait(timeout=10)


def _clear(layout: Layout) -> list[str]:
    if read_presence(layout) is None:
        return []
    with sole_supervisor(layout):
        return end_leftovers(layout)
