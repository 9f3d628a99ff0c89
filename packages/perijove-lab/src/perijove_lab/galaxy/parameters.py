"""A tool's parameters as Galaxy writes them (`<inputs data_style="staging_path_and_source_path"/>`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perijove_lab.runner.errors import SpecError


@dataclass(frozen=True, kw_only=True)
class Given:
    """A dataset that the job was given: its name in the history or collection, its type, its file."""

    name: str
    ext: str
    source: Path
    place: str = ""
    """Its path within the collection that was chosen."""

    @property
    def is_notebook(self) -> bool:
        """By its type or by its name."""
        return self.ext == "ipynb" or self.name.lower().endswith(".ipynb")

    @property
    def code_name(self) -> str:
        """A name that ends as the runner tells notebooks by."""
        name = self.name.replace("/", "_")
        if self.is_notebook and not name.lower().endswith(".ipynb"):
            return f"{name}.ipynb"
        return name


def read(path: Path) -> dict[str, Any]:
    """The parameters by name. Raises SpecError."""
    found = _json(path)
    if not isinstance(found, dict):
        raise SpecError(f"Galaxy's parameters ({path}) are no JSON object.")
    return found


def read_list(path: Path) -> list[Any]:
    """A list that the tool's wrapper wrote. Raises SpecError."""
    found = _json(path)
    if not isinstance(found, list):
        raise SpecError(f"{path} holds no JSON list.")
    return found


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpecError(f"Galaxy's parameters ({path}) cannot be read: {error}.") from error


def datasets(value: Any) -> list[Given]:
    """What a data or collection parameter holds; empty where nothing was chosen."""
    entries = value if isinstance(value, list) else [value]
    return [_given(entry) for entry in entries if isinstance(entry, dict) and _source(entry)]


def dataset(raw: dict[str, Any], name: str) -> Given:
    """The one dataset of the parameter `name`. Raises SpecError where there is none."""
    found = datasets(raw.get(name))
    if not found:
        raise SpecError(f"No dataset was chosen for {name}.", advice="Choose one in the tool's form.")
    return found[0]


def text(raw: dict[str, Any], name: str) -> str:
    """A text parameter without the spaces around it; empty where nothing was given."""
    value = raw.get(name)
    stripped = "" if value is None else str(value).strip()
    return "" if stripped == "None" else stripped


def _given(entry: dict[str, Any]) -> Given:
    source = Path(_source(entry))
    return Given(
        name=str(entry.get("element_identifier") or entry.get("staging_path") or source.name),
        ext=str(entry.get("ext") or ""),
        source=source.absolute(),
        place=str(entry.get("staging_path") or entry.get("element_identifier") or source.name),
    )


def _source(entry: dict[str, Any]) -> str:
    source = entry.get("source_path")
    return "" if source in (None, "None") else str(source)
