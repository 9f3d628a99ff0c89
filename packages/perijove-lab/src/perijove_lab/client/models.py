"""A returned ONNX model, ready to predict."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perijove_lab.client.errors import InputError, LabError, MissingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TYPES = {
    "float": "float32", "double": "float64", "float16": "float16",
    "int8": "int8", "int16": "int16", "int32": "int32", "int64": "int64",
    "uint8": "uint8", "uint16": "uint16", "uint32": "uint32", "uint64": "uint64",
    "bool": "bool", "string": "object",
}  # fmt: skip


@dataclass(frozen=True)
class Port:
    """An input or output of a model. `shape` holds None where any length fits (mostly the batch)."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype}{list(self.shape)}"


class Model:
    """An ONNX model in onnxruntime.

    >>> model = load_model("unet.onnx")                             # doctest: +SKIP
    >>> model.predict(images)        # as the original's predict    # doctest: +SKIP
    """

    def __init__(self, path: Path, session: Any) -> None:
        self.path = path
        self.session = session
        self.inputs = tuple(_port(entry) for entry in session.get_inputs())
        self.outputs = tuple(_port(entry) for entry in session.get_outputs())
        self.metadata = dict(session.get_modelmeta().custom_metadata_map)

    def __repr__(self) -> str:
        inputs, outputs = (", ".join(map(str, ports)) for ports in (self.inputs, self.outputs))
        return f"<Model {self.path.name} ({inputs}) → ({outputs})>"

    def predict(self, x: Any, *, batch_size: int | None = None) -> Any:
        """The first output for `x`, as the original model's `predict` gave it (a classifier: its labels).

        `x`: an array, list, data frame or tensor of shape (samples, …); for several inputs a dict from name
        to such, or a list in the order of `.inputs`. Types are cast where no value changes its meaning.
        `batch_size` limits how many samples go through at once. InputError says what does not fit.
        """
        return self.run(x, batch_size=batch_size)[self.outputs[0].name]

    __call__ = predict

    def predict_proba(self, x: Any, *, batch_size: int | None = None) -> Any:
        """A classifier's probabilities, of shape (samples, classes)."""
        if len(self.outputs) < 2:
            raise InputError(f"{self.path.name} has one output only and no probabilities.")
        return self.run(x, batch_size=batch_size)[self.outputs[1].name]

    def run(self, x: Any, *, batch_size: int | None = None) -> dict[str, Any]:
        """Every output, by name."""
        feed = _feed(x, self.inputs)
        parts = [self._one(part) for part in _batches(feed, batch_size or self._fixed_batch())]
        return {
            port.name: _joined([part[index] for part in parts]) for index, port in enumerate(self.outputs)
        }

    def _fixed_batch(self) -> int | None:
        """The number of samples that the model insists on, if it does."""
        first = self.inputs[0].shape
        return first[0] if first and first[0] else None

    def _one(self, feed: dict[str, NDArray[Any]]) -> list[Any]:
        try:
            found = self.session.run(None, feed)
        except Exception as error:  # onnxruntime's own classes differ from build to build
            raise InputError(
                f"{self.path.name} cannot compute this: {error}", advice=f"It takes {self.inputs}."
            ) from error
        return [_plain(value) for value in found]


def load_model(source: Any) -> Model:
    """The model at a path (a file, or a folder with a model and its data), or in a dataset or collection.

    A number or name that is no path is looked up in the history. MissingError, InputError say what is wrong.
    """
    path = _model_file(local_path(source))
    runtime = _runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    options.log_severity_level = 3
    try:
        session = runtime.InferenceSession(str(path), options, providers=_providers(runtime))
    except Exception as error:
        raise InputError(f"{path} is not a model that onnxruntime can load: {error}") from error
    return Model(path, session)


def _runtime() -> Any:
    try:
        import onnxruntime  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise LabError(
            "onnxruntime is not installed here.", advice="Use the AI kernel, or: %pip install onnxruntime"
        ) from error
    return onnxruntime


def _providers(runtime: Any) -> list[str]:
    """The GPU where there is one, else the CPU. TensorRT is left out: it compiles for minutes at first."""
    available = runtime.get_available_providers()
    return [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in available]


def local_path(source: Any) -> Path:
    """The path of a local file, or of the download of what `source` means in the history."""
    if isinstance(source, Path) or (isinstance(source, str) and Path(source).expanduser().exists()):
        return Path(source).expanduser()
    if hasattr(source, "get") and hasattr(source, "src"):
        return Path(source.get())
    from perijove_lab.client.connection import connect
    from perijove_lab.client.incoming import get_many

    (path,) = get_many(connect(), [source])
    return path


def _model_file(path: Path) -> Path:
    if path.is_file():
        return path
    found = sorted(path.rglob("*.onnx")) if path.is_dir() else []
    if len(found) == 1:
        return found[0]
    if not found:
        raise MissingError(f"There is no ONNX model at {path}.")
    names = ", ".join(str(one.relative_to(path)) for one in found)
    raise InputError(f"{path} holds {len(found)} models.", advice=f"Load one of them: {names}.")


def _port(entry: Any) -> Port:
    kind = str(entry.type).removeprefix("tensor(").removesuffix(")")
    shape = tuple(length if isinstance(length, int) else None for length in entry.shape or ())
    return Port(entry.name, shape, _TYPES.get(kind, kind))


def _feed(x: Any, ports: tuple[Port, ...]) -> dict[str, NDArray[Any]]:
    if _is_frame(x) and len(ports) > 1:
        x = {name: x[name].to_numpy().reshape(-1, 1) for name in x.columns}
    if len(ports) == 1 and not isinstance(x, Mapping):
        return {ports[0].name: _cast(x, ports[0])}
    if not isinstance(x, Mapping):
        x = dict(zip((port.name for port in ports), x, strict=False))
    missing = [port.name for port in ports if port.name not in x]
    if missing:
        raise InputError(
            f"The model's input {missing[0]} is missing.", advice=f"It takes {', '.join(map(str, ports))}."
        )
    return {port.name: _cast(x[port.name], port) for port in ports}


def _is_frame(x: Any) -> bool:
    return hasattr(x, "columns") and hasattr(x, "to_numpy")


def _cast(x: Any, port: Port) -> NDArray[Any]:
    """`x` as the input takes it; InputError where that would change values or the shape is wrong."""
    import numpy as np

    array = np.asarray(_off_device(x))
    wanted = np.dtype(port.dtype)
    if array.dtype != wanted:
        _refuse_lossy(array, wanted, port)
        array = array.astype(wanted)
    if len(array.shape) == len(port.shape) - 1 and port.shape[0] in (None, 1):
        array = array[np.newaxis]  # one sample without its batch axis
    fits = len(array.shape) == len(port.shape) and all(
        expected in (None, length) for expected, length in zip(port.shape[1:], array.shape[1:], strict=True)
    )
    if not fits:
        raise InputError(f"The shape {array.shape} does not fit the input {port}.")
    return np.ascontiguousarray(array)


def _off_device(x: Any) -> Any:
    """A tensor of PyTorch may need gradients or lie on a GPU."""
    return x.detach().cpu().numpy() if hasattr(x, "detach") and hasattr(x, "cpu") else x


def _refuse_lossy(array: NDArray[Any], wanted: np.dtype[Any], port: Port) -> None:
    """Fractions must not become whole numbers, text not numbers; less precise floats are what models use."""
    if array.dtype.kind in "fc" and wanted.kind in "iu" and not (array == array.round()).all():
        raise InputError(f"The input {port} takes whole numbers; these have fractions.")
    if array.dtype.kind in "OUS" and wanted.kind != "O":
        try:
            array.astype(wanted)
        except (TypeError, ValueError) as error:
            raise InputError(f"The input {port} takes numbers: {error}.") from error


def _batches(feed: dict[str, NDArray[Any]], size: int | None) -> list[dict[str, NDArray[Any]]]:
    samples = len(next(iter(feed.values()))) if feed else 0
    if not size or size >= samples:
        return [feed]
    return [
        {name: array[start : start + size] for name, array in feed.items()}
        for start in range(0, samples, size)
    ]


def _plain(value: Any) -> Any:
    """Probabilities that scikit-learn's converter gives as a list of dicts, as an array."""
    import numpy as np

    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return np.array([list(row.values()) for row in value], dtype="float32")
    return value


def _joined(parts: list[Any]) -> Any:
    import numpy as np

    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if hasattr(parts[0], "shape") else [one for part in parts for one in part]
