"""The start page: there at once, filled from others as they answer, readable everywhere."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect
from tests.browser.accessibility import expect_accessible
from tests.browser.page_objects import HomePage, WelcomePage

from perijove.hub.testing import FrontDoor

PASSWORD = "correct horse battery"
PHONE = {"viewport": {"width": 375, "height": 740}}
DARK = {"color_scheme": "dark"}
LOOKS = pytest.mark.parametrize(
    "look", [{}, DARK, PHONE, {**PHONE, **DARK}], ids=["light", "dark", "phone", "phone-dark"]
)
NewPage = Callable[..., Page]


@pytest.fixture
def grace(door: FrontDoor, galaxy: str, new_page: NewPage) -> Page:
    page = new_page()
    WelcomePage(page).open(door.client.sign_in_link("grace")).choose(PASSWORD)
    return page


@pytest.fixture
def histories(door: FrontDoor, galaxy: str, grace: Page) -> Iterator[None]:
    """Two of grace's, and none when the test is over."""
    with requests.Session() as session:
        session.headers["x-api-key"] = door.client.new_token("grace", note="test")
        made = [
            session.post(f"{galaxy}/api/histories", json={"name": name}, timeout=60).json()["id"]
            for name in ("CT of a lung", "Antibodies")
        ]
        session.put(f"{galaxy}/api/histories/{made[0]}", json={"importable": True}, timeout=60)
        yield
        for history in made:
            session.delete(f"{galaxy}/api/histories/{history}?purge=true", timeout=60)


@pytest.fixture
def news(door: FrontDoor) -> Iterator[Path]:
    file = door.settings.layout.news_file
    file.write_text("The GPUs rest on Sunday.\n\nQuestions: https://help.example.org\n")
    yield file
    file.unlink()


def test_who_is_new_reads_what_can_be_done(grace: Page, pictures: Path | None) -> None:
    home = HomePage(grace).open()
    expect(home.part("work")).to_contain_text("No job is under way")
    expect(home.part("work")).to_contain_text("There is no history yet")
    expect(home.part("machine")).to_contain_text("4 of 4 free")
    expect(grace.get_by_role("heading", name="News")).to_have_count(0)
    home.photograph(pictures, "start-page-new")


@LOOKS
def test_it_shows_what_there_is_in_every_window(
    grace: Page,
    new_page: NewPage,
    histories: None,
    news: Path,
    look: dict[str, object],
    pictures: Path | None,
    request: pytest.FixtureRequest,
) -> None:
    page = new_page(storage_state=grace.context.storage_state(), **look)
    home = HomePage(page).open()
    expect(home.part("work")).to_contain_text("CT of a lung")
    expect(home.part("work")).to_contain_text("Antibodies")
    expect(home.part("work").locator(".pj-badge", has_text="shared")).to_have_count(1)
    expect(home.part("machine")).to_contain_text("Small 1 CPU, 1 GiB")
    expect(page.get_by_text("The GPUs rest on Sunday")).to_be_visible()
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1")
    expect_accessible(page)
    home.photograph(pictures, f"start-page-{request.node.callspec.id}")


def test_news_are_text(grace: Page, news: Path) -> None:
    news.write_text("<script>window.loot = 1</script> <b>bold</b> https://help.example.org/?a=1&b=2")
    HomePage(grace).open()
    expect(grace.get_by_text("<b>bold</b>")).to_be_visible()
    link = grace.get_by_role("link", name="https://help.example.org/?a=1&b=2")
    expect(link).to_have_attribute("rel", "noopener")
    assert grace.evaluate("window.loot") is None


def test_it_waits_for_no_history_server(door: FrontDoor, grace: Page, histories: None) -> None:
    page = HomePage(grace).open()
    expect(page.part("work")).to_contain_text("CT of a lung")
    pid = door.pid("histories")
    os.kill(pid, signal.SIGSTOP)  # it takes connections and never answers
    try:
        started = time.monotonic()
        page = HomePage(grace).open()
        expect(page.start_button).to_be_visible()
        expect(page.part("machine")).to_contain_text("4 of 4 free")
        assert time.monotonic() - started < 4
        expect(page.part("work")).to_contain_text("cannot be looked up just now", timeout=15_000)
    finally:
        os.kill(pid, signal.SIGCONT)
    expect(page.part("work")).to_contain_text("CT of a lung", timeout=60_000)  # by itself


def test_a_part_is_for_who_is_signed_in(door: FrontDoor, galaxy: str) -> None:
    for part in ("work", "machine"):
        answer = requests.get(f"{door.url}/hub/parts/{part}", allow_redirects=False, timeout=30)
        assert answer.status_code == 302
        assert "/login" in answer.headers["location"]


@pytest.mark.parametrize("look", [{}, DARK], ids=["light", "dark"])
def test_axe_finds_nothing_serious_on_the_hub_s_pages(
    door: FrontDoor, new_page: NewPage, look: dict[str, object]
) -> None:
    visitor = new_page(**look)
    for path in ("/hub/login", "/hub/signup", "/hub/welcome"):
        visitor.goto(path)
        expect_accessible(visitor)
    WelcomePage(visitor).open(door.client.sign_in_link("the-admin", admin=True)).choose(PASSWORD)
    for path in ("/hub/spawn", "/hub/people", "/hub/change-password", "/hub/token", "/hub/nothing-here"):
        visitor.goto(path)
        expect_accessible(visitor)
