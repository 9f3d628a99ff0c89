"""The platform in the background: its progress is shown until it is ready, then it goes on alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from perijove.core.errors import PerijoveError
from perijove.core.settings import Settings
from perijove.supervisor.checks import check_account
from perijove.supervisor.child import open_log, rotate
from perijove.supervisor.platform import address_line
from perijove.supervisor.presence import is_supervised, read_presence, sole_supervisor

Say = Callable[[str], None]


def run_detached(settings: Settings, *, announce: Say, report: Say) -> None:
    """Start the platform in the background and return when it is ready; what it says stands in its log."""
    check_account(settings)
    if is_supervised(settings.layout):
        with sole_supervisor(settings.layout):  # tells who has it
            return
    log = settings.layout.logs / "perijove.log"
    rotate(log)
    open_log(log, None).close()
    output = _Follower(log)
    process = _spawn(settings, log)
    try:
        _await(settings, process, output, report)
    except KeyboardInterrupt:
        process.terminate()
        raise
    announce(address_line(settings))


def _await(settings: Settings, process: subprocess.Popen[bytes], output: _Follower, report: Say) -> None:
    while not _is_ready(settings, process):
        if process.poll() is not None:
            raise PerijoveError(
                f"Perijove did not start:\n{output.rest()}", advice=f"Its log is {output.path}."
            )
        for line in output.lines():
            report(line)
        time.sleep(0.1)
    for line in output.lines():
        report(line)


def _is_ready(settings: Settings, process: subprocess.Popen[bytes]) -> bool:
    found = read_presence(settings.layout)
    return found is not None and found.pid == process.pid and found.state == "running"


def _spawn(settings: Settings, log: Path) -> subprocess.Popen[bytes]:
    with open_log(log, None) as output:
        return subprocess.Popen(
            [sys.executable, "-m", "perijove.supervisor"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={**os.environ, "PERIJOVE_SINGLE_USER": str(settings.single_user).lower()},
            start_new_session=True,
        )


class _Follower:
    """Reads what is added to a file from now on, line by line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._position = path.stat().st_size
        self._seen: list[str] = []

    def lines(self) -> list[str]:
        """Whole lines added since the last call."""
        with self.path.open("rb") as file:
            file.seek(self._position)
            added = file.read()
        whole = added[: added.rfind(b"\n") + 1]
        self._position += len(whole)
        lines = whole.decode(errors="replace").splitlines()
        self._seen += lines
        return lines

    def rest(self) -> str:
        """The end of everything that was added."""
        self.lines()
        return "\n".join(self._seen[-15:])
