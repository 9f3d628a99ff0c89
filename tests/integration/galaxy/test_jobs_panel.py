"""The panel of jobs and Run remotely in a lab that has a real Galaxy behind it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bioblend.galaxy import GalaxyInstance
from playwright.sync_api import Browser, Page, expect
from tests.browser.job_objects import JobsPanel, RunDialog
from tests.browser.page_objects import PATIENCE
from tests.integration.galaxy.conftest import LabServer

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
def study(lab_home: Path) -> None:
    """A notebook with parameters, beside the file that it reads."""
    (lab_home / "data").mkdir()
    (lab_home / "data" / "rows.csv").write_text("1,2,3\n")
    code = [nbformat.v4.new_code_cell("epochs = 2"), nbformat.v4.new_code_cell(TRAINING)]
    code[0].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(
        nbformat.v4.new_notebook(cells=code, metadata={"kernelspec": kernel}), lab_home / "train.ipynb"
    )


@pytest.fixture
def page(browser: Browser, study: None, lab: LabServer, request: pytest.FixtureRequest) -> Iterator[Page]:
    look = getattr(request, "param", "light")
    context = browser.new_context(viewport={"width": 1300, "height": 900}, color_scheme=look)
    page = context.new_page()
    page.goto(lab.address("lab/tree/train.ipynb"))
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


def sent(alice: GalaxyInstance, history: str, code: str, *reads: str) -> dict[str, Any]:
    """A script as a job that reads datasets, which may be still to come."""
    script = alice.tools.paste_content(code, history, file_type="txt", file_name="code.py")["outputs"][0][
        "id"
    ]
    asked: dict[str, Any] = {"select_file": {"src": "hda", "id": script}}
    for index, dataset in enumerate(reads):
        asked |= {f"inputs_{index}|path": "before.json"}
        asked |= {f"inputs_{index}|dataset": {"src": "hda", "id": dataset}}
    return dict(alice.tools.run_tool(history, "run_jupyter_job", asked))


@pytest.mark.parametrize("page", ["dark"], indirect=True)
def test_a_job_says_what_it_waits_for_and_why_it_is_paused(
    page: Page, real_galaxy: Running, pictures: Path | None
) -> None:
    alice = GalaxyInstance(real_galaxy.url, real_galaxy.keys["alice"])
    history = alice.histories.create_history("Waiting")["id"]
    first = sent(alice, history, "import time\nprint('here', flush=True)\ntime.sleep(20)\n1 / 0\n")
    report = next(one["id"] for one in first["outputs"] if one["output_name"] == "report")
    job = sent(alice, history, "print('then')\n", report)["jobs"][0]["id"]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    jobs, opened = JobsPanel(page).open(), time.monotonic()
    page.locator(f".pj-job-row[data-job='{job}']").click()
    expect(jobs.here).to_contain_text("waits for Report on code.py", timeout=PATIENCE)
    jobs.photograph(pictures, "galaxy-jobs-waits-dark")
    jobs.wait_for("paused")
    lists = [url for url in asked if "/api/jobs?" in url]
    assert len(lists) < 6 + (time.monotonic() - opened) / 2  # a Galaxy is looked at every 5 seconds
    expect(jobs.here).to_contain_text("error state", timeout=PATIENCE)
    jobs.photograph(pictures, "galaxy-jobs-paused-dark")
    jobs.back()
    page.locator(f".pj-job-row[data-job='{first['jobs'][0]['id']}']").click()
    expect(jobs.problem).to_contain_text("division by zero", timeout=PATIENCE)
