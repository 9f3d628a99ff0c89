"""After a reload uploads go on without the file being asked for, where a browser can open it again.

No test can click a browser's own picker of files. Here it is replaced by one that gives real handles of real
files from the browser's private file system, which a page may always read; what is dropped lies on the disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bioblend.galaxy import GalaxyInstance
from playwright.sync_api import Page, Request, expect
from tests.browser.histories_panel import HistoriesPanel, settled

MEGABYTE = 1_000_000
SLOWLY = 3 * MEGABYTE
PICKED = """async ({ name, sizes }) => {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(name, { create: true });
  for (const [path, size] of Object.entries(sizes)) {
    const file = await folder.getFileHandle(path, { create: true });
    const writing = await file.createWritable();
    const bytes = new Uint8Array(size).map((_, place) => (place * 7 + (place >> 8)) % 251);
    await writing.write(bytes);
    await writing.close();
  }
  const files = await Promise.all(Object.keys(sizes).map(path => folder.getFileHandle(path)));
  window.showOpenFilePicker = async () => files;
  window.showDirectoryPicker = async () => folder;
}"""
CHANGE = """async ({ name, path }) => {
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(name);
  const writing = await (await folder.getFileHandle(path)).createWritable();
  await writing.write('another');
  await writing.close();
}"""

# Without a screen Chromium lets a page read a dropped file again unasked: this asks as it does with one.
ASKS = """(() => {
  let given = false;
  const asks = FileSystemHandle.prototype;
  asks.queryPermission = async () => (given ? 'granted' : 'prompt');
  asks.requestPermission = async () => {
    given = navigator.userActivation.isActive;
    return given ? 'granted' : 'denied';
  };
})()"""


def bytes_of(size: int) -> bytes:
    """What `PICKED` writes."""
    return bytes((place * 7 + (place >> 8)) % 251 for place in range(size))


@pytest.fixture
def panel(page: Page) -> HistoriesPanel:
    settled(page)
    return HistoriesPanel(page).open()


@pytest.fixture
def slowly(page: Page) -> Iterator[None]:
    """Uploads take long enough to be interrupted."""
    session = page.context.new_cdp_session(page)
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1}
    session.send("Network.emulateNetworkConditions", {**limits, "uploadThroughput": SLOWLY})
    yield
    session.send("Network.emulateNetworkConditions", {**limits, "uploadThroughput": -1})


class Sent:
    """What the page sends of files, from now on: the offsets at which it begins."""

    def __init__(self, page: Page) -> None:
        self.offsets: list[int] = []
        page.on("request", self._note)

    def _note(self, request: Request) -> None:
        if request.method == "PATCH":
            self.offsets.append(int(request.headers["upload-offset"]))


def passes(panel: HistoriesPanel, name: str, share: float) -> None:
    """Wait until so much of it is sent."""
    progress = panel.upload_of(name).locator("progress").first
    size = int(progress.get_attribute("max") or 0)
    while int(progress.get_attribute("value") or 0) < share * size:
        panel.page.wait_for_timeout(50)


@pytest.mark.usefixtures("slowly")
def test_a_file_that_may_be_read_goes_on_by_itself(
    panel: HistoriesPanel, page: Page, gi: GalaxyInstance
) -> None:
    panel.create("Goes on")
    size = 12 * MEGABYTE
    page.evaluate(PICKED, {"name": "alone", "sizes": {"large.bin": size}})
    panel.panel.get_by_role("button", name="Upload files").click()
    passes(panel, "large.bin", 0.4)
    sent = Sent(page)
    page.reload()
    panel.open()
    expect(panel.row("large.bin")).to_be_visible(timeout=60_000)
    assert sent.offsets
    assert min(sent.offsets) > 0.2 * size
    history = gi.histories.get_histories(name="Goes on")[0]["id"]
    (dataset,) = gi.histories.show_history(history, contents=True)
    assert gi.datasets.download_dataset(dataset["id"]) == bytes_of(size)


@pytest.mark.usefixtures("slowly")
def test_a_folder_goes_on_without_what_changed(
    panel: HistoriesPanel, page: Page, gi: GalaxyInstance, pictures: Path | None
) -> None:
    panel.create("Folder goes on")
    sizes = {"a.bin": 1000, "b.bin": 6 * MEGABYTE, "c.bin": 6 * MEGABYTE}
    page.evaluate(PICKED, {"name": "pair", "sizes": sizes})
    panel.panel.get_by_role("button", name="Upload a folder").click()
    passes(panel, "pair/", 0.3)
    page.evaluate(CHANGE, {"name": "pair", "path": "c.bin"})
    page.reload()
    panel.open()
    folder = panel.folder_of("pair")
    expect(folder).to_contain_text("2 of 3 files", timeout=60_000)
    expect(folder).to_contain_text("1 failed")
    expect(folder).to_contain_text("has changed since")
    panel.photograph(pictures, "upload-folder-changed")
    expect(panel.row("pair")).to_be_hidden()
    folder.get_by_role("button", name="Cancel: c.bin").click()
    expect(panel.row("pair")).to_contain_text("2 elements")
    made = gi.histories.get_histories(name="Folder goes on")[0]["id"]
    names = [one["name"] for one in gi.histories.show_history(made, contents=True, visible=False)]
    assert names == ["a.bin", "b.bin"]


@pytest.mark.usefixtures("slowly")
def test_a_folder_is_shown_again_where_a_browser_keeps_no_handle(
    panel: HistoriesPanel, page: Page, tmp_path: Path
) -> None:
    panel.create("Shown again")
    first, other = tmp_path / "one" / "twice", tmp_path / "two" / "twice"
    for folder in (first, other):
        folder.mkdir(parents=True)
        (folder / "x.bin").write_bytes(folder.parent.name.encode() * 3 * MEGABYTE)
        (folder / "y.txt").write_text("y")
    panel.upload_folder(first)
    passes(panel, "twice/", 0.2)
    page.reload()
    panel.open()
    sending = panel.folder_of("twice")
    for chosen in (other, first):
        with page.expect_file_chooser() as chooser:
            sending.get_by_role("button", name="again").click()
        chooser.value.set_files(str(chosen))
        if chosen == other:
            expect(sending.get_by_role("alert")).to_contain_text("None of the files")
    expect(panel.row("twice")).to_contain_text("2 elements", timeout=60_000)


@pytest.mark.usefixtures("slowly")
def test_whoever_dropped_a_file_presses_once(
    panel: HistoriesPanel, page: Page, tmp_path: Path, pictures: Path | None
) -> None:
    panel.create("Dropped")
    file = tmp_path / "dropped.bin"
    file.write_bytes(b"d" * 10 * MEGABYTE)
    panel.drop(file)
    passes(panel, "dropped.bin", 0.3)
    page.add_init_script(ASKS)
    page.reload()
    panel.open()
    upload = panel.upload_of("dropped.bin")
    expect(upload).to_contain_text("nothing of it is lost")
    panel.photograph(pictures, "upload-goes-on")
    sent = Sent(page)
    upload.get_by_role("button", name="Go on: dropped.bin").click()
    expect(panel.row("dropped.bin")).to_be_visible(timeout=60_000)
    assert min(sent.offsets) > 0
