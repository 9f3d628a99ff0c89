"""A live history server, with jobs where the AI environment is, and a lab's variables."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking import BlockingKernelClient

from perijove.core.settings import MachineSettings, Settings
from perijove.engines.local import LocalEngine
from perijove.sandbox.unconfined import UnconfinedLauncher
from perijove.testing.history_server import HistoryServer

PREFIX = "/services/galaxy"


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder with a short path: kernels make sockets below it."""
    path = Path(tempfile.mkdtemp(prefix="pj-client-", dir=os.environ.get("PERIJOVE_TEST_TMP")))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def ai_python() -> Path:
    return Path(os.environ["PERIJOVE_TEST_AI_PYTHON"])


@pytest.fixture(scope="session")
def server(scratch: Path) -> Iterator[HistoryServer]:
    """Histories only."""
    with HistoryServer(home=scratch / "plain", prefix=PREFIX) as running:
        yield running


@pytest.fixture(scope="session")
def job_server(scratch: Path, ai_python: Path) -> Iterator[HistoryServer]:
    """Histories and jobs, which run in the AI environment."""
    home = scratch / "jobs"
    (home / "envs").mkdir(parents=True)
    (home / "homes").mkdir()
    (home / "envs" / "ai").symlink_to(ai_python.parent.parent)
    settings = Settings(home=home, single_user=True, machine=MachineSettings(cpus=2, memory="8G"))
    launcher = UnconfinedLauncher(settings.layout, settings)
    engine = LocalEngine(launcher, settings)
    with HistoryServer(settings=settings, engine=engine, launcher=launcher, prefix=PREFIX) as running:
        yield running


@pytest.fixture
def job_home(job_server: HistoryServer) -> Iterator[Path]:
    """Alice's home as her jobs see it. On a platform it is the lab's too; here each test has its own lab."""
    home = job_server.settings.layout.homes / "alice"
    yield home
    shutil.rmtree(home / ".perijove", ignore_errors=True)


@pytest.fixture
def lab_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home, and a folder in it to work in."""
    (tmp_path / "home" / "work").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HISTORY_ID", "")
    monkeypatch.chdir(tmp_path / "home" / "work")
    return tmp_path / "home"


@pytest.fixture
def lab(server: HistoryServer, lab_home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The variables of alice's lab, with an empty history of her own as the one used last."""
    from bioblend.galaxy import GalaxyInstance

    monkeypatch.setenv("GALAXY_URL", server.url)
    monkeypatch.setenv("API_KEY", server.keys["alice"])
    galaxy = GalaxyInstance(server.url, key=server.keys["alice"])
    galaxy.histories.create_history("work")
    return galaxy


TRAIN = [
    ("parameters", "epochs = 2\nn_filters = 4"),
    ("", "%%bash\ntest -f data/ct.h5 && echo staged"),
    (
        "",
        "import numpy as np\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "from sklearn.datasets import load_iris\n"
        "x, y = load_iris(return_X_y=True)\n"
        "classifier = LogisticRegression(max_iter=50 * epochs).fit(x, y)\n"
        "loss = [1.0 / (1 + epoch) for epoch in range(epochs)]\n"
        "predictions = classifier.predict_proba(x)\n"
        "print('trained with', n_filters)",
    ),
    (
        "",
        "from pathlib import Path\n"
        "Path('outputs').mkdir(exist_ok=True)\n"
        "Path('outputs/a.txt').write_text('a')",
    ),
]


@pytest.fixture(scope="session")
def write_notebook() -> Callable[[Path, list[tuple[str, str]]], None]:
    """Write a notebook: cells as (tag, code)."""
    return _write_notebook


def _write_notebook(path: Path, cells: list[tuple[str, str]]) -> None:
    shown = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {"tags": [tag] if tag else []},
            "source": code,
            "outputs": [],
            "execution_count": None,
        }
        for number, (tag, code) in enumerate(cells)
    ]
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": spec, "cells": shown}
    path.write_text(json.dumps(content))


class Notebook:
    """A kernel in the user's work folder."""

    def __init__(self, python: Path, home: Path) -> None:
        file = home / f"kernel-{time.monotonic_ns()}.json"
        argv = [python, "-P", "-m", "perijove_lab.kernel", "start", "-f", file]
        environ = os.environ | {"HOME": str(home)}
        self._process = subprocess.Popen(argv, cwd=home / "work", env=environ)
        deadline = time.monotonic() + 120
        while not (file.exists() and file.read_text().strip().endswith("}")):
            assert self._process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self._client = BlockingKernelClient(connection_file=str(file))
        self._client.load_connection_file()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=120)
        self.shown: list[dict[str, Any]] = []

    def run(self, code: str) -> str:
        """What the cell wrote and showed; AssertionError where it failed."""
        text, errors = [], []
        self.shown = []

        def hook(message: dict[str, Any]) -> None:
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                text.append(content["text"])
            elif kind in ("execute_result", "display_data", "update_display_data"):
                self.shown.append(content["data"])
                text.append(content["data"].get("text/plain", "") + "\n")
            elif kind == "error":
                errors.append("\n".join(content["traceback"]))

        self._client.execute_interactive(code, output_hook=hook, timeout=300)
        if errors:
            raise AssertionError(errors[0])
        return "".join(text)

    def stop(self) -> None:
        self._client.stop_channels()
        self._process.kill()
        self._process.wait()


@pytest.fixture
def work(job_server: HistoryServer, lab_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GALAXY_URL", job_server.url)
    monkeypatch.setenv("API_KEY", job_server.keys["alice"])
    folder = lab_home / "work"
    (folder / "data").mkdir()
    (folder / "data" / "ct.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 4096)
    _write_notebook(folder / "train.ipynb", TRAIN)
    return folder


@pytest.fixture
def open_notebook(work: Path, job_server: HistoryServer) -> Iterator[Callable[[], Notebook]]:
    """Open another notebook. Kernels and jobs know the environment by one and the same path."""
    made: list[Notebook] = []
    python = job_server.settings.layout.environments / "ai" / "bin" / "python"

    def open_one() -> Notebook:
        made.append(Notebook(python, work.parent))
        return made[-1]

    yield open_one
    for one in made:
        one.stop()


@pytest.fixture
def notebook(open_notebook: Callable[[], Notebook]) -> Notebook:
    return open_notebook()
