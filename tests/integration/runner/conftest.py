"""Jobs in ordinary folders, run by the real runner with a real kernel."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from perijove_lab.runner.export import arrays_read


@dataclass(frozen=True)
class Ended:
    """What a job left."""

    folder: Path
    code: int
    seconds: float = 0.0
    peak: int = 0  # bytes: the most that the runner, or its kernel, held at a time

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    @property
    def manifest(self) -> dict[str, Any]:
        return dict(json.loads((self.out / "manifest.json").read_text()))

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads((self.out / "datasets" / "report.json").read_text()))

    @property
    def error(self) -> dict[str, Any]:
        return dict(self.manifest["error"])

    @property
    def notebook(self) -> Any:
        return nbformat.read(self.out / "executed.ipynb", as_version=4)

    @property
    def arrays(self) -> dict[str, Any]:
        return dict(arrays_read.read(self.out / "datasets" / "arrays.h5"))

    @property
    def progress(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.out / "progress.jsonl").read_text().splitlines()]

    def text(self, cell: int) -> str:
        return "".join(out.get("text", "") for out in self.notebook.cells[cell].outputs)

    def role(self, role: str) -> dict[str, dict[str, Any]]:
        return {item["name"]: item for item in self.manifest["outputs"] if item["role"] == role}

    @property
    def unsaved(self) -> dict[str, str]:
        return {item["name"]: item["reason"] for item in self.manifest["unsaved"]}


class Jobs:
    """Writes job folders and runs them."""

    def __init__(self, folder: Path, python: str) -> None:
        self._folder = folder
        self._python = python
        self._started: list[subprocess.Popen[bytes]] = []

    def close(self) -> None:
        """No job outlives its test."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.wait()

    def write(self, *cells: str, script: str | None = None, metadata: Any = None, **job: Any) -> Path:
        folder = self._folder / f"job{len(list(self._folder.iterdir()))}"
        (folder / "code").mkdir(parents=True)
        code = folder / "code" / ("train.ipynb" if script is None else "train.py")
        if script is None:
            notebook = nbformat.v4.new_notebook(metadata=metadata or {})
            notebook.cells = [nbformat.v4.new_code_cell(text) for text in cells]
            nbformat.write(notebook, code)
        else:
            code.write_text(script)
        description = {
            "version": 1,
            "code": {"path": str(code), "name": code.name},
            "inputs": [],
            "parameters": {},
            "work": str(folder / "work"),
            "out": str(folder / "out"),
            "capture": True,
            "kernel": None,
        }
        (folder / "job.json").write_text(json.dumps(description | job))
        return folder

    def start(self, folder: Path, **environment: str) -> subprocess.Popen[bytes]:
        with open(folder / "log", "wb") as log:
            process = subprocess.Popen(
                [self._python, "-m", "perijove_lab.runner", str(folder / "job.json")],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
            )
        self._started.append(process)
        return process

    def run(self, *cells: str, environment: dict[str, str] | None = None, **job: Any) -> Ended:
        folder = self.write(*cells, **job)
        started = time.monotonic()
        process = self.start(folder, **(environment or {}))
        with ThreadPoolExecutor(1) as pool:
            _, status, used = pool.submit(os.wait4, process.pid, 0).result(500)
        process.returncode = os.waitstatus_to_exitcode(status)
        return Ended(folder, process.returncode, time.monotonic() - started, used.ru_maxrss * 1024)

    def end_when(self, text: str, folder: Path) -> Ended:
        """Run; send SIGTERM once the log holds `text`; the seconds count from there."""
        process = self.start(folder)
        wait_until(lambda: text in (folder / "log").read_text(errors="replace"))
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        code = process.wait(120)
        return Ended(folder, code, time.monotonic() - started)


def wait_until(true: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    yield from _jobs(tmp_path / "jobs", sys.executable)


@pytest.fixture
def ai_jobs(tmp_path: Path) -> Iterator[Jobs]:
    yield from _jobs(tmp_path / "jobs", os.environ["PERIJOVE_TEST_AI_PYTHON"])


def _jobs(folder: Path, python: str) -> Iterator[Jobs]:
    folder.mkdir()
    jobs = Jobs(folder, python)
    yield jobs
    jobs.close()
