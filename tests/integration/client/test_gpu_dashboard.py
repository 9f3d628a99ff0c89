"""NVDashboard in a lab as the hub configures it.

There is no GPU here: NVIDIA's library is a FAKE (fake_nvml.c), and so are the device files. What a real
driver does is not seen by these tests.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from perijove.hub.private import free_port

HERE = Path(__file__).parent
CONFIG = HERE.parents[2] / "packages" / "perijove" / "src" / "perijove" / "hub" / "lab_config"
LAB = Path(os.environ.get("PERIJOVE_TEST_LAB_PYTHON", "/nonexistent"))
TOKEN = "only-for-this-test"
NAME = "jupyterlab-nvdashboard"
StartLab = Callable[..., httpx.Client]

pytestmark = [
    pytest.mark.root,
    pytest.mark.browser,
    pytest.mark.skipif(not LAB.is_file(), reason="needs PERIJOVE_TEST_LAB_PYTHON: `make test` sets it"),
    pytest.mark.skipif(
        shutil.which("gcc") is None, reason="needs gcc for the fake NVML: apt-get install gcc"
    ),
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap: `make test` installs it"),
]


@pytest.fixture(scope="module")
def nvml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the fake library."""
    folder = tmp_path_factory.mktemp("nvml")
    library = folder / "libnvidia-ml.so.1"
    subprocess.run(["gcc", "-shared", "-fPIC", "-w", "-o", library, HERE / "fake_nvml.c"], check=True)
    return folder


@pytest.fixture
def start_lab(nvml: Path, tmp_path: Path) -> Iterator[StartLab]:
    """Starts a lab; `nodes` are the device files in its /dev."""
    running: list[tuple[subprocess.Popen[bytes], httpx.Client]] = []

    def started(nodes: tuple[str, ...] = ("nvidia0", "nvidia2"), **environ: str) -> httpx.Client:
        port, log = free_port(), (tmp_path / "log").open("w")
        fake = [part for node in nodes for part in ("--ro-bind", "/dev/null", f"/dev/{node}")]
        argv = ["bwrap", "--bind", "/", "/", "--dev", "/dev", *fake, "--die-with-parent"]
        argv += [str(LAB), "-P", "-m", "jupyterlab", "--no-browser", "--allow-root"]
        argv += [f"--ServerApp.port={port}", f"--IdentityProvider.token={TOKEN}"]
        given = {"HOME": str(tmp_path), "JUPYTER_CONFIG_PATH": str(CONFIG), "LD_LIBRARY_PATH": str(nvml)}
        process = subprocess.Popen(
            argv, env={**os.environ, **given, **environ}, cwd=tmp_path, stdout=log, stderr=log
        )
        log.close()
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False)
        running.append((process, client))
        wait(client, process, tmp_path / "log")
        return client

    yield started
    for process, client in running:
        client.close()
        process.terminate()
        process.wait(30)


def wait(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            client.get("/api/status", params={"token": TOKEN}).raise_for_status()
            client.cookies.clear()
            return
        except httpx.HTTPError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


def first_figures(lab: httpx.Client, what: str, token: str | None = TOKEN) -> dict[str, Any]:
    """What the socket says after its greeting."""

    async def ask() -> dict[str, Any]:
        address = f"{str(lab.base_url).replace('http', 'ws', 1)}/nvdashboard/{what}"
        headers = {"Authorization": f"token {token}"} if token else {}
        socket = await websocket_connect(HTTPRequest(address, headers=headers, request_timeout=30))
        assert json.loads(str(await socket.read_message()))["status"] == "connected"
        figures: dict[str, Any] = json.loads(str(await socket.read_message()))
        socket.close()
        return figures

    return asyncio.run(asyncio.wait_for(ask(), 60))


def front_ends(lab: httpx.Client) -> set[str]:
    page = lab.get("/lab", params={"token": TOKEN}, follow_redirects=True).text
    found = re.search(r'<script id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert found is not None
    options = json.loads(found.group(1))
    return {one["name"] for one in [*options["federated_extensions"], *options["perijoveOnDemand"]]}


def test_a_lab_without_a_gpu_has_nothing_of_it(start_lab: StartLab) -> None:
    lab = start_lab(())
    assert NAME not in front_ends(lab)
    assert "perijove-lab" in front_ends(lab)
    for what in ("gpu_utilization", "cpu_resource", "accelerators/check"):
        assert lab.get(f"/nvdashboard/{what}", params={"token": TOKEN}).status_code == 404
    for hidden in ("", "-1"):
        lab = start_lab(CUDA_VISIBLE_DEVICES=hidden)
        assert NAME not in front_ends(lab)
        assert lab.get("/nvdashboard/accelerators/check", params={"token": TOKEN}).status_code == 404


def test_it_shows_the_cards_that_the_lab_may_open(start_lab: StartLab) -> None:
    lab = start_lab()
    assert NAME in front_ends(lab)
    assert first_figures(lab, "gpu_utilization") == {"gpu_utilization": [11, 33]}
    assert first_figures(lab, "gpu_usage")["memory_usage"] == [2**30, 3 * 2**30]
    assert len(first_figures(lab, "gpu_resource")["gpu_utilization_individual"]) == 2
    assert len(first_figures(lab, "pci_stats")["pci_tx"]) == 2


def test_it_shows_no_card_that_cuda_is_kept_from(start_lab: StartLab) -> None:
    lab = start_lab(CUDA_VISIBLE_DEVICES="1")
    assert first_figures(lab, "gpu_utilization") == {"gpu_utilization": [33]}
    lab = start_lab(CUDA_VISIBLE_DEVICES="GPU-fake-0")
    assert first_figures(lab, "gpu_utilization") == {"gpu_utilization": [11]}


def test_who_has_not_signed_in_gets_no_connection(start_lab: StartLab) -> None:
    lab = start_lab()
    for what in (
        "gpu_utilization",
        "gpu_usage",
        "gpu_resource",
        "pci_stats",
        "nvlink_throughput",
        "cpu_resource",
    ):
        for token in (None, "wrong"):
            with pytest.raises(HTTPClientError, match="403"):
                first_figures(lab, what, token)
    answer = lab.get("/nvdashboard/accelerators/check")
    assert answer.status_code in (302, 403)
    assert "ngpus" not in answer.text
    assert lab.get("/nvdashboard/accelerators/check", params={"token": TOKEN}).json()["ngpus"] == 2


def test_its_charts_open_in_the_lab(start_lab: StartLab, browser: Browser, pictures: Path | None) -> None:
    lab = start_lab()
    page = browser.new_page(viewport={"width": 1300, "height": 800})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{lab.base_url}/lab?token={TOKEN}")
    expect(page.locator(".jp-Launcher")).to_be_visible(timeout=120_000)
    page.get_by_role("tab", name="GPU Dashboards").click()
    page.get_by_role("button", name="GPU Utilization").click()
    expect(page.get_by_text("Updated every 1000ms")).to_be_visible()
    if pictures is not None:
        page.wait_for_timeout(3000)
        page.screenshot(path=pictures / "nvdashboard.png")
    expect(page.locator(".recharts-surface").first).to_be_visible(timeout=60_000)
    page.close()
    assert not faults
