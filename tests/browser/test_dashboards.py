"""What a lab shows beside notebooks: models, arrays, logs, applications, and its own use."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect
from tests.browser.page_objects import HomePage, LabPage, WelcomePage

from perijove.hub.testing import FrontDoor

NewPage = Callable[..., Page]
ENVIRONMENTS = Path(os.environ.get("PERIJOVE_TEST_HOME", "/nonexistent")) / "envs"
# A graph of MatMul and Relu.
ONNX = (
    "CA46hwEKEQoBeAoBdxIBeSIGTWF0TXVsCgwKAXkSAXoiBFJlbHUSAWcqOwgECAMQASIwAAAAAAAAgD8AAABAAABAQAAAgEAAAKBA"
    "AADAQAAA4EAAAABBAAAQQQAAIEEAADBBQgF3WhEKAXgSDAoKCAESBgoACgIIBGIRCgF6EgwKCggBEgYKAAoCCANCAhAc"
)
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
ARRAY = "import h5py, sys; h5py.File(sys.argv[1], 'w').create_dataset('brightness', data=[[1.0], [2.0]])"

pytestmark = pytest.mark.skipif(
    not (ENVIRONMENTS / "tools").is_dir(),
    reason="needs PERIJOVE_TEST_HOME with the tools: `make test` sets it",
)


@pytest.fixture
def lab(door: FrontDoor, new_page: NewPage) -> LabPage:
    page = new_page()
    WelcomePage(page).open(door.client.sign_in_link("looker")).choose("correct horse battery")
    return HomePage(page).open().start().start("Small").wait()


def test_models_arrays_logs_and_applications(
    lab: LabPage, new_page: NewPage, pictures: Path | None, tmp_path: Path
) -> None:
    subprocess.run([ENVIRONMENTS / "lab" / "bin" / "python", "-c", ARRAY, tmp_path / "a.h5"], check=True)
    lab.put_file("looker", "model.onnx", base64.b64decode(ONNX))
    lab.put_file("looker", "arrays.h5", (tmp_path / "a.h5").read_bytes())
    lab.put_folder("looker", "logs")
    code = nbformat.v4.new_code_cell("print('an application of', 6 * 7)")
    lab.put_notebook(
        "looker", "app.ipynb", nbformat.v4.new_notebook(cells=[code], metadata={"kernelspec": KERNEL})
    )
    lab.refresh_files()

    expect(lab.usage).to_contain_text("/ 1.0 GiB", timeout=30_000)
    lab.usage.click()
    explained = lab.page.get_by_role("dialog", name="Resources")
    expect(explained).to_contain_text("small")
    lab.photograph(pictures, "usage")
    lab.page.keyboard.press("Escape")

    lab.open_file("model.onnx")
    expect(lab.shown_frame().get_by_text("MatMul")).to_be_visible(timeout=60_000)
    lab.photograph(pictures, "netron")

    lab.open_file("arrays.h5")
    expect(lab.page.get_by_text("brightness").first).to_be_visible(timeout=60_000)
    lab.photograph(pictures, "h5web")

    lab.page.locator(".jp-DirListing-item", has_text="logs").click(button="right")
    lab.page.get_by_role("menuitem", name="TensorBoard").click()
    expect(lab.shown_frame().get_by_text("No dashboards are active")).to_be_visible(timeout=90_000)
    lab.photograph(pictures, "tensorboard")

    lab.open_file("app.ipynb")
    lab.page.locator("[data-jp-item-name=perijove-voila]").click()
    expect(lab.shown_frame().get_by_text("an application of 42")).to_be_visible(timeout=120_000)
    lab.photograph(pictures, "voila")

    stranger = new_page()
    for frame in lab.page.locator("iframe").all():
        address = str(frame.get_attribute("src"))
        stranger.goto(address)
        assert "/hub/login" in stranger.url, address
