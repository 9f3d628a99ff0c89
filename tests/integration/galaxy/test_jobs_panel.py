"""The panel of jobs and Run remotely in a lab that has a real Galaxy behind it."""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import requests
from playwright.sync_api import Browser, Page, expect
from tests.browser.job_objects import RunDialog
from tests.browser.page_objects import PATIENCE

from perijove.testing.ports import free_port
from perijove.testing.real_galaxy.server import Running

pytestmark = [pytest.mark.galaxy, pytest.mark.browser, pytest.mark.timeout(900)]
TRAINING = """import time
from perijove_lab import progress

rows = open("data/rows.csv").read()
for epoch in range(1, epochs + 1):
    print("epoch", epoch, rows.strip(), flush=True)
    progress(percent=100 * epoch / epochs, epoch=epoch, epochs=epochs, loss=1 / epoch)
    time.sleep(1)"""


@pytest.fixture
def lab(real_galaxy: Running, tmp_path: Path) -> Iterator[str]:
    """A lab of alice's, beside that Galaxy; its address with the token."""
    python = os.environ.get("PERIJOVE_TEST_LAB_PYTHON")
    if not python:
        pytest.skip("needs a lab environment: PERIJOVE_TEST_LAB_PYTHON, which `make test-galaxy` sets")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.csv").write_text("1,2,3\n")
    code = [nbformat.v4.new_code_cell("epochs = 2"), nbformat.v4.new_code_cell(TRAINING)]
    code[0].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(
        nbformat.v4.new_notebook(cells=code, metadata={"kernelspec": kernel}), tmp_path / "train.ipynb"
    )
    port, token = free_port(), secrets.token_hex(16)
    environ = {
        **os.environ,
        "HOME": str(tmp_path),
        "GALAXY_URL": real_galaxy.url,
        "API_KEY": real_galaxy.keys["alice"],
        "JUPYTER_TOKEN": token,
    }
    argv = [python, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.port={port}"]
    with (tmp_path / "lab.log").open("wb") as log:
        process = subprocess.Popen(argv, cwd=tmp_path, env=environ, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{url}/api/status?token={token}", process, tmp_path / "lab.log")
        yield f"{url}/lab/tree/train.ipynb?token={token}"
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


@pytest.fixture
def page(browser: Browser, lab: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    page = context.new_page()
    page.goto(lab)
    expect(page.locator(".jp-Notebook")).to_be_visible(timeout=PATIENCE)
    yield page
    context.close()


def test_a_notebook_runs_on_the_galaxy_and_is_followed_in_the_lab(page: Page, pictures: Path | None) -> None:
    dialog = RunDialog(page).from_toolbar()
    expect(dialog.input("data/rows.csv")).to_be_checked()
    expect(dialog.field("CPUs")).to_be_visible()
    expect(dialog.here.get_by_role("radio")).to_have_count(0)
    expect(dialog.here.get_by_text("Network")).to_have_count(0)
    dialog.field("epochs").fill("25")
    dialog.photograph(pictures, "galaxy-run-remotely")
    dialog.field("Name").fill("On Galaxy")
    jobs = dialog.sent()
    expect(jobs.name).to_have_text("On Galaxy", timeout=PATIENCE)
    jobs.wait_for("running")
    expect(jobs.log).to_contain_text("epoch 3 1,2,3", timeout=PATIENCE)
    expect(jobs.here).to_contain_text("of 25", timeout=PATIENCE)
    expect(jobs.log).not_to_contain_text("perijove-progress")
    jobs.photograph(pictures, "galaxy-jobs-running")
    jobs.wait_for("done")
    expect(jobs.curve.first).to_be_visible(timeout=PATIENCE)
    expect(jobs.log).to_contain_text("epoch 25 1,2,3")
    jobs.do("Open notebook")
    expect(page.locator(".pj-Executed")).to_contain_text("epoch 25 1,2,3", timeout=PATIENCE)
    expect(page.locator(".pj-Executed")).to_contain_text("As the job left it")
    jobs.photograph(pictures, "galaxy-jobs-done")
    first = page.locator(".pj-job").get_attribute("data-job")
    jobs.do("Run again")
    expect(page.locator(f".pj-job[data-job='{first}']")).to_have_count(0, timeout=PATIENCE)
    jobs.wait_for("running")
    jobs.cancel()
    expect(jobs.state).to_have_text("cancelled", timeout=PATIENCE)
