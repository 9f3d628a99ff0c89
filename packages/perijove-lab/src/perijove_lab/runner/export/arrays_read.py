"""Reading back what `export.arrays` wrote: `read("arrays.h5")["x_train"]`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any


def names(path: str | Path) -> list[str]:
    """The variables in the file, in the order they were defined."""
    import h5py

    with h5py.File(path, "r") as file:
        return list(file)


def read(path: str | Path, name: str | None = None) -> Any:
    """All variables of the file as a dict, or the one named. Tensors come back as NumPy arrays.

    Raises KeyError for a name that is not there, OSError for what is no HDF5 file.
    """
    import h5py

    with h5py.File(path, "r") as file:
        return {key: decode(file[key]) for key in file} if name is None else decode(file[name])


def decode(item: Any) -> Any:
    """The Python object behind one dataset or group of the file."""
    kind = item.attrs.get("type", "array")
    if item.attrs.get("encoding") == "json" and kind not in ("array", "column", "scalar"):
        return _retyped(kind, json.loads(item.asstr()[()]))
    return _DECODERS.get(kind, _array)(item)


def _retyped(kind: str, value: Any) -> Any:
    return {"tuple": tuple, "set": set, "frozenset": frozenset}.get(kind, lambda same: same)(value)


def _array(item: Any) -> Any:
    import numpy as np

    dtype = str(item.attrs.get("dtype", ""))
    if item.attrs.get("encoding") == "json":
        flat = [json.loads(text) for text in item.asstr()[...].ravel()]
        values = np.empty(len(flat), dtype=object)
        values[:] = flat
        return values.reshape(item.shape)
    if item.dtype.kind == "O":
        values = item.asstr()[...] if item.shape else np.array(item.asstr()[()], dtype=object)
        return values.astype(dtype) if dtype.startswith("<U") else values
    if dtype.startswith(("datetime64", "timedelta64")) and "," not in dtype:  # `_typed` knows zones
        return item[...].view(dtype)
    return item[...]


def _scalar(item: Any) -> Any:
    return _array(item)[()]


def _number(kind: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decode_number(item: Any) -> Any:
        return kind(item.asstr()[()] if item.dtype.kind == "O" else item[()])

    return decode_number


def _text(item: Any) -> str:
    return str(item.asstr()[()])


def _sequence(item: Any) -> Any:
    kind = item.attrs["type"]
    if not hasattr(item, "keys"):
        values = item.asstr()[...].tolist() if item.dtype.kind == "O" else item[...].tolist()
        return _retyped(kind, values)
    return _retyped(kind, [decode(item[str(index)]) for index in range(int(item.attrs["length"]))])


def _mapping(item: Any) -> dict[Any, Any]:
    import ast

    return {
        ast.literal_eval(child.attrs["key"]) if "key" in child.attrs else _unquote(key): decode(child)
        for key, child in item.items()
    }


def _unquote(key: str) -> str:
    return (
        ""
        if key == "%"
        else key.replace("%2E", ".").replace("%2F", "/").replace("%00", "\0").replace("%25", "%")
    )


def _frame(item: Any) -> Any:
    import pandas as pd

    columns = item["columns"]
    order = [columns[str(position)] for position in range(len(columns))]
    index = _index(item)
    series = [pd.Series(_column(column), index=index, name=_name(column)) for column in order]
    if item.attrs["type"] == "series":
        return series[0]
    frame = pd.concat(series, axis=1) if series else pd.DataFrame(index=index)
    if series and all(isinstance(column.name, tuple) for column in series):
        frame.columns = pd.MultiIndex.from_tuples([column.name for column in series])
    return frame


def _name(column: Any) -> Any:
    name = json.loads(column.attrs["name"])
    return tuple(name) if isinstance(name, list) else name


def _index(item: Any) -> Any:
    import pandas as pd

    levels = item["index"]
    order = [levels[str(position)] for position in range(len(levels))]
    if len(order) == 1:
        return pd.Index(_column(order[0]), name=_name(order[0]))
    return pd.MultiIndex.from_arrays([_column(level) for level in order], names=[_name(x) for x in order])


def _column(item: Any) -> Any:
    import pandas as pd

    kind = item.attrs["type"]
    if kind == "categorical":
        categories = pd.Index(_column(item["categories"]))
        return pd.Categorical.from_codes(
            _array(item["codes"]), categories, ordered=bool(item.attrs["ordered"])
        )
    if kind == "masked":
        values = pd.Series(_array(item["data"]), dtype=object)
        values[_array(item["mask"])] = None
        return values.astype(item.attrs["dtype"]).array
    return _typed(_array(item), str(item.attrs["dtype"]))


def _typed(values: Any, dtype: str) -> Any:
    import pandas as pd

    if dtype.startswith("datetime64[") and "," in dtype:
        zone = dtype.split(",")[1].strip(" ]")
        unit = dtype.split(",")[0].split("[")[1]
        return pd.DatetimeIndex(values.view(f"datetime64[{unit}]")).tz_localize("UTC").tz_convert(zone)
    if dtype == "object":
        return pd.array(values, dtype=object)
    return pd.array(values, dtype=dtype)


def _sparse(item: Any) -> Any:
    from scipy import sparse

    kind = {"sparse_csr": sparse.csr_matrix, "sparse_csc": sparse.csc_matrix}[item.attrs["type"]]
    parts = tuple(_array(item[part]) for part in ("data", "indices", "indptr"))
    return kind(parts, shape=tuple(item.attrs["shape"]))


def _masked(item: Any) -> Any:
    import numpy as np

    return np.ma.MaskedArray(_array(item["data"]), mask=_array(item["mask"]))


def _bytes(item: Any) -> bytes:
    return bytes(item[...].tobytes())


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "array": _array,
    "scalar": _scalar,
    "bool": _number(bool),
    "int": _number(int),
    "float": _number(float),
    "complex": _number(complex),
    "str": _text,
    "bytes": _bytes,
    "none": lambda item: None,
    "unsaved": lambda item: None,
    "datetime": lambda item: datetime.fromisoformat(_text(item)),
    "date": lambda item: date.fromisoformat(_text(item)),
    "time": lambda item: time.fromisoformat(_text(item)),
    "timedelta": lambda item: timedelta(seconds=float(_text(item))),
    "decimal": lambda item: Decimal(_text(item)),
    "path": lambda item: Path(_text(item)),
    **dict.fromkeys(("list", "tuple", "set", "frozenset"), _sequence),
    "range": lambda item: range(*item[...].tolist()),
    "dict": _mapping,
    "dataframe": _frame,
    "series": _frame,
    "index": _index,
    "masked_array": _masked,
    "sparse_csr": _sparse,
    "sparse_csc": _sparse,
}
