"""What a Galaxy job says to the client that sent it: Galaxy itself carries only text.

The last line of standard error is `perijove-error: {…}`, the manifest's `error` without its traceback.
Lines `perijove-progress: {…}` on standard output are those of `progress.jsonl`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from perijove_lab.runner.errors import RunnerError

ERROR = "perijove-error: "
PROGRESS = "perijove-progress: "


def tell_error(error: dict[str, Any]) -> None:
    """For the client; `error` as the manifest holds it."""
    short = {key: value for key, value in error.items() if key != "traceback"}
    print(f"{ERROR}{json.dumps(short)}", file=sys.stderr, flush=True)


def tell_refusal(error: RunnerError) -> None:
    """For people, then for the client."""
    print(f"{error.message} {error.advice}".strip(), file=sys.stderr)
    tell_error({"type": "JobDescription", "message": error.message, "advice": error.advice, "cell": None})


def tell_progress(line: str) -> None:
    """One line of `progress.jsonl`."""
    print(f"{PROGRESS}{line.strip()}", flush=True)
