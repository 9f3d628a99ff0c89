"""A hostile notebook or file, shared publicly, gets nothing from a visitor who is signed in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nbformat
import pytest
import requests
from playwright.sync_api import Browser, Frame, Page
from tests.browser.hostile import Elsewhere, elsewhere, markup, picture
from tests.browser.page_objects import WelcomePage

from perijove.hub.testing import FrontDoor
from perijove_lab.extension.share.publishing import page_of

PASSWORD = "correct horse battery"
_ADD_FRAME = """(address) => {
  const frame = document.createElement("iframe");
  frame.src = address;
  document.body.append(frame);
}"""
# As long as scripts, refreshes and redirects of the hostile content need.
A_WHILE = 2500


@pytest.fixture
def evil() -> Iterator[Elsewhere]:
    with elsewhere() as found:
        yield found


@pytest.fixture
def victim(browser: Browser, door: FrontDoor, galaxy: str) -> Iterator[Page]:
    """A window of somebody who is signed in to the hub."""
    context = browser.new_context(base_url=door.url)
    page = context.new_page()
    WelcomePage(page).open(door.client.sign_in_link("victim")).choose(PASSWORD)
    yield page
    context.close()


@pytest.fixture
def mallory(door: FrontDoor, galaxy: str) -> Iterator[requests.Session]:
    """The attacker's way to the API."""
    door.client.add_user("mallory")
    with requests.Session() as session:
        session.headers["x-api-key"] = door.client.new_token("mallory", note="test")
        yield session


def hostile_notebook(source: str, url: str) -> nbformat.NotebookNode:
    """Every way into a page that a notebook has."""
    attached = {"a.svg": {"image/svg+xml": picture(url)}}
    outputs = [
        nbformat.v4.new_output("display_data", {"text/html": source}),
        nbformat.v4.new_output("display_data", {"image/svg+xml": picture(url)}),
        nbformat.v4.new_output("display_data", {"application/javascript": "window.loot = ['javascript']"}),
        nbformat.v4.new_output(
            "display_data", {"text/markdown": f"[m](javascript:alert(1)) ![i]({url}/md-output)"}
        ),
        nbformat.v4.new_output(
            "display_data", {"text/latex": "$</math><script>window.loot = ['tex']</script>$"}
        ),
        nbformat.v4.new_output("stream", text="<script>window.loot = ['stream']</script>"),
        nbformat.v4.new_output(
            "error", ename="<script>", evalue="</pre><script>1</script>", traceback=["<script>"]
        ),
    ]
    cells = [
        nbformat.v4.new_markdown_cell(
            f"# Hello\n\n{source}\n\n![i]({url}/md) ![a](attachment:a.svg) $</style><b>$"
        ),
        nbformat.v4.new_code_cell("print(1)</script></style>", outputs=outputs, execution_count=1),
        nbformat.v4.new_raw_cell(source),
    ]
    cells[0]["attachments"] = attached
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["title"] = "</title></h1><script>window.loot = ['title']</script>"
    return notebook


def publish(mallory: requests.Session, galaxy: str, url: str, *, rendered: bool, at_once: bool = True) -> str:
    """The link of the hostile page; as our lab renders it, or as an attacker writes the HTML at will."""
    source = markup(url, at_once=at_once)
    body: dict[str, Any] = page_of("a/b.ipynb", hostile_notebook(source, url))
    if not rendered:
        body["html"] = f"<html><head>{source}</head><body>{source}</body></html>"
    answer = mallory.post(f"{galaxy}/api/perijove/pages", json=body, timeout=60)
    assert answer.status_code == 201, answer.text
    assert answer.json()["interactive"]
    return str(answer.json()["url"])


def inner(page: Page) -> Frame:
    """The frame that holds the notebook."""
    found = page.frame(url=lambda url: url.split("?")[0].endswith("/notebook"))
    assert found is not None, [frame.url for frame in page.frames]
    return found


def answered(page: Page) -> list[str]:
    """What the window has got answers from; what a policy stopped is not among it."""
    found: list[str] = []
    page.on("response", lambda response: found.append(response.url))
    return found


def loot(frame: Frame) -> list[str]:
    found: list[str] = frame.evaluate("window.loot ?? []")
    return found


@pytest.mark.parametrize("rendered", [True, False], ids=["our rendering", "any HTML"])
def test_nothing_runs_and_nothing_leaves(
    victim: Page, mallory: requests.Session, galaxy: str, evil: Elsewhere, rendered: bool
) -> None:
    link = publish(mallory, galaxy, evil.url, rendered=rendered)
    asked = answered(victim)
    victim.goto(link)
    victim.wait_for_timeout(A_WHILE)
    assert loot(inner(victim)) == []
    assert victim.url == link
    assert set(asked) == {link, f"{link}/notebook"}
    assert evil.heard == []
    assert inner(victim).evaluate("self.origin") == "null"


@pytest.mark.parametrize(
    "target", ["#hub-form", "#form", "#script-link", "#script-link-top", "#top-link", "#own-link"]
)
def test_a_click_leads_the_visitor_nowhere_in_this_window(
    victim: Page, mallory: requests.Session, galaxy: str, evil: Elsewhere, target: str
) -> None:
    link = publish(mallory, galaxy, evil.url, rendered=False)
    victim.goto(link)
    victim.wait_for_timeout(500)
    inner(victim).locator(target).first.dispatch_event("click")
    victim.wait_for_timeout(A_WHILE)
    assert victim.url == link
    assert evil.heard == []
    assert len(victim.context.pages) == 1


@pytest.mark.parametrize("rendered", [True, False], ids=["our rendering", "any HTML"])
def test_scripts_that_a_visitor_asked_for_reach_nothing(
    victim: Page, mallory: requests.Session, galaxy: str, evil: Elsewhere, rendered: bool
) -> None:
    link = publish(mallory, galaxy, evil.url, rendered=rendered, at_once=False)
    asked = answered(victim)
    victim.goto(f"{link}?interactive=true")
    victim.wait_for_timeout(600)
    gained = loot(inner(victim))
    victim.wait_for_timeout(A_WHILE)
    assert gained
    assert set(gained) <= {
        "ran",
        "onerror",
        "svg",
        "svg script",
        "javascript",
        "stream",
        "tex",
        "link",
        "title",
    }
    assert victim.url == f"{link}?interactive=true"
    assert evil.heard == []
    assert set(asked) == {f"{link}?interactive=true", f"{link}/notebook?interactive=true"}
    assert len(victim.context.pages) == 1


def test_a_refresh_does_not_lead_the_frame_away(
    victim: Page, mallory: requests.Session, galaxy: str, evil: Elsewhere
) -> None:
    link = publish(mallory, galaxy, evil.url, rendered=True)
    victim.goto(f"{link}?interactive=true")
    victim.wait_for_timeout(A_WHILE)
    assert victim.url == f"{link}?interactive=true"
    assert evil.heard == []


def test_the_frame_is_of_no_use_without_the_page(
    victim: Page, mallory: requests.Session, galaxy: str, evil: Elsewhere
) -> None:
    link = publish(mallory, galaxy, evil.url, rendered=False)
    victim.goto(f"{link}/notebook?interactive=true")
    assert victim.url == link
    victim.wait_for_timeout(A_WHILE)
    assert evil.heard == []


def test_no_foreign_page_frames_a_public_page(
    victim: Page, mallory: requests.Session, galaxy: str, evil: Elsewhere
) -> None:
    link = publish(mallory, galaxy, evil.url, rendered=False)
    victim.goto(evil.url)
    for address in (link, f"{link}/notebook"):
        victim.evaluate(_ADD_FRAME, address)
    victim.wait_for_timeout(1000)
    assert not [frame for frame in victim.frames if frame.url.startswith(galaxy)]


@pytest.mark.parametrize("ext", ["svg", "html"])
def test_a_shared_file_is_downloaded_and_not_shown(
    victim: Page, mallory: requests.Session, galaxy: str, evil: Elsewhere, ext: str
) -> None:
    history = mallory.post(f"{galaxy}/api/histories", json={"name": "bait"}, timeout=60).json()["id"]
    content = picture(evil.url) if ext == "svg" else markup(evil.url)
    targets = {
        "history_id": history,
        "targets": [
            {
                "destination": {"type": "hdas"},
                "elements": [{"src": "pasted", "paste_content": content, "name": f"a.{ext}", "ext": ext}],
            }
        ],
    }
    made = mallory.post(f"{galaxy}/api/tools/fetch", json=targets, timeout=60).json()
    dataset = made["outputs"][0]["id"]
    mallory.put(f"{galaxy}/api/histories/{history}", json={"importable": True}, timeout=60)
    victim.goto("/hub/home")
    for query in ("", "?preview=true", "?to_ext=html"):
        with victim.expect_download() as download:
            victim.evaluate(f"window.location = '{galaxy}/api/datasets/{dataset}/display{query}'")
        assert download.value.suggested_filename.endswith(f".{ext}")
    assert victim.url.endswith("/hub/home")
    assert evil.heard == []
