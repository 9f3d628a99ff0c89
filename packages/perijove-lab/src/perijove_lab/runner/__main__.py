"""`python -m perijove_lab.runner JOB.json`.

Exit code 0: the code ran to its end; 1: it failed; 2: the job description is wrong; 3: the runner failed.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from perijove_lab.runner import spec
from perijove_lab.runner.errors import SpecError

BROKEN = 3  # the runner itself failed: a full disk, say


def main(arguments: list[str]) -> int:
    """Run the job described by the one argument."""
    if len(arguments) != 1:
        print("usage: python -m perijove_lab.runner JOB.json", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _leave)  # until the event loop listens
    out: Path | None = None
    try:
        raw = spec.read(Path(arguments[0]))
        out = _out_of(raw)
        from perijove_lab.runner import job

        return job.Job(spec.parse(raw)).run()
    except SpecError as error:
        return _refuse(out, error)
    except OSError as error:
        print(f"The runner failed: {error}. Is the disk full?", file=sys.stderr)
        return BROKEN


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(1)


def _out_of(raw: dict[str, Any]) -> Path | None:
    out = raw.get("out")
    return Path(out) if isinstance(out, str) and out and Path(out).is_dir() else None


def _refuse(out: Path | None, error: SpecError) -> int:
    print(f"{error.message} {error.advice}".strip(), file=sys.stderr)
    if out is not None:
        from perijove_lab.runner.job import refuse

        refuse(out, error)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
