"""Sharing from the lab: a public page made, copied, brought up to date and taken back, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.accessibility import expect_accessible
from tests.browser.page_objects import HomePage, LabPage, PublicPage, ShareDialog, WelcomePage

from perijove.hub.testing import FrontDoor

PASSWORD = "correct horse battery"
NewPage = Callable[..., Page]


@pytest.fixture
def lab(door: FrontDoor, galaxy: str, new_page: NewPage, request: pytest.FixtureRequest) -> LabPage:
    """Of somebody whose home is empty."""
    page = new_page()
    name = f"ada-{request.node.name.split('_')[2]}"
    WelcomePage(page).open(door.client.sign_in_link(name)).choose(PASSWORD)
    lab = HomePage(page).open().start().start("Small").wait()
    lab.new_notebook()
    return lab


def test_a_page_from_its_making_to_its_end(lab: LabPage, new_page: NewPage, pictures: Path | None) -> None:
    lab.run_cell("print('the first ' + 'snapshot')")
    sharing = ShareDialog.by_toolbar(lab.page)
    expect(sharing.make).to_be_enabled()
    expect_accessible(lab.page, ".jp-Dialog")
    sharing.make.click()
    link = sharing.link()
    sharing.photograph(pictures, "share-dialog")
    visitor = PublicPage(new_page()).open(link)
    expect(visitor.notebook.get_by_text("the first snapshot")).to_be_visible()
    sharing.close()

    lab.run_cell("print('the second ' + 'snapshot')")
    visitor.page.reload()
    expect(visitor.notebook.get_by_text("the first snapshot")).to_be_visible()
    expect(visitor.notebook.get_by_text("the second snapshot")).to_have_count(0)
    again = ShareDialog.by_menu(lab.page)
    assert again.link() == link
    again.button("Update it").click()
    expect(again.status).to_contain_text("as it is now")
    visitor.page.reload()
    expect(visitor.notebook.get_by_text("the second snapshot")).to_be_visible()

    again.button("Take it back").click()
    expect(again.status).to_contain_text("leads nowhere")
    visitor.page.reload()
    expect(visitor.page.get_by_role("heading", name="This page is not there")).to_be_visible()


def test_every_page_is_listed_and_taken_back(lab: LabPage, pictures: Path | None) -> None:
    sharing = ShareDialog.by_files(lab.page, "Untitled.ipynb")
    sharing.make.click()
    sharing.link()
    sharing.close()
    listed = ShareDialog.list(lab.page)
    listed.photograph(pictures, "what-i-share")
    expect(listed.dialog.get_by_role("link", name="Untitled")).to_be_visible()
    listed.dialog.get_by_role("button", name="Take back Untitled").click()
    expect(listed.dialog).to_contain_text("You have no public page")


def test_a_history_server_that_is_away_is_said(door: FrontDoor, lab: LabPage) -> None:
    door.stop_histories()
    try:
        sharing = ShareDialog.by_toolbar(lab.page)
        expect(sharing.dialog.get_by_role("alert")).to_contain_text("does not answer", timeout=60_000)
    finally:
        door.start_histories()


def test_the_way_to_a_room(lab: LabPage) -> None:
    lab.page.get_by_role("menuitem", name="File", exact=True).click()
    with lab.page.context.expect_page() as opened:
        lab.page.get_by_role("menuitem", name="Share with People…", exact=True).click()
    expect(opened.value.get_by_role("heading", name="Rooms").first).to_be_visible()
