"""Every step of docs/users/tutorial.md, done in a real browser on a whole platform, in the page's order.

PERIJOVE_TEST_PICTURES keeps the pictures that the page shows. The last step needs the environment igfold in
PERIJOVE_TEST_HOME: `perijove env install igfold --accept-license`.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.histories_panel import HistoriesPanel
from tests.browser.job_objects import RunDialog
from tests.browser.page_objects import PATIENCE, HomePage, LabPage
from tests.integration.platform.conftest import Platform, first_administrator

pytestmark = [
    pytest.mark.root,
    pytest.mark.platform,
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(1500),
]

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "users" / "tutorial.md"
LESSON = "lesson"
SHORT = """data = "data/ct.h5"
n_filters, epochs, batch_size, learning_rate, dropout = 2, 2, 4, 2e-3, 0.1
dice_weight, tv_weight, augmentation, seed, threads = 1.0, 2.4e-7, True, 7, 2"""
ATTACHED = """source = get("ct.h5")
data, patients, slices, seed = "data/ct.h5", [], 0, 0"""
PREDICT = """data = "data/ct.h5"
model = job().model().path"""


@pytest.fixture(scope="module")
def page(empty_platform: Platform, browser: Browser) -> Iterator[Page]:
    """Signed in by the link that `perijove up` prints."""
    context = browser.new_context(base_url=empty_platform.url, viewport={"width": 1280, "height": 860})
    context.set_default_timeout(PATIENCE)
    yield first_administrator(empty_platform, context)
    context.close()


@pytest.fixture(scope="module")
def lab(page: Page) -> LabPage:
    """Step 1: a lab."""
    return HomePage(page).start_first_flavor()


@pytest.fixture(scope="module")
def repository(empty_platform: Platform, lab: LabPage, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The lesson as a Git repository. It lies in the user's own home here: tests reach no other host."""
    home = empty_platform.home / "homes" / "ada"
    work, bare = tmp_path_factory.mktemp("lesson"), home / ".teacher" / "lesson.git"
    for file in sorted((ROOT / "notebooks" / "ct-segmentation").iterdir()):
        if file.suffix in (".ipynb", ".py"):
            (work / file.name).write_bytes(file.read_bytes())
    git = ["git", "-c", "user.name=Teacher", "-c", "user.email=teacher@example.org"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "The lesson"]):
        subprocess.run([*git, *command], cwd=work, check=True)
    subprocess.run(["git", "clone", "-q", "--bare", work, bare], check=True)
    owner = home.stat()
    for path in (bare.parent, bare, *bare.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    return "file:///home/jovyan/.teacher/lesson.git"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small phantom, as a file on the user's own computer."""
    file = tmp_path_factory.mktemp("data") / "ct.h5"
    code = f"import phantom; phantom.write_phantom({str(file)!r}, patients=(2, 1, 2), slices=4)"
    folder = ROOT / "notebooks" / "ct-segmentation"
    python = os.environ["PERIJOVE_TEST_AI_PYTHON"]
    subprocess.run([python, "-c", code], cwd=folder, check=True)
    return file


def run_all(lab: LabPage) -> None:
    """Run all cells, as the page says; the lab saves by itself. AssertionError where a cell failed."""
    lab.start_all()
    shown = lab.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    last = shown.locator(".jp-CodeCell .jp-InputArea-prompt").last
    expect(last).to_have_text(re.compile(r"\[\d+\]:"), timeout=PATIENCE)
    idle = shown.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")
    expect(idle).to_be_visible(timeout=PATIENCE)
    assert not shown.locator(".jp-mod-error").count(), lab.shown_text()[-2000:]


def photograph(lab: LabPage, folder: Path | None, name: str) -> None:
    if folder is not None:
        lab.page.screenshot(path=str(folder / f"tutorial-{name}.png"))


def test_the_page_shows_a_picture_of_every_step():
    shown = re.findall(r"images/(tutorial-[a-z-]+\.png)", PAGE.read_text())
    taken = re.findall(r'photograph\(lab, pictures, "([a-z-]+)"\)', Path(__file__).read_text())
    assert shown == [f"tutorial-{name}.png" for name in taken]


def test_1_open_a_lab(lab: LabPage, pictures: Path | None):
    expect(lab.page.locator(".jp-Launcher")).to_be_visible()
    photograph(lab, pictures, "open")


def test_2_clone_a_repository(lab: LabPage, repository: str, pictures: Path | None):
    lab.choose("Git", "Clone a Repository")
    dialog = lab.page.get_by_role("dialog")
    dialog.get_by_role("textbox").first.fill(repository)
    photograph(lab, pictures, "clone")
    dialog.get_by_role("button", name="Clone").click()
    expect(lab.page.locator(".jp-DirListing-item", has_text=LESSON)).to_be_visible(timeout=60_000)


def test_3_attach_data(lab: LabPage, data: Path, pictures: Path | None):
    panel = HistoriesPanel(lab.page).open()
    panel.create("CT segmentation")
    panel.upload([data])
    expect(panel.row("ct.h5")).to_be_visible(timeout=60_000)
    expect(panel.upload_of("ct.h5")).to_have_class(re.compile("pj-mod-done"), timeout=60_000)
    lab.open_notebook(f"{LESSON}/1_fetch_data.ipynb")
    lab.change_cell("patients =", ATTACHED)
    run_all(lab)
    assert "of a predictor that finds nothing" in lab.shown_text()
    HistoriesPanel(lab.page).open()
    expect(HistoriesPanel(lab.page).row("ct.h5")).to_be_visible(timeout=60_000)
    photograph(lab, pictures, "data")


def test_4_train(lab: LabPage, pictures: Path | None):
    lab.open_notebook(f"{LESSON}/2_train.ipynb")
    lab.change_cell("n_filters =", SHORT)
    run_all(lab)
    photograph(lab, pictures, "train")


def test_5_train_remotely(lab: LabPage, pictures: Path | None):
    dialog = RunDialog(lab.page).from_toolbar()
    expect(dialog.input("data/ct.h5")).to_be_checked()
    photograph(lab, pictures, "run-remotely")
    dialog.sent().wait_for("done")
    photograph(lab, pictures, "job")


def test_6_predict_masks(lab: LabPage, pictures: Path | None):
    lab.open_notebook(f"{LESSON}/4_predict.ipynb")
    lab.change_cell("model =", PREDICT)
    run_all(lab)
    shown = lab.shown_text()
    assert "masks predicted" in shown
    assert "finds nothing" in shown
    lab.page.get_by_role("img").last.scroll_into_view_if_needed()
    photograph(lab, pictures, "predict")


def test_7_fold_a_protein(lab: LabPage, empty_platform: Platform, pictures: Path | None):
    if not (empty_platform.home / "envs" / "lab" / "share" / "jupyter" / "kernels" / "igfold").is_dir():
        pytest.skip("needs the environment igfold: perijove env install igfold --accept-license")
    lab.open_notebook("notebooks/protein-folding/3_antibodies.ipynb")
    editor = lab.page.locator(".jp-CodeCell .cm-content", has_text="accept_licence =").first
    accepted = editor.inner_text().replace("accept_licence = False", "accept_licence = True")
    lab.change_cell("accept_licence =", accepted.replace("models = 4", "models = 1"))
    run_all(lab)
    assert "'residues': 112" in lab.shown_text(), "the light chain, measured"
    structure = lab.page.locator(".pj-structure").last
    structure.scroll_into_view_if_needed()
    expect(structure.locator("canvas")).to_be_visible()
    expect(structure.get_by_role("img")).to_have_attribute("aria-label", re.compile("234 residues"))
    lab.page.wait_for_timeout(1000)  # the first picture of a structure takes a moment
    photograph(lab, pictures, "fold")
