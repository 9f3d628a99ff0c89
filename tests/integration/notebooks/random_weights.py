"""Weights of the right shapes and with random numbers for AlphaFold's networks: `random_weights.py FOLDER`.

The real ones are a download of gigabytes. With these the real code runs from end to end, and what it folds is
a tangle: figures of confidence mean nothing. Runs in the environment `colabfold`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import haiku as hk
import jax
import numpy as np
from alphafold.model import config, modules
from colabfold.batch import build_monomer_feature, mk_mock_template

ALPHABET = "ACDEFGHIKLMNPQRSTVWY"


def shapes() -> dict[str, dict[str, jax.ShapeDtypeStruct]]:
    """Every parameter of the network `model_3_ptm`, which takes no templates."""
    chosen = config.model_config("model_3_ptm")
    evoformer = chosen.model.embeddings_and_evoformer.evoformer
    for name in ("triangle_multiplication_incoming", "triangle_multiplication_outgoing"):
        evoformer[name].fuse_projection_weights = True
    chosen.data.eval.num_ensemble = 1
    features = build_monomer_feature(ALPHABET, f">a\n{ALPHABET}\n", mk_mock_template(ALPHABET))
    from alphafold.model.model import RunModel

    batch = RunModel(chosen).process_features(features, random_seed=0)
    network = hk.transform(lambda batch: modules.AlphaFold_noE(chosen.model)(batch, is_training=False))
    return jax.eval_shape(network.init, jax.random.PRNGKey(0), batch)


def write(folder: Path) -> None:
    """`folder`/params as ColabFold looks for it: five networks, which are one file."""
    random = np.random.default_rng(0)
    flat = {
        f"{scope}//{name}": _values(random, name, shape.shape)
        for scope, members in shapes().items()
        for name, shape in members.items()
    }
    params = folder / "params"
    params.mkdir(parents=True)
    np.savez(params / "params_model_1_ptm.npz", **flat)
    for number in range(2, 6):
        os.link(params / "params_model_1_ptm.npz", params / f"params_model_{number}_ptm.npz")
    (params / "download_finished.txt").touch()


def _values(random: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Small, so that nothing overflows; scales of normalisation are one."""
    if name == "scale":
        return np.ones(shape, "float32")
    return random.normal(0, 0.02, shape).astype("float32")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
