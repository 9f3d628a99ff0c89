"""From asking for access to a cell that runs, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.page_objects import (
    FlavorPage,
    HomePage,
    LabPage,
    PeoplePage,
    SignInPage,
    SignUpPage,
    WelcomePage,
)

from perijove.hub.testing import FrontDoor

PASSWORD = "correct horse battery"
PHONE = {"viewport": {"width": 375, "height": 740}}
DARK = {"color_scheme": "dark"}
NewPage = Callable[..., Page]


@pytest.fixture
def admin(door: FrontDoor, new_page: NewPage) -> Page:
    page = new_page()
    WelcomePage(page).open(door.client.sign_in_link("the-admin", admin=True)).choose(PASSWORD)
    return page


def test_the_whole_way(door: FrontDoor, admin: Page, new_page: NewPage, pictures: Path | None) -> None:
    page = new_page()
    signing_up = SignUpPage(page).open()
    signing_up.photograph(pictures, "sign-up")
    signing_up.ask("ada", PASSWORD)
    expect(signing_up.thanks).to_contain_text("Thank you, ada")

    SignInPage(page).open().sign_in("ada", PASSWORD)
    expect(SignInPage(page).waiting).to_be_visible()

    people = PeoplePage(admin).open()
    people.photograph(pictures, "people")
    expect(people.row("ada")).to_contain_text("asks for access")
    people.decide("ada", "Approve")
    expect(people.row("ada")).not_to_contain_text("asks for access")

    SignInPage(page).open().sign_in("ada", PASSWORD)
    home = HomePage(page).open()
    home.photograph(pictures, "home")
    choosing = home.start()
    expect(choosing.flavor("Small")).to_be_checked()
    choosing.photograph(pictures, "flavors")
    lab = choosing.start("Small").wait()
    lab.new_notebook()
    assert lab.run_cell("print(6 * 7)").strip() == "42"
    lab.photograph(pictures, "lab")

    home = HomePage(page).open()
    expect(home.held).to_contain_text("Holds 1 CPU, 1 GiB")
    home.photograph(pictures, "home-running")

    others = HomePage(admin).open().start()
    expect(others.flavor("Whole machine")).to_be_disabled()
    expect(admin.get_by_text("Held by ada (lab: 1 CPU, 1 GiB)")).to_be_visible()
    others.photograph(pictures, "flavors-held")

    home.stop()
    expect(home.held).to_contain_text("Holds nothing")


def test_what_is_wrong_is_said_where_it_is(new_page: NewPage) -> None:
    page = new_page()
    signing_up = SignUpPage(page).open()
    signing_up.ask("bob", PASSWORD, "something else entirely")
    expect(signing_up.problem).to_contain_text("The two passwords differ")
    SignInPage(page).open().sign_in("nobody", "not the password")
    expect(SignInPage(page).problem).to_contain_text("Name or password is wrong")


def test_a_link_made_on_the_page_lets_somebody_in_and_leaves_no_trace(admin: Page, new_page: NewPage) -> None:
    link = PeoplePage(admin).open().link_for("eva")
    page = new_page()
    welcome = WelcomePage(page).open(link)
    assert "#" not in page.url
    assert page.get_by_label("Name").input_value() == "eva"
    welcome.choose(PASSWORD)
    expect(page.get_by_role("heading", name="My labs")).to_be_visible()


@pytest.mark.parametrize(
    "look", [{}, DARK, PHONE, {**PHONE, **DARK}], ids=["light", "dark", "phone", "phone-dark"]
)
def test_every_page_fits_every_window(
    admin: Page,
    new_page: NewPage,
    look: dict[str, object],
    pictures: Path | None,
    request: pytest.FixtureRequest,
) -> None:
    page = new_page(storage_state=admin.context.storage_state(), **look)
    name = request.node.callspec.id
    for path in (
        "/hub/home",
        "/hub/spawn",
        "/hub/people",
        "/hub/change-password",
        "/hub/token",
        "/hub/nothing-here",
    ):
        page.goto(path)
        too_wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1")
        assert not too_wide, path
        HomePage(page).photograph(pictures, f"{name}{path.replace('/', '-')}")
    stranger = new_page(**look)
    for path in ("/hub/login", "/hub/signup"):
        stranger.goto(path)
        assert not stranger.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"), path
        HomePage(stranger).photograph(pictures, f"{name}{path.replace('/', '-')}")


def test_the_start_page_works_without_a_mouse(admin: Page) -> None:
    admin.goto("/hub/spawn")
    admin.locator("input[name=flavor]:checked").focus()
    admin.keyboard.press("ArrowDown")
    expect(FlavorPage(admin).flavor("Whole machine")).to_be_checked()
    admin.keyboard.press("ArrowUp")
    admin.keyboard.press("Enter")
    LabPage(admin).wait()
    HomePage(admin).open().stop()


def test_a_second_lab_is_named_started_and_listed(admin: Page) -> None:
    HomePage(admin).open().new_lab("side-lab").start("Small").wait()
    HomePage(admin).open()
    row = admin.locator("[data-server-name='side-lab']")
    expect(row).to_contain_text("Holds 1 CPU, 1 GiB")
    row.get_by_role("button", name="Stop").click()
    expect(row.get_by_role("button", name="Remove")).to_be_visible(timeout=60_000)
