"""Elyra in a lab as the hub configures it: loaded when first asked for, and a pipeline that runs here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from perijove.hub.private import free_port

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "packages" / "perijove" / "src" / "perijove" / "hub" / "lab_config"
TOKEN = "only-for-this-test"
LAB = Path(os.environ.get("PERIJOVE_TEST_LAB_PYTHON", "/nonexistent"))

pytestmark = [pytest.mark.ai, pytest.mark.timeout(600)]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[httpx.Client]:
    """A lab's server with the example in its home."""
    if not LAB.is_file():
        pytest.skip("needs PERIJOVE_TEST_LAB_PYTHON: `make test` sets it")
    home = tmp_path / "home"
    shutil.copytree(ROOT / "notebooks" / "pipelines", home / "pipelines")
    environ = {**os.environ, "HOME": str(home), "JUPYTER_CONFIG_PATH": str(CONFIG)}
    environ["JUPYTER_RUNTIME_DIR"] = str(tmp_path / "run")
    port = free_port()
    argv = [str(LAB), "-P", "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.port={port}"]
    argv += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={home}"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(argv, env=environ, cwd=home, stdout=log, stderr=log)
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300, trust_env=False)
        client.headers["Authorization"] = f"token {TOKEN}"
        try:
            _wait(client, process, tmp_path / "log")
            yield client
        finally:
            client.close()
            process.terminate()
            process.wait(30)
    assert TOKEN not in (tmp_path / "log").read_text()


def _wait(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            client.get("/api/status").raise_for_status()
            return
        except httpx.HTTPError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)


def test_it_is_imported_by_the_first_request_for_it(lab: httpx.Client, tmp_path: Path) -> None:
    assert "elyra" not in (tmp_path / "log").read_text().lower().replace("elyra: false", "")
    images = lab.get("/elyra/metadata/runtime-images").json()["runtime-images"]
    ours = next(one for one in images if one["name"] == "perijove-lab")
    assert (ours["display_name"], ours["metadata"]["image_name"]) == ("This lab", "perijove/lab")
    types = lab.get("/elyra/pipeline/runtimes/types").json()["runtime_types"]
    assert [one["id"] for one in types if one["runtime_enabled"]] == ["LOCAL"]
    assert subprocess.run([LAB, "-c", "import jupyter_ai"], capture_output=True, check=False).returncode != 0


def test_the_same_file_runs_in_the_lab(lab: httpx.Client, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "pipelines"
    answer = lab.post("/elyra/pipeline/schedule", json=submitted(folder / "compare.pipeline"))
    assert answer.status_code == 200, answer.text
    rows = (folder / "outputs" / "comparison.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["forest", "logistic"]
    assert (folder / "outputs" / "comparison.png").stat().st_size > 1000


def submitted(path: Path) -> dict:
    """The file as the editor sends it for a local run: paths from the lab's root, and where it is to run."""
    whole = json.loads(path.read_text())
    flow = whole["pipelines"][0]
    flow["app_data"] |= {"name": path.stem, "source": path.name}
    for node in flow["nodes"]:
        given = node["app_data"]["component_parameters"]
        given["filename"] = f"{path.parent.name}/{given['filename']}"
    return whole
