"""The histories panel in a real lab: every command of it, as a user gives it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import pytest
from bioblend import ConnectionError as GalaxyError
from bioblend.galaxy import GalaxyInstance
from playwright.sync_api import Page, expect
from tests.browser.accessibility import expect_accessible
from tests.browser.histories_panel import HistoriesPanel, settled
from tests.browser.page_objects import LabPage
from tests.integration.platform.conftest import Platform

from perijove_lab import submit

HOSTILE = """<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100">
<circle cx="50" cy="50" r="40" fill="teal"/><script>document.title = "owned"</script></svg>"""
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": "# Measured"},
        {
            "cell_type": "code",
            "metadata": {},
            "source": "print(6 * 7)",
            "execution_count": 1,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "42\n"}],
        },
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 4,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    with h5py.File(folder / "ct.h5", "w") as file:
        file["train/images"] = np.zeros((4, 8, 8), "f4")
        file["patients"] = np.arange(4)
    rows = "".join(f"p{number},{number / 10}\n" for number in range(900))
    (folder / "table.csv").write_text(f"patient,dice\n{rows}")
    (folder / "notes.txt").write_text("Some notes\n")
    (folder / "hostile.svg").write_text(HOSTILE)
    (folder / "executed.ipynb").write_text(json.dumps(NOTEBOOK))
    return folder


@pytest.fixture
def panel(page: Page) -> HistoriesPanel:
    settled(page)
    return HistoriesPanel(page).open()


def test_the_first_history_and_files_from_the_browser(
    panel: HistoriesPanel, files: Path, gi: GalaxyInstance, pictures: Path | None
) -> None:
    expect(panel.panel).to_contain_text("A history keeps your data")
    panel.create("CT segmentation")
    panel.upload(sorted(files.iterdir()))
    for file in files.iterdir():
        expect(panel.row(file.name)).to_be_visible()
    panel.photograph(pictures, "histories-uploaded")
    history = gi.histories.get_histories(name="CT segmentation")[0]["id"]
    kept = {one["name"]: one["id"] for one in gi.histories.show_history(history, contents=True)}
    for file in files.iterdir():
        content: bytes = gi.datasets.download_dataset(kept[file.name])
        assert content == file.read_bytes()
    expect(panel.panel.locator(".pj-Upload")).to_have_count(0, timeout=20_000)


def test_find(panel: HistoriesPanel, gi: GalaxyInstance) -> None:
    panel.search("tab")
    expect(panel.rows).to_have_count(1)
    expect(panel.rows).to_contain_text("table.csv")
    panel.search("type:h5")
    expect(panel.rows).to_contain_text(["ct.h5"])
    panel.search("nothing like it")
    expect(panel.panel).to_contain_text("Nothing here fits.")
    panel.search("")
    expect(panel.rows).to_have_count(5)


def test_tags_and_names(panel: HistoriesPanel, page: Page) -> None:
    panel.choose("notes.txt")
    panel.act("Tags…")
    panel.answer("Tags", "draft, mine", "Save")
    expect(panel.row("notes.txt").locator(".pj-Tag")).to_have_text(["draft", "mine"])
    panel.search("tag:draft")
    expect(panel.rows).to_have_count(1)
    panel.search("")
    panel.row("notes.txt").click()
    page.keyboard.press("F2")
    panel.answer("Name", "remarks.txt", "Rename")
    expect(panel.row("remarks.txt")).to_be_visible()


def test_delete_and_bring_back(panel: HistoriesPanel, page: Page) -> None:
    panel.choose("remarks.txt")
    panel.panel.get_by_role("listbox").focus()
    page.keyboard.press("Delete")
    expect(panel.row("remarks.txt")).to_be_hidden()
    page.get_by_role("button", name="Bring back").click()
    expect(panel.row("remarks.txt")).to_be_visible()
    panel.menu("remarks.txt", "Delete")
    expect(panel.row("remarks.txt")).to_be_hidden()
    panel.show_deleted(True)
    panel.choose("remarks.txt")
    panel.act("Bring back")
    panel.show_deleted(False)
    expect(panel.row("remarks.txt")).to_be_visible()


def test_a_collection_of_two(panel: HistoriesPanel, pictures: Path | None) -> None:
    panel.choose("table.csv", "remarks.txt")
    panel.act("Make a Collection…")
    panel.answer("Name", "both", "Make it")
    expect(panel.row("both")).to_contain_text("2 elements")
    shown = panel.look("both")
    expect(shown.get_by_role("link", name="table.csv")).to_be_visible()
    panel.photograph(pictures, "histories-collection")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("table.csv", "The first 500 rows"),
        ("remarks.txt", "Some notes"),
        ("ct.h5", "images"),
    ],
)
def test_look_inside(panel: HistoriesPanel, name: str, says: str, pictures: Path | None) -> None:
    expect(panel.look(name)).to_contain_text(says, timeout=30_000)
    panel.photograph(pictures, f"histories-look-{name}")


def test_look_at_a_notebook(panel: HistoriesPanel, pictures: Path | None) -> None:
    frame = panel.look("executed.ipynb").frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Measured")).to_be_visible()
    expect(frame.get_by_text("42", exact=True)).to_be_visible()
    panel.photograph(pictures, "histories-look-notebook")


def test_a_picture_runs_no_script(panel: HistoriesPanel, page: Page) -> None:
    picture = panel.look("hostile.svg").get_by_role("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 200
    assert page.title() != "owned"
    # Nor does it where its address is opened by itself.
    row = panel.row("hostile.svg").get_attribute("data-id")
    alone = page.context.new_page()
    answer = alone.request.get(f"/user/ada/perijove/galaxy/api/datasets/{row}/display")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    alone.close()


def test_download(panel: HistoriesPanel, page: Page, files: Path) -> None:
    panel.choose("ct.h5")
    with page.expect_download() as started:
        panel.act("Download")
    assert Path(started.value.path()).read_bytes() == (files / "ct.h5").read_bytes()


def test_into_a_notebook_and_the_lab(
    panel: HistoriesPanel, page: Page, fresh: LabPage, pictures: Path | None
) -> None:
    panel.open()
    fresh.new_notebook()
    editor = page.locator(".jp-CodeCell .cm-content").first
    panel.row("ct.h5").drag_to(editor)
    expect(editor).to_contain_text("ct_h5 = get(")
    panel.photograph(pictures, "histories-dragged")
    editor.press("Shift+Enter")
    panel.choose("table.csv")
    panel.act("Use in notebook")
    second = page.locator(".jp-CodeCell .cm-content", has_text="table_csv = get(")
    expect(second).to_be_visible()
    panel.choose("table.csv")
    panel.act("Get into lab")
    expect(page.locator(".Toastify")).to_contain_text(re.compile(r"It is in \d+-table.csv"))


def test_a_file_of_the_lab_into_the_history(panel: HistoriesPanel, page: Page, gi: GalaxyInstance) -> None:
    panel.close()
    item = page.locator(".jp-DirListing-item", has_text="-table.csv")
    item.click(button="right")
    page.locator(".lm-Menu-item", has_text="Put into the History").click()
    expect(page.locator(".Toastify")).to_contain_text(re.compile(r"In the history: \d+-table.csv"))
    panel.open()
    expect(panel.rows.filter(has_text="table.csv")).to_have_count(2)


def test_what_somebody_else_does_is_seen(panel: HistoriesPanel, gi: GalaxyInstance) -> None:
    history = gi.histories.get_histories(name="CT segmentation")[0]["id"]
    made = gi.tools.paste_content("a\tb\n", history, file_name="from outside")["outputs"][0]["id"]
    expect(panel.row("from outside")).to_be_visible()
    gi.histories.delete_dataset(history, made)
    expect(panel.row("from outside")).to_be_hidden()


def test_what_a_job_made_leads_to_the_job(
    panel: HistoriesPanel, page: Page, gi: GalaxyInstance, tmp_path: Path, pictures: Path | None
) -> None:
    (tmp_path / "double.py").write_text("print(2 * float(open('rows.csv').read()))\n")
    (tmp_path / "rows.csv").write_text("21")
    submit(
        tmp_path / "double.py",
        inputs={"rows.csv": tmp_path / "rows.csv"},
        history="CT segmentation",
        server=gi.base_url,
        key=gi.key,
    ).wait()
    panel.search("type:json")
    expect(panel.rows).to_have_count(1)
    panel.rows.click()
    panel.act("Made by…")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("run_jupyter_job")
    expect(dialog).to_contain_text("rows.csv")
    panel.photograph(pictures, "histories-made-by")
    dialog.get_by_role("button", name="Show the job").click()
    expect(page.locator("#perijove-jobs")).to_contain_text("double")
    panel.open()
    panel.act("Made by…")
    page.get_by_role("dialog").get_by_role("button", name="Run again").click()
    expect(page.locator("#perijove-jobs")).to_contain_text("double")
    panel.open()
    panel.search("")
    while any(job["state"] not in ("ok", "error", "deleted") for job in gi.jobs.get_jobs()):
        page.wait_for_timeout(500)
    page.wait_for_timeout(5000)  # the lab hears that they have ended, and follows them no more


def test_nothing_is_asked_while_it_is_hidden(panel: HistoriesPanel, page: Page, gi: GalaxyInstance) -> None:
    asked: list[str] = []

    def note(request: Any) -> None:
        asked.append(request.url)

    panel.close()
    page.on("request", note)
    history = gi.histories.get_histories(name="CT segmentation")[0]["id"]
    gi.tools.paste_content("x", history, file_name="unseen")
    page.wait_for_timeout(8000)
    page.remove_listener("request", note)
    assert not [url for url in asked if "/perijove/galaxy/" in url]
    panel.open()
    expect(panel.row("unseen")).to_be_visible()


def test_rename_delete_and_bring_back_a_history(panel: HistoriesPanel, page: Page) -> None:
    panel.create("Wrong name")
    panel.picker.click(button="right")
    page.locator(".lm-Menu-item", has_text="Rename History…").click()
    panel.answer("Name", "Right name", "Rename")
    expect(panel.name).to_have_text("Right name")
    panel.picker.click(button="right")
    page.locator(".lm-Menu-item", has_text="Delete History").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(panel.name).to_have_text("CT segmentation")
    panel.picker.click(button="right")
    page.locator(".lm-Menu-item", has_text="Bring Back").click()
    page.get_by_role("dialog").get_by_role("button", name="Bring it back").click()
    expect(panel.name).to_have_text("Right name")
    panel.go_to("CT segmentation")


def test_share_by_link_and_by_name(
    panel: HistoriesPanel, page: Page, gi: GalaxyInstance, empty_platform: Platform, pictures: Path | None
) -> None:
    empty_platform.run("user", "add", "bob")
    bob = GalaxyInstance(gi.base_url, key=empty_platform.token("bob"))
    bob.users.get_current_user()
    history = gi.histories.get_histories(name="CT segmentation")[0]["id"]
    panel.panel.get_by_role("button", name="Share History…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Anybody with the link").click()
    link = dialog.get_by_label("Link", exact=True)
    expect(link).to_have_value(re.compile("^http"))
    visitor = page.context.browser.new_context() if page.context.browser else None
    assert visitor is not None
    assert visitor.request.get(link.input_value()).ok
    dialog.get_by_label("Anybody with the link").click()
    expect(link).to_be_hidden()
    people = dialog.get_by_label("People who may read")
    people.fill("nobody-of-that-name")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("status")).to_contain_text("nobody-of-that-name")
    people.fill("bob")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("status")).to_contain_text("Saved")
    panel.photograph(pictures, "histories-share")
    expect_accessible(page, ".jp-Dialog")
    assert bob.histories.show_history(history)["name"] == "CT segmentation"
    people.fill("")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("status")).to_contain_text("Saved")
    with pytest.raises(GalaxyError):
        bob.histories.show_history(history)
    dialog.get_by_role("button", name="Close").click()
    visitor.close()


def test_by_keyboard_alone(panel: HistoriesPanel, page: Page) -> None:
    panel.panel.get_by_role("listbox").focus()
    page.keyboard.press("Home")
    first = panel.rows.first
    expect(first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(first).to_have_attribute("aria-selected", "false")
    page.keyboard.press("End")
    expect(panel.rows.last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.locator(".pj-Preview").last).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    panel: HistoriesPanel, page: Page, theme: Literal["light", "dark"], pictures: Path | None
) -> None:
    page.emulate_media(color_scheme=theme)
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", str(theme == "light").lower())
    panel.choose("ct.h5")
    panel.look("table.csv")
    expect_accessible(page, "#perijove-histories")
    expect_accessible(page, ".pj-Preview")
    panel.photograph(pictures, f"histories-{theme}")
    page.emulate_media(color_scheme="light")
