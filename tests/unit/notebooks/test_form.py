"""Every notebook that a new lab holds: valid, without outputs, with ids and parameters."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[3] / "notebooks"
NOTEBOOKS = sorted(FOLDER.rglob("*.ipynb"))
USE_CASE = [path for path in NOTEBOOKS if path.parent.name == "ct-segmentation"]


def named(path: Path) -> str:
    return str(path.relative_to(FOLDER))


def test_there_are_notebooks():
    assert [named(path) for path in NOTEBOOKS] == [
        "ct-segmentation/1_fetch_data.ipynb",
        "ct-segmentation/2_train.ipynb",
        "ct-segmentation/3_train_remotely.ipynb",
        "ct-segmentation/4_predict.ipynb",
        "home.ipynb",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_it_is_valid_and_holds_no_outputs(path: Path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert len({cell["id"] for cell in notebook.cells}) == len(notebook.cells)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
            ast.parse(cell.source)


@pytest.mark.parametrize("path", USE_CASE, ids=named)
def test_one_cell_sets_the_parameters_and_nothing_else(path: Path):
    tagged = [
        cell
        for cell in nbformat.read(path, as_version=4).cells
        if "parameters" in cell.metadata.get("tags", ())
    ]
    assert len(tagged) == 1
    for statement in ast.parse(tagged[0].source).body:
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)


def test_the_training_notebook_needs_nothing_but_its_data():
    """A job gets the notebook and its inputs, not the folder."""
    beside = {path.stem for path in FOLDER.rglob("*.py")}
    assert beside == {"ctseg", "phantom", "pictures"}
    notebook = nbformat.read(FOLDER / "ct-segmentation" / "2_train.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            imported = {
                name.name
                for node in ast.walk(ast.parse(cell.source))
                if isinstance(node, ast.Import)
                for name in node.names
            }
            assert not imported & beside


def test_the_training_notebook_never_reads_the_test_patients():
    notebook = nbformat.read(FOLDER / "ct-segmentation" / "2_train.ipynb", as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert "label_test" not in code
    assert '["y"]' not in code
