"""What a new user does in a real browser on a whole platform: a cell with Keras, then the CT notebooks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.page_objects import PATIENCE, HomePage, LabPage
from tests.integration.platform.conftest import Platform, first_administrator

pytestmark = [
    pytest.mark.root,
    pytest.mark.platform,
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(1500),
]

SMALL = 'data = "data/ct.h5"\npatients = [2, 1, 2]\nslices = 4\nseed = 2023\nsource = "phantom"'
SHORT = """data = "data/ct.h5"
n_filters, epochs, batch_size, learning_rate, dropout = 2, 2, 4, 2e-3, 0.1
dice_weight, tv_weight, augmentation, seed, threads = 1.0, 2.4e-7, True, 7, 2"""
PARAMETERS = 'parameters = {"n_filters": 2, "epochs": 2, "batch_size": 4}'
REMOTE = (
    f'data = "data/ct.h5"\nresources, history, job_id, original_form = {{}}, "CT", "", False\n{PARAMETERS}'
)


@pytest.fixture(scope="module")
def page(empty_platform: Platform, browser: Browser) -> Iterator[Page]:
    """Signed in by the link that `perijove up` prints."""
    context = browser.new_context(base_url=empty_platform.url, viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(PATIENCE)
    yield first_administrator(empty_platform, context)
    context.close()


@pytest.fixture(scope="module")
def lab(page: Page) -> LabPage:
    return HomePage(page).start_first_flavor()


def test_a_cell_imports_keras(lab: LabPage, pictures: Path | None) -> None:
    lab.new_notebook("AI")
    lab.run_cell("import keras; print('Keras', keras.__version__, keras.backend.backend())")
    answer = lab.page.locator(".jp-OutputArea-output", has_text=re.compile(r"^\s*Keras 3\.\S+ tensorflow"))
    expect(answer).to_be_visible(timeout=PATIENCE)
    lab.photograph(pictures, "keras")


def test_the_ct_notebooks_from_the_first_to_the_last(lab: LabPage, pictures: Path | None) -> None:
    lab.open_notebook("notebooks/ct-segmentation/1_fetch_data.ipynb")
    lab.change_cell("patients =", SMALL)
    lab.run_all()
    assert "of a predictor that finds nothing" in lab.shown_text()
    lab.photograph(pictures, "ct-1")

    lab.open_notebook("notebooks/ct-segmentation/2_train.ipynb")
    lab.change_cell("n_filters =", SHORT)
    lab.run_all()
    lab.photograph(pictures, "ct-2")

    lab.open_notebook("notebooks/ct-segmentation/3_train_remotely.ipynb")
    lab.change_cell("parameters =", REMOTE)
    lab.run_all()
    assert "job " in lab.shown_text()
    lab.photograph(pictures, "ct-3")

    lab.open_notebook("notebooks/ct-segmentation/4_predict.ipynb")
    lab.run_all()
    lab.photograph(pictures, "ct-4")
    shown = lab.shown_text()
    assert "masks predicted" in shown
    assert "finds nothing" in shown
    assert re.search(r"\bdice\b", shown)
