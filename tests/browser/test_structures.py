"""A structure in three dimensions, in the lab: for mouse and keyboard, in the dark and in a narrow window."""

from __future__ import annotations

import math
from pathlib import Path

from playwright.sync_api import Locator, expect
from tests.browser.accessibility import expect_accessible
from tests.browser.conftest import NewPage
from tests.browser.page_objects import PATIENCE, HomePage, WelcomePage

from perijove.hub.testing import FrontDoor

SHOWN = ".lm-DockPanel-widget:not(.lm-mod-hidden)"
ATOMS = {"N": (0.0, 0.0), "CA": (0.4, 0.2), "C": (0.7, -0.1), "O": (0.7, -0.4)}


def helix(residues: int) -> str:
    """Of alanines, as a PDB file with confidences."""
    lines = []
    for residue in range(1, residues + 1):
        angle, height = residue * 1.745, residue * 1.5
        for name, (x, y) in ATOMS.items():
            place = f"{2.3 * math.cos(angle) + x:8.3f}{2.3 * math.sin(angle) + y:8.3f}{height:8.3f}"
            number, confidence = len(lines) + 1, 40.0 + 3 * residue
            atom = f"ATOM  {number:5d}  {name:<3} ALA A{residue:4d}    {place}"
            lines.append(f"{atom}  1.00{confidence:6.2f}           {name[0]}")
    return "\n".join([*lines, "END", ""])


def test_it_is_turned_by_keys_and_seen_in_every_window(
    door: FrontDoor, new_page: NewPage, pictures: Path | None
) -> None:
    page = new_page()
    WelcomePage(page).open(door.client.sign_in_link("ada-fold")).choose("correct horse battery")
    lab = HomePage(page).open().start().start("Small").wait()
    lab.put_text("ada-fold", "helix.pdb", helix(20))
    page.goto("/user/ada-fold/lab/tree/helix.pdb?reset")
    stage = page.get_by_role("img", name="Structure: 20 residues, chains A")
    expect(stage.locator("canvas")).to_be_visible(timeout=PATIENCE)
    expect_accessible(page, SHOWN)

    stage.focus()
    before = settled(stage)
    page.keyboard.press("ArrowRight")
    turned = settled(stage)
    assert turned != before
    page.keyboard.press("ArrowLeft")
    assert settled(stage) == before
    page.keyboard.press("+")
    assert settled(stage) not in (before, turned)
    page.get_by_label("Colour by").select_option("chain")
    lab.photograph(pictures, "structure")
    page.emulate_media(color_scheme="dark")
    expect(page.locator("body[data-jp-theme-light=false]")).to_be_attached(timeout=PATIENCE)
    expect_accessible(page, SHOWN)
    page.set_viewport_size({"width": 800, "height": 700})
    settled(stage)
    lab.photograph(pictures, "structure-dark-narrow")


def settled(stage: Locator) -> bytes:
    """What is drawn, once it no longer moves."""
    shown = b""
    for _ in range(50):
        stage.page.wait_for_timeout(200)
        if (now := stage.screenshot()) == shown:
            return now
        shown = now
    raise TimeoutError("the drawing does not come to rest")
