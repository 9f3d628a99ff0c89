"""Pictures of slices, lesions and predicted masks."""

from __future__ import annotations

import ctseg
import matplotlib.pyplot as plt
import numpy as np


def show_predictions(part: ctseg.Split, predicted: np.ndarray, chosen: list[int] | None = None):
    """A figure: image | truth | prediction, one row per slice."""
    chosen = ctseg.typical_slices(part) if chosen is None else chosen
    figure, axes = plt.subplots(len(chosen), 3, figsize=(7.5, 2.6 * len(chosen)), squeeze=False)
    for row, index in zip(axes, chosen, strict=True):
        found = predicted[index, ..., 1] > 0.5
        overlays = (None, part.infection[index], found)
        score = ctseg.dice(part.infection[index], found)
        titles = (str(part.patients[index]), "truth", f"prediction, Dice {score:.2f}")
        for axis, overlay, title in zip(row, overlays, titles, strict=True):
            axis.imshow(part.images[index, ..., 0], cmap="gray", vmin=0, vmax=1)
            if overlay is not None:
                axis.imshow(np.ma.masked_where(~overlay, overlay), cmap="autumn", alpha=0.6, vmin=0, vmax=1)
            axis.set_title(title, fontsize=9)
            axis.axis("off")
    figure.tight_layout()
    return figure


def show_slices(part: ctseg.Split, count: int = 6):
    """A figure: `count` images of a split above the same images with their lesions marked."""
    chosen = np.linspace(0, len(part.images) - 1, count).astype(int)
    figure, axes = plt.subplots(2, count, figsize=(2.2 * count, 4.6), squeeze=False)
    for column, index in enumerate(chosen):
        for axis in axes[:, column]:
            axis.imshow(part.images[index, ..., 0], cmap="gray", vmin=0, vmax=1)
            axis.axis("off")
        lesion = part.infection[index]
        axes[1, column].imshow(np.ma.masked_where(~lesion, lesion), cmap="autumn", alpha=0.6, vmin=0, vmax=1)
        axes[0, column].set_title(str(part.patients[index]), fontsize=9)
    figure.tight_layout()
    return figure
