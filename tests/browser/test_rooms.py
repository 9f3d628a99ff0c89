"""Rooms: two people in one notebook, live, until one of them is shut out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.accessibility import expect_accessible
from tests.browser.page_objects import PATIENCE, LabPage, RoomsPage, WelcomePage

from perijove.hub.testing import FrontDoor

PASSWORD = "correct horse battery"
REMEMBER_SOCKETS = """
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...given) { super(...given); window.sockets.push(this); }
};
"""
OPEN_SOCKETS = "window.sockets.filter((socket) => socket.readyState === WebSocket.OPEN).length"
NewPage = Callable[..., Page]
LONELY = "'' ['Untitled.ipynb']"
# Milliseconds; what is called "at once".
AT_ONCE = 10_000


@pytest.fixture
def owner(door: FrontDoor, galaxy: str, new_page: NewPage) -> Page:
    page = new_page()
    WelcomePage(page).open(door.client.sign_in_link("olga")).choose(PASSWORD)
    return page


@pytest.fixture
def guest(door: FrontDoor, galaxy: str, new_page: NewPage) -> Page:
    page = new_page()
    WelcomePage(page).open(door.client.sign_in_link("gus")).choose(PASSWORD)
    return page


def test_two_people_in_one_room(owner: Page, guest: Page, new_page: NewPage, pictures: Path | None) -> None:
    lab = RoomsPage(owner).open().make("seminar").start("Small").wait()
    lab.new_notebook()
    # Nothing of the owner's is in there: no key to the histories, no file of their home.
    assert (
        lab.run_cell(
            "import os; print(repr(os.environ.get('API_KEY')), __import__('glob').glob('*'))"
        ).strip()
        == LONELY
    )

    rooms = RoomsPage(new_page(storage_state=owner.context.storage_state())).open()
    invitation = rooms.invitation("seminar")
    expect_accessible(rooms.page)
    guest.goto(invitation)
    expect(guest.get_by_role("heading", name="olga invites you")).to_be_visible()
    expect_accessible(guest)
    guest.get_by_role("button", name="Accept and enter").click()
    # The hub asks once for each room of somebody else.
    expect(guest.get_by_role("button", name="Authorize")).to_be_visible()
    expect_accessible(guest)
    guest.get_by_role("button", name="Authorize").click()
    LabPage(guest).wait()
    visited = LabPage(guest)
    guest.add_init_script(REMEMBER_SOCKETS)
    visited.open_notebook("Untitled.ipynb")

    editor = owner.locator(".jp-Notebook .jp-CodeCell .cm-content").last
    editor.fill("x = 'typed by the owner'")
    expect(guest.get_by_text("typed by the owner")).to_be_visible(timeout=AT_ONCE)
    guest.locator(".jp-Notebook .jp-CodeCell .cm-content").last.fill("x = 'and by the guest'")
    expect(owner.get_by_text("and by the guest")).to_be_visible(timeout=AT_ONCE)
    visited.photograph(pictures, "room")

    rooms.open()
    expect(rooms.room("seminar")).to_contain_text("Shared with 1")
    rooms.photograph(pictures, "rooms")
    assert guest.evaluate(OPEN_SOCKETS) >= 2  # the kernel, the document
    entered = guest.url
    rooms.take_back("seminar", "gus")
    expect(rooms.room("seminar")).to_contain_text("Nobody else may enter yet")
    guest.wait_for_function(f"{OPEN_SOCKETS} === 0", timeout=AT_ONCE)
    for _ in range(20):  # JupyterLab tries to come back, again and again
        guest.wait_for_timeout(250)
        assert guest.evaluate(OPEN_SOCKETS) == 0
    again = guest.goto(invitation)
    assert again is not None
    assert again.status == 404
    answer = guest.goto(entered)
    assert answer is not None
    assert answer.status == 403
    assert guest.context.request.get(entered.partition("/lab")[0] + "/api/contents").status == 403

    # The owner's work goes on: same kernel, same names.
    assert lab.run_cell("print('kernel', 'os' in dir())").strip() == "kernel True"


def test_somebody_is_invited_by_name(owner: Page, guest: Page) -> None:
    RoomsPage(owner).open().make("lab-meeting")
    rooms = RoomsPage(owner).open()
    rooms.invite("lab-meeting", "nobody-here")
    expect(owner.get_by_role("alert")).to_contain_text("There is nobody named nobody-here")
    rooms.invite("lab-meeting", "gus")
    expect(rooms.room("lab-meeting")).to_contain_text("gus")
    theirs = RoomsPage(guest).open()
    expect(theirs.shared_with_me("lab-meeting")).to_contain_text("A room of olga")
    rooms.take_back("lab-meeting", "gus")
    theirs.open()
    expect(theirs.shared_with_me("lab-meeting")).to_have_count(0)
    rooms.room("lab-meeting").get_by_role("button", name="Remove").click()
    expect(rooms.room("lab-meeting")).to_have_count(0)


def test_a_link_that_was_taken_back_lets_nobody_in(owner: Page, guest: Page) -> None:
    RoomsPage(owner).open().make("short")
    rooms = RoomsPage(owner).open()
    invitation = rooms.invitation("short")
    rooms.room("short").get_by_role("button", name="Take the link back").click()
    answer = guest.goto(invitation)
    assert answer is not None
    assert answer.status == 404
    expect(guest.get_by_role("heading", name="There is nothing here")).to_be_visible(timeout=PATIENCE)
    RoomsPage(owner).open().room("short").get_by_role("button", name="Remove").click()
