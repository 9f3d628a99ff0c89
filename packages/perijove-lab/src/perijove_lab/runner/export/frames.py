"""Data frames, series and indexes of pandas, column by column, with h5py alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from perijove_lab.runner.export.blocks import Source
from perijove_lab.runner.export.unsaveable import UnsaveableError

_WriteSource = Callable[[Any, str, Source, dict[str, str], str], None]


def is_pandas(value: Any) -> bool:
    """Whether the value is a data frame, a series or an index; pandas is not imported for the question."""
    pandas = sys.modules.get("pandas")
    return hasattr(pandas, "Index") and isinstance(value, (pandas.DataFrame, pandas.Series, pandas.Index))  # type: ignore[union-attr]


def write_pandas(parent: Any, key: str, value: Any, write_source: _WriteSource) -> None:
    """Write it as a group: `columns/<n>` in order and `index/<n>` (one per level), each with its `name`."""
    import pandas as pd

    group = parent.create_group(key, track_order=True)
    if isinstance(value, pd.Index):
        group.attrs["type"] = "index"
        _write_index(group, value, write_source)
        return
    group.attrs.update(type="dataframe" if isinstance(value, pd.DataFrame) else "series", rows=len(value))
    columns = group.create_group("columns", track_order=True)
    for position, (name, column) in enumerate(_columns(value)):
        _write_column(columns, str(position), column, write_source)
        columns[str(position)].attrs["name"] = json.dumps(_plain(name))
    _write_index(group, value.index, write_source)


def _columns(value: Any) -> list[tuple[Any, Any]]:
    if value.ndim == 1:
        return [(value.name, value)]
    return [(name, value.iloc[:, position]) for position, name in enumerate(value.columns)]


def _plain(name: Any) -> Any:
    if isinstance(name, tuple):
        return [_plain(part) for part in name]
    return name if isinstance(name, str | int | float | bool | type(None)) else str(name)


def _write_index(group: Any, index: Any, write_source: _WriteSource) -> None:
    levels = group.create_group("index", track_order=True)
    for position in range(index.nlevels):
        values = index.get_level_values(position).to_series()
        _write_column(levels, str(position), values, write_source)
        levels[str(position)].attrs["name"] = json.dumps(_plain(index.names[position]))


def _write_column(parent: Any, key: str, column: Any, write_source: _WriteSource) -> None:
    """Plain columns are datasets; categories and columns with missing values are groups."""
    import pandas as pd

    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        group = parent.create_group(key)
        group.attrs.update(type="categorical", ordered=bool(dtype.ordered))
        _write_values(group, "codes", column.cat.codes.to_numpy(), "int", write_source)
        _write_column(group, "categories", dtype.categories.to_series(), write_source)
        return
    values, missing = _values(column)
    if missing is None:
        _write_values(parent, key, values, str(dtype), write_source)
        return
    group = parent.create_group(key)
    group.attrs.update(type="masked", dtype=str(dtype))
    _write_values(group, "data", values, str(dtype), write_source)
    _write_values(group, "mask", missing, "bool", write_source)


def _write_values(parent: Any, key: str, values: Any, dtype: str, write_source: _WriteSource) -> None:
    source = Source(shape=values.shape, dtype=values.dtype, read=lambda part: values[part])
    write_source(parent, key, source, {"type": "column"}, dtype)


def _values(column: Any) -> tuple[Any, Any]:
    """The column as a NumPy array, and where values are missing (None where NaN or NaT says it itself)."""
    import numpy as np
    import pandas as pd

    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biufcmM":
        return column.to_numpy(), None
    if isinstance(dtype, pd.DatetimeTZDtype):
        return column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(), None
    missing = column.isna().to_numpy()
    mask = missing if missing.any() else None
    kind = getattr(dtype, "kind", "O")
    if kind in "biuf":  # the nullable types of pandas
        return column.fillna(0).to_numpy(dtype=np.dtype(getattr(dtype, "numpy_dtype", "f8"))), mask
    if kind in "mM" or isinstance(dtype, pd.PeriodDtype | pd.IntervalDtype):
        raise UnsaveableError(f"columns of type {dtype} are not saved")
    return _objects(column, missing), mask


def _objects(column: Any, missing: Any) -> Any:
    import numpy as np

    values = np.empty(len(column), dtype=object)
    values[:] = column.to_numpy(dtype=object)
    values[missing] = ""
    return values
