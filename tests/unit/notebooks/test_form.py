"""Every notebook that a new lab holds: valid, without outputs, with ids and parameters."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[3] / "notebooks"
NOTEBOOKS = sorted(FOLDER.rglob("*.ipynb"))
USE_CASE = [path for path in NOTEBOOKS if path.parent.name in ("ct-segmentation", "protein-folding")]
LINK = re.compile(r"\]\(([^)#\s]+)")


def named(path: Path) -> str:
    return str(path.relative_to(FOLDER))


def test_there_are_notebooks():
    assert [named(path) for path in NOTEBOOKS] == [
        "ct-segmentation/1_fetch_data.ipynb",
        "ct-segmentation/2_train.ipynb",
        "ct-segmentation/3_train_remotely.ipynb",
        "ct-segmentation/4_predict.ipynb",
        "home.ipynb",
        "pipelines/1_prepare.ipynb",
        "pipelines/2_forest.ipynb",
        "pipelines/2_logistic.ipynb",
        "pipelines/3_compare.ipynb",
        "protein-folding/1_colabfold.ipynb",
        "protein-folding/2_fold_remotely.ipynb",
        "protein-folding/3_antibodies.ipynb",
        "tours/bioblend.ipynb",
        "tours/bokeh.ipynb",
        "tours/bqplot.ipynb",
        "tours/dashboards.ipynb",
        "tours/onnx-keras.ipynb",
        "tours/onnx-pytorch.ipynb",
        "tours/onnx-scikit-learn.ipynb",
        "tours/pandas.ipynb",
        "tours/remote/train.ipynb",
        "tours/remote-training.ipynb",
        "tours/seaborn.ipynb",
        "tours/voila/threshold.ipynb",
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
    assert beside == {"ctseg", "phantom", "pictures", "structures"}
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


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_its_links_lead_somewhere(path: Path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "markdown":
            continue
        for target in LINK.findall(cell.source):
            assert target.startswith("https://") or (path.parent / target).exists(), target


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_what_it_sends_away_lies_beside_it(path: Path):
    """A job that names a notebook which does not exist fails where its reader least expects it."""
    for cell in nbformat.read(path, as_version=4).cells:
        for sent in re.findall(r'\b(?:submit|run_script_job)\(\s*"([^"]+\.ipynb)"', cell.source):
            assert (path.parent / sent).exists() or sent == "train.ipynb", sent


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_it_loads_nothing_from_elsewhere(path: Path):
    """Labs work offline: no script, style or data from another host in the code."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code" and path.name != "1_fetch_data.ipynb":
            assert not re.search(r"https?://(?!127\.0\.0\.1|localhost)", cell.source)


def test_the_home_page_leads_to_every_notebook():
    """Those that another notebook sends or opens stand in its folder's own subfolder."""
    home = nbformat.read(FOLDER / "home.ipynb", as_version=4)
    linked = {target for cell in home.cells for target in LINK.findall(cell.source)}
    shown = {named(path) for path in NOTEBOOKS if len(path.relative_to(FOLDER).parts) == 2}
    shown = {name for name in shown if not name.startswith("pipelines/")}  # nodes of a pipeline
    assert "pipelines/compare.pipeline" in linked
    assert {target for target in linked if target.endswith(".ipynb")} == shown
