"""A pipeline in the editor: run remotely, stopped by a failing node, mended, run on; and run in the lab."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Page, expect
from tests.browser.accessibility import expect_accessible
from tests.browser.page_objects import PATIENCE, HomePage, LabPage, PipelineTab, WelcomePage

from perijove.hub.testing import FrontDoor

PASSWORD = "correct horse battery"
NewPage = Callable[..., Page]
FOLDER = "pipelines"
EXAMPLE = Path(__file__).parents[2] / "notebooks" / "pipelines"
# JupyterLab's toolbar buttons say `aria-pressed` and Elyra's palette of nodes is a list that holds no items.
THEIRS = ("aria-allowed-attr", "list", "listitem")
LABELS = ("1_prepare", "2_forest", "2_logistic", "3_compare")


# The example's drawing, with notebooks that need nothing but Python.
WRITE = "from pathlib import Path\nPath('outputs').mkdir(exist_ok=True)\n"
READ = "rows = [int(row) for row in open('outputs/train.csv')]\n"
CODE = {
    "1_prepare": f"{WRITE}for name in ('train', 'test'):\n"
    "    Path(f'outputs/{name}.csv').write_text('1\\n2\\n3')",
    "2_forest": f"{WRITE}{READ}Path('outputs/forest.csv').write_text(str(sum(rows)))",
    "2_logistic": f"{WRITE}{READ}Path('outputs/logistic.csv').write_text(str(max(rows)))",
    "3_compare": f"{WRITE}found = [open(f'outputs/{{name}}.csv').read() for name in ('forest', 'logistic')]\n"
    "Path('outputs/comparison.csv').write_text(','.join(found))\n"
    "Path('outputs/comparison.png').touch()",
}


@pytest.fixture
def lab(door: FrontDoor, galaxy: str, new_page: NewPage) -> LabPage:
    page = new_page()
    WelcomePage(page).open(door.client.sign_in_link("ada-pipes")).choose(PASSWORD)
    lab = HomePage(page).open().start().start("Small").wait()
    lab.put_folder("ada-pipes", FOLDER)
    for label, code in CODE.items():
        put(lab, label, code)
    lab.put_text("ada-pipes", f"{FOLDER}/compare.pipeline", (EXAMPLE / "compare.pipeline").read_text())
    return lab


def notebook(code: str) -> str:
    """A notebook of one cell, as its editor would save it."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)], metadata={"kernelspec": kernel})
    return str(nbformat.writes(made))


def put(lab: LabPage, label: str, code: str) -> None:
    lab.put_notebook("ada-pipes", f"{FOLDER}/{label}.ipynb", json.loads(notebook(code)))


def jobs(lab: LabPage) -> dict[str, str]:
    answer = lab.page.request.get(
        "/user/ada-pipes/perijove/pipelines/run", params={"path": f"{FOLDER}/compare.pipeline"}
    )
    nodes: list[dict[str, Any]] = answer.json()["nodes"]
    return {node["label"]: node["job"] for node in nodes}


@pytest.mark.timeout(1500)
def test_run_remotely_mended_and_run_on(lab: LabPage, pictures: Path | None) -> None:
    asked: list[str] = []
    lab.page.on("request", lambda request: asked.append(request.url))
    lab.page.reload()
    lab.wait()
    assert [url for url in asked if "elyra" in url] == []  # the editor costs the lab's start nothing
    put(lab, "2_logistic", f"{WRITE}{READ}rows.maximum()")

    tab = PipelineTab(lab.page).open(f"{FOLDER}/compare.pipeline")
    expect(tab.status).to_have_text("Not run remotely yet.")
    expect(tab.button("Run on")).to_be_disabled()
    tab.button("Run remotely").click()
    expect(tab.button("Cancel")).to_be_enabled(timeout=PATIENCE)
    expect(tab.status).to_contain_text("Stopped: 2 of 4 nodes are done", timeout=PATIENCE)
    expect(tab.node("2_logistic")).to_contain_text("AttributeError")
    expect(tab.node("3_compare")).to_contain_text("because 2_logistic failed")
    keys = [f"00000000000{number}" for number in (1, 2, 3, 4)]
    colours = [tab.outline(f"0000000{key[-1]}-5ca1-4e00-8000-{key}") for key in keys]
    assert colours[0] == colours[1]
    assert len(set(colours)) == 3
    expect_accessible(lab.page, ".pj-pipeline-strip")
    expect_accessible(lab.page, ".lm-DockPanel-widget:not(.lm-mod-hidden)", but=THEIRS)
    tab.photograph(pictures, "pipeline-stopped")
    lab.page.emulate_media(color_scheme="dark")
    expect(lab.page.locator("body[data-jp-theme-light=false]")).to_be_attached(timeout=PATIENCE)
    expect_accessible(lab.page, ".pj-pipeline-strip")
    lab.page.set_viewport_size({"width": 800, "height": 720})
    assert not tab.strip.evaluate("shown => shown.scrollWidth > shown.clientWidth")
    tab.photograph(pictures, "pipeline-stopped-dark-narrow")
    lab.page.set_viewport_size({"width": 1280, "height": 720})
    lab.page.emulate_media(color_scheme="light")
    before = jobs(lab)

    put(lab, "2_logistic", CODE["2_logistic"])
    lab.page.reload()
    tab.open(f"{FOLDER}/compare.pipeline")
    expect(tab.status).to_contain_text("Stopped", timeout=PATIENCE)
    tab.button("Run on").click()
    expect(tab.status).to_have_text("The remote run is done.", timeout=PATIENCE)
    after = jobs(lab)
    assert [after[label] == before[label] for label in LABELS] == [True, True, False, False]
    expect(tab.node("1_prepare")).to_contain_text("as it was")
    tab.photograph(pictures, "pipeline-done")
    tab.node("3_compare").click()
    expect(lab.page.get_by_role("region", name="Jobs")).to_contain_text("3_compare", timeout=PATIENCE)


@pytest.mark.timeout(1500)
def test_the_same_file_runs_in_the_lab(lab: LabPage, pictures: Path | None) -> None:
    tab = PipelineTab(lab.page).open(f"{FOLDER}/compare.pipeline")
    tab.photograph(pictures, "pipeline-editor")
    tab.run_here()
    expect(lab.page.locator(".jp-Dialog")).to_contain_text("succe", timeout=PATIENCE)
    tab.photograph(pictures, "pipeline-local")
    made = lab.page.request.get(f"/user/ada-pipes/api/contents/{FOLDER}/outputs/comparison.csv")
    assert made.ok


@pytest.mark.timeout(900)
def test_a_new_pipeline_and_the_menu_of_a_file(lab: LabPage) -> None:
    lab.page.locator(".jp-LauncherCard", has_text="Pipeline of Notebooks").click()
    tab = PipelineTab(lab.page)
    expect(tab.status).to_have_text("Not run remotely yet.", timeout=PATIENCE)
    expect(lab.page.locator(".lm-TabBar-tab.jp-mod-current")).to_contain_text(".pipeline")
    lab.page.locator(".jp-DirListing-item", has_text="pipelines").dblclick()
    files = lab.page.locator(".jp-DirListing-item")
    files.filter(has_text="1_prepare").click(button="right")
    entry = lab.page.locator(".lm-Menu-item", has_text="Run Pipeline Remotely")
    expect(lab.page.locator(".lm-Menu-item", has_text="Rename").first).to_be_visible()
    expect(entry).to_be_hidden()
    lab.page.keyboard.press("Escape")
    files.filter(has_text="compare.pipeline").click(button="right")
    entry.click()
    expect(tab.button("Cancel").last).to_be_enabled(timeout=PATIENCE)
    tab.button("Cancel").last.click()
