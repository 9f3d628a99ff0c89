"""What the user made lies where Galaxy takes it from, at any moment."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from perijove_lab.galaxy.kept import Kept
from perijove_lab.galaxy.results import write_collection


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    lab = tmp_path / "lab"
    (lab / "outputs" / "fig").mkdir(parents=True)
    (lab / "data").mkdir()
    (lab / "notebook.ipynb").write_text("first")
    return Kept(
        folder=lab,
        notebook=lab / "notebook.ipynb",
        saved=tmp_path / "saved",
        told=lambda: write_collection(tmp_path),
    )


def elements(kept: Kept) -> dict[str, str]:
    provided = json.loads((kept.folder.parent / "galaxy.json").read_text())
    return {one["name"]: one["ext"] for one in provided["outputs"]["elements"]}


def test_the_notebook_saved_last(kept: Kept) -> None:
    kept.keep()
    assert kept.saved.read_text() == "first"
    kept.notebook.write_text("second, longer")
    kept.keep()
    assert kept.saved.read_text() == "second, longer"
    other = kept.folder / "Untitled.ipynb"
    other.write_text("another")
    os.utime(other, ns=(2**62, 2**62))
    kept.keep()
    assert kept.saved.read_text() == "another"


def test_outputs_and_notebooks_are_the_collection(kept: Kept) -> None:
    (kept.folder / "outputs" / "fig" / "a.png").write_bytes(b"png")
    (kept.folder / "outputs" / "odd.xyz").write_text("x")
    (kept.folder / "outputs" / ".hidden").write_text("x")
    (kept.folder / "outputs" / "link.txt").symlink_to("/etc/hostname")
    (kept.folder / ".ipynb_checkpoints").mkdir()
    (kept.folder / ".ipynb_checkpoints" / "n-checkpoint.ipynb").write_text("old")
    (kept.folder / "data" / "given.ipynb").write_text("an input")
    kept.keep()
    assert elements(kept) == {"notebook.ipynb": "ipynb", "fig/a.png": "png", "odd.xyz": "data"}


def test_nothing_is_written_where_nothing_has_changed(kept: Kept) -> None:
    kept.keep()
    before = kept.saved.stat().st_mtime_ns
    kept.keep()
    assert kept.saved.stat().st_mtime_ns == before
