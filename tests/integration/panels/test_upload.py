"""A large file goes in through the panel although the network breaks twice and the tab is loaded anew.

`PERIJOVE_TEST_UPLOAD` says how many bytes (5 GB with --slow, else 300 MB).
"""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from bioblend.galaxy import GalaxyInstance
from playwright.sync_api import Error, Page, expect
from tests.browser.histories_panel import HistoriesPanel
from tests.browser.memory import Memory, lab_process
from tests.integration.platform.conftest import Platform

pytestmark = pytest.mark.timeout(1800)
MEGABYTE = 1_000_000
FLAT = 60 * MEGABYTE  # what the lab may grow by while a file of any size passes through it
SLOWLY = 30 * MEGABYTE  # bytes a second, so that each break comes in the middle


@pytest.fixture(scope="module")
def file(request: pytest.FixtureRequest) -> Iterator[Path]:
    slow = request.config.getoption("--slow")
    size = int(os.environ.get("PERIJOVE_TEST_UPLOAD", 5_000_000_000 if slow else 300_000_000))
    path = Path("/var/tmp") / f"perijove-upload-{os.getpid()}.bin"
    block = os.urandom(MEGABYTE)
    with path.open("wb") as into:
        for number in range(size // MEGABYTE):
            into.write(number.to_bytes(8, "little") + block[8:])
    yield path
    path.unlink()


def sent(panel: HistoriesPanel, name: str) -> int:
    return int(panel.upload_of(name).locator("progress").get_attribute("value") or 0)


def answers(page: Page) -> None:
    """Wait until the front door is there again."""
    while True:
        with suppress(Error):
            if page.request.get("/user/ada/api").ok:
                return
        page.wait_for_timeout(200)


def passes(page: Page, panel: HistoriesPanel, name: str, share: float, size: int) -> None:
    """Wait until that share of the file is with the server."""
    while sent(panel, name) < share * size:
        page.wait_for_timeout(100)


def test_a_large_file(
    page: Page,
    file: Path,
    gi: GalaxyInstance,
    empty_platform: Platform,
    pictures: Path | None,
) -> None:
    size = file.stat().st_size
    panel = HistoriesPanel(page).open()
    panel.create("Large")
    memory = Memory(lab_process(empty_platform.home / "envs"))
    memory.start()
    page.context.new_cdp_session(page).send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": max(SLOWLY, size / 40),
        },
    )
    panel.upload([file])
    upload = panel.upload_of(file.name)
    passes(page, panel, file.name, 0.2, size)
    panel.photograph(pictures, "upload-runs")

    # The browser has no network, for a while.
    page.context.set_offline(True)
    page.wait_for_timeout(3000)
    before = sent(panel, file.name)
    page.context.set_offline(False)
    passes(page, panel, file.name, max(0.4, before / size), size)

    # The front door dies; the platform starts it again.
    os.kill(empty_platform.process("proxy")["pid"], signal.SIGKILL)
    passes(page, panel, file.name, 0.6, size)
    answers(page)

    # Paused by hand, then the tab is loaded anew: the file is shown again, and goes on.
    upload.get_by_role("button", name="Pause").click()
    expect(upload).to_contain_text("paused at")
    page.reload()
    panel.open()
    expect(upload).to_contain_text("nothing of it is lost", timeout=60_000)
    panel.photograph(pictures, "upload-interrupted")
    with page.expect_file_chooser() as chooser:
        upload.get_by_role("button", name="again").click()
    chooser.value.set_files(str(file))
    page.wait_for_timeout(1000)
    assert sent(panel, file.name) > 0.5 * size

    expect(panel.row(file.name)).to_be_visible(timeout=900_000)
    growth = memory.growth()
    history = gi.histories.get_histories(name="Large")[0]["id"]
    dataset = gi.datasets.show_dataset(gi.histories.show_history(history, contents=True)[0]["id"])
    assert dataset["state"] == "ok"
    assert dataset["file_size"] == size
    assert kept(empty_platform, dataset) == digest(file)
    print(f"\n{size / 1e9:.1f} GB through the panel: the lab grew by {growth / 1e6:.0f} MB")
    assert growth < FLAT


def kept(platform: Platform, dataset: dict[str, object]) -> str:
    """The digest of what the history server hands out."""
    import requests

    url = f"{platform.url}/services/galaxy/api/datasets/{dataset['id']}/display"
    whole = hashlib.blake2b()
    with requests.get(url, headers={"x-api-key": platform.token("ada")}, stream=True, timeout=600) as answer:
        for block in answer.iter_content(1 << 20):
            whole.update(block)
    return whole.hexdigest()


def digest(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "blake2b").hexdigest()


def test_another_file_of_that_name_is_refused(page: Page, tmp_path: Path) -> None:
    panel = HistoriesPanel(page).open()
    first, other = tmp_path / "one" / "a.bin", tmp_path / "two" / "a.bin"
    for path, size in ((first, 40), (other, 41)):
        path.parent.mkdir()
        path.write_bytes(b"x" * size * MEGABYTE)
    page.context.set_offline(True)
    panel.upload([first])
    expect(panel.upload_of("a.bin")).to_be_visible()
    page.context.set_offline(False)
    page.reload()
    panel.open()
    upload = panel.upload_of("a.bin")
    with page.expect_file_chooser() as chooser:
        upload.get_by_role("button", name="again").click()
    chooser.value.set_files(str(other))
    expect(upload.get_by_role("alert")).to_contain_text("another file")
    upload.get_by_role("button", name="Cancel").click()
    expect(upload).to_be_hidden()
