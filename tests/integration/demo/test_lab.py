"""The demo's lab client against a real Jupyter server, which is what stands behind the hub's proxy."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import requests
from pydantic import SecretStr

from perijove.core.errors import EngineError, NotFoundError
from perijove.demo.kernel import run_cells
from perijove.demo.lab import Lab
from perijove.demo.notebook import Cell, code_cells


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def lab(home: Path) -> Iterator[Lab]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", f"--port={port}"]
    command += ["--ServerApp.base_url=/user/ada/", f"--ServerApp.root_dir={home}"]
    environment = {**os.environ, "JUPYTER_TOKEN": "secret", "HOME": str(home), "JUPYTER_PREFER_ENV_PATH": "1"}
    with (home.parent / "server.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/user/ada/api", process, home.parent / "server.log")
        yield Lab(url=f"http://127.0.0.1:{port}", name="ada", token=SecretStr("secret"))
    finally:
        process.terminate()
        process.wait(30)


def wait_for(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    pytest.fail(f"no Jupyter server: {log.read_text()[-2000:]}")


def put_notebook(home: Path, name: str, *sources: str) -> None:
    cells = [nbformat.v4.new_code_cell(source, id=f"c{number}") for number, source in enumerate(sources)]
    (home / "work").mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), home / "work" / name)


def test_a_notebook_of_the_home_runs_in_its_own_folder(lab: Lab, home: Path):
    put_notebook(home, "a.ipynb", "import os; x = 20", "print(os.path.basename(os.getcwd()))\nx + 1")
    cells = code_cells(lab.notebook("work/a.ipynb"))
    with lab.session("work/a.ipynb") as kernel:
        shown = run_cells(lab, kernel, cells)
    assert shown["c1"].text == "work\n21\n"
    assert requests.get(f"{lab.url}/user/ada/api/sessions", headers=lab.headers, timeout=30).json() == []


def test_a_failing_cell_is_named_and_ends_the_run(lab: Lab, home: Path):
    put_notebook(home, "b.ipynb", "1 / 0", "open('never', 'w')")
    with lab.session("work/b.ipynb") as kernel, pytest.raises(EngineError, match=r"c0.*ZeroDivisionError"):
        run_cells(lab, kernel, code_cells(lab.notebook("work/b.ipynb")))
    assert not (home / "work" / "never").exists()


def test_a_kernel_that_dies_is_told(lab: Lab, home: Path):
    put_notebook(home, "c.ipynb", "")
    with lab.session("work/c.ipynb") as kernel, pytest.raises(EngineError, match=r"did not end|closed"):
        run_cells(lab, kernel, [Cell("dies", "import os; os._exit(1)")], patience=5)


def test_a_file_goes_up_in_pieces_and_comes_back(lab: Lab, home: Path, tmp_path: Path):
    source = tmp_path / "ct.h5"
    source.write_bytes(os.urandom(13 * 2**20 + 7))
    lab.upload(source, "work/data/deep/ct.h5")
    assert (home / "work/data/deep/ct.h5").read_bytes() == source.read_bytes()
    assert lab.download("work/data/deep/ct.h5") == source.read_bytes()


def test_a_file_that_is_not_there_is_told(lab: Lab):
    with pytest.raises(NotFoundError, match=r"no work/none\.h5"):
        lab.download("work/none.h5")
