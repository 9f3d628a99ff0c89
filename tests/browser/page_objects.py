"""The pages as a user sees them: what can be done on each, by the words and labels on it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Frame, FrameLocator, Locator, Page, expect

# Two busy cores need their time.
PATIENCE = 300_000


@dataclass(frozen=True)
class OnPage:
    """Anything that is done on a page."""

    page: Page

    def photograph(self, folder: Path | None, name: str) -> None:
        """Keep a picture where a folder for them is given."""
        if folder is not None:
            self.page.screenshot(path=str(folder / f"{name}.png"), full_page=True)


class SignUpPage(OnPage):
    """Ask for access."""

    def open(self) -> SignUpPage:
        self.page.goto("/hub/signup")
        return self

    def ask(self, name: str, password: str, again: str | None = None) -> None:
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_label("The same password again").fill(password if again is None else again)
        self.page.get_by_role("button", name="Ask for access").click()

    @property
    def thanks(self) -> Locator:
        return self.page.locator("#signup-done")

    @property
    def problem(self) -> Locator:
        return self.page.get_by_role("alert")


class SignInPage(OnPage):
    """Name and password."""

    def open(self) -> SignInPage:
        self.page.goto("/hub/login")
        return self

    def sign_in(self, name: str, password: str) -> None:
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    @property
    def waiting(self) -> Locator:
        return self.page.locator("#waits-for-approval")

    @property
    def problem(self) -> Locator:
        return self.page.locator(".login_error")


class WelcomePage(OnPage):
    """What a one-time link opens."""

    def open(self, link: str) -> WelcomePage:
        self.page.goto(link)
        return self

    def choose(self, password: str, name: str | None = None) -> None:
        if name is not None:
            self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_label("The same password again").fill(password)
        self.page.get_by_role("button", name="Set password and sign in").click()
        self.page.wait_for_url("**/hub/home")


class HomePage(OnPage):
    """My labs."""

    def open(self) -> HomePage:
        self.page.goto("/hub/home")
        return self

    def start(self) -> FlavorPage:
        self.page.get_by_role("button", name="Start my lab").click()
        return FlavorPage(self.page)

    def start_first_flavor(self) -> LabPage:
        """With whatever the page proposes."""
        self.open().start()
        self.page.get_by_role("button", name="Start my lab").click()
        return LabPage(self.page).wait()

    def stop(self) -> None:
        self.page.locator("#stop").click()
        expect(self.page.get_by_role("button", name="Start my lab")).to_be_visible(timeout=PATIENCE)

    def new_lab(self, name: str) -> FlavorPage:
        self.page.get_by_label("A new lab").fill(name)
        self.page.get_by_role("button", name="Choose a flavor").click()
        return FlavorPage(self.page)

    @property
    def held(self) -> Locator:
        return self.page.locator("#default-lab")

    @property
    def start_button(self) -> Locator:
        return self.page.get_by_role("button", name="Start my lab")

    def part(self, name: str) -> Locator:
        """What comes after the first paint: `work` or `machine`."""
        return self.page.locator(f"[data-part={name}]")


class FlavorPage(OnPage):
    """Choose a flavor."""

    def flavor(self, title: str) -> Locator:
        return self.page.get_by_role("radio", name=re.compile(rf"^{re.escape(title)}\b"))

    def start(self, title: str) -> LabPage:
        self.flavor(title).check()
        self.page.get_by_role("button", name="Start my lab").click()
        return LabPage(self.page)


class LabPage(OnPage):
    """JupyterLab."""

    def wait(self) -> LabPage:
        self.page.wait_for_url(re.compile(r"/user/.*/lab"), timeout=PATIENCE)
        expect(self.page.locator(".jp-Launcher, .jp-Notebook").first).to_be_visible(timeout=PATIENCE)
        return self

    def new_notebook(self, kernel: str | None = None) -> None:
        cards = self.page.locator(".jp-Launcher-section", has_text="Notebook").locator(".jp-LauncherCard")
        with self._kernel_awaited():
            (cards.filter(has_text=kernel) if kernel else cards).first.click()

    def open_notebook(self, path: str) -> None:
        """By its address, as a link does, and alone: the kernel awaited is then this notebook's."""
        with self._kernel_awaited():
            self.page.goto(re.sub(r"/lab\b.*", f"/lab/tree/{path}?reset", self.page.url))

    @contextmanager
    def _kernel_awaited(self) -> Iterator[None]:
        """JupyterLab shows a kernel as idle before it is there, and runs nothing until then."""
        with self.page.expect_websocket(lambda opened: "/channels" in opened.url, timeout=PATIENCE):
            yield
        shown = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        expect(shown.locator(".jp-Notebook")).to_be_visible(timeout=PATIENCE)
        idle = shown.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")
        expect(idle).to_be_visible(timeout=PATIENCE)

    def change_cell(self, code: str, replaced: str) -> None:
        """Replace the whole text of the first cell that contains `code`."""
        editor = self.page.locator(".jp-CodeCell .cm-content", has_text=code).first
        editor.scroll_into_view_if_needed()
        editor.fill(replaced)

    def run_all(self) -> None:
        """By the menu, and save; returns when the last cell has run. AssertionError where one failed."""
        self.start_all()
        shown = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        idle = shown.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")
        last = shown.locator(".jp-CodeCell .jp-InputArea-prompt").last
        expect(last).to_have_text(re.compile(r"\[\d+\]:"), timeout=PATIENCE)
        expect(idle).to_be_visible(timeout=PATIENCE)
        wrong = shown.locator("[data-mime-type='application/vnd.jupyter.stderr'], .jp-mod-error")
        found = [text for text in wrong.all_inner_texts() if "Error" in text]
        assert not found, found
        self.save()

    def start_all(self) -> None:
        """Run all cells by the menu, and come back at once."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def save(self) -> None:
        """By the keyboard; returns when the shared document is in its file."""
        saved = self.page.locator(".lm-TabBar-tab.jp-mod-current:not(.jp-mod-dirty)")
        self.page.keyboard.press("Control+s")
        expect(saved.first).to_be_visible(timeout=PATIENCE)

    def close_tab(self) -> None:
        """The notebook's own tab inside JupyterLab; its kernel goes on."""
        self.page.locator(".lm-TabBar-tab.jp-mod-current .lm-TabBar-tabCloseIcon").first.click()

    def return_to(self, path: str) -> LabPage:
        """Open a notebook whose kernel may be at work, without waiting for it to be idle."""
        self.page.goto(path)
        expect(self.page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible(timeout=PATIENCE)
        return self

    def choose(self, menu: str, entry: str) -> None:
        """An entry of the menu bar."""
        self.page.get_by_role("menuitem", name=menu, exact=True).click()
        self.page.get_by_role("menuitem", name=entry).first.click()

    def open_from_files(self, name: str) -> None:
        """By a double click in the file browser."""
        self.page.locator(".jp-DirListing-item", has_text=name).dblclick()
        expect(self.page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible(timeout=PATIENCE)

    def open_file(self, name: str) -> None:
        """By a double click in the file browser; not awaited."""
        self.page.locator(".jp-DirListing-item", has_text=name).dblclick()

    def refresh_files(self) -> None:
        """Let the file browser look again."""
        self.page.locator("#filebrowser [data-jp-item-name=refresh]").first.click()

    def shown_frame(self) -> FrameLocator:
        """The page inside the tab that is shown."""
        return self.page.locator(".lm-DockPanel-widget:not(.lm-mod-hidden) iframe").last.content_frame

    @property
    def usage(self) -> Locator:
        """CPU and memory, in the status bar."""
        return self.page.locator(".pj-Usage-button")

    def put_notebook(self, user: str, path: str, notebook: dict[str, Any]) -> None:
        """Into the home, by the lab's API and this browser's session."""
        self._put(user, path, {"type": "notebook", "format": "json", "content": notebook})

    def put_text(self, user: str, path: str, text: str) -> None:
        """The same with any other file."""
        self._put(user, path, {"type": "file", "format": "text", "content": text})

    def put_file(self, user: str, path: str, content: bytes) -> None:
        """The same with bytes."""
        encoded = base64.b64encode(content).decode()
        self._put(user, path, {"type": "file", "format": "base64", "content": encoded})

    def put_folder(self, user: str, path: str) -> None:
        """An empty one."""
        self._put(user, path, {"type": "directory"})

    def _put(self, user: str, path: str, body: dict[str, Any]) -> None:
        cookies = self.page.context.cookies(f"{self.page.url.split('/user/')[0]}/user/{user}/")
        token = next(cookie["value"] for cookie in cookies if cookie["name"] == "_xsrf")
        address = f"/user/{user}/api/contents/{path}"
        answer = self.page.request.put(address, data=body, headers={"X-XSRFToken": token})
        assert answer.ok, answer.text()

    def read_notebook(self, user: str, path: str) -> dict[str, Any]:
        """As its file holds it."""
        answer = self.page.request.get(f"/user/{user}/api/contents/{path}")
        assert answer.ok, answer.text()
        return dict(answer.json()["content"])

    def cell(self, place: int) -> CellOnPage:
        """The code cell at this place, from 0."""
        return CellOnPage(self.page.locator(".jp-Notebook .jp-CodeCell").nth(place))

    def shown_text(self) -> str:
        """All that the cells have shown."""
        return "\n".join(self.page.locator(".jp-OutputArea-output").all_inner_texts())

    def run_cell(self, code: str) -> str:
        """Type into the current cell, run it, and give what it shows."""
        cells = self.page.locator(".jp-Notebook .jp-CodeCell")
        number = cells.count() - 1
        editor = cells.nth(number).locator(".cm-content")
        editor.fill(code)
        expect(editor).to_contain_text(code.splitlines()[0])
        editor.press("Shift+Enter")
        output = cells.nth(number).locator(".jp-OutputArea-output")
        expect(output.first).to_be_visible(timeout=PATIENCE)
        return output.first.inner_text()


class PublicPage(OnPage):
    """A published notebook."""

    def open(self, url: str) -> PublicPage:
        self.page.goto(url)
        return self

    @property
    def notebook(self) -> FrameLocator:
        return self.page.frame_locator("iframe")

    @property
    def frame(self) -> Frame:
        """The document of the notebook itself."""
        return self.page.frames[1]

    @property
    def open_in_my_lab(self) -> Locator:
        return self.page.get_by_role("link", name="Open in my lab")

    def take(self) -> FlavorPage:
        """A copy into a lab that does not run yet."""
        self.open_in_my_lab.click()
        return FlavorPage(self.page)

    def take_again(self) -> None:
        """A copy into the lab that runs."""
        self.open_in_my_lab.click()


class ShareDialog(OnPage):
    """Sharing, in the lab."""

    @classmethod
    def by_toolbar(cls, page: Page) -> ShareDialog:
        shown = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        shown.locator("[data-jp-item-name=perijove-share]").get_by_role("button").click()
        return cls(page)

    @classmethod
    def by_menu(cls, page: Page) -> ShareDialog:
        page.get_by_role("menuitem", name="File", exact=True).click()
        page.get_by_role("menuitem", name="Share…", exact=True).click()
        return cls(page)

    @classmethod
    def by_files(cls, page: Page, name: str) -> ShareDialog:
        page.locator(".jp-DirListing-item", has_text=name).first.click(button="right")
        page.get_by_role("menuitem", name="Share…", exact=True).click()
        return cls(page)

    @classmethod
    def list(cls, page: Page) -> ShareDialog:
        page.get_by_role("menuitem", name="File", exact=True).click()
        page.get_by_role("menuitem", name="What I Share…", exact=True).click()
        return cls(page)

    @property
    def dialog(self) -> Locator:
        return self.page.locator(".jp-Dialog")

    def button(self, name: str) -> Locator:
        return self.dialog.get_by_role("button", name=name, exact=True)

    @property
    def make(self) -> Locator:
        return self.button("Make a public page")

    def link(self) -> str:
        field = self.dialog.get_by_label("Link")
        expect(field).to_be_visible(timeout=60_000)
        return field.input_value()

    @property
    def status(self) -> Locator:
        return self.dialog.get_by_role("status")

    def close(self) -> None:
        self.button("Close").click()


@dataclass(frozen=True)
class CellOnPage:
    """A code cell in an open notebook."""

    at: Locator

    @property
    def prompt(self) -> Locator:
        """`[ ]:`, `[*]:` while it runs or waits, `[3]:` once it has run."""
        return self.at.locator(".jp-InputArea-prompt")

    @property
    def outputs(self) -> Locator:
        """What it shows, one after another."""
        return self.at.locator(".jp-OutputArea-output")

    @property
    def lines(self) -> list[str]:
        """What it has printed, line by line."""
        return "".join(self.outputs.all_text_contents()).splitlines()


class RoomsPage(OnPage):
    """Labs that are shared."""

    def open(self) -> RoomsPage:
        self.page.goto("/hub/rooms")
        return self

    def make(self, name: str) -> FlavorPage:
        self.page.get_by_label("A new room").fill(name)
        self.page.get_by_role("button", name="Make a room").click()
        return FlavorPage(self.page)

    def room(self, name: str) -> Locator:
        return self.page.locator(f"[data-room={name}]")

    def invitation(self, name: str) -> str:
        self.room(name).get_by_role("button", name="Make an invitation link").click()
        return self.page.locator("#invitation").inner_text()

    def invite(self, name: str, guest: str) -> None:
        self.room(name).get_by_label("Invite somebody by name").fill(guest)
        self.room(name).get_by_role("button", name="Invite", exact=True).click()

    def take_back(self, name: str, guest: str) -> None:
        self.room(name).get_by_role("button", name=f"Take back: {guest}").click()

    def shared_with_me(self, name: str) -> Locator:
        return self.page.locator(f"[data-other={name}]")


class PeoplePage(OnPage):
    """Who has access."""

    def open(self) -> PeoplePage:
        self.page.goto("/hub/people")
        return self

    def decide(self, name: str, decision: str) -> None:
        self.page.get_by_role("button", name=f"{decision}: {name}", exact=True).click()

    def row(self, name: str) -> Locator:
        return self.page.locator(f"tr[data-person='{name}']")

    def link_for(self, name: str) -> str:
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_role("button", name="Make a sign-in link").click()
        return self.page.locator("#sign-in-link").inner_text()


class PipelineTab(OnPage):
    """A pipeline in its editor, and its remote run."""

    def open(self, path: str) -> PipelineTab:
        """By its address, as a link does; the first one loads the editor."""
        self.page.goto(re.sub(r"/lab\b.*", f"/lab/tree/{path}?reset", self.page.url))
        expect(self.page.locator(".d3-node-body-outline").first).to_be_visible(timeout=PATIENCE)
        return self

    def button(self, name: str) -> Locator:
        """Of the tab's toolbar."""
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def strip(self) -> Locator:
        return self.page.get_by_role("region", name="Remote run")

    @property
    def status(self) -> Locator:
        return self.strip.get_by_role("status")

    def node(self, label: str) -> Locator:
        """With its state, above the drawing."""
        return self.strip.get_by_role("button", name=re.compile(rf"^{re.escape(label)}\b"))

    def outline(self, key: str) -> str:
        """The colour in which a node is drawn."""
        drawn = self.page.locator(f"[data-id$='_{key}'] .d3-node-body-outline")
        return str(drawn.evaluate("shown => getComputedStyle(shown).stroke"))

    def run_here(self) -> None:
        """By Elyra's own button and dialog, in the lab."""
        self.page.locator(".toolbar-icon-run, [aria-label='Run Pipeline'], .run-action button").first.click()
        dialog = self.page.locator(".jp-Dialog")
        expect(dialog).to_be_visible(timeout=PATIENCE)
        dialog.get_by_role("button", name="OK").click()
