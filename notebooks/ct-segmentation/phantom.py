"""A phantom of chest CT with ground-glass lesions: drawn, seeded, free of anybody's data.

It exists so that the use case runs where there is neither a network nor a data set. It looks like chest CT
and is not: figures measured on it say that the way works, never how well a model would do on people.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from scipy import ndimage

AIR, LUNG, FAT, TISSUE, BONE = -1000.0, -840.0, -100.0, 45.0, 420.0  # Hounsfield units
WINDOW = (-1024.0, 400.0)  # what is shown as black and as white
ARRAYS = {"train": ("X_train", "y_train"), "valid": ("X_valid", "y_valid"), "test": ("y", "label_test")}


def write_phantom(path, *, patients=(8, 3, 4), slices: int = 12, size: int = 128, seed: int = 2023) -> Path:
    """Write a file laid out as the paper's: `patients` for training, validation and test, `slices` of each.

    The same arguments give the same pixels. No patient stands in two splits; `meta/*_patient` names them.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    first = 0
    with h5py.File(target, "w") as file:
        for split, count in zip(ARRAYS, patients, strict=True):
            write_split(file, split, range(first, first + count), slices, size, seed)
            first += count
    return target


def write_split(file, split: str, numbers, slices: int, size: int, seed: int) -> None:
    """Images, masks of two channels (background, infection) and names of the patients with these numbers."""
    drawn = [patient(seed=[seed, number], slices=slices, size=size) for number in numbers]
    lesions = np.concatenate([lesion for _, lesion in drawn])
    names = np.repeat([f"phantom_{number:03}" for number in numbers], slices)
    contents = {
        ARRAYS[split][0]: np.concatenate([image for image, _ in drawn])[..., None],
        ARRAYS[split][1]: np.stack([1 - lesions, lesions], axis=-1).astype("float32"),
        f"meta/{split}_patient": names.astype("S16"),
    }
    for name, array in contents.items():
        file.create_dataset(name, data=array, compression="gzip", compression_opts=4)


def patient(*, seed, slices: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """One patient: images (slices, size, size) in 0 to 1, and lesion masks of 0 and 1 of the same shape."""
    random = np.random.default_rng(seed)
    z, y, x = np.meshgrid(
        np.linspace(0.1, 0.9, slices), np.linspace(-1, 1, size), np.linspace(-1, 1, size), indexing="ij"
    )  # z: top to base of the lungs; y: front to back; x: the patient's right to left
    width, depth = random.uniform(0.80, 0.92), random.uniform(0.58, 0.68)
    y = y - random.uniform(-0.06, 0.02)
    wobble = smooth_noise(random, z.shape, 9) * 0.03
    body = np.abs(x / width) ** 2.4 + np.abs(y / depth) ** 2.2 + wobble
    volume = np.where(body < 1, FAT, AIR)
    volume[body < random.uniform(0.80, 0.90)] = TISSUE

    lungs = draw_lungs(volume, random, x, y, z, width, depth)
    draw_bones(volume, random, x, y, z, width, depth)
    volume[lungs] = LUNG + smooth_noise(random, z.shape, 6)[lungs] * 25
    vessels = draw_vessels(random, lungs, slices, size)
    volume[lungs] += vessels[lungs] * (TISSUE - LUNG)
    lesions = draw_lesions(volume, random, lungs, vessels, x, y, z)
    draw_table(volume, x, y, depth)
    return finish(volume, random), lesions


def smooth_noise(random, shape, width: float) -> np.ndarray:
    """Noise of standard deviation 1 that changes over about `width` pixels (and from slice to slice)."""
    noise = ndimage.gaussian_filter(random.normal(size=shape), (1.0, width, width))
    return noise / noise.std()


def draw_lungs(volume, random, x, y, z, width, depth) -> np.ndarray:
    """Where the lungs are: two rounded wedges, smaller at the top, cut by heart, spine and diaphragm."""
    height = np.sin(np.pi * (0.22 + 0.6 * z))
    edge = smooth_noise(random, z.shape, 10) * 0.06
    side = np.abs(x) - 0.40 * width
    outer = (side / (0.36 * width * height)) ** 2 + ((y - 0.02) / (0.76 * depth * height)) ** 2 + edge < 1
    heart_size = np.clip(0.10 + 0.55 * z, 0.15, 0.42)
    heart = ((x - 0.12) / heart_size) ** 2 + ((y + 0.12) / (0.75 * heart_size)) ** 2 + edge < 1
    spine = np.hypot(x / 0.17, (y - 0.62 * depth) / 0.24) < 1
    dome = np.sqrt(np.clip((z - 0.72) / 0.18, 0, 1))
    liver = np.hypot((x + 0.36) / 0.42, (y + 0.02) / 0.36) < dome
    lungs = outer & ~heart & ~spine & ~liver & (np.abs(x) > 0.05)
    volume[heart] = TISSUE + 15
    aorta = np.hypot(x - 0.13, y - 0.36 * depth) < 0.075
    volume[aorta] = TISSUE + 60
    trachea = (z < 0.45) & (np.hypot(x / 0.06, (y + 0.04) / 0.055) < 1)
    volume[trachea] = AIR
    return lungs & ~aorta & ~trachea


def draw_bones(volume, random, x, y, z, width, depth) -> None:
    """Spine, breastbone, and ribs that cross each slice as short bright arcs."""
    at = 0.60 * depth
    body = np.hypot(x / 0.12, (y - at) / 0.10)
    volume[body < 1] = TISSUE + 130
    volume[(body > 0.82) & (body < 1)] = BONE
    arch = np.hypot(x / 0.10, (y - at - 0.17) / 0.08)
    volume[arch < 1] = BONE * 0.8
    volume[arch < 0.55] = TISSUE - 10
    volume[np.hypot(x / 0.11, (y + 0.86 * depth) / 0.035) < 1] = BONE * 0.7
    cage = np.abs(x / (0.86 * width)) ** 2.2 + np.abs(y / (0.86 * depth)) ** 2.2
    angle = np.arctan2(y / depth, np.abs(x) / width)
    phase = random.uniform(0, 2 * np.pi)
    ribs = (np.abs(cage - 1) < 0.09) & (np.cos(9 * angle + 14 * z + phase) > 0.45)
    volume[ribs] = BONE * 0.9


def draw_vessels(random, lungs, slices: int, size: int, branches: int = 70, steps: int = 60) -> np.ndarray:
    """How much of each pixel is vessel (0 to 1): paths from the roots of the lungs outwards, ever thinner."""
    canvas = np.zeros((slices, size, size))
    side = random.choice([-1, 1], branches)
    level, middle = random.uniform(0.3, 0.7, branches) * slices, np.full(branches, 0.52 * size)
    position = np.column_stack([level, middle, (0.5 + 0.09 * side) * size])
    up, back = random.normal(0, 0.12, branches), random.normal(0, 0.8, branches)
    heading = np.column_stack([up, back, side * random.uniform(0.4, 1, branches)])
    for step in range(steps):
        heading += random.normal(0, 0.16, heading.shape) * (0.3, 1, 1)
        position += heading / np.linalg.norm(heading, axis=1, keepdims=True) * size / 110
        index = np.round(position).astype(int)
        inside = np.all((index >= 0) & (index < canvas.shape), axis=1)
        calibre = (1 - step / steps) ** 1.5
        np.add.at(canvas, tuple(index[inside].T), 0.35 + 1.5 * calibre)
    blurred = ndimage.gaussian_filter(canvas, (0.25, 0.65, 0.65)) * 1.6
    return np.clip(blurred, 0, 0.9) * lungs


def draw_lesions(volume, random, lungs, vessels, x, y, z) -> np.ndarray:
    """Ground-glass lesions near the pleura, mostly at the back: one or two for each slice that holds lung."""
    mask = np.zeros(volume.shape, dtype=bool)
    from_pleura = np.stack([ndimage.distance_transform_edt(level) for level in lungs])
    ragged = smooth_noise(random, z.shape, 4) * 0.35
    severity = random.uniform(0.6, 1.5)
    places = np.argwhere(lungs & (from_pleura < 6) & (y > -0.15))
    for level in np.unique(places[:, 0]):
        here = places[places[:, 0] == level]
        for place in here[random.integers(len(here), size=random.integers(1, 3))]:
            radius = severity * random.uniform(0.06, 0.17)
            offset = [axis - axis[tuple(place)] for axis in (x, y, z)]
            distance = np.hypot(np.hypot(offset[0], offset[1] / 0.8) / radius, offset[2] / 0.09)
            lesion = (distance + ragged < 1) & lungs
            density = random.uniform(0.25, 0.5) + 0.35 * np.clip(0.5 - distance, 0, 0.5) + 0.05 * ragged
            filled = LUNG + (TISSUE - LUNG) * density + vessels * 150
            volume[lesion] = np.maximum(volume, filled)[lesion]
            mask |= lesion
    return mask.astype("float32")


def draw_table(volume, x, y, depth) -> None:
    """The scanner's table below the patient."""
    table = np.abs(y - (depth + 0.10) + 0.10 * x**2) < 0.012
    volume[table & (volume < FAT - 100)] = FAT


def finish(volume, random) -> np.ndarray:
    """Blur as a scanner does, add noise, and cut to the window: float32 in 0 to 1."""
    volume = ndimage.gaussian_filter(volume, (0, 0.55, 0.55))
    noise = ndimage.gaussian_filter(random.normal(size=volume.shape), (0, 0.6, 0.6))
    volume = volume + noise / noise.std() * random.uniform(25, 60)
    low, high = WINDOW
    return (np.clip((volume - low) / (high - low), 0, 1) ** random.uniform(0.7, 0.9)).astype("float32")
