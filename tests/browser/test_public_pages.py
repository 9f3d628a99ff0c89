"""A published notebook: how visitors see it, and how they take it into their own lab."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import requests
from playwright.sync_api import Page, expect
from tests.browser.accessibility import expect_accessible
from tests.browser.page_objects import LabPage, PublicPage, SignInPage, WelcomePage

from perijove.hub.testing import FrontDoor
from perijove_lab.extension.share.publishing import page_of

PASSWORD = "correct horse battery"
PHONE = {"viewport": {"width": 375, "height": 740}}
DARK = {"color_scheme": "dark"}
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR4nGNgYPjPgA3hEGYYqhIAYBw/wbcVuJsAAAAASUVORK5CYII="
)
TEXT = """# Segmenting a lung

A **U-Net** learns where the lung is: it minimises

$$L = 1 - \\frac{2 |A \\cap B|}{|A| + |B|}$$

- in *twelve* epochs
- on one GPU

See [the paper](https://doi.org/10.1093/gigascience/giad028), or `loss()` below.
"""
CODE = """import numpy as np

# Each epoch halves the distance
def loss(step: int) -> float:
    return 0.3 + np.exp(-step) * 2  # "small" enough

loss(3)"""
NewPage = Callable[..., Page]


def notebook() -> nbformat.NotebookNode:
    """A bit of everything that a good notebook shows."""
    table = "<table><tr><th>epoch</th><th>loss</th></tr><tr><td>1</td><td>0.61</td></tr></table>"
    outputs = [
        nbformat.v4.new_output("stream", text="epoch 1: loss 0.61\n\x1b[32mepoch 2: loss 0.42\x1b[0m\n"),
        nbformat.v4.new_output("display_data", {"text/html": table, "text/plain": "…"}),
        nbformat.v4.new_output("display_data", {"image/png": PNG, "text/plain": "a figure"}),
        nbformat.v4.new_output("execute_result", {"text/latex": "$\\frac{1}{2}$"}, execution_count=1),
    ]
    failed = nbformat.v4.new_output(
        "error",
        ename="ZeroDivisionError",
        evalue="division by zero",
        traceback=["\x1b[31mZeroDivisionError\x1b[0m: division by zero"],
    )
    cells = [
        nbformat.v4.new_markdown_cell(TEXT),
        nbformat.v4.new_code_cell(CODE, execution_count=1, outputs=outputs),
        nbformat.v4.new_code_cell("1 / 0", execution_count=2, outputs=[failed]),
    ]
    metadata = {"language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(metadata=metadata, cells=cells)


@pytest.fixture
def author(door: FrontDoor, galaxy: str) -> Iterator[requests.Session]:
    """The API as ada, who publishes."""
    door.client.add_user("ada")
    with requests.Session() as session:
        session.headers["x-api-key"] = door.client.new_token("ada", note="test")
        yield session


@pytest.fixture
def published(author: requests.Session, galaxy: str) -> dict[str, Any]:
    body = json.loads(json.dumps(page_of("ct/lung.ipynb", notebook())))
    answer = author.post(f"{galaxy}/api/perijove/pages", json=body, timeout=60)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    "look", [{}, DARK, PHONE, {**PHONE, **DARK}], ids=["light", "dark", "phone", "phone-dark"]
)
def test_everybody_reads_it_in_every_window(
    published: dict[str, Any],
    new_page: NewPage,
    look: dict[str, object],
    pictures: Path | None,
    request: pytest.FixtureRequest,
) -> None:
    page = PublicPage(new_page(**look)).open(published["url"])
    expect(page.page.get_by_role("heading", name="Segmenting a lung")).to_be_visible()
    expect(page.page.get_by_text("By ada,")).to_be_visible()
    expect(page.notebook.get_by_text("epoch 2: loss 0.42")).to_be_visible()
    expect(page.notebook.locator("math").first).to_be_visible()
    page.photograph(pictures, f"public-page-{request.node.callspec.id}")
    for part in (page.page, page.frame):
        assert not part.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1")
    expect_accessible(page.page)
    # axe waits for timers, which do not run in the notebook's sandbox: the same document outside of it.
    outside = new_page(**look)
    outside.set_content(page.frame.content())
    expect_accessible(outside)


def test_a_visitor_takes_a_copy_into_their_own_lab(
    door: FrontDoor, published: dict[str, Any], new_page: NewPage
) -> None:
    door.client.add_user("bob")
    page = new_page()
    WelcomePage(page).open(door.client.sign_in_link("bob")).choose(PASSWORD)
    PublicPage(page).open(published["url"]).take().start("Small").wait()
    tab = page.get_by_role("tab", name="Segmenting a lung.ipynb")
    expect(tab.first).to_be_visible(timeout=60_000)
    PublicPage(page).open(published["url"]).take_again()
    LabPage(page).wait()
    expect(page.get_by_role("tab", name="Segmenting a lung-1.ipynb").first).to_be_visible(timeout=60_000)


def test_a_page_that_was_taken_back_says_so(
    published: dict[str, Any], author: requests.Session, galaxy: str, new_page: NewPage
) -> None:
    page = PublicPage(new_page()).open(published["url"])
    author.delete(f"{galaxy}/api/perijove/pages/{published['id']}", timeout=60)
    page.page.reload()
    expect(page.page.get_by_role("heading", name="This page is not there")).to_be_visible()
    expect_accessible(page.page)


def test_who_is_not_signed_in_is_asked_to(published: dict[str, Any], new_page: NewPage) -> None:
    page = PublicPage(new_page()).open(published["url"])
    page.open_in_my_lab.click()
    expect(SignInPage(page.page).page.get_by_role("button", name="Sign in")).to_be_visible()
