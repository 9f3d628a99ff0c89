"""Git in the lab: links that bring a repository, differences of notebooks, from a clone to a push."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import nbformat
import pytest
from playwright.sync_api import expect
from tests.browser.accessibility import expect_accessible
from tests.browser.conftest import NewPage
from tests.browser.git_panel import GitPanel
from tests.browser.git_server import GitServer, command_lines, git_server, lab_process
from tests.browser.page_objects import PATIENCE, HomePage, LabPage, WelcomePage

from perijove.hub.testing import FrontDoor
from perijove.sandbox import connect_launcher
from perijove.sandbox.spec import Account

USER, PASSWORD, WRONG = "ada", "pear-tree-7f3-alley", "plum-tree-9d2-alley"
# Of jupyterlab-git: branches are items of no list; the fields that filter them are named by titles only.
THEIRS = ("aria-required-parent", "label-title-only")
WINDOW = {"viewport": {"width": 1280, "height": 1000}}
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


@pytest.fixture
def account(door: FrontDoor, request: pytest.FixtureRequest) -> Account:
    """Of somebody new, of whom Git knows nothing."""
    return connect_launcher(door.settings).account(f"git-{request.node.name.split('_')[2]}")


@pytest.fixture
def lab(door: FrontDoor, account: Account, new_page: NewPage) -> LabPage:
    page = new_page(**WINDOW)
    WelcomePage(page).open(door.client.sign_in_link(account.name)).choose("correct horse battery")
    return HomePage(page).open().start().start("Small").wait()


@pytest.fixture
def server(door: FrontDoor, account: Account, lab: LabPage) -> Iterator[GitServer]:
    """With a repository of one notebook that has been run."""
    process = lab_process(door.settings.layout.environments, account.uid)
    with (
        tempfile.TemporaryDirectory() as folder,
        git_server(Path(folder), lab=process, user=USER, password=PASSWORD) as served,
    ):
        make_repository(Path(folder))
        yield served


def make_repository(root: Path) -> None:
    work = root / "work"
    work.mkdir()
    shown = nbformat.v4.new_output("stream", text="first version\n")
    cell = nbformat.v4.new_code_cell("print('first version')", execution_count=1, outputs=[shown])
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    nbformat.write(made, work / "lesson.ipynb")  # type: ignore[no-untyped-call]
    for line in (
        "init -q -b main",
        "add lesson.ipynb",
        "-c user.name=Bob -c user.email=bob@example.org commit -q -m lesson",
        f"clone -q --bare . {root}/course.git",
    ):
        subprocess.run(["git", *line.split()], cwd=work, check=True)


@contextmanager
def watched_command_lines() -> Iterator[list[str]]:
    """What anybody on this machine could have read of the processes, all the while."""
    seen: list[str] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.append(command_lines())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        done.set()
        watching.join()


def files_that_hold(secret: str, *folders: Path) -> list[Path]:
    files = [
        path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink()
    ]
    return [path for path in files if secret.encode() in path.read_bytes()]


@pytest.mark.timeout(1200)
def test_the_whole_way_from_a_clone_to_a_push(
    door: FrontDoor, account: Account, lab: LabPage, server: GitServer, pictures: Path | None
) -> None:
    asked: list[str] = []
    lab.page.on("request", lambda request: asked.append(request.url))
    panel = GitPanel(lab.page).open()
    panel.clone(f"{server.url}/course.git")
    lab.open_file("course")
    lab.open_from_files("lesson.ipynb")
    lab.change_cell("first version", "print('second ' + 'version')")
    lab.run_all()

    panel.open().do("Diff this file", "lesson.ipynb")
    for version in ("first version", "second version"):
        expect(lab.page.get_by_text(version).last).to_be_visible(timeout=PATIENCE)
    expect(panel.here).not_to_contain_text("checkpoint")
    lab.photograph(pictures, "git-panel-diff")
    expect_accessible(lab.page, "#jp-git-sessions", but=THEIRS)
    lab.page.emulate_media(color_scheme="dark")
    expect(lab.page.locator("body[data-jp-theme-light=false]")).to_be_attached(timeout=PATIENCE)
    expect_accessible(lab.page, "#jp-git-sessions", but=THEIRS)
    lab.photograph(pictures, "git-panel-dark")
    panel.do("Stage this change", "lesson.ipynb")
    panel.commit("Say it the second time")
    panel.name_committer("Ada Lovelace", "ada@example.org")
    expect(panel.dialog).to_contain_text("Notebook outputs detected", timeout=PATIENCE)
    panel.accept("Clean & Commit")
    expect(panel.notice("Committed changes.")).to_be_visible(timeout=PATIENCE)

    with watched_command_lines() as lines:
        panel.push()
        panel.sign_in(USER, WRONG)
        expect(panel.dialog).to_contain_text("Incorrect username or password", timeout=PATIENCE)
        lab.photograph(pictures, "git-wrong-password")
        assert server.say("course.git", "log", "--format=%s").split() == ["lesson"]
        panel.sign_in(USER, PASSWORD)
        expect(panel.notice("Successfully pushed")).to_be_visible(timeout=PATIENCE)

    assert server.say("course.git", "log", "-1", "--format=%an <%ae> %s").strip() == (
        "Ada Lovelace <ada@example.org> Say it the second time"
    )
    pushed = nbformat.reads(server.say("course.git", "show", "main:lesson.ipynb"), as_version=4)  # type: ignore[no-untyped-call]
    assert [(cell.source, cell.outputs) for cell in pushed.cells] == [("print('second ' + 'version')", [])]
    expect(panel.here).not_to_contain_text("lesson.ipynb", timeout=PATIENCE)  # nothing is left to commit
    lab.photograph(pictures, "git-pushed")

    assert any("git\0push" in seen for seen in lines)
    for secret in (PASSWORD, WRONG):
        assert not any(secret in seen for seen in [*lines, *asked, *server.seen])
        assert files_that_hold(secret, account.home, door.settings.layout.logs) == []


def test_a_download_is_the_files_alone(account: Account, lab: LabPage, server: GitServer) -> None:
    panel = GitPanel(lab.page).open()
    panel.clone(f"{server.url}/course.git", download=True)
    expect(lab.page.locator(".jp-DirListing-item", has_text="course")).to_be_visible(timeout=PATIENCE)
    assert [path.name for path in (account.home / "course").iterdir()] == ["lesson.ipynb"]


def test_a_repository_that_is_not_there_is_said(lab: LabPage, server: GitServer) -> None:
    panel = GitPanel(lab.page).open()
    panel.clone(f"{server.url}/missing.git")
    panel.notice("Failed to clone").get_by_role("button", name="Show").click(timeout=PATIENCE)
    expect(panel.dialog).to_contain_text("missing.git/' not found")


def test_a_link_whose_server_is_away_says_so_and_leads_to_the_lab(
    lab: LabPage, pictures: Path | None
) -> None:
    asked = urlencode({"repo": "http://127.0.0.1:1/away.git", "branch": "main"})
    lab.page.goto(f"/hub/user-redirect/git-pull?{asked}")
    expect(lab.page.get_by_text("http://127.0.0.1:1/away.git is unavailable")).to_be_visible(timeout=PATIENCE)
    lab.photograph(pictures, "git-link-away")
    lab.page.get_by_text("Proceed without syncing").last.click()
    lab.wait()
