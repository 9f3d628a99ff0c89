"""`run_jupyter_job` in Galaxy: from its parameters to the runner, and from the manifest to its outputs."""

from __future__ import annotations

import ast
import json
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from perijove_lab.galaxy import parameters, results
from perijove_lab.galaxy.follow import following
from perijove_lab.galaxy.parameters import Given
from perijove_lab.galaxy.told import tell_error
from perijove_lab.runner.errors import SpecError

KILLED = 3
_GRACE = 15.0  # seconds; the runner leaves within ten
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def run(path: Path, *, folder: Path | None = None) -> int:
    """Run the job that the parameters describe in `folder` (here); the runner's exit code."""
    here = folder or Path.cwd()
    raw = parameters.read(path)
    return run_description(description(raw, here), here, limit=seconds(raw))


def run_description(job: dict[str, Any], here: Path, *, limit: float | None) -> int:
    """Run what job.json describes and lay out its results in `here`; the runner's exit code."""
    file = here / "job.json"
    file.write_text(json.dumps(job), encoding="utf-8")
    (here / "out").mkdir(exist_ok=True)
    with following(here / "out" / "progress.jsonl"):
        code = _runner(file, limit)
    results.write(here)
    if code:
        tell_error(results.error(here) or _killed(code))
    return code


def _killed(code: int) -> dict[str, Any]:
    return {
        "type": "RunnerKilled",
        "message": f"The runner was killed (exit code {code}).",
        "advice": "Most often the memory was too small: ask for more.",
        "cell": None,
    }


def description(raw: Mapping[str, Any], here: Path) -> dict[str, Any]:
    """job.json (docs/reference/job-contract.md). Raises SpecError for what cannot be run."""
    code = parameters.dataset(dict(raw), "select_file")
    return {
        "version": 1,
        "code": {"path": str(code.source), "name": code.code_name},
        "inputs": [
            {"source": str(given.source), "path": path, "name": given.name} for path, given in inputs(raw)
        ],
        "parameters": values(parameters.text(dict(raw), "parameters")),
        "work": str(here / "work"),
        "out": str(here / "out"),
        "capture": True,
        "kernel": parameters.text(dict(raw), "kernel") or None,
    }


def inputs(raw: Mapping[str, Any]) -> list[tuple[str, Given]]:
    """Every input with the path that the code names; without one, the dataset's own name."""
    paired = parameters.datasets(raw.get("ml_h5_datasets"))
    text = parameters.text(dict(raw), "ml_h5_dataset_paths")
    paths = [part.strip() for part in text.split(",")] if text else []
    if len(paths) != len(paired):
        raise SpecError(
            f"There are {len(paired)} input datasets and {len(paths)} paths for them.",
            advice="Give one path for each dataset, in the same order, separated by commas.",
        )
    listed = [
        (parameters.text(entry, "path") or given.name, given)
        for entry in raw.get("inputs") or []
        for given in parameters.datasets(entry.get("dataset"))
    ]
    return [*zip(paths, paired, strict=True), *listed]


def seconds(raw: Mapping[str, Any]) -> float | None:
    """The time limit. Raises SpecError."""
    text = parameters.text(dict(raw), "time_limit")
    if not text:
        return None
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not limit > 0 or math.isinf(limit):
        raise SpecError(f"The time limit {text!r} is no number of seconds above 0.")
    return limit


def values(text: str) -> dict[str, Any]:
    """The values of the code's parameters. Raises SpecError."""
    if not text:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        found = _rewritten(text)
        if found is None:
            raise SpecError(
                f"The parameters are not valid JSON: {error}.", advice='Write them as {"epochs": 3}.'
            ) from error
    if not isinstance(found, dict):
        raise SpecError("The parameters are no JSON object.", advice='Write them as {"epochs": 3}.')
    return found


def _rewritten(text: str) -> Any:
    """JSON that Galaxy wrote anew as Python does: so it hands on what a workflow's step was saved with."""
    try:
        found = ast.literal_eval(text)
        return json.loads(json.dumps(found, allow_nan=False)) if isinstance(found, dict) else None
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def environment() -> dict[str, str]:
    """The job's own, its libraries told the CPUs that Galaxy granted, without what could reach its API."""
    threads = os.environ.get("GALAXY_SLOTS", "")
    kept = {name: value for name, value in os.environ.items() if name not in ("API_KEY", "GALAXY_API_KEY")}
    return {**dict.fromkeys(_THREADS, threads), **kept} if threads.isdecimal() else kept


def _runner(job: Path, limit: float | None) -> int:
    """The runner's exit code; ended in order at the limit and when Galaxy ends this process."""
    argv = [sys.executable, "-P", "-m", "perijove_lab.runner", str(job)]
    with subprocess.Popen(argv, env=environment(), stdin=subprocess.DEVNULL) as process:

        def end(_number: int = 0, _frame: FrameType | None = None) -> None:
            process.terminate()

        signal.signal(signal.SIGTERM, end)
        timer = threading.Timer(limit, end) if limit else None
        if timer:
            timer.daemon = True
            timer.start()
        code = process.wait()
        if timer:
            timer.cancel()
    return code if 0 <= code <= KILLED else KILLED
