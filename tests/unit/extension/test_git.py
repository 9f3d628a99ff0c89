"""What the lab mends of its Git panel."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest

from perijove_lab.extension.git import asked_again, clear_outputs, folder_of, ignore_checkpoints, mend

IN_A_LAB = {"PERIJOVE_FLAVOR": "small"}


class Git:
    """What of jupyterlab-git's own is used."""

    def __init__(self, config: object = None) -> None:
        self._config = config
        self.answer: dict[str, Any] = {"code": 0, "message": ""}

    async def clone(self, path: str, address: str, auth: Any, versioning: bool, _: bool) -> dict[str, Any]:
        assert versioning
        if self.answer["code"] == 0:
            (Path(path) / "course" / ".git").mkdir(parents=True)
        return self.answer

    async def push(self, *_: Any, **__: Any) -> dict[str, Any]:
        return self.answer

    async def add(self, *_: Any) -> dict[str, Any]:
        return self.answer


def mended(answer: dict[str, Any] | None = None) -> Any:
    settings = {"git": Git("configuration")}
    mend(SimpleNamespace(web_app=SimpleNamespace(settings=settings)))  # type: ignore[arg-type]
    git: Any = settings["git"]
    assert git._config == "configuration"
    git.answer = answer or git.answer
    return git


@pytest.mark.parametrize(
    "address",
    ["https://h.org/a/course.git", "https://h.org/course/", "git@h.org:course.git", "/srv/course/.git"],
)
def test_the_folder_is_the_one_that_git_makes(address: str) -> None:
    assert folder_of(address) == "course"


def test_what_is_not_called_a_download_keeps_its_history(tmp_path: Path) -> None:
    asyncio.run(mended().clone(str(tmp_path), "https%3A%2F%2Fh.org%2Fcourse.git", None, False, True))
    assert (tmp_path / "course" / ".git").is_dir()


def test_a_download_loses_its_history_and_nothing_else_does(tmp_path: Path) -> None:
    asyncio.run(mended().clone(str(tmp_path), "https%3A%2F%2Fh.org%2Fcourse.git", None, True, True))
    assert list((tmp_path / "course").iterdir()) == []
    (tmp_path / "course" / ".git").mkdir()
    refused = mended({"code": 128, "message": "fatal: destination path 'course' already exists"})
    asyncio.run(refused.clone(str(tmp_path), "https%3A%2F%2Fh.org%2Fcourse.git", None, True, True))
    assert (tmp_path / "course" / ".git").is_dir()


def test_a_refused_password_is_asked_for_again() -> None:
    refused = {"code": 128, "message": "fatal: Authentication failed for 'https://h.org/'"}
    answer = asyncio.run(mended(refused).push("origin", "main", "/"))
    assert answer["message"].startswith("Invalid username or password")
    for other in ({"code": 0, "message": "Authentication failed"}, {"code": 1, "message": "rejected"}):
        assert asked_again(other) == other


def notebook(path: Path) -> Path:
    shown = nbformat.v4.new_output("stream", text="secret figures\n")
    cells = [
        nbformat.v4.new_code_cell("show()", execution_count=3, outputs=[shown]),
        nbformat.v4.new_markdown_cell("# Words"),
    ]
    made = nbformat.v4.new_notebook(cells=cells, metadata={"widgets": {"state": "secret"}})
    nbformat.write(made, path)  # type: ignore[no-untyped-call]
    return path


def test_nothing_that_cells_showed_is_left(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb")
    clear_outputs(path)
    assert "secret" not in path.read_text()
    found: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    assert [cell.source for cell in found.cells] == ["show()", "# Words"]
    assert found.cells[0].execution_count is None


def test_outputs_that_cannot_be_cleared_or_staged_stop_the_commit(tmp_path: Path) -> None:
    (tmp_path / "broken.ipynb").write_text("{")
    with pytest.raises(Exception, match="JSON"):
        asyncio.run(mended().strip_notebook_outputs(["broken.ipynb"], str(tmp_path)))
    notebook(tmp_path / "a.ipynb")
    refusing = mended({"code": 128, "message": "index locked"})
    with pytest.raises(RuntimeError, match=r"a\.ipynb cannot be staged: index locked"):
        asyncio.run(refusing.strip_notebook_outputs(["a.ipynb"], str(tmp_path)))


def test_git_passes_over_checkpoints_in_labs_only(tmp_path: Path) -> None:
    listed = tmp_path / ".config" / "git" / "ignore"
    ignore_checkpoints(tmp_path, {})
    assert not listed.exists()
    ignore_checkpoints(tmp_path, IN_A_LAB)
    assert listed.read_text() == ".ipynb_checkpoints/\n"
    listed.write_text("mine\n")
    ignore_checkpoints(tmp_path, IN_A_LAB)
    assert listed.read_text() == "mine\n"


def test_a_home_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / ".config").write_text("a file")
    ignore_checkpoints(tmp_path, IN_A_LAB)
