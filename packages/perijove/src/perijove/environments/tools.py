"""Run uv, npm and pip: output to a log, progress to the caller, a failure as one clear error."""

from __future__ import annotations

import os
import re
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from perijove.core.errors import PerijoveError, StorageError

Report = Callable[[str], None]
_INTERESTING = re.compile(r"^\s*(Resolved|Prepared|Downloading|Downloaded|Installed|Bytecode|added)\b.*")
_NO_NETWORK = (
    "dns error",
    "failed to lookup",
    "Failed to fetch",
    "ENOTFOUND",
    "ETIMEDOUT",
    "client error (Connect)",
)
_NO_SPACE = ("No space left on device", "ENOSPC", "os error 28")


def run_tool(
    argv: Sequence[object],
    *,
    what: str,
    log: Path,
    env: Mapping[str, str],
    report: Report,
    cwd: Path | None = None,
    interesting: re.Pattern[str] = _INTERESTING,
) -> None:
    """Run `argv`, its parts as text, to its end. `report` gets the `interesting` lines, `log` all output.

    What it makes is readable by every uid, whatever the caller's umask. StorageError when the disk is full,
    PerijoveError with the last lines and the log's name for every other failure.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    last: deque[str] = deque(maxlen=8)
    with log.open("a") as into, _start(argv, env=env, cwd=cwd) as process:
        into.write(f"$ {' '.join(map(str, argv))}\n")
        with _ended_with_us(process):
            for line in process.stdout or ():
                into.write(line)
                last.append(line.strip())
                if interesting.match(line):
                    report(line.strip())
    if process.returncode != 0:
        raise _failure(what, "\n".join(last), log)


@contextmanager
def _ended_with_us(process: subprocess.Popen[str]) -> Iterator[None]:
    """An interrupted installation must not go on behind our back."""
    try:
        yield
    except BaseException:
        process.kill()
        raise


def _start(argv: Sequence[object], *, env: Mapping[str, str], cwd: Path | None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(part) for part in argv],
        env={**os.environ, **env},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        umask=0o022,
    )


def _failure(what: str, output: str, log: Path) -> PerijoveError:
    if any(sign in output for sign in _NO_SPACE):
        return StorageError(f"{what}: the disk is full.", advice="Free some space and start again.")
    advice = f"The whole output is in {log}."
    if any(sign in output for sign in _NO_NETWORK):
        advice = (
            "No package index could be reached: check the network, or name your own index in pip's "
            f"configuration (index-url) or in UV_DEFAULT_INDEX. {advice}"
        )
    return PerijoveError(f"{what} failed: {output or 'no output'}", advice=advice, retry=True)
