"""Use case 1 with `run_script_job` on a real Galaxy and on the embedded server: the same figures.

Small, on a phantom. `PERIJOVE_TEST_CT` names a file of real scans instead, `PERIJOVE_TEST_EPOCHS` says how
long to train (0: the notebook's own parameters).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from bioblend.galaxy import GalaxyInstance
from tests.contract.galaxy_api.conftest import Server, embedded
from tests.integration.notebooks.test_ct_segmentation import NOTEBOOKS, PHANTOM, run_notebook

from perijove.demo.outside import largest_difference
from perijove.testing.real_galaxy.server import Running
from perijove_lab import job, load_arrays, run_script_job

pytestmark = [pytest.mark.galaxy, pytest.mark.ai, pytest.mark.timeout(7200)]
REAL, EPOCHS = os.environ.get("PERIJOVE_TEST_CT", ""), int(os.environ.get("PERIJOVE_TEST_EPOCHS", "2"))


def training_notebook(folder: Path) -> str:
    """2_train.ipynb, with less to do unless all of it was asked for."""
    book = nbformat.read(NOTEBOOKS / "2_train.ipynb", 4)
    if EPOCHS:
        first = next(i for i, cell in enumerate(book.cells) if "parameters" in cell.metadata.get("tags", []))
        small = "" if REAL else "n_filters, batch_size = 2, 4\n"
        less = f"{small}epochs = {EPOCHS}"
        book.cells.insert(first + 1, nbformat.v4.new_code_cell(less))
    nbformat.write(book, folder / "2_train.ipynb")
    return "2_train.ipynb"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab's folder with the data."""
    folder = tmp_path_factory.mktemp("ct")
    for source in NOTEBOOKS.glob("*.py"):
        shutil.copy(source, folder)
    if REAL:
        (folder / "data").mkdir()
        shutil.copy(REAL, folder / "data" / "ct.h5")
    else:
        run_notebook(os.environ["PERIJOVE_TEST_AI_PYTHON"], folder, "1_fetch_data.ipynb", PHANTOM)
    training_notebook(folder)
    return folder


@contextmanager
def lab(server: Server, place: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GALAXY_URL", server.url)
        patch.setenv("API_KEY", server.keys["alice"])
        patch.setenv("HISTORY_ID", "")
        patch.chdir(place)
        yield


def trained(server: Server, place: Path) -> list[dict]:
    """The scores of the model that the job returned."""
    with lab(server, place):
        done = run_script_job("2_train.ipynb", ["data/ct.h5"], server.url, server.keys["alice"], "CT")
        training = job(done["e_job"]["jobs"][0]["id"])
        assert training.state == "ok", training.log()
        outputs = training.outputs()
        model = outputs.models.get() / "model.onnx"
        assert "training.png" in {path.name for path in outputs.files.get().iterdir()}
        assert outputs.arrays.ext == "h5"
        assert len(load_arrays(outputs.arrays)["training_loss"]) >= 1
        assert "Keras" in outputs.notebook.get().read_text()
        alice = GalaxyInstance(server.url, key=server.keys["alice"])
        assert alice.histories.show_history(training.details["history_id"])["name"] == "CT"
        run_notebook(
            os.environ["PERIJOVE_TEST_AI_PYTHON"],
            place,
            "4_predict.ipynb",
            {"model": str(place / model)},
        )
    return list(json.loads((place / "outputs" / "scores.json").read_text()))


def test_both_servers_give_the_same_figures(real_galaxy: Running, place: Path, tmp_path: Path) -> None:
    there = trained(Server(name="galaxy", url=real_galaxy.url, keys=real_galaxy.keys), place)
    for server in embedded(tmp_path / "home"):
        here = trained(server, place)
    print(json.dumps({"galaxy": there, "embedded": here}, indent=1))
    assert largest_difference(there, here) <= 1e-3
