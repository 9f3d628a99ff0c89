"""The figures of merit of the CT use case, against values worked out by hand."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import h5py
import numpy as np
import pytest

FOLDER = Path(__file__).parents[3] / "notebooks" / "ct-segmentation"


@pytest.fixture(scope="module")
def ctseg() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ctseg_under_test", FOLDER / "ctseg.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def two_channels(infection: list[list[float]]) -> np.ndarray:
    """One slice: background and infection, as the files have them."""
    found = np.array([infection], dtype="float32")
    return np.stack([1 - found, found], axis=-1)


TRUTH = [[1, 1, 0, 0], [0, 0, 0, 0]]
FOUND = [[0, 0.9, 0.8, 0], [0, 0, 0, 0]]


@pytest.fixture
def part(ctseg):
    return ctseg.Split(np.zeros((1, 2, 4, 1), "float32"), two_channels(TRUTH), np.array(["a"]))


def test_dice_and_iou_of_the_infection(ctseg, part):
    # two pixels infected, two found, one of them right: 2·1/(2+2) and 1/3
    scores = ctseg.scores(part, two_channels(FOUND))
    assert scores["dice"] == pytest.approx(0.5)
    assert scores["iou"] == pytest.approx(1 / 3)


def test_precision_and_recall_count_both_channels(ctseg, part):
    # background: 6 predicted, 5 right, 6 there; infection: 2 predicted, 1 right, 2 there
    scores = ctseg.scores(part, two_channels(FOUND))
    assert scores["precision"] == pytest.approx(6 / 8)
    assert scores["recall"] == pytest.approx(6 / 8)


def test_precision_and_recall_differ_where_both_channels_say_yes(ctseg, part):
    predicted = np.ones((1, 2, 4, 2), "float32")
    precision, recall = ctseg.precision_recall(part.masks, predicted)
    assert (precision, recall) == (pytest.approx(8 / 16), pytest.approx(1.0))


def test_the_empty_predictor_scores_the_share_of_the_background(ctseg, part):
    scores = ctseg.scores(part, ctseg.empty_prediction(part.masks))
    assert scores == {"precision": 6 / 8, "recall": 6 / 8, "dice": 0.0, "iou": 0.0}


def test_nothing_there_and_nothing_found_is_right(ctseg):
    nothing = np.zeros((2, 2), dtype=bool)
    assert ctseg.dice(nothing, nothing) == ctseg.iou(nothing, nothing) == 1.0
    assert ctseg.dice(nothing, ~nothing) == ctseg.iou(nothing, ~nothing) == 0.0


def test_exactly_half_is_not_found(ctseg, part):
    # as keras.metrics: above the threshold, not at it
    assert ctseg.scores(part, np.full((1, 2, 4, 2), 0.5, "float32"))["recall"] == 0.0


def test_the_table_has_every_patient_all_and_the_empty_predictor(ctseg):
    masks = np.concatenate([two_channels(TRUTH), two_channels(TRUTH), two_channels(TRUTH)])
    predicted = np.concatenate([two_channels(TRUTH), two_channels(FOUND), two_channels(FOUND)])
    part = ctseg.Split(np.zeros((3, 2, 4, 1)), masks, np.array(["a", "b", "b"]))
    rows = {row["patient"]: row for row in ctseg.score_table(part, predicted)}
    assert [rows[name]["slices"] for name in ("a", "b", "all together")] == [1, 2, 3]
    assert rows["a"]["dice"] == 1.0
    assert rows["b"]["dice"] == pytest.approx(0.5)
    assert rows["all together"]["dice"] == pytest.approx(2 * 4 / 12)  # pixels, not the mean of the patients
    assert rows["finds nothing, all together"]["dice"] == 0.0


def write(path: Path, **arrays: np.ndarray) -> Path:
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name.replace("__", "/")] = array
    return path


def test_read_gives_images_masks_and_patients(ctseg, tmp_path):
    path = write(
        tmp_path / "a.h5",
        y=np.zeros((1, 2, 4, 1)),
        label_test=two_channels(TRUTH),
        meta__test_patient=np.array([b"p1"]),
    )
    part = ctseg.read(path, "test")
    assert part.patients.tolist() == ["p1"]
    assert part.infection.sum() == 2


def test_read_works_without_names_of_patients(ctseg, tmp_path):
    path = write(tmp_path / "a.h5", y=np.zeros((1, 2, 4, 1)), label_test=two_channels(TRUTH))
    assert ctseg.read(path, "test").patients.tolist() == ["all"]


def test_read_names_what_is_missing(ctseg, tmp_path):
    path = write(tmp_path / "a.h5", y=np.zeros((1, 2, 4, 1)))
    with pytest.raises(ValueError, match="no label_test; it holds y"):
        ctseg.read(path, "test")


def test_read_refuses_other_shapes(ctseg, tmp_path):
    path = write(tmp_path / "a.h5", y=np.zeros((1, 2, 4)), label_test=two_channels(TRUTH))
    with pytest.raises(ValueError, match="wanted"):
        ctseg.read(path, "test")


def test_pictures_show_a_slice_of_every_patient(ctseg):
    patients = np.array(["a", "b", "c", "d"]).repeat(3)
    masks = np.stack([two_channels(np.full((2, 4), index % 2))[0] for index in range(12)])
    part = ctseg.Split(np.zeros((12, 2, 4, 1)), masks, patients)
    chosen = ctseg.typical_slices(part)
    assert {str(patients[index]) for index in chosen} == {"a", "b", "c", "d"}


def test_a_download_is_whole(ctseg, tmp_path):
    source = tmp_path / "source.h5"
    source.write_bytes(b"0123456789" * 1000)
    target = ctseg.download(str(tmp_path / "data" / "ct.h5"), source.as_uri())
    assert target.read_bytes() == source.read_bytes()
    assert [found.name for found in target.parent.iterdir()] == ["ct.h5"]


def test_without_a_network_there_is_an_error_and_no_file(ctseg, tmp_path):
    with pytest.raises(OSError, match="No such file"):
        ctseg.download(str(tmp_path / "data" / "ct.h5"), (tmp_path / "nothing").as_uri())
    assert not (tmp_path / "data" / "ct.h5").exists()
