"""JupyterLab's Git panel, by the words and labels on it."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect
from tests.browser.page_objects import PATIENCE, OnPage


class GitPanel(OnPage):
    """In the left area of the lab."""

    @property
    def here(self) -> Locator:
        return self.page.locator("#jp-git-sessions")

    @property
    def dialog(self) -> Locator:
        return self.page.locator(".jp-Dialog")

    def open(self) -> GitPanel:
        if not self.here.is_visible():
            self.page.locator(".lm-TabBar-tab[data-id='jp-git-sessions']").click()
        expect(self.here).to_be_visible()
        return self

    def clone(self, url: str, *, download: bool = False) -> None:
        """By the panel's own button and dialog; awaited by who calls."""
        self.here.get_by_role("button", name="Clone a Repository").click()
        self.dialog.locator("#input-link").fill(url)
        self.dialog.get_by_label("Download the repository").set_checked(download)
        self.accept("Clone")

    def accept(self, name: str) -> None:
        self.dialog.get_by_role("button", name=name, exact=True).click()

    def file(self, name: str) -> Locator:
        return self.here.locator(f"[title^='{name} •']").first

    def do(self, what: str, name: str) -> None:
        """Something with a file: `Diff this file`, `Stage this change`."""
        changed = self.file(name)
        expect(changed).to_be_visible(timeout=PATIENCE)
        changed.hover()
        changed.get_by_role("button", name=what).click()

    def commit(self, summary: str) -> None:
        """Everything staged; the dialogs that follow are for who calls."""
        self.here.get_by_placeholder("Commit message").first.fill(summary)
        self.here.get_by_role("button", name="Commit", exact=True).click()

    def name_committer(self, name: str, email: str) -> None:
        expect(self.dialog).to_contain_text("Who is committing?", timeout=PATIENCE)
        self.dialog.locator("input").nth(0).fill(name)
        self.dialog.locator("input").nth(1).fill(email)
        self.dialog.locator(".jp-mod-accept").click()

    def push(self) -> None:
        self.here.get_by_role("button", name=re.compile("^Push")).first.click()

    def sign_in(self, user: str, password: str) -> None:
        expect(self.dialog).to_contain_text("Git credentials required", timeout=PATIENCE)
        self.dialog.get_by_placeholder("username").fill(user)
        self.dialog.locator("input[type=password]").fill(password)
        self.dialog.locator(".jp-mod-accept").click()

    def notice(self, text: str) -> Locator:
        return self.page.locator(".Toastify__toast", has_text=text).first
