"""The interactive tool: a lab that Galaxy opens, or (`run_it`, in workflows) a notebook run without one.

<job directory>/working/lab/            what the user sees
    notebook.ipynb                      fresh, or the history's
    data/<name>                         the datasets and collections that were chosen
    outputs/                            what comes back as a collection
    <repository>/                       a Git repository
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perijove_lab.client.names import element_path, file_name, free_name
from perijove_lab.galaxy import parameters, repository
from perijove_lab.galaxy.job import run_description, values
from perijove_lab.galaxy.kept import Kept
from perijove_lab.galaxy.parameters import Given
from perijove_lab.galaxy.results import write_collection
from perijove_lab.runner.errors import SpecError

NOTEBOOK = "notebook.ipynb"
_FRESH = (
    '{"cells": [{"cell_type": "code", "id": "first", "metadata": {}, "source": "", "outputs": [], '
    '"execution_count": null}], "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", '
    '"language": "python"}}, "nbformat": 4, "nbformat_minor": 5}\n'
)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was chosen in the tool's form."""

    mode: str
    notebook: Given | None
    run_it: bool
    address: str
    values: dict[str, Any]
    inputs: tuple[tuple[str, Given], ...]


def run(path: Path, names: Path, saved: Path) -> int:
    """The exit code. `names`: the collections', as JSON; `saved`: where Galaxy wants the notebook."""
    asked = read(parameters.read(path), parameters.read_list(names))
    here = Path.cwd()
    return _headless(asked, here, saved) if asked.run_it else _lab(asked, here, saved)


def read(raw: Mapping[str, Any], names: list[Any]) -> Asked:
    """The form's values. Raises SpecError for what cannot be done."""
    mode = dict(raw.get("mode") or {})
    chosen = parameters.text(mode, "mode_select") or "scratch"
    run_it = mode.get("run_it") in (True, "true")
    return Asked(
        mode=chosen,
        notebook=parameters.dataset(mode, "ipynb") if chosen == "previous" else None,
        run_it=run_it and chosen == "previous",
        address=parameters.text(mode, "repository"),
        values=values(parameters.text(mode, "parameters")),
        inputs=tuple(_inputs(raw, names)),
    )


def _inputs(raw: Mapping[str, Any], names: list[Any]) -> list[tuple[str, Given]]:
    """Every input with its path below the lab's folder; no two have the same."""
    found: list[tuple[str, Given]] = []
    taken: set[str] = set()
    for given in parameters.datasets(raw.get("input")):
        name = free_name(file_name(given.name), taken)
        taken.add(name)
        found.append((f"data/{name}", given))
    for position, entry in enumerate(raw.get("collections") or []):
        name = str(names[position]) if position < len(names) else f"collection {position + 1}"
        folder = free_name(file_name(name), taken)
        taken.add(folder)
        inner: set[str] = set()
        for given in parameters.datasets(entry.get("collection")):
            path = free_name(str(element_path(given.place, given.ext)), inner)
            inner.add(path)
            found.append((f"data/{folder}/{path}", given))
    return found


# ------------------------------------------------------------------ without a lab


def _headless(asked: Asked, here: Path, saved: Path) -> int:
    notebook = asked.notebook
    if notebook is None:
        raise SpecError("No notebook was chosen to run.", advice="Choose one in the tool's form.")
    description = {
        "version": 1,
        "code": {"path": str(notebook.source), "name": NOTEBOOK},
        "inputs": [
            {"source": str(given.source), "path": path, "name": given.name} for path, given in asked.inputs
        ],
        "parameters": asked.values,
        "work": str(here / "work"),
        "out": str(here / "out"),
        "capture": True,
        "kernel": None,
    }
    code = run_description(description, here, limit=None)
    executed = here / "out" / "executed.ipynb"
    if executed.is_file():
        shutil.copyfile(executed, saved)
    return code


# ------------------------------------------------------------------ with one


def _lab(asked: Asked, here: Path, saved: Path) -> int:
    from perijove_lab.galaxy import door, serving

    entrance = door.entrance(os.environ)
    folder = here / "lab"
    _furnish(asked, folder)
    kept = Kept(folder=folder, notebook=folder / NOTEBOOK, saved=saved, told=lambda: write_collection(here))
    return serving.serve(entrance, folder, here, kept)


def _furnish(asked: Asked, folder: Path) -> None:
    (folder / "outputs").mkdir(parents=True, exist_ok=True)
    (folder / "data").mkdir(exist_ok=True)
    for path, given in asked.inputs:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(given.source)
    if asked.notebook:
        shutil.copyfile(asked.notebook.source, folder / NOTEBOOK)
    elif asked.mode == "scratch":
        (folder / NOTEBOOK).write_text(_FRESH)
    if asked.mode == "git":
        repository.clone(asked.address, folder)
