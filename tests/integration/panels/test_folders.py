"""Folders go in through the panel and become collections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bioblend.galaxy import GalaxyInstance
from playwright.sync_api import Page, expect
from tests.browser.histories_panel import HistoriesPanel, settled


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scans at two depths, and what nobody wants to upload."""
    top = tmp_path_factory.mktemp("folders") / "scans"
    for path in ("readme.txt", "ct-10.txt", "ct-2.txt", "masks/deep/m-1.txt", "empty.txt"):
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text("" if path == "empty.txt" else f"content of {path}\n")
    for path in (".DS_Store", ".git/config", ".git/HEAD", "masks/.hidden"):
        (top / path).parent.mkdir(exist_ok=True)
        (top / path).write_text("hidden")
    return top


@pytest.fixture
def panel(page: Page) -> HistoriesPanel:
    settled(page)
    return HistoriesPanel(page).open()


def collection(gi: GalaxyInstance, history: str, name: str) -> dict[str, Any]:
    """As another program sees it."""
    history_id = gi.histories.get_histories(name=history)[0]["id"]
    found = gi.histories.show_history(history_id, contents=True, types="dataset_collection", visible=True)
    made = next(one["id"] for one in found if one["name"] == name)
    return dict(gi.dataset_collections.show_dataset_collection(made))


def texts(gi: GalaxyInstance, elements: list[dict[str, Any]]) -> dict[str, str]:
    """Identifiers and what is in the datasets."""
    return {
        one["element_identifier"]: gi.datasets.download_dataset(one["object"]["id"]).decode()
        for one in elements
    }


def test_a_folder_becomes_a_list(
    panel: HistoriesPanel, folder: Path, gi: GalaxyInstance, pictures: Path | None
) -> None:
    panel.create("Folders")
    panel.upload_folder(folder)
    sending = panel.folder_of("scans")
    expect(sending).to_contain_text("3 hidden files are left out")
    expect(panel.row("scans")).to_contain_text("5 elements")
    panel.photograph(pictures, "histories-folder")
    made = collection(gi, "Folders", "scans")
    assert made["collection_type"] == "list"
    found = texts(gi, made["elements"])
    assert list(found) == ["ct-2.txt", "ct-10.txt", "empty.txt", "masks/deep/m-1.txt", "readme.txt"]
    assert found["masks/deep/m-1.txt"] == "content of masks/deep/m-1.txt\n"
    assert found["empty.txt"] == ""
    expect(panel.rows).to_have_count(1)  # the datasets themselves are hidden
    expect(sending).to_be_hidden(timeout=20_000)


def test_folders_in_a_folder_become_a_list_of_lists(
    panel: HistoriesPanel, tmp_path: Path, gi: GalaxyInstance
) -> None:
    top = tmp_path / "cohort"
    for path in ("train/a.txt", "train/b.txt", "test/a.txt"):
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(path)
    panel.drop(top)
    expect(panel.row("cohort")).to_contain_text("list:list")
    made = collection(gi, "Folders", "cohort")
    found = {one["element_identifier"]: texts(gi, one["object"]["elements"]) for one in made["elements"]}
    assert found == {
        "test": {"a.txt": "test/a.txt"},
        "train": {"a.txt": "train/a.txt", "b.txt": "train/b.txt"},
    }


def test_files_and_a_folder_that_are_dropped_together(
    panel: HistoriesPanel, folder: Path, tmp_path: Path, page: Page
) -> None:
    alone, empty = tmp_path / "alone.txt", tmp_path / "nothing"
    alone.write_text("alone")
    (empty / ".git").mkdir(parents=True)
    panel.create("Mixed")
    panel.drop(alone, folder, empty)
    expect(panel.row("alone.txt")).to_be_visible()
    expect(panel.row("scans")).to_contain_text("5 elements")
    expect(page.locator(".Toastify")).to_contain_text("“nothing” holds hidden files only")
    expect(panel.rows).to_have_count(2)
