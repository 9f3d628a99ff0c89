"""What the notebooks of this folder share: the data and the figures of merit (pictures: `pictures.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

ARRAYS = {"train": ("X_train", "y_train"), "valid": ("X_valid", "y_valid"), "test": ("y", "label_test")}
ZENODO = "https://zenodo.org/records/6091361/files/combined_CT_datasets.h5?download=1"


@dataclass(frozen=True)
class Split:
    """Images (n, h, w, 1) in 0 to 1; masks (n, h, w, 2): background, infection; a patient's name each."""

    images: np.ndarray
    masks: np.ndarray
    patients: np.ndarray

    @property
    def infection(self) -> np.ndarray:
        """Where the infection is: (n, height, width), boolean."""
        return self.masks[..., 1] > 0.5


def read(path: str, split: str) -> Split:
    """The `train`, `valid` or `test` part of a file laid out as the paper's. ValueError says what is off."""
    images, masks = ARRAYS[split]
    with h5py.File(path) as file:
        missing = [name for name in (images, masks) if name not in file]
        if missing:
            raise ValueError(f"{path} has no {' and no '.join(missing)}; it holds {', '.join(file)}")
        count = len(file[images])
        names = f"meta/{split}_patient"
        patients = file[names][:].astype(str) if names in file else np.full(count, "all")
        part = Split(file[images][:], file[masks][:], patients)
    pixels = part.images.shape[:3]
    if part.images.shape != (*pixels, 1) or part.masks.shape != (*pixels, 2):
        shapes = f"{images} is {part.images.shape}, {masks} is {part.masks.shape}"
        raise ValueError(f"{shapes}; wanted (n, h, w, 1) and (n, h, w, 2)")
    return part


def download(path: str, url: str = ZENODO) -> Path:
    """Fetch the paper's own file (about 0.5 GB); whole or not at all. OSError where there is no network."""
    import shutil
    import urllib.request

    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    with urllib.request.urlopen(url, timeout=30) as answer, part.open("wb") as file:
        shutil.copyfileobj(answer, file)
    return part.rename(target)


def dice(truth: np.ndarray, found: np.ndarray) -> float:
    """Dice coefficient of two boolean arrays, all pixels together: 2|A∩B|/(|A|+|B|); 1 if both are empty."""
    total = np.count_nonzero(truth) + np.count_nonzero(found)
    return 2 * np.count_nonzero(truth & found) / total if total else 1.0


def iou(truth: np.ndarray, found: np.ndarray) -> float:
    """Intersection over union of two boolean arrays, all pixels together; 1 where both are empty."""
    union = np.count_nonzero(truth | found)
    return np.count_nonzero(truth & found) / union if union else 1.0


def precision_recall(masks: np.ndarray, predicted: np.ndarray, threshold: float = 0.5) -> tuple[float, float]:
    """Precision and recall as the paper has them: `keras.metrics.Precision` and `Recall` over both channels.

    The background channel counts like the infection, so a predictor that finds nothing scores as high as
    the background is large. 0 where nothing is predicted, or nothing is there.
    """
    truth, positive = masks > 0.5, predicted > threshold
    hits = np.count_nonzero(truth & positive)
    return hits / max(1, np.count_nonzero(positive)), hits / max(1, np.count_nonzero(truth))


def empty_prediction(masks: np.ndarray) -> np.ndarray:
    """What a predictor answers that finds no infection anywhere."""
    nothing = np.zeros_like(masks)
    nothing[..., 0] = 1
    return nothing


def scores(part: Split, predicted: np.ndarray) -> dict[str, float]:
    """All four figures of one prediction (n, height, width, 2)."""
    precision, recall = precision_recall(part.masks, predicted)
    found = predicted[..., 1] > 0.5
    return {
        "precision": precision,
        "recall": recall,
        "dice": dice(part.infection, found),
        "iou": iou(part.infection, found),
    }


def score_table(part: Split, predicted: np.ndarray) -> list[dict]:
    """One row per patient, one for all of them, one for the predictor that finds nothing."""
    rows = []
    for name in np.unique(part.patients):
        chosen = part.patients == name
        one = Split(part.images[chosen], part.masks[chosen], part.patients[chosen])
        rows.append({"patient": str(name), "slices": len(one.images), **scores(one, predicted[chosen])})
    count = len(part.images)
    rows.append({"patient": "all together", "slices": count, **scores(part, predicted)})
    nothing = scores(part, empty_prediction(part.masks))
    return [*rows, {"patient": "finds nothing, all together", "slices": count, **nothing}]


def typical_slices(part: Split) -> list[int]:
    """One slice per patient (at most six, more where there are few patients): those with much to find."""
    per_patient = max(1, 4 // len(np.unique(part.patients)))
    chosen: list[int] = []
    for name in np.unique(part.patients)[:6]:
        of_patient = np.flatnonzero(part.patients == name)
        area = part.infection[of_patient].sum(axis=(1, 2))
        order = of_patient[np.argsort(area)]
        chosen += [int(order[int(q * (len(order) - 1))]) for q in np.linspace(0.85, 0.5, per_patient)]
    return chosen
