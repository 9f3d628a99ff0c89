"""Which exporter takes which model, and what an exporter is given and gives back."""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from perijove_lab.runner.samples import Samples

# The framework that must be imported already → the exporter's module. The order decides: a Keras model
# on the torch backend is a torch module too, and an XGBoost classifier is a scikit-learn estimator.
_EXPORTERS = (
    ("xgboost", "xgboost"),
    ("lightgbm", "lightgbm"),
    ("keras", "keras"),
    ("torch", "torch"),
    ("sklearn", "sklearn"),
)

_REASONS = (
    ("matplotlib.", "figures stand in the executed notebook; to have a file, savefig('outputs/…')"),
    ("bokeh.", "figures stand in the executed notebook; to have a file, save it below outputs/"),
    ("plotly.", "figures stand in the executed notebook; to have a file, write_html('outputs/…')"),
    ("h5py.", "it is an open file, not its content: read what you need, or write it below outputs/"),
    ("_io.", "it is an open file; write files below outputs/ to have them returned"),
    ("torch.utils.data.", "it only leads to data; keep the arrays themselves to have them returned"),
    (
        "torch.optim.",
        "the state of an optimizer is not exported; torch.save it below outputs/ if you need it",
    ),
    ("keras.src.optimizers.", "the state of an optimizer is not exported"),
)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """An input for a model with what the original says to it.

    `feeds` maps the ONNX inputs' names to arrays; `original` gives the original's outputs in the order of
    the ONNX outputs (None: no counterpart, not compared). `origin` is the variable it came from, or `random`.
    """

    feeds: dict[str, Any]
    original: Callable[[], list[Any]]
    origin: str


@dataclass(frozen=True, kw_only=True)
class Exported:
    """The files in the datasets folder (the ONNX file first), what verifies them, and what to tell.

    Without a sample the model cannot be verified; `metadata["reason"]` then says why.
    """

    files: tuple[str, ...]
    sample: Sample | None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Request:
    """A model to export into `folder`."""

    name: str
    value: Any
    folder: Path
    samples: Samples

    @property
    def path(self) -> Path:
        """The ONNX file to write; external data go beside it as `<file>.data`."""
        return self.folder / f"{file_stem(self.name)}.onnx"


class Exporter(Protocol):
    """One module of this package."""

    def matches(self, value: Any) -> bool:
        """Whether the value is a model of this exporter's framework."""

    def export(self, request: Request) -> Exported:
        """Write the model. Raises UnsaveableError, or whatever the converter raises."""


def exporter_for(value: Any) -> Exporter | None:
    """The exporter of a model, or None for what is no model. Imports no framework."""
    for framework, module in _EXPORTERS:
        if framework in sys.modules:
            exporter: Any = importlib.import_module(f"perijove_lab.runner.export.{module}")
            if exporter.matches(value):
                return exporter  # type: ignore[no-any-return]
    return None


def file_stem(name: str) -> str:
    """A file name from a variable's name (`models.a/b` → `models.a_b`), at most 100 characters."""
    return re.sub(r"[^\w.-]", "_", name)[:100]


def class_name(value: Any) -> str:
    """The class as users know it: `sklearn.svm.SVC`, not the private module it lies in."""
    kind = type(value)
    parts = [part for part in kind.__module__.split(".") if not part.startswith("_") and part != "src"]
    return ".".join([*parts, kind.__qualname__])


def opset_of(model: Any) -> int | None:
    """The version of ONNX's own operators in a model, or of the first domain where it uses none of them."""
    versions = {item.domain: int(item.version) for item in model.opset_import}
    return versions.get("", next(iter(versions.values()), None))


def opset_in(path: Path) -> int | None:
    """`opset_of` a file; external data stay where they are."""
    import onnx

    return opset_of(onnx.load(str(path), load_external_data=False))


def files_of(path: Path) -> tuple[str, ...]:
    """The names of an ONNX file and of its data file, if there is one."""
    data = path.with_name(f"{path.name}.data")
    return (path.name, data.name) if data.exists() else (path.name,)


def reason_against(value: Any) -> str:
    """Why an object that is neither model nor data is not saved."""
    module = f"{type(value).__module__}."
    for prefix, reason in _REASONS:
        if module.startswith(prefix):
            return reason
    return "there is no exporter for this type; write it to a file below outputs/ to have it returned"


def remove_files(request: Request) -> None:
    """Drop what a failed export left behind."""
    for path in request.folder.glob(f"{request.path.name}*"):
        with contextlib.suppress(OSError):
            path.unlink()
