"""A pipeline in the editor of a lab that has a real Galaxy behind it: stopped, mended, run on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from bioblend.galaxy import GalaxyInstance
from playwright.sync_api import Browser, Page, expect
from tests.browser.page_objects import PATIENCE, PipelineTab
from tests.browser.test_pipelines import CODE, EXAMPLE, LABELS, READ, WRITE, notebook
from tests.integration.galaxy.conftest import LabServer

from perijove.testing.real_galaxy.server import Running

pytestmark = [pytest.mark.galaxy, pytest.mark.browser, pytest.mark.timeout(900)]


@pytest.fixture
def pipeline(lab_home: Path) -> Path:
    """A diamond of four notebooks; one of them fails."""
    for label, code in CODE.items():
        (lab_home / f"{label}.ipynb").write_text(notebook(code))
    (lab_home / "2_logistic.ipynb").write_text(notebook(f"{WRITE}{READ}rows.maximum()"))
    shutil.copy(EXAMPLE / "compare.pipeline", lab_home)
    return lab_home / "compare.pipeline"


@pytest.fixture(params=["light", "dark"])
def page(browser: Browser, pipeline: Path, lab: LabServer, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1300, "height": 900}, color_scheme=request.param)
    page = context.new_page()
    page.goto(lab.address("lab"))
    yield page
    context.close()


def test_run_remotely_mended_and_run_on(
    page: Page,
    pipeline: Path,
    real_galaxy: Running,
    pictures: Path | None,
    request: pytest.FixtureRequest,
) -> None:
    if real_galaxy.database == "sqlite":
        pytest.skip("needs a Galaxy on PostgreSQL, as make test-galaxy has it: apt-get install postgresql")
    look = request.node.callspec.params["page"]
    alice = GalaxyInstance(real_galaxy.url, real_galaxy.keys["alice"])
    known = {job["id"] for job in alice.jobs.get_jobs(tool_id="run_jupyter_job")}
    tab = PipelineTab(page).open("compare.pipeline")
    tab.button("Run remotely").click()
    expect(tab.status).to_contain_text("Stopped: 2 of 4 nodes are done", timeout=PATIENCE)
    expect(tab.node("2_logistic")).to_contain_text("AttributeError")
    expect(tab.node("3_compare")).to_contain_text("because 2_logistic failed")
    tab.photograph(pictures, f"galaxy-pipeline-stopped-{look}")

    (pipeline.parent / "2_logistic.ipynb").write_text(notebook(CODE["2_logistic"]))
    tab.button("Run on").click()
    expect(tab.status).to_have_text("The remote run is done.", timeout=PATIENCE)
    for label, kept in zip(LABELS, (True, True, False, False), strict=True):
        text = expect(tab.node(label))
        text.to_contain_text("as it was") if kept else text.not_to_contain_text("as it was")
    tab.photograph(pictures, f"galaxy-pipeline-done-{look}")
    made = [alice.jobs.show_job(one["id"]) for one in alice.jobs.get_jobs(tool_id="run_jupyter_job")]
    ran = [job for job in made if job["id"] not in known and not job["copied_from_job_id"]]
    assert sorted(job["state"] for job in ran) == ["error", "ok", "ok", "ok", "ok"]
