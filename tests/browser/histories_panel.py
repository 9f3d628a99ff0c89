"""The histories panel of a lab, as a user sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect
from tests.browser.page_objects import PATIENCE, OnPage


@dataclass(frozen=True)
class HistoriesPanel(OnPage):
    """Histories and datasets beside the notebook."""

    def open(self) -> HistoriesPanel:
        self.tab.wait_for(timeout=PATIENCE)
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0, timeout=PATIENCE)
        if not self.panel.is_visible():
            self.tab.click()
        expect(self.panel).to_be_visible()
        return self

    def close(self) -> None:
        """Look at the files instead."""
        self.page.locator(".jp-SideBar [data-id=filebrowser]").click()
        expect(self.panel).to_be_hidden()

    @property
    def tab(self) -> Locator:
        return self.page.locator(".jp-SideBar [data-id=perijove-histories]")

    @property
    def panel(self) -> Locator:
        return self.page.locator("#perijove-histories")

    @property
    def name(self) -> Locator:
        return self.panel.locator(".pj-Picker-button .pj-Picker-name")

    @property
    def picker(self) -> Locator:
        return self.panel.locator(".pj-Picker-button")

    @property
    def rows(self) -> Locator:
        return self.panel.locator(".pj-Row[data-id]")

    @property
    def details(self) -> Locator:
        return self.panel.locator(".pj-Details")

    def row(self, name: str) -> Locator:
        return self.rows.filter(has_text=name).first

    def create(self, name: str) -> None:
        self.panel.get_by_role("button", name="New history").or_(
            self.panel.get_by_role("button", name="Make your first history")
        ).last.click()
        self.answer("Name", name, "Make it")
        expect(self.name).to_have_text(name)

    def go_to(self, name: str) -> None:
        """Another history, by typing its name."""
        self.picker.click()
        self.panel.get_by_label("Find a history").fill(name)
        self.page.keyboard.press("Enter")
        expect(self.name).to_have_text(name)

    def upload(self, files: Sequence[Path]) -> None:
        """By the dialog that every browser has: Playwright can click none of Chromium's newer kind."""
        self.without_pickers()
        with self.page.expect_file_chooser() as chooser:
            self.panel.get_by_role("button", name="Upload files").click()
        chooser.value.set_files([str(file) for file in files])

    def upload_folder(self, folder: Path) -> None:
        """By the dialog that every browser has."""
        self.without_pickers()
        with self.page.expect_file_chooser() as chooser:
            self.panel.get_by_role("button", name="Upload a folder").click()
        chooser.value.set_files(str(folder))

    def drop(self, *files: Path) -> None:
        """Drop files and folders on the panel, as from the system's file manager."""
        box = self.panel.bounding_box()
        assert box is not None
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        session = self.page.context.new_cdp_session(self.page)
        for kind in ("dragEnter", "dragOver", "drop"):
            place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
            session.send("Input.dispatchDragEvent", {"type": kind, "data": data, **place})
        session.detach()

    def without_pickers(self) -> None:
        """As in browsers that have no File System Access."""
        self.page.evaluate("delete window.showOpenFilePicker; delete window.showDirectoryPicker")

    def upload_of(self, name: str) -> Locator:
        return self.panel.locator(".pj-Upload", has_text=name)

    def folder_of(self, name: str) -> Locator:
        """A folder on its way."""
        return self.panel.locator(".pj-Upload-folder", has_text=f"{name}/")

    def choose(self, *names: str) -> None:
        first, *others = names
        self.row(first).click()
        for name in others:
            self.row(name).click(modifiers=["Control"])

    def act(self, action: str) -> None:
        """Press a button below the list."""
        self.details.get_by_role("button", name=action, exact=True).click()

    def menu(self, row: str, item: str) -> None:
        """Choose from a dataset's context menu."""
        self.row(row).click(button="right")
        self.page.locator(".lm-Menu-item", has_text=item).click()

    def search(self, words: str) -> None:
        self.panel.get_by_label("Search datasets").fill(words)

    def show_deleted(self, shown: bool) -> None:
        self.panel.get_by_label("deleted", exact=True).set_checked(shown)

    def answer(self, label: str, text: str, button: str) -> None:
        """Fill in a dialog."""
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("textbox", name=label).fill(text)
        dialog.get_by_role("button", name=button).click()
        expect(dialog).to_be_hidden()

    def look(self, name: str) -> Locator:
        """Open a dataset in the main area."""
        self.row(name).dblclick()
        shown = self.page.locator(".pj-Preview:not(.lm-mod-hidden)", has_text=name).last
        expect(shown).to_be_visible()
        return shown


def settled(page: Page) -> None:
    """Notifications that have been read are in nobody's way."""
    for toast in page.locator(".Toastify__close-button").all():
        toast.click()
