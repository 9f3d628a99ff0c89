"""The panel of jobs and the dialog Run remotely, by the words and labels on them."""

from __future__ import annotations

import re

from playwright.sync_api import FrameLocator, Locator, expect
from tests.browser.page_objects import PATIENCE, LabPage, OnPage


class JobsPanel(OnPage):
    """Jobs, in the left area of the lab."""

    @property
    def tab(self) -> Locator:
        return self.page.get_by_role("tab", name="Jobs", exact=True)

    @property
    def here(self) -> Locator:
        return self.page.get_by_role("region", name="Jobs", exact=True)

    @property
    def rows(self) -> Locator:
        return self.here.locator(".pj-job-row")

    @property
    def name(self) -> Locator:
        return self.here.get_by_role("heading", level=2)

    @property
    def state(self) -> Locator:
        return self.here.locator(".pj-job .pj-state")

    @property
    def curve(self) -> Locator:
        return self.here.get_by_role("img")

    @property
    def log(self) -> Locator:
        return self.here.get_by_role("region", name="Log")

    @property
    def problem(self) -> Locator:
        return self.here.get_by_role("alert")

    def open(self) -> JobsPanel:
        if not self.here.is_visible():
            self.tab.click()
        expect(self.here).to_be_visible()
        return self

    def hide(self) -> None:
        self.tab.click()
        expect(self.here).to_be_hidden()

    def row(self, name: str) -> Locator:
        return self.rows.filter(has_text=name).first

    def back(self) -> None:
        self.here.get_by_role("button", name="All jobs").click()

    def do(self, what: str) -> None:
        self.here.get_by_role("button", name=what).click()

    def wait_for(self, state: str) -> None:
        expect(self.state).to_have_text(state, timeout=PATIENCE)

    def cancel(self) -> None:
        self.do("Cancel…")
        self.page.get_by_role("dialog").get_by_role("button", name="Cancel the job").click()


class TensorBoardTab:
    """TensorBoard in the tab that is shown."""

    def __init__(self, lab: LabPage) -> None:
        self._lab = lab

    @property
    def frame(self) -> FrameLocator:
        return self._lab.shown_frame()

    def card(self, tag: str) -> Locator:
        return self.frame.locator("scalar-card").filter(has_text=tag).first

    def axis_end(self, tag: str) -> int:
        """The last step on the axis of a card's chart."""
        return max(int(step) for step in re.findall(r"\d+", self._axis(tag)))

    def _axis(self, tag: str) -> str:
        return self.card(tag).locator(".x-axis").first.inner_text()


class RunDialog(OnPage):
    """Run remotely…"""

    @property
    def here(self) -> Locator:
        return self.page.get_by_role("dialog").filter(has=self.page.locator(".pj-RunForm"))

    @property
    def problem(self) -> Locator:
        return self.here.get_by_role("alert")

    def from_toolbar(self) -> RunDialog:
        shown = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        shown.locator("[data-jp-item-name='perijove-run-remotely'] *").first.click()
        return self._opened()

    def from_file_menu(self) -> RunDialog:
        self.page.get_by_role("menuitem", name="File", exact=True).click()
        self.page.get_by_role("menuitem", name="Run Remotely…").click()
        return self._opened()

    def from_file_browser(self, name: str) -> RunDialog:
        self.page.locator(".jp-DirListing-item").filter(has_text=name).click(button="right")
        self.page.get_by_role("menuitem", name="Run Remotely…").click()
        return self._opened()

    def _opened(self) -> RunDialog:
        expect(self.here).to_be_visible(timeout=PATIENCE)
        return self

    def field(self, label: str) -> Locator:
        return self.here.get_by_label(label, exact=True)

    @property
    def history(self) -> Locator:
        return self.here.get_by_role("combobox", name="History", exact=True)

    @property
    def other_files(self) -> Locator:
        return self.here.get_by_role("textbox", name="Paths as the code names them, one in a line")

    def input(self, path: str) -> Locator:
        return self.here.get_by_role("checkbox", name=path)

    def flavor(self, title: str) -> Locator:
        return self.here.get_by_role("radio", name=re.compile(rf"^{re.escape(title)}\b"))

    def run(self) -> None:
        self.here.get_by_role("button", name="Run", exact=True).click()

    def sent(self) -> JobsPanel:
        """Press Run, and be shown the new job."""
        self.run()
        expect(self.here).to_be_hidden(timeout=PATIENCE)
        return JobsPanel(self.page)
