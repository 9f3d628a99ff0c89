"""How fast panels with much in them open in a real browser, against the bare request for what they show."""

from __future__ import annotations

import re
import secrets
import shutil
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
from playwright.sync_api import Page, sync_playwright
from tests.browser.histories_panel import HistoriesPanel
from tests.browser.page_objects import HomePage, WelcomePage
from tests.conftest import BROWSER_FLAGS, BROWSERS

from benchmarks.measure import Row
from benchmarks.platform import Platform, perijove

USER = "panels"
HISTORIES, DATASETS, TURNS = 200, 10_000, 9
AIM = 300.0  # milliseconds
LARGE = "Ten thousand"
# From a click until rows that were not there before stand in the page and have been painted.
_CLICKED = """([button, shown]) => new Promise(resolve => {
  const begin = performance.now();
  const look = () => document.querySelector(shown)
    ? requestAnimationFrame(() => resolve(performance.now() - begin))
    : requestAnimationFrame(look);
  document.querySelector(button).dispatchEvent(new MouseEvent("click", {bubbles: true}));
  look();
})"""
_BARE = """async (path) => {
  const begin = performance.now();
  const token = /_xsrf=([^;]*)/.exec(document.cookie)[1];
  await (await fetch(path, {headers: {"X-XSRFToken": token}})).json();
  return performance.now() - begin;
}"""


def run(platform: Platform) -> list[Row]:
    """The choice of 200 histories, and the list of a history with 10,000 datasets."""
    link = re.search(r"http\S+", perijove("user", "add", USER))
    assert link is not None, "the user's link is printed once: use a fresh home"
    key = perijove("token", USER)
    history = fill(platform.galaxy_url, key)
    with lab(platform, link[0]) as page:
        panel = HistoriesPanel(page).open()
        panel.rows.first.wait_for()
        return [
            row(
                f"the choice among {HISTORIES} histories, in the browser, against the bare request for them",
                median(lambda: opened_choice(page)),
                median(lambda: bare(page, "histories?view=summary&limit=2000")),
            ),
            row(
                f"a history of {DATASETS:,} datasets, chosen in the panel, against the bare request",
                median(lambda: opened_history(page)),
                median(lambda: bare(page, f"histories/{history}/contents?limit=100&order=hid-dsc")),
            ),
        ]


def row(what: str, ours: float, bare_request: float) -> Row:
    return Row(what, ours, bare_request, "ms", "met" if ours < AIM else "missed", f"below {AIM:.0f} ms")


def median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(TURNS))


def opened_choice(page: Page) -> float:
    """Milliseconds until the histories to choose from are painted."""
    page.keyboard.press("Escape")
    taken: float = page.evaluate(_CLICKED, [".pj-Picker-button", ".pj-Picker-choice li:nth-child(30)"])
    page.locator(".pj-Picker-button").click()
    return taken


def opened_history(page: Page) -> float:
    """Milliseconds from the choice of the large history, out of a small one, until its rows are painted."""
    panel = HistoriesPanel(page)
    panel.go_to("Project 177")
    panel.picker.click()
    panel.panel.get_by_label("Find a history").fill(LARGE)
    taken: float = page.evaluate(
        _CLICKED, [".pj-Picker-choice li button", ".pj-Row[aria-setsize='10000'][data-id]"]
    )
    return taken


def bare(page: Page, path: str) -> float:
    """Milliseconds of the request alone, from the same browser through the same lab."""
    taken: float = page.evaluate(_BARE, f"/user/{USER}/perijove/galaxy/api/{path}")
    return taken


def fill(url: str, key: str) -> str:
    """Many histories, and one with many datasets; the id of that one."""
    client = httpx.Client(base_url=f"{url}/api", headers={"x-api-key": key}, timeout=300)
    for number in range(HISTORIES - 1):
        client.post("/histories", json={"name": f"Project {number}"}).raise_for_status()
    history: str = client.post("/histories", json={"name": LARGE}).raise_for_status().json()["id"]
    part = 500
    for start in range(0, DATASETS, part):
        elements = [
            {
                "src": "pasted",
                "paste_content": f"value {number}\n",
                "ext": "txt",
                "name": f"reading-{number:05}.txt",
            }
            for number in range(start, start + part)
        ]
        targets = [{"destination": {"type": "hdas"}, "elements": elements}]
        body = {"history_id": history, "targets": targets}
        client.post("/tools/fetch", json=body).raise_for_status()
    return history


@contextmanager
def lab(platform: Platform, link: str) -> Iterator[Page]:
    """A lab in a real browser."""
    found = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(BROWSER_FLAGS))
        context = browser.new_context(base_url=platform.hub_url, viewport={"width": 1400, "height": 900})
        page = context.new_page()
        WelcomePage(page).open(link).choose(secrets.token_urlsafe(12))
        yield HomePage(page).start_first_flavor().page
        browser.close()
