"""Values that HDF5 has no type for, as texts or integers: strings, times, objects."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from perijove_lab.runner.export.blocks import Source, write
from perijove_lab.runner.export.unsaveable import UnsaveableError


def type_name(value: Any) -> str:
    """The qualified name of the value's type, as a person would write it."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def to_json(value: Any) -> str:
    """JSON text (NaN and infinities in Python's words). Raises UnsaveableError for other objects."""
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        raise UnsaveableError(f"it holds {type_name(value)}, which is no number or text") from error


def write_source(parent: Any, key: str, source: Source, attributes: dict[str, str], dtype: str) -> None:
    """Write an array whose NumPy type HDF5 may lack: texts as UTF-8, times as integers, objects as JSON."""
    dataset = write(parent, key, _storable(source))
    dataset.attrs.update(attributes, dtype=dtype)
    if source.dtype.kind == "O" and not _is_text(source):
        dataset.attrs["encoding"] = "json"


def _storable(source: Source) -> Source:
    import h5py
    import numpy as np

    kind = source.dtype.kind
    if kind in "mM":
        return _mapped(source, np.dtype("int64"), lambda block: block.view("int64"))
    if kind == "U":
        return _mapped(source, h5py.string_dtype(), lambda block: block.astype(object))
    if kind == "O":
        text = _is_text(source)
        return _mapped(source, h5py.string_dtype(), lambda block: _texts(block, plain=text))
    return source


def _mapped(source: Source, dtype: Any, convert: Callable[[Any], Any]) -> Source:
    return Source(shape=source.shape, dtype=dtype, read=lambda part: convert(source.read(part)))


def _is_text(source: Source) -> bool:
    return all(isinstance(item, str) and fits(item) for item in source.read(()).ravel())


def fits(text: str) -> bool:
    """Whether HDF5 can hold the text as it is: no null characters, no lone surrogates."""
    return "\0" not in text and (text.isascii() or _encodes(text))


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _texts(block: Any, *, plain: bool) -> Any:
    if plain:
        return block
    import numpy as np

    out = np.empty(block.shape, dtype=object)
    for index, item in np.ndenumerate(block):
        out[index] = to_json(item)
    return out
