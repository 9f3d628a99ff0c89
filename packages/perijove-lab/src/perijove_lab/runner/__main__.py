"""`python -m perijove_lab.runner JOB.json`.

Exit code 0: the code ran to its end; 1: it failed; 2: the job description is wrong; 3: the runner failed.
"""

from __future__ import annotations

import signal
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

from perijove_lab.runner import spec
from perijove_lab.runner.errors import Failure, SpecError

FAILED, REFUSED, BROKEN = 1, 2, 3


class _Ended(BaseException):
    """SIGTERM came before the event loop listened."""


def main(arguments: list[str]) -> int:
    """Run the job described by the one argument; the exit code."""
    if len(arguments) != 1:
        print("usage: python -m perijove_lab.runner JOB.json", file=sys.stderr)
        return REFUSED
    signal.signal(signal.SIGTERM, _end)
    out: Path | None = None
    try:
        raw = spec.read(Path(arguments[0]))
        out = _out_of(raw)
        from perijove_lab.runner.job import Job

        return Job(spec.parse(raw)).run()
    except SpecError as error:
        print(f"{error.message} {error.advice}".strip(), file=sys.stderr)
        return _leave(
            out, REFUSED, Failure(type="JobDescription", message=error.message, advice=error.advice)
        )
    except _Ended:
        from perijove_lab.runner.job import cancelled

        return _leave(out, FAILED, cancelled())
    except Exception as error:
        return _broken(out, error)


def _end(number: int, frame: FrameType | None) -> None:
    raise _Ended


def _out_of(raw: dict[str, Any]) -> Path | None:
    out = raw.get("out")
    if not isinstance(out, str) or not out or "\0" in out:
        return None
    try:
        Path(out).mkdir(parents=True, exist_ok=True)
    except OSError:  # `spec.parse` tells
        return None
    return Path(out)


def _leave(out: Path | None, code: int, failure: Failure) -> int:
    """Say in a manifest what happened, where there is a place for one."""
    from perijove_lab.runner.manifest import leave_failure

    if out is not None:
        leave_failure(out, failure)
    return code


def _broken(out: Path | None, error: Exception) -> int:
    """The runner's own failure: the log gets the traceback, the person one sentence."""
    traceback.print_exc()
    full = isinstance(error, OSError) and error.errno in (28, 122)  # no space left, quota exceeded
    message = "The disk is full." if full else f"The job's runner failed: {type(error).__name__}: {error}"
    advice = "Free some space and send the job again." if full else "The job's log holds the details."
    try:
        _leave(out, BROKEN, Failure(type="RunnerFailed", message=message[:2000], advice=advice))
    except OSError:
        print(message, advice, file=sys.stderr)
    return BROKEN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
