from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from perijove_lab.runner import saver
from perijove_lab.runner.saver import Saver


@pytest.fixture
def notebook() -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 'ü\ud800'")])


def test_a_save_is_whole_and_valid(tmp_path: Path, notebook: nbformat.NotebookNode) -> None:
    Saver(notebook, tmp_path / "a.ipynb").save()
    assert [path.name for path in tmp_path.iterdir()] == ["a.ipynb"]
    json.loads((tmp_path / "a.ipynb").read_bytes().decode("utf-8"))


def test_slow_saves_are_rare(
    tmp_path: Path, notebook: nbformat.NotebookNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(saver.time, "monotonic", lambda: now[0])
    saving = Saver(notebook, tmp_path / "a.ipynb")
    saves = []
    monkeypatch.setattr(saving, "save", lambda: saves.append(now[0]))
    saving._cost, saving._saved = 1.0, 100.0
    for second in range(101, 160):
        now[0] = float(second)
        saving.save_if_cheap()
    assert saves[0] == 120


def test_a_clean_notebook_is_not_saved_again(tmp_path: Path, notebook: nbformat.NotebookNode) -> None:
    saving = Saver(notebook, tmp_path / "a.ipynb")
    saving.save()
    (tmp_path / "a.ipynb").unlink()
    saving.save_if_cheap()
    assert not (tmp_path / "a.ipynb").exists()


def test_a_full_disk_does_not_end_the_job(tmp_path: Path, notebook: nbformat.NotebookNode) -> None:
    saving = Saver(notebook, tmp_path / "gone" / "a.ipynb")
    saving.save_if_cheap()
    with pytest.raises(FileNotFoundError):
        saving.save()
