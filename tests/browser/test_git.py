"""Git in the lab: links that bring a repository, differences of notebooks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Page, expect
from tests.browser.page_objects import HomePage, LabPage, WelcomePage

from perijove.hub.testing import FrontDoor

NewPage = Callable[..., Page]
MAKE = """
import nbformat, subprocess
cell = nbformat.v4.new_code_cell('print("first version")', id='lesson')
meta = {'kernelspec': {'name': 'python3', 'display_name': 'Python 3', 'language': 'python'}}
nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=meta), '/tmp/lesson.ipynb')
for line in '''git config --global user.name Ada
git config --global user.email ada@example.org
git init -q -b main /tmp/work
cp /tmp/lesson.ipynb /tmp/work/lesson.ipynb
git -C /tmp/work add lesson.ipynb
git -C /tmp/work commit -q -m lesson
git clone -q --bare /tmp/work origins/course'''.splitlines():
    subprocess.run(line.split(), check=True)
print('made')
"""
LINK = urlencode(
    {
        "repo": "file:///home/jovyan/origins/course",
        "branch": "main",
        "urlpath": "lab/tree/course/lesson.ipynb?reset",
    }
)


def test_a_link_opens_a_repositorys_notebook_and_its_differences_are_seen(
    door: FrontDoor, new_page: NewPage, pictures: Path | None
) -> None:
    page = new_page()
    WelcomePage(page).open(door.client.sign_in_link("coder")).choose("correct horse battery")
    lab = HomePage(page).open().start().start("Small").wait()
    lab.new_notebook()
    assert "made" in lab.run_cell(MAKE)

    page.goto(f"/hub/user-redirect/git-pull?{LINK}")
    page.wait_for_url("**/lab/tree/course/lesson.ipynb**", timeout=120_000)
    LabPage(page).wait()
    lesson = page.locator(".jp-CodeCell .cm-content", has_text="first version").first
    expect(lesson).to_be_visible(timeout=60_000)
    lesson.fill('print("second version")')
    lab.save()

    page.locator(".lm-TabBar-tab[data-id='jp-git-sessions']").click()
    changed = page.locator(".jp-git-panel, #jp-git-sessions").get_by_text("lesson.ipynb").first
    expect(changed).to_be_visible(timeout=60_000)
    changed.hover()
    page.get_by_role("button", name="Diff this file").first.click()
    for version in ("first version", "second version"):
        expect(page.get_by_text(version).last).to_be_visible(timeout=60_000)
    lab.photograph(pictures, "git-diff")
