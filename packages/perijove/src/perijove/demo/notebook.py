"""Notebooks as values: their code cells, with parameters set as papermill sets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perijove.core.errors import BadRequestError


@dataclass(frozen=True)
class Cell:
    """A code cell: its id and its source."""

    id: str
    source: str


def code_cells(notebook: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> list[Cell]:
    """The code cells in order; after the one tagged `parameters` stands one that sets `parameters`.

    BadRequestError where parameters are given and no cell is tagged.
    """
    found: list[Cell] = []
    given = dict(parameters or {})
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        found.append(Cell(str(cell.get("id", "")), _text(cell["source"])))
        if given and "parameters" in cell.get("metadata", {}).get("tags", ()):
            found.append(Cell("injected-parameters", _assignments(given)))
            given = {}
    if given:
        raise BadRequestError(
            "The notebook has no cell tagged `parameters`.", advice="Tag one in JupyterLab."
        )
    return found


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _assignments(parameters: Mapping[str, Any]) -> str:
    return "\n".join(f"{name} = {value!r}" for name, value in parameters.items())


def as_script(notebook: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> str:
    """The notebook as a plain Python script, its cells as they are. For notebooks without magics."""
    return "\n\n".join(cell.source for cell in code_cells(notebook, parameters)) + "\n"
