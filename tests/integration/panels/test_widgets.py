"""Widgets that change while nobody looks are as they would be when their user comes back."""

from __future__ import annotations

import re
from typing import Any

from bioblend.galaxy import GalaxyInstance
from playwright.sync_api import expect
from tests.browser.page_objects import LabPage

FILE = "widgets.ipynb"
SHOWN = ".jp-Notebook .jp-CodeCell .jp-Cell-outputArea"
CODE = """
import time
import ipywidgets
from tqdm.notebook import tqdm
shown = ipywidgets.Output()
display(shown)
for n in tqdm(range(80), desc="steps"):
    with shown:
        print("captured", n)
    time.sleep(0.1)
print("ended")
"""


def notebook() -> dict[str, Any]:
    code = {"cell_type": "code", "id": "c1", "metadata": {}, "source": CODE}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": [{**code, "outputs": [], "execution_count": None}],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def test_an_output_widget_and_a_bar_fill_while_the_tab_is_away(lab: LabPage, gi: GalaxyInstance) -> None:
    lab.put_notebook("ada", FILE, notebook())
    context = lab.page.context
    first = LabPage(context.new_page())
    first.page.goto("/user/ada/lab")
    first.open_notebook(FILE)
    first.start_all()
    expect(first.page.locator(SHOWN)).to_contain_text("captured 3", timeout=60_000)
    first.page.close()
    while lab.read_notebook("ada", FILE)["cells"][0]["execution_count"] is None:
        lab.page.wait_for_timeout(500)
    back = LabPage(context.new_page())
    back.return_to(f"/user/ada/lab/tree/{FILE}?reset")
    shown = back.page.locator(SHOWN)
    expect(shown).to_contain_text("captured 79", timeout=60_000)
    assert re.findall(r"captured (\d+)", shown.inner_text()) == [str(n) for n in range(80)]
    expect(shown).to_contain_text("80/80")
    expect(shown).to_contain_text("ended")
    back.page.close()
