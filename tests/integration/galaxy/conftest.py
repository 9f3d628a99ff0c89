"""A lab beside a real Galaxy, as its interactive tool or a user's own machine has one."""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from perijove.hub import lab as hub_lab
from perijove.testing.ports import free_port
from perijove.testing.real_galaxy.server import Running

# As the image and the hub start labs.
LAB_CONFIG = Path(hub_lab.__file__).parent / "lab_config"


@dataclass(frozen=True)
class LabServer:
    """A JupyterLab of alice's."""

    url: str
    token: str

    def address(self, path: str) -> str:
        """Where a browser opens it, signed in."""
        return f"{self.url}/{path}?token={self.token}"


@pytest.fixture
def lab_home(tmp_path: Path) -> Path:
    """The lab's home and folder, to put files into before it starts."""
    return tmp_path


@pytest.fixture
def lab(real_galaxy: Running, lab_home: Path) -> Iterator[LabServer]:
    """The lab, with that Galaxy behind it."""
    python = os.environ.get("PERIJOVE_TEST_LAB_PYTHON")
    if not python:
        pytest.skip("needs a lab environment: PERIJOVE_TEST_LAB_PYTHON, which `make test-galaxy` sets")
    port, token = free_port(), secrets.token_hex(16)
    environ = {
        **os.environ,
        "HOME": str(lab_home),
        "GALAXY_URL": real_galaxy.url,
        "API_KEY": real_galaxy.keys["alice"],
        "JUPYTER_TOKEN": token,
        "JUPYTER_CONFIG_PATH": str(LAB_CONFIG),
    }
    argv = [python, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.port={port}"]
    with (lab_home / "lab.log").open("wb") as log:
        process = subprocess.Popen(argv, cwd=lab_home, env=environ, stdout=log, stderr=log)
    server = LabServer(f"http://127.0.0.1:{port}", token)
    try:
        _wait(server.address("api/status"), process, lab_home / "lab.log")
        yield server
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            if requests.get(url, timeout=5).status_code == 200:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise AssertionError(log.read_text())
