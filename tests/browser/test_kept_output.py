"""What a cell prints is there when its user comes back: every line, and each once."""

from __future__ import annotations

import json
import re
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Page, expect
from tests.browser.memory import Memory, lab_process
from tests.browser.page_objects import HomePage, LabPage, WelcomePage

from perijove.hub.testing import FrontDoor, wait_until

NewPage = Callable[..., Page]
PASSWORD = "correct horse battery"
FILE = "kept.ipynb"
PLACE = f"/user/keeper/lab/tree/{FILE}?reset"
SHORT, THREE_MINUTES = 80, 1800
LENGTHS = [
    pytest.param(SHORT, id="short"),
    pytest.param(THREE_MINUTES, id="3-minutes", marks=pytest.mark.slow),
]


def counting(lines: int) -> str:
    return f"import time\nfor n in range({lines}):\n    print('line', n)\n    time.sleep(0.1)\n"


def counted(lines: int) -> list[str]:
    return [f"line {n}" for n in range(lines)]


@dataclass
class Keeper:
    """Somebody with a lab and a notebook in it."""

    page: Page

    @property
    def lab(self) -> LabPage:
        return LabPage(self.page)

    def bring(self, *sources: str) -> Keeper:
        """Put a notebook of these cells into the home and open it."""
        cells = [nbformat.v4.new_code_cell(source, id=f"cell-{n}") for n, source in enumerate(sources)]
        notebook = nbformat.v4.new_notebook(cells=cells)
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        self.lab.put_notebook("keeper", FILE, notebook)
        self.lab.open_notebook(FILE)
        return self

    def another_tab(self) -> Keeper:
        """A second window of the same browser."""
        return Keeper(self.page.context.new_page())

    def come_back(self) -> Keeper:
        """Open the notebook once more, in a new window: nothing is left of the one before."""
        other = self.another_tab()
        other.lab.return_to(PLACE)
        return other

    @property
    def cells(self) -> list[dict[str, Any]]:
        """As the notebook's file has them."""
        return list(self.lab.read_notebook("keeper", FILE)["cells"])

    def printed(self, place: int = 0) -> list[str]:
        """The lines of one cell in the file."""
        outputs = self.cells[place]["outputs"]
        texts = [output["text"] if "text" in output else output["data"]["text/plain"] for output in outputs]
        return "".join("".join(text) for text in texts).splitlines()

    def wait_for_end(self, timeout: float, place: int = 0) -> None:
        """Until the file says that the cell has run. No notebook has to be open."""
        wait_until(lambda: self.cells[place]["execution_count"], what="the end of the cell", timeout=timeout)


def forget(home: Path) -> None:
    """What the test before had open: JupyterLab would open it again while the next notebook is put there."""
    shutil.rmtree(home / ".jupyter" / "lab" / "workspaces", ignore_errors=True)
    (home / FILE).unlink(missing_ok=True)


@pytest.fixture
def keeper(door: FrontDoor, new_page: NewPage) -> Keeper:
    forget(door.settings.layout.homes / "keeper")
    page = new_page()
    WelcomePage(page).open(door.client.sign_in_link("keeper")).choose(PASSWORD)
    HomePage(page).open().start().start("Small").wait()
    return Keeper(page)


@pytest.mark.parametrize("lines", LENGTHS)
def test_a_tab_is_closed(keeper: Keeper, lines: int) -> None:
    watcher = keeper.another_tab()
    watcher.page.goto("/hub/home")
    keeper.bring(counting(lines)).lab.start_all()
    expect(keeper.lab.cell(0).outputs.first).to_contain_text("line 9")
    keeper.page.close()
    watcher.wait_for_end(timeout=lines / 5 + 30)
    assert watcher.printed() == counted(lines)
    back = watcher.come_back()
    assert back.lab.cell(0).lines == counted(lines)
    expect(back.lab.cell(0).prompt).to_have_text("[1]:")
    expect(back.page.locator(".jp-Dialog")).to_have_count(0)


def test_somebody_comes_back_while_the_cell_runs(keeper: Keeper) -> None:
    keeper.bring(counting(200), "print('the next')").lab.start_all()
    expect(keeper.lab.cell(0).outputs.first).to_contain_text("line 9")
    back = keeper.another_tab()
    keeper.page.close()
    back.lab.return_to(PLACE)
    expect(back.lab.cell(0).prompt).to_have_text("[*]:")
    expect(back.lab.cell(1).prompt).to_have_text("[*]:")
    busy = back.page.locator(".jp-Notebook-ExecutionIndicator[data-status=busy]")
    expect(busy).to_be_visible()
    seen = len(back.lab.cell(0).lines)
    assert 10 <= seen < 200
    expect(back.lab.cell(1).prompt).to_have_text("[2]:", timeout=60_000)
    assert back.lab.cell(0).lines == counted(200)
    assert back.lab.cell(1).lines == ["the next"]
    expect(back.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")).to_be_visible()
    back.wait_for_end(timeout=10, place=1)
    assert back.printed() == counted(200)


@pytest.mark.parametrize("lines", LENGTHS)
def test_the_proxy_is_restarted(door: FrontDoor, keeper: Keeper, lines: int) -> None:
    keeper.bring(counting(lines)).lab.start_all()
    expect(keeper.lab.cell(0).outputs.first).to_contain_text("line 9")
    door.stop_proxy(signal.SIGKILL)
    time.sleep(2)
    door.start_proxy()
    expect(keeper.lab.cell(0).prompt).to_have_text("[1]:", timeout=(lines / 5 + 90) * 1000)
    expect(keeper.lab.cell(0).outputs.first).to_contain_text(f"line {lines - 1}\n")
    assert keeper.lab.cell(0).lines == counted(lines)
    wait_until(lambda: keeper.printed() == counted(lines), what="the file", timeout=20)
    assert keeper.page.locator(".jp-Dialog").all_inner_texts() == []


def test_the_network_is_away_for_a_while(keeper: Keeper) -> None:
    keeper.bring(counting(150)).lab.start_all()
    expect(keeper.lab.cell(0).outputs.first).to_contain_text("line 9")
    keeper.page.context.set_offline(True)
    time.sleep(5)
    keeper.page.context.set_offline(False)
    expect(keeper.lab.cell(0).prompt).to_have_text("[1]:", timeout=90_000)
    assert keeper.lab.cell(0).lines == counted(150)
    wait_until(lambda: keeper.printed() == counted(150), what="the file", timeout=20)


def test_two_tabs_show_the_same(keeper: Keeper) -> None:
    keeper.bring(counting(SHORT), counting(SHORT))
    other = keeper.come_back()
    keeper.lab.start_all()
    for tab in (keeper, other):
        expect(tab.lab.cell(1).prompt).to_have_text("[2]:", timeout=60_000)
        assert tab.lab.cell(0).lines == tab.lab.cell(1).lines == counted(SHORT)
    other.lab.start_all()
    expect(keeper.lab.cell(1).prompt).to_have_text("[4]:", timeout=60_000)
    assert keeper.lab.cell(1).lines == counted(SHORT)
    for tab in (keeper, other):
        expect(tab.page.locator(".jp-Dialog")).to_have_count(0)


def test_a_notebook_is_closed_and_opened_again_beside_others(keeper: Keeper) -> None:
    keeper.bring(counting(SHORT)).lab.start_all()
    expect(keeper.lab.cell(0).outputs.first).to_contain_text("line 9")
    keeper.lab.close_tab()
    expect(keeper.page.locator(".jp-Notebook")).to_have_count(0)
    time.sleep(2)
    keeper.lab.open_from_files(FILE)
    expect(keeper.lab.cell(0).prompt).to_have_text("[1]:", timeout=60_000)
    assert keeper.lab.cell(0).lines == counted(SHORT)


def test_who_comes_back_can_interrupt_and_restart(keeper: Keeper) -> None:
    keeper.bring("import time\nprint('begun')\ntime.sleep(600)").lab.start_all()
    expect(keeper.lab.cell(0).outputs.first).to_contain_text("begun")
    keeper.page.reload()
    expect(keeper.lab.cell(0).prompt).to_have_text("[*]:")
    keeper.lab.choose("Kernel", "Interrupt Kernel")
    expect(keeper.lab.cell(0).prompt).to_have_text("[1]:", timeout=30_000)
    assert keeper.lab.cell(0).lines[0] == "begun"
    expect(keeper.lab.cell(0).outputs.last).to_contain_text("KeyboardInterrupt")
    keeper.lab.start_all()
    expect(keeper.lab.cell(0).prompt).to_have_text("[*]:")
    keeper.page.reload()
    expect(keeper.lab.cell(0).outputs.first).to_contain_text("begun")
    keeper.lab.choose("Kernel", "Restart Kernel…")
    keeper.page.locator(".jp-Dialog").get_by_role("button", name="Confirm Kernel Restart").click()
    expect(keeper.lab.cell(0).prompt).not_to_have_text("[*]:", timeout=30_000)
    assert keeper.lab.cell(0).lines[0] == "begun"


RICH = """
import sys, time
from IPython.display import HTML, clear_output, display
print("plain")
print("warned", file=sys.stderr)
handle = display(HTML("<p>step 0</p>"), display_id=True)
for n in range(40):
    print(f"\\rprogress {n}", end="")
    handle.update(HTML(f"<p>step {n}</p>"))
    time.sleep(0.1)
print()
display({"image/png": "PICTURE"}, raw=True)
1 / 0
"""
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
CLEARED = """
import time
from IPython.display import clear_output
for n in range(30):
    clear_output(wait=True)
    print("only", n)
    time.sleep(0.1)
"""


@pytest.mark.parametrize("away", [False, True], ids=["there", "away"])
def test_every_kind_of_output_is_as_it_would_be(keeper: Keeper, away: bool) -> None:
    watcher = keeper.another_tab()
    watcher.page.goto("/hub/home")
    keeper.bring(CLEARED, RICH.replace("PICTURE", PICTURE), "print('never')").lab.start_all()
    expect(keeper.lab.cell(0).outputs.first).to_contain_text("only")
    if away:
        keeper.page.close()
    watcher.wait_for_end(timeout=60, place=1)
    _, rich, never = watcher.cells
    assert watcher.printed(0) == ["only 29"]
    kinds = [(output["output_type"], output.get("name", "")) for output in rich["outputs"]]
    assert kinds == [
        ("stream", "stdout"),
        ("stream", "stderr"),
        ("display_data", ""),
        ("stream", "stdout"),
        ("display_data", ""),
        ("error", ""),
    ]
    assert rich["outputs"][2]["data"]["text/html"] == "<p>step 39</p>"
    assert rich["outputs"][3]["text"] == "progress 39\n"
    assert rich["outputs"][5]["ename"] == "ZeroDivisionError"
    assert (never["outputs"], never["execution_count"]) == ([], None)
    shown = (watcher.come_back() if away else keeper).lab
    expect(shown.cell(1).outputs).to_have_count(6)
    expect(shown.cell(1).outputs.nth(2)).to_have_text("step 39")
    expect(shown.cell(1).at.locator("img")).to_have_count(1)


def test_input_is_asked_for_and_answered(keeper: Keeper) -> None:
    keeper.bring("name = input('your name? ')\nprint('hello', name)").lab.start_all()
    keeper.lab.cell(0).at.locator("input.jp-Stdin-input").fill("ada")
    keeper.page.keyboard.press("Enter")
    expect(keeper.lab.cell(0).prompt).to_have_text("[1]:")
    expect(keeper.lab.cell(0).outputs.last).to_have_text("hello ada\n")
    wait_until(lambda: keeper.printed() == ["your name?  ada", "hello ada"], what="the file")


def test_saving_while_output_comes_asks_nothing(keeper: Keeper) -> None:
    """The server writes the file as well; that is no change by somebody else."""
    keeper.bring(counting(SHORT))
    keeper.page.locator(".jp-CodeCell .cm-content").first.press("Control+Enter")
    for _ in range(20):
        keeper.page.keyboard.press("Control+s")
        keeper.page.wait_for_timeout(500)
        expect(keeper.page.get_by_role("dialog")).to_have_count(0)
    wait_until(lambda: keeper.printed() == counted(SHORT), what="every line in the file")


def test_the_lab_is_stopped_while_a_cell_runs(door: FrontDoor, keeper: Keeper) -> None:
    """Between two of the saves that come every 5 s."""
    keeper.bring(counting(1000)).lab.start_all()
    expect(keeper.lab.cell(0).outputs.first).to_contain_text("line 12\n")
    begun, seen = time.monotonic(), keeper.lab.cell(0).lines
    keeper.page.goto("/hub/home")
    time.sleep(2)
    printed = len(seen) + 8 * (time.monotonic() - begun)
    door.client.stop_lab("keeper")
    wait_until(lambda: not door.client.running_labs(), what="the end of the lab")
    notebook = json.loads((door.settings.layout.homes / "keeper" / FILE).read_text())
    lines = "".join(notebook["cells"][0]["outputs"][0]["text"]).splitlines()
    assert lines == counted(len(lines))
    assert len(lines) >= printed


FLOOD = """
print("the beginning")
for n in range(3_000):
    print(f"{n:06}", "x" * 99_990)
print("y" * 20_000_000)
print("the end")
"""


def test_a_cell_that_prints_300_megabytes(door: FrontDoor, keeper: Keeper) -> None:
    keeper.bring("print('warm')", FLOOD, "print('the next')")
    keeper.page.locator(".jp-CodeCell .cm-content").first.press("Control+Enter")
    expect(keeper.lab.cell(0).prompt).to_have_text("[1]:", timeout=60_000)
    memory = Memory(lab_process(door.settings.layout.environments))
    memory.start()
    keeper.lab.start_all()
    expect(keeper.lab.cell(2).outputs.first).to_have_text("the next\n", timeout=300_000)
    growth = memory.growth()
    wait_until(lambda: keeper.cells[2]["outputs"], what="the file")
    size = len(json.dumps(keeper.lab.read_notebook("keeper", FILE)))
    lines = keeper.printed(1)
    print(f"\n320 MB printed: the lab grew by {growth / 1e6:.0f} MB, the notebook has {size / 1e6:.1f} MB")
    assert lines[0] == "the beginning"
    assert lines[-1] == "the end"
    assert any(re.fullmatch(r"\[… [\d,]+ characters are left out here …\]", line) for line in lines)
    assert size < 3_000_000
    expect(keeper.lab.cell(1).outputs).to_have_count(2)
    assert growth < 150_000_000
