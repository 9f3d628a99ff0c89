"""Look at predicted structures: traces, confidence, simple checks of the geometry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import Normalize
from mpl_toolkits.mplot3d.art3d import Line3DCollection

MIME = "chemical/x-pdb"


@dataclass(frozen=True)
class Backbone:
    """One chain: atoms N, CA, C of each residue, in ångström, and the number in the B-factor column."""

    chain: str
    atoms: np.ndarray  # (residues, 3, 3): residue, atom, coordinate
    b_factors: np.ndarray

    @property
    def trace(self) -> np.ndarray:
        """The Cα atoms, (residues, 3)."""
        return self.atoms[:, 1]


def read_backbones(pdb: str | Path) -> list[Backbone]:
    """The chains of a PDB file, in its order. Residues that lack a backbone atom are left out."""
    residues: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    b_factors: dict[tuple[str, str], float] = {}
    for line in Path(pdb).read_text().splitlines():
        if line.startswith("ATOM") and (name := line[12:16].strip()) in ("N", "CA", "C"):
            key = line[21], line[22:27]
            place = np.array([float(line[start : start + 8]) for start in (30, 38, 46)])
            residues.setdefault(key, {})[name] = place
            b_factors[key] = float(line[60:66])
    whole = [key for key, atoms in residues.items() if len(atoms) == 3]
    return [_backbone(chain, whole, residues, b_factors) for chain in dict.fromkeys(key[0] for key in whole)]


def _backbone(chain, whole, residues, b_factors) -> Backbone:
    keys = [key for key in whole if key[0] == chain]
    atoms = np.array([[residues[key][name] for name in ("N", "CA", "C")] for key in keys])
    return Backbone(chain, atoms, np.array([b_factors[key] for key in keys]))


def check(chain: Backbone) -> dict[str, float]:
    """How far the chain is from a real one: medians of its bond lengths, and its worst places, in ångström.

    Real: N–CA 1.46, CA–C 1.52, C–N 1.33, neighbouring CA 3.8 (2.9 at a cis bond); no two CA closer than 3.
    """
    n, ca, c = chain.atoms[:, 0], chain.atoms[:, 1], chain.atoms[:, 2]
    steps = np.linalg.norm(np.diff(ca, axis=0), axis=1)
    between = np.linalg.norm(ca[:, None] - ca[None], axis=-1)[np.triu_indices(len(ca), k=2)]
    return {
        "residues": len(ca),
        "N–CA": float(np.median(np.linalg.norm(ca - n, axis=1))),
        "CA–C": float(np.median(np.linalg.norm(c - ca, axis=1))),
        "C–N": float(np.median(np.linalg.norm(n[1:] - c[:-1], axis=1))),
        "CA–CA": float(np.median(steps)),
        "largest CA step": float(steps.max()),
        "closest CA": float(between.min()),
    }


def draw_trace(chains: list[Backbone], values: list[np.ndarray], label: str, colours: str = "viridis"):
    """A figure: the Cα traces from two sides, coloured by `values` (one array a chain)."""
    middle = np.concatenate([chain.trace for chain in chains]).mean(axis=0)
    everything = np.concatenate(values)
    scale = Normalize(everything.min(), everything.max())
    figure = plt.figure(figsize=(9, 4.2))
    for index, angle in enumerate((0, 90)):
        axis = figure.add_subplot(1, 2, index + 1, projection="3d")
        for chain, value in zip(chains, values, strict=True):
            _draw_chain(axis, chain.trace - middle, value, scale, colours)
        reach = max(np.abs(chain.trace - middle).max() for chain in chains)
        axis.set(xlim=(-reach, reach), ylim=(-reach, reach), zlim=(-reach, reach))
        axis.set_box_aspect((1, 1, 1), zoom=1.5)
        axis.view_init(elev=10, azim=angle)
        axis.set_axis_off()
    mapped = plt.cm.ScalarMappable(scale, colours)
    figure.colorbar(mapped, ax=figure.axes, label=label, shrink=0.7)
    return figure


def _draw_chain(axis, trace: np.ndarray, values: np.ndarray, scale: Normalize, colours: str) -> None:
    """A smooth tube through the Cα atoms: four points a step, each a mean of its neighbours."""
    places = np.linspace(0, len(trace) - 1, 4 * len(trace))
    rounded = trace.copy()
    rounded[1:-1] = (trace[:-2] + 2 * trace[1:-1] + trace[2:]) / 4
    smooth = np.stack([np.interp(places, range(len(trace)), column) for column in rounded.T], axis=1)
    pieces = np.stack([smooth[:-1], smooth[1:]], axis=1)
    lines = Line3DCollection(pieces, cmap=colours, norm=scale, linewidth=4, capstyle="round")
    lines.set_array(np.interp(places[:-1], range(len(values)), values))
    axis.add_collection3d(lines)


def show(pdb: str | Path) -> None:
    """The structure to turn with the mouse, where the lab's viewer is there; else its name."""
    from IPython.display import display

    text = Path(pdb).read_text()
    display({MIME: text, "text/plain": f"{Path(pdb).name}: {text.count(' CA ')} residues"}, raw=True)
