"""The extension in a real Jupyter Server, and a kernel by its kernelspec."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from perijove_lab.kernel.__main__ import main

pytest.importorskip("jupyter_server", reason="needs jupyter_server: uv pip install jupyter_server")
TOKEN = "for-this-test"


@pytest.fixture
def lab_server(tmp_path: Path) -> Iterator[httpx.Client]:
    """A server whose `sys.prefix` is a lab of the test's own, with the kernel of this very Python."""
    home, lab = tmp_path / "home", tmp_path / "lab"
    home.mkdir()
    (tmp_path / "shipped").mkdir()
    (tmp_path / "shipped" / "home.ipynb").write_text("{}")
    prefixes = ["--env-prefix", sys.prefix, "--lab-prefix", str(lab)]
    assert main(["install", "--default", "--name", "ai", "--display-name", "AI", *prefixes]) == 0
    terminals = {"ServerApp": {"jpserver_extensions": {"jupyter_server_terminals": True}}}
    folder = lab / "etc" / "jupyter" / "jupyter_server_config.d"
    (folder / "jupyter_server_terminals.json").write_text(json.dumps(terminals))
    environ = os.environ | {
        "HOME": str(home),
        "PERIJOVE_NOTEBOOKS": str(tmp_path / "shipped"),
        "JUPYTER_CONFIG_PATH": str(lab / "etc" / "jupyter"),
        "JUPYTER_PATH": str(lab / "share" / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "run"),
    }
    port = 24000 + os.getpid() % 900
    code = f"import sys; sys.prefix = {str(lab)!r}; from jupyter_server.serverapp import main; main()"
    argv = [sys.executable, "-c", code, f"--port={port}", "--no-browser", "--allow-root"]
    argv += [f"--IdentityProvider.token={TOKEN}", "--ServerApp.port_retries=0"]
    log = (tmp_path / "server.log").open("w")
    process = subprocess.Popen(argv, env=environ, cwd=home, stdout=log, stderr=log)
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"token {TOKEN}"}, timeout=30
    )
    try:
        _wait(client, process, tmp_path / "server.log")
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait(30)
        log.close()


def _wait(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            client.get("/api/status").raise_for_status()
            return
        except httpx.HTTPError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


def test_a_new_lab(lab_server: httpx.Client, tmp_path: Path) -> None:
    assert lab_server.get("/api/contents/notebooks/home.ipynb", params={"content": 0}).status_code == 200
    specs: dict[str, Any] = lab_server.get("/api/kernelspecs").json()
    assert specs["default"] == "python3"
    assert list(specs["kernelspecs"]) == ["python3"]
    assert specs["kernelspecs"]["python3"]["spec"]["display_name"] == "AI"
    started = lab_server.post("/api/kernels", json={"name": "python3"}).json()
    deadline = time.monotonic() + 60
    while lab_server.get(f"/api/kernels/{started['id']}").json()["execution_state"] not in (
        "idle",
        "starting",
    ):
        assert time.monotonic() < deadline
    name = Path(sys.prefix).name
    while not (tmp_path / "home" / ".perijove" / "envs" / name / "perijove.json").exists():
        assert time.monotonic() < deadline, (tmp_path / "server.log").read_text()
        time.sleep(0.1)


def test_a_terminal_knows_the_users_packages(lab_server: httpx.Client, tmp_path: Path) -> None:
    name = lab_server.post("/api/terminals").json()["name"]
    command = _shells(tmp_path)
    deadline = time.monotonic() + 30
    while not command:
        assert time.monotonic() < deadline
        time.sleep(0.1)
        command = _shells(tmp_path)
    environ = dict(part.split("=", 1) for part in command[0].split("\0") if "=" in part)
    overlay = tmp_path / "home" / ".perijove" / "envs" / Path(sys.prefix).name
    assert environ["VIRTUAL_ENV"] == str(overlay)
    assert environ["PATH"].startswith(f"{overlay}/bin:{sys.prefix}/bin:")
    assert lab_server.delete(f"/api/terminals/{name}").status_code == 204
    assert json.loads(lab_server.get("/api/terminals").text) == []


def _shells(tmp_path: Path) -> list[str]:
    """Environments of shells that were started for this test's home."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            environ, name = (path / "environ").read_text(errors="replace"), (path / "comm").read_text()
        except OSError:
            continue
        if f"HOME={tmp_path}/home\0" in environ and name.strip() in ("bash", "sh", "dash", "zsh"):
            found.append(environ)
    return found
