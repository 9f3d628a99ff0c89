"""What a job made, by name: the notebook, models, arrays, files and the report."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from perijove_lab.client import on_galaxy
from perijove_lab.client.connection import Connection
from perijove_lab.client.datasets import Dataset, from_api
from perijove_lab.client.errors import InputError, MissingError

if TYPE_CHECKING:
    from perijove_lab.client.models import Model

# The names that tools give their outputs; ours first, then those of the original tool.
_NAMES = {
    "notebook": ("executed_notebook",),
    "models": ("models", "output_models"),
    "arrays": ("arrays", "outfile_output_arrays"),
    "files": ("files", "output_files"),
    "report": ("report",),
}


class Outputs(Mapping[str, Dataset]):
    """Datasets and collections by the tool's output names, and by role: `.notebook`, `.models` and so on.

    Each has `.get()` (also `.download()`), which gives the path.
    """

    def __init__(self, found: Mapping[str, Dataset]) -> None:
        self._found = dict(found)

    def __getitem__(self, name: str) -> Dataset:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def _named(self, role: str) -> Dataset:
        for name in _NAMES[role]:
            if name in self._found:
                return self._found[name]
        raise MissingError(
            f"The job has made no {role}.",
            advice=f"It has made: {', '.join(self._found) or 'nothing'}. "
            "The report says what could not be saved.",
        )

    @property
    def notebook(self) -> Dataset:
        """The executed notebook."""
        return self._named("notebook")

    @property
    def models(self) -> Dataset:
        """The collection of ONNX models."""
        return self._named("models")

    @property
    def arrays(self) -> Dataset:
        """The HDF5 file of arrays; `load_arrays` reads it."""
        return self._named("arrays")

    @property
    def files(self) -> Dataset:
        """The collection of what the code wrote under `outputs/`."""
        return self._named("files")

    @property
    def report(self) -> Dataset:
        """JSON: what could not be saved and why, provenance, differences of the models, the error."""
        return self._named("report")

    def model(self, name: str | None = None) -> Model:
        """One model, ready to predict. InputError names them where `name` is needed to choose."""
        from perijove_lab.client.models import load_model

        found = dict(elements(self.models))
        return load_model(found[_chosen(list(found), name)])

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {dataset}" for name, dataset in self.items()) or "no outputs"

    def _repr_html_(self) -> str:
        rows = (
            f"<tr><td>{html.escape(name)}</td><td>{html.escape(str(one))}</td></tr>"
            for name, one in self.items()
        )
        return f"<table><tbody>{''.join(rows)}</tbody></table>"


def outputs_of(connection: Connection, details: Mapping[str, Any]) -> Outputs:
    """The outputs that a job's details name."""
    entries = {name: one for name, one in (details.get("outputs") or {}).items() if on_galaxy.is_output(name)}
    made = {name: _dataset(connection, entry) for name, entry in entries.items()}
    if not connection.is_perijove:
        made = _as_made(made, failed=details.get("state") == "error")
    found: dict[str, Dataset] = made
    collections = (details.get("output_collections") or {}).items()
    return Outputs(found | {name: _collection(connection, entry) for name, entry in collections})


def _as_made(found: Mapping[str, Dataset], *, failed: bool) -> dict[str, Dataset]:
    """A Galaxy keeps an empty dataset for what a tool did not make, and after a failure calls all the others
    broken, though they hold what was written until then."""
    made = {name: one for name, one in found.items() if one.size or one.state not in ("ok", "empty", "error")}
    return {name: replace(one, salvaged=True) if failed else one for name, one in made.items()}


def _dataset(connection: Connection, entry: Mapping[str, Any]) -> Dataset:
    with connection.translated():
        return from_api(connection, connection.gi.datasets.show_dataset(str(entry["id"])))


def _collection(connection: Connection, entry: Mapping[str, Any]) -> Dataset:
    with connection.translated():
        shown = connection.gi.dataset_collections.show_dataset_collection(str(entry["id"]))
    return from_api(connection, {"history_content_type": "dataset_collection"} | shown)


def elements(collection: Dataset) -> Iterator[tuple[str, Dataset]]:
    """The datasets of a list collection, each with its identifier."""
    with collection.connection.translated():
        shown = collection.connection.gi.dataset_collections.show_dataset_collection(collection.id)
    for element in shown.get("elements") or []:
        yield str(element["element_identifier"]), from_api(collection.connection, element["object"])


def _chosen(names: list[str], wanted: str | None) -> str:
    if wanted is None and len(names) == 1:
        return names[0]
    for name in names:
        if wanted is not None and name in (wanted, f"{wanted}.onnx"):
            return name
    raise InputError(
        f"There is no model {wanted!r}." if wanted else f"There are {len(names)} models.",
        advice=f"Choose one with model(name): {', '.join(names)}.",
    )
