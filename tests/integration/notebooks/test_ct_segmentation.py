"""The CT notebooks, run small on a phantom with the AI environment: as a job, and as plain scripts."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest

from perijove.demo.notebook import as_script
from perijove.demo.outside import largest_difference

ROOT = Path(__file__).parents[3]
NOTEBOOKS = ROOT / "notebooks" / "ct-segmentation"
LAB_SOURCE = ROOT / "packages" / "perijove-lab" / "src"
PHANTOM = {"patients": [2, 1, 2], "slices": 4, "source": "phantom"}
TRAINING = {"n_filters": 2, "epochs": 2, "batch_size": 4}

pytestmark = [pytest.mark.ai, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def ai_python() -> str:
    return os.environ["PERIJOVE_TEST_AI_PYTHON"]


def run(python: str, folder: Path, *arguments: str) -> str:
    """Run Python in `folder`; what it printed. Its standard error is shown where it fails."""
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(LAB_SOURCE)}
    done = subprocess.run([python, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def run_notebook(python: str, folder: Path, name: str, parameters: dict) -> str:
    script = "from perijove_lab import load_model\n\n" + as_script(
        json.loads((NOTEBOOKS / name).read_text()), parameters
    )
    (folder / "script.py").write_text(script)
    return run(python, folder, "script.py")


@pytest.fixture(scope="module")
def place(ai_python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a new lab has it, with the data fetched."""
    folder = tmp_path_factory.mktemp("ct")
    for source in NOTEBOOKS.glob("*.py"):
        (folder / source.name).write_bytes(source.read_bytes())
    run_notebook(ai_python, folder, "1_fetch_data.ipynb", PHANTOM)
    return folder


@pytest.fixture(scope="module")
def job(ai_python: str, place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The training as the job runner runs it: the job's folder, where it has ended well."""
    folder = tmp_path_factory.mktemp("job")
    for name in ("work", "out"):
        (folder / name).mkdir()
    description = {
        "version": 1,
        "code": {"path": str(NOTEBOOKS / "2_train.ipynb"), "name": "2_train.ipynb"},
        "inputs": [{"source": str(place / "data" / "ct.h5"), "path": "data/ct.h5", "name": "ct.h5"}],
        "parameters": TRAINING,
        "work": str(folder / "work"),
        "out": str(folder / "out"),
        "capture": True,
        "kernel": None,
    }
    (folder / "job.json").write_text(json.dumps(description))
    run(ai_python, folder, "-m", "perijove_lab.runner", str(folder / "job.json"))
    return folder


@pytest.fixture(scope="module")
def scores_of_script(ai_python: str, place: Path) -> list[dict]:
    """The figures of the same training as a plain script."""
    run_notebook(ai_python, place, "2_train.ipynb", TRAINING)
    run_notebook(ai_python, place, "4_predict.ipynb", {})
    return json.loads((place / "outputs" / "scores.json").read_text())


def test_the_phantom_has_the_papers_layout(place: Path):
    with h5py.File(place / "data" / "ct.h5") as file:
        assert file["X_train"].shape == (8, 128, 128, 1)
        assert file["label_test"].shape == (8, 128, 128, 2)
        for images, masks in (("X_train", "y_train"), ("X_valid", "y_valid"), ("y", "label_test")):
            assert 0 <= file[images][:].min() < file[images][:].max() <= 1
            assert np.array_equal(file[masks][:].sum(axis=-1), np.ones(file[masks].shape[:3]))
            assert 0.001 < file[masks][..., 1].mean() < 0.2
        patients = [set(file[f"meta/{split}_patient"][:]) for split in ("train", "valid", "test")]
    assert [len(names) for names in patients] == PHANTOM["patients"]
    assert len(set.union(*patients)) == sum(PHANTOM["patients"])


def test_the_same_seed_draws_the_same_phantom(ai_python: str, place: Path, tmp_path: Path):
    code = f"import sys; sys.path.insert(0, {str(place)!r}); import phantom; phantom.write_phantom"
    given = "patients=(2, 1, 2), slices=4"
    run(
        ai_python,
        tmp_path,
        "-c",
        f"{code}('same.h5', {given}); phantom.write_phantom('other.h5', {given}, seed=1)",
    )
    with (
        h5py.File(place / "data" / "ct.h5") as first,
        h5py.File(tmp_path / "same.h5") as same,
        h5py.File(tmp_path / "other.h5") as other,
    ):
        assert np.array_equal(first["y"][:], same["y"][:])
        assert not np.array_equal(first["y"][:], other["y"][:])


def test_a_job_gives_one_verified_model_its_history_and_a_picture(job: Path):
    manifest = json.loads((job / "out" / "manifest.json").read_text())
    assert manifest["state"] == "ok"
    models = [entry for entry in manifest["outputs"] if entry["role"] == "model"]
    assert [entry["name"] for entry in models] == ["model.onnx"]
    assert models[0]["metadata"]["max_difference"] <= 1e-4
    assert "training.png" in {entry.get("element") for entry in manifest["outputs"]}
    with h5py.File(job / "out" / "datasets" / "arrays.h5") as arrays:
        assert arrays["validation_dice"].shape == arrays["training_loss"].shape == (TRAINING["epochs"],)
        kept = set(arrays)
    assert not kept & {"images", "masks", "valid_images", "valid_truth", "x", "y"}, (
        "inputs must not come back"
    )


def test_a_job_and_a_plain_script_give_the_same_figures(
    ai_python: str, place: Path, job: Path, scores_of_script: list[dict]
):
    model = str(job / "out" / "datasets" / "model.onnx")
    run_notebook(ai_python, place, "4_predict.ipynb", {"model": model})
    scores = json.loads((place / "outputs" / "scores.json").read_text())
    assert largest_difference(scores, scores_of_script) <= 1e-3
    assert (place / "outputs" / "predictions.png").stat().st_size > 10_000


@pytest.mark.slow
def test_the_papers_loss_trains_too(ai_python: str, place: Path):
    plain = TRAINING | {"epochs": 1, "dice_weight": 0.0, "augmentation": False}
    assert "kept epoch 1" in run_notebook(ai_python, place, "2_train.ipynb", plain)


def test_precision_and_recall_are_those_of_keras(ai_python: str, place: Path):
    code = """
import keras, numpy as np, ctseg
random = np.random.default_rng(0)
masks = (random.random((3, 16, 16, 2)) < 0.3).astype("float32")
predicted = random.random((3, 16, 16, 2)).astype("float32")
wanted = [keras.metrics.Precision(), keras.metrics.Recall()]
for metric in wanted:
    metric.update_state(masks, predicted)
print(max(abs(float(m.result()) - f) for m, f in zip(wanted, ctseg.precision_recall(masks, predicted))))
"""
    assert float(run(ai_python, place, "-c", code).split()[-1]) < 1e-6
