"""The tours, run as a reader runs them: without a server where they need none, else on a real one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from tests.integration.notebooks.conftest import SHIPPED, Run, pictures_in, text_of

from perijove.testing.history_server import HistoryServer

pytestmark = [pytest.mark.ai, pytest.mark.timeout(900)]

# Without a network: a name server or proxy that does not exist. Nothing may be loaded from elsewhere.
OFFLINE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")


def lab_variables(server: HistoryServer) -> dict[str, str]:
    """What a lab of alice's has in its environment."""
    own = {"GALAXY_URL": server.url, "API_KEY": server.keys["alice"], "HISTORY_ID": ""}
    return own | {"no_proxy": "127.0.0.1"}


def test_every_tour_has_a_test():
    tested = Path(__file__).read_text()
    for path in sorted((SHIPPED / "tours").glob("*.ipynb")):
        assert f'"tours/{path.name}"' in tested


@pytest.mark.parametrize("name", ["tours/onnx-scikit-learn.ipynb", "tours/onnx-keras.ipynb"])
def test_a_model_and_its_onnx_agree(run: Run, name: str):
    notebook = run(name, variables=OFFLINE)
    assert float(re.search(r"largest difference.*: (\S+)", text_of(notebook, "check"))[1]) < 1e-4
    assert pictures_in(notebook) >= 2


def test_pytorch_and_its_onnx_agree_or_the_tour_says_that_it_is_absent(run: Run, environments: Path):
    there = any((environments / "ai").glob("lib/python3*/site-packages/torch"))
    if there:
        notebook = run("tours/onnx-pytorch.ipynb", variables=OFFLINE)
        assert float(re.search(r"largest difference.*: (\S+)", text_of(notebook, "check"))[1]) < 1e-4
        assert pictures_in(notebook) == 3
    hidden = "import sys; sys.modules['torch'] = None\n" + _source("tours/onnx-pytorch.ipynb", "torch")
    hidden = hidden.replace('find_spec("torch") is None', "True")
    with pytest.raises(CellExecutionError, match="PyTorch is not installed in this kernel"):
        run("tours/onnx-pytorch.ipynb", changed={"torch": hidden})


def _source(name: str, cell_id: str) -> str:
    notebook = nbformat.read(SHIPPED / name, as_version=4)
    return str(next(cell.source for cell in notebook.cells if cell["id"] == cell_id))


@pytest.mark.parametrize(("name", "shown"), [("tours/pandas.ipynb", 1), ("tours/seaborn.ipynb", 4)])
def test_tables_and_pictures(run: Run, name: str, shown: int):
    assert pictures_in(run(name, variables=OFFLINE)) == shown


def test_bokeh_brings_its_library_along(run: Run, home: Path):
    notebook = run("tours/bokeh.ipynb", variables=OFFLINE)
    page = (home / "notebooks" / "tours" / "wines.html").read_text()
    shown = json.dumps([cell.get("outputs", []) for cell in notebook.cells])
    assert "application/vnd.bokehjs_load.v0+json" in shown
    assert not re.search(r"<script[^>]+src=", page + shown.replace('\\"', '"'))


def test_widgets_answer_to_python_and_to_the_mouse(run: Run):
    notebook = run("tours/bqplot.ipynb", variables=OFFLINE)
    assert "50 setosa" in text_of(notebook, "from-python")
    assert "application/vnd.jupyter.widget-view+json" in json.dumps(notebook.cells[1]["outputs"])


def test_bioblend_on_the_labs_own_histories(run: Run, history_server: HistoryServer):
    notebook = run("tours/bioblend.ipynb", variables=lab_variables(history_server))
    assert "weights.tsv" in text_of(notebook, "show")
    assert "'first'" in text_of(notebook, "collection")
    assert text_of(notebook, "delete").strip() == "(True, False)"


def test_a_training_goes_away_and_comes_back(run: Run, history_server: HistoryServer):
    notebook = run(
        "tours/remote-training.ipynb",
        variables=lab_variables(history_server),
        changed={"parameters": "epochs = 3"},
    )
    assert "loss.png" in text_of(notebook, "everything")
    assert "state: ok" in text_of(notebook, "everything")
    assert pictures_in(notebook) == 2


def test_dashboards_have_something_to_show(run: Run, home: Path):
    notebook = run("tours/dashboards.ipynb", variables=OFFLINE)
    folder = home / "notebooks" / "tours"
    assert pictures_in(notebook) == 1
    assert len(list(folder.glob("logs/*/train/events*"))) == 2
    assert (folder / "digits-dashboard.onnx").stat().st_size > 1000
    assert (folder / "digits.h5").read_bytes().startswith(b"\x89HDF")
    assert "application/vnd.jupyter.widget-view+json" in json.dumps(
        run("tours/voila/threshold.ipynb", variables=OFFLINE).cells[1]["outputs"]
    )


def test_the_home_pages_three_lines(run: Run, home: Path, history_server: HistoryServer):
    run("home.ipynb", variables=lab_variables(history_server))
    folder = home / "notebooks"
    assert (folder / "copy-of-home.ipynb").read_bytes() == (folder / "home.ipynb").read_bytes()
