"""The histories panel in a lab that has a real Galaxy behind it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from bioblend.galaxy import GalaxyInstance
from playwright.sync_api import Browser, Page, expect
from tests.browser.histories_panel import HistoriesPanel
from tests.browser.page_objects import PATIENCE
from tests.integration.galaxy.conftest import LabServer

from perijove.testing.real_galaxy.server import Running

pytestmark = [pytest.mark.galaxy, pytest.mark.browser, pytest.mark.timeout(900)]


@pytest.fixture
def page(browser: Browser, lab: LabServer) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(lab.address("lab"))
    yield page
    context.close()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    with h5py.File(folder / "ct.h5", "w") as file:
        file["train/images"] = np.zeros((4, 8, 8), "f4")
    (folder / "table.csv").write_text("patient,dice\np1,0.5\np2,0.6\n")
    (folder / "notes.txt").write_text("Some notes\n")
    return folder


def test_from_upload_to_the_lab(
    page: Page, files: Path, real_galaxy: Running, lab_home: Path, pictures: Path | None
) -> None:
    alice = GalaxyInstance(real_galaxy.url, real_galaxy.keys["alice"])
    name = f"Panel {secrets.token_hex(3)}"
    panel = HistoriesPanel(page).open()
    panel.create(name)
    panel.upload(sorted(files.iterdir()))
    history = alice.histories.get_histories(name=name)[0]["id"]
    for file in files.iterdir():
        expect(panel.row(file.name)).to_be_visible(timeout=PATIENCE)
        expect(panel.row(file.name)).not_to_contain_text("queued", timeout=PATIENCE)
        expect(panel.row(file.name)).not_to_contain_text("running", timeout=PATIENCE)
    kept = {one["name"]: one["id"] for one in alice.histories.show_history(history, contents=True)}
    for file in files.iterdir():
        content: bytes = alice.datasets.download_dataset(kept[file.name], require_ok_state=True)
        assert content == file.read_bytes()
    panel.photograph(pictures, "galaxy-histories")

    expect(panel.look("table.csv")).to_contain_text("p2")
    panel.choose("notes.txt")
    panel.act("Tags…")
    panel.answer("Tags", "draft", "Save")
    expect(panel.row("notes.txt").locator(".pj-Tag")).to_have_text(["draft"])
    panel.search("tag:draft")
    expect(panel.rows).to_have_count(1)
    panel.search("")
    panel.choose("notes.txt")
    panel.act("Rename…")
    panel.answer("Name", "remarks.txt", "Rename")
    expect(panel.row("remarks.txt")).to_be_visible()

    panel.choose("table.csv", "remarks.txt")
    panel.act("Make a Collection…")
    panel.answer("Name", "both", "Make it")
    expect(panel.row("both")).to_contain_text("2 elements")

    panel.choose("remarks.txt")
    panel.act("Delete")
    expect(panel.row("remarks.txt")).to_be_hidden()
    panel.show_deleted(True)
    panel.choose("remarks.txt")
    panel.act("Bring back")
    panel.show_deleted(False)
    expect(panel.row("remarks.txt")).to_be_visible()

    panel.choose("ct.h5")
    panel.act("Get into lab")
    expect(page.locator(".Toastify")).to_contain_text("It is in", timeout=PATIENCE)
    got = next(lab_home.glob("*ct.h5"))
    assert got.read_bytes() == (files / "ct.h5").read_bytes()


SLOWLY = 8_000_000  # bytes a second, so that the break comes in the middle


def test_a_dropped_file_goes_on_after_a_break(page: Page, tmp_path: Path, real_galaxy: Running) -> None:
    file = tmp_path / "large.bin"
    content = secrets.token_bytes(2**20) * 100
    file.write_bytes(content)
    alice = GalaxyInstance(real_galaxy.url, real_galaxy.keys["alice"])
    name = f"Dropped {secrets.token_hex(3)}"
    panel = HistoriesPanel(page).open()
    panel.create(name)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": SLOWLY}
    network = page.context.new_cdp_session(page)
    network.send("Network.emulateNetworkConditions", slow)
    begun, broken = [], []
    page.on("request", lambda request: begun.append(request.url.endswith("/resumable_upload")))
    page.on("requestfailed", lambda request: broken.append(request.method))
    panel.drop(file)
    upload = panel.upload_of(file.name)

    def arrived() -> int:
        return int(upload.locator("progress").get_attribute("value") or 0)

    while arrived() < 0.4 * len(content):
        page.wait_for_timeout(100)
    network.send("Network.emulateNetworkConditions", {**slow, "offline": True})
    page.wait_for_timeout(5000)
    assert arrived() < 0.9 * len(content)
    assert "PATCH" in broken
    network.send("Network.emulateNetworkConditions", slow)
    expect(panel.row(file.name)).to_be_visible(timeout=PATIENCE)
    assert sum(begun) == 1  # what had arrived was not sent again
    history = alice.histories.get_histories(name=name)[0]["id"]
    dataset = alice.histories.show_history(history, contents=True)[0]["id"]
    whole = alice.datasets.download_dataset(dataset, require_ok_state=True, maxwait=PATIENCE / 1000)
    assert hashlib.sha256(whole).hexdigest() == hashlib.sha256(content).hexdigest()
