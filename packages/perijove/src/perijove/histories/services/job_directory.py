"""The job directory (docs/reference/job-contract.md): written before a job starts, looked into while it runs.

`work` and `out` belong to the user while the job runs: what is read there is read through `open_beneath`,
within limits, and taken for nothing but bytes of a stranger.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perijove.core.errors import StorageError
from perijove.engines.base import JobView
from perijove.histories.store.files import storage_errors
from perijove.sandbox.files import open_beneath

PROGRESS = "progress.jsonl"
NOTEBOOK = "executed.ipynb"
LOG = "log"
LOG_KEPT_HEAD = 2**20
LOG_KEPT_TAIL = 3 * 2**20
_PROGRESS_TAIL = 2**16
_SERIES_READ = 2**24
_POINT = ("time", "epoch", "percent", "metrics")
_DISPOSABLE = ("code", "inputs", "work", "out")


@dataclass(frozen=True, kw_only=True)
class StagedInput:
    """One input: the stored file, the path by which the code names it, and its name for people."""

    source: Path
    path: str
    name: str


@dataclass(frozen=True, kw_only=True)
class JobFiles:
    """What is to lie in the directory when the job starts."""

    code: Path
    code_name: str
    inputs: tuple[StagedInput, ...] = ()
    parameters: dict[str, Any]
    kernel: str | None = None


def link_inputs(directory: Path, inputs: Sequence[StagedInput]) -> tuple[Path, ...]:
    """Links to the stored files in the job's own directory: purging a dataset takes nothing from a job.

    Where the file system cannot link, the stored files themselves. StorageError where one is gone.
    """
    folder = directory / "inputs"
    with storage_errors():
        folder.mkdir(mode=0o755, exist_ok=True)
        return tuple(_link(given.source, folder / str(index)) for index, given in enumerate(inputs))


def _link(source: Path, target: Path) -> Path:
    if not source.exists():
        raise StorageError(f"The content of an input ({source.name[:12]}…) is gone.", retry=False)
    with suppress(FileExistsError):
        try:
            os.link(source, target)
        except FileExistsError:
            raise
        except OSError:
            return source
    return target


def write_job(directory: Path, files: JobFiles, view: JobView) -> None:
    """Write `code/` and `job.json`, each whole; harmless to repeat until the job starts."""
    with storage_errors():
        code = directory / "code"
        code.mkdir(mode=0o755, exist_ok=True)
        write_whole(code / files.code_name, files.code.read_bytes())
        write_whole(directory / "job.json", json.dumps(_description(files, view), indent=1).encode())


def _description(files: JobFiles, view: JobView) -> dict[str, Any]:
    inputs = zip(files.inputs, view.inputs, strict=True)
    return {
        "version": 1,
        "code": {"path": str(view.root / "code" / files.code_name), "name": files.code_name},
        "inputs": [
            {"source": str(source), "path": given.path, "name": given.name} for given, source in inputs
        ],
        "parameters": files.parameters,
        "work": str(view.root / "work"),
        "out": str(view.root / "out"),
        "capture": True,
        "kernel": files.kernel,
    }


def write_whole(path: Path, content: bytes) -> None:
    """Put a new file in place of `path`: whoever had linked the old one keeps it unchanged."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(content)
    temporary.chmod(0o644)
    temporary.replace(path)


def read_out(directory: Path, name: str, *, limit: int) -> bytes | None:
    """`out/<name>`; None where it is not there, no plain file, or larger than `limit` bytes."""
    return read_below(directory / "out", name, limit=limit)


def read_below(directory: Path, relative: str, *, limit: int) -> bytes | None:
    """The file `relative` below `directory`; None where there is no plain one of at most `limit` bytes."""
    try:
        descriptor = open_beneath(directory, relative)
    except (OSError, ValueError):
        return None
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(limit + 1)
    return content if len(content) <= limit else None


def read_progress(directory: Path) -> dict[str, Any]:
    """Each field of the progress lines with its latest value; empty where there is none."""
    try:
        descriptor = _open_kept_or_out(directory)
    except (OSError, ValueError):
        return {}
    with os.fdopen(descriptor, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _PROGRESS_TAIL))
        return merge_progress(file.read(_PROGRESS_TAIL))


def read_series(directory: Path, *, points: int) -> list[dict[str, Any]]:
    """The progress lines that hold metrics, oldest first, at most `points` of them, evenly thinned.

    The last one is always among them.
    """
    try:
        descriptor = _open_kept_or_out(directory)
    except (OSError, ValueError):
        return []
    with os.fdopen(descriptor, "rb") as file:
        lines = [line for line in file.read(_SERIES_READ).splitlines() if b'"metrics"' in line]
    step = max(1, -(-len(lines) // points))
    kept = lines[::-1][::step][::-1]
    found = [merge_progress(line) for line in kept]
    return [{name: one[name] for name in _POINT if name in one} for one in found if one.get("metrics")]


def _open_kept_or_out(directory: Path) -> int:
    try:
        return open_beneath(directory, PROGRESS)
    except OSError:
        return open_beneath(directory / "out", PROGRESS)


def merge_progress(text: bytes) -> dict[str, Any]:
    """The latest value of each known field in lines of JSON; what is no such line is passed over."""
    merged: dict[str, Any] = {}
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict):
            merged.update({key: value for key, value in entry.items() if _plausible(key, value)})
    return merged


_NUMBERS = frozenset({"time", "cell", "cells", "percent", "epoch", "epochs", "eta"})


def _plausible(key: str, value: Any) -> bool:
    if key in _NUMBERS:
        return _is_number(value)
    if key == "metrics":
        few = isinstance(value, dict) and len(value) <= 100
        return few and all(len(name) <= 100 and _is_number(number) for name, number in value.items())
    return key in ("message", "phase") and isinstance(value, str) and len(value) <= 1000


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300


def keep_records(directory: Path) -> None:
    """Keep an ended job's log (start and end) and progress, remove all else; harmless to repeat."""
    with storage_errors():
        progress = read_out(directory, PROGRESS, limit=2**20)
        if progress is not None:
            write_whole(directory / PROGRESS, progress)
        _shorten_log(directory / LOG)
        for name in _DISPOSABLE:
            shutil.rmtree(directory / name, ignore_errors=True)
        for name in ("report.json", "job.json"):  # the last of them gone: nothing is left to clean up
            (directory / name).unlink(missing_ok=True)


def _shorten_log(path: Path) -> None:
    if not path.exists() or path.stat().st_size <= LOG_KEPT_HEAD + LOG_KEPT_TAIL + 1024:
        return
    with path.open("rb") as file:
        head = file.read(LOG_KEPT_HEAD)
        size = file.seek(-LOG_KEPT_TAIL, os.SEEK_END) + LOG_KEPT_TAIL
        tail = file.read()
    left_out = size - len(head) - len(tail)
    note = f"\n\n[... {left_out:,} bytes of this log were not kept ...]\n\n".encode()
    write_whole(path, head + note + tail)


def read_log(directory: Path, *, offset: int, limit: int) -> tuple[bytes, int]:
    """Up to `limit` bytes of the log from `offset` (negative: from the end), and the log's size now."""
    try:
        descriptor = open_beneath(directory, LOG)
    except (OSError, ValueError):
        return b"", 0
    with os.fdopen(descriptor, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size + offset) if offset < 0 else min(offset, size))
        return file.read(limit), size
