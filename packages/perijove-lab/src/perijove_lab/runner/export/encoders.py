"""How each kind of value is written to HDF5: one encoder per kind, tried in order.

An encoder writes a value as `key` of a group and says with `saved` that something of it was written.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any

from perijove_lab.runner.export import frames
from perijove_lab.runner.export.blocks import Source, write
from perijove_lab.runner.export.tensors import framework_of, source_of
from perijove_lab.runner.export.texts import fits, to_json, type_name, write_source
from perijove_lab.runner.export.unsaveable import UnsaveableError, reason_of

_DEPTH = 16
_DICT_GROUP = 1000  # entries up to which a dict becomes a group
_NOTED = 20  # members of one variable whose loss is noted
PLAIN = (str, int, float, bool, type(None))


class Encoder:
    """Writes one variable with all that it holds."""

    def __init__(self, variable: str) -> None:
        self._variable = variable
        self._open: set[int] = set()
        self.left_out: list[tuple[str, str, str]] = []
        self.saved = False

    def encode(self, parent: Any, key: str, value: Any, depth: int) -> None:
        """Write `value` as `key` of `parent`. Raises UnsaveableError when it cannot be."""
        if depth > _DEPTH or id(value) in self._open:
            raise UnsaveableError("it is nested too deeply or holds itself")
        for matches, encode in _ENCODERS:
            if matches(value):
                self._open.add(id(value))
                try:
                    encode(self, parent, key, value, depth)
                finally:
                    self._open.discard(id(value))
                return
        raise UnsaveableError(f"there is no HDF5 form for objects of type {type_name(value)}")

    def member(self, parent: Any, key: str, value: Any, depth: int, shown: str) -> None:
        """Write one member of a container; one that cannot be saved leaves a note, not a failure."""
        try:
            self.encode(parent, key, value, depth + 1)
        except UnsaveableError as error:
            _placeholder(parent, key, reason_of(error))
            if len(self.left_out) < _NOTED:
                self.left_out.append((f"{self._variable}{shown}", type_name(value), reason_of(error)))


def group_key(name: str) -> str:
    """A member's name as HDF5 allows it: no slash, not empty, not a lone dot. `unquote` gives it back."""
    safe = name.replace("%", "%25").replace("/", "%2F").replace("\0", "%00")
    return {"": "%", ".": "%2E", "..": "%2E%2E"}.get(safe, safe)


def _placeholder(parent: Any, key: str, reason: str) -> None:
    import h5py

    if key in parent:
        del parent[key]
    dataset = parent.create_dataset(key, data=h5py.Empty("f4"))
    dataset.attrs.update(type="unsaved", reason=reason)


# -- arrays -------------------------------------------------------------------------------------------


def _is_array(value: Any) -> bool:
    return framework_of(value) is not None


def _encode_array(encoder: Encoder, parent: Any, key: str, value: Any, depth: int) -> None:
    framework = str(framework_of(value))
    if framework == "numpy" and hasattr(value, "mask") and hasattr(value, "filled"):
        _encode_masked(encoder, parent, key, value, depth)
        return
    kind = "array" if hasattr(value, "__len__") or framework != "numpy" else "scalar"
    attributes = {"type": kind, "framework": framework}
    write_source(parent, key, source_of(value, framework), attributes, str(getattr(value, "dtype", "")))
    encoder.saved = True


def _encode_masked(encoder: Encoder, parent: Any, key: str, value: Any, depth: int) -> None:
    group = parent.create_group(key, track_order=True)
    group.attrs["type"] = "masked_array"
    import numpy as np

    encoder.encode(group, "data", value.data, depth + 1)
    encoder.encode(group, "mask", np.ma.getmaskarray(value), depth + 1)


# -- scalars ------------------------------------------------------------------------------------------


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | complex | bytes | bytearray)


def _encode_scalar(encoder: Encoder, parent: Any, key: str, value: Any, depth: int) -> None:
    import h5py
    import numpy as np

    kind = next(
        k.__name__
        for k in (bool, int, float, complex, str, bytes, bytearray, type(None))
        if isinstance(value, k)
    )
    data: Any = value
    encoding = None
    if value is None:
        kind, data = "none", h5py.Empty("f4")
    elif isinstance(value, str) and not fits(value):
        data, encoding = json.dumps(value), "json"
    elif isinstance(value, str):
        data = str(value)  # NumPy's texts are of a kind that h5py refuses
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        data, encoding = str(int(value)), "text"
    elif isinstance(value, bytes | bytearray):
        kind, data = "bytes", np.frombuffer(bytes(value), dtype=np.uint8)
    dataset = parent.create_dataset(key, data=data)
    dataset.attrs["type"] = kind
    if encoding:
        dataset.attrs["encoding"] = encoding
    encoder.saved = True


def _is_range(value: Any) -> bool:
    return isinstance(value, range)


def _encode_range(encoder: Encoder, parent: Any, key: str, value: Any, depth: int) -> None:
    dataset = parent.create_dataset(key, data=[value.start, value.stop, value.step])
    dataset.attrs["type"] = "range"
    encoder.saved = True


def _is_named_text(value: Any) -> bool:
    return isinstance(value, datetime | date | time | timedelta | Decimal | PurePath)


def _encode_named_text(encoder: Encoder, parent: Any, key: str, value: Any, depth: int) -> None:
    """Times in ISO 8601, time differences in seconds, decimals and paths as they print."""
    kind = next(k for k in (datetime, date, time, timedelta, Decimal, PurePath) if isinstance(value, k))
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    if isinstance(value, timedelta):
        text = repr(value.total_seconds())
    dataset = parent.create_dataset(key, data=text)
    dataset.attrs["type"] = "path" if kind is PurePath else kind.__name__.lower()
    encoder.saved = True


# -- containers ---------------------------------------------------------------------------------------


def _is_sequence(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset) or type(value).__name__ == "deque"


def _encode_sequence(encoder: Encoder, parent: Any, key: str, value: Any, depth: int) -> None:
    kind = type(value).__name__ if type(value).__name__ in ("tuple", "set", "frozenset") else "list"
    items = list(value)
    if _write_regular(parent, key, items, kind) or _write_json(parent, key, items, kind):
        encoder.saved = True
        return
    group = parent.create_group(key, track_order=True)
    group.attrs.update(type=kind, length=len(items))
    for index, item in enumerate(items):
        encoder.member(group, str(index), item, depth, f"[{index}]")


def _write_regular(parent: Any, key: str, items: list[Any], kind: str) -> bool:
    """Numbers of one type in a rectangular list, or texts in a flat one, as an ordinary array."""
    types = _leaf_types(items)
    if not items or len(types) != 1 or types.isdisjoint({bool, int, float, complex, str}):
        return False
    import h5py
    import numpy as np

    if types == {str}:
        if not all(isinstance(item, str) and fits(item) for item in items):
            return False
        dataset = parent.create_dataset(key, data=items, dtype=h5py.string_dtype())
    else:
        try:
            array = np.array(items)
        except (ValueError, OverflowError):
            return False
        if array.dtype.kind not in "biufc":
            return False
        dataset = write(
            parent, key, Source(shape=array.shape, dtype=array.dtype, read=lambda part: array[part])
        )
    dataset.attrs.update(type=kind, item_type=next(iter(types)).__name__)
    return True


def _leaf_types(items: list[Any], depth: int = 0) -> set[type]:
    found: set[type] = set()
    for item in items:
        if isinstance(item, list | tuple) and depth < 8:
            found |= _leaf_types(list(item), depth + 1)
        else:
            found.add(type(item))
        if len(found) > 1:
            break
    return found


def _write_json(parent: Any, key: str, value: Any, kind: str) -> bool:
    """Ragged or mixed plain values (texts, numbers, None, lists and dicts of such) as JSON text."""
    if not _is_plain(value, 0):
        return False
    dataset = parent.create_dataset(key, data=to_json(value))
    dataset.attrs.update(type=kind, encoding="json")
    return True


def _is_plain(value: Any, depth: int) -> bool:
    if type(value) in PLAIN:
        return True
    if depth > _DEPTH:
        return False
    if type(value) is dict:
        return all(type(key) is str and _is_plain(item, depth + 1) for key, item in value.items())
    return type(value) in (list, tuple) and all(_is_plain(item, depth + 1) for item in value)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _encode_mapping(encoder: Encoder, parent: Any, key: str, value: Any, depth: int) -> None:
    if len(value) > _DICT_GROUP and _write_json(parent, key, dict(value), "dict"):
        encoder.saved = True
        return
    group = parent.create_group(key, track_order=True)
    group.attrs["type"] = "dict"
    encoder.saved = encoder.saved or not value
    for index, (name, item) in enumerate(value.items()):
        child = group_key(name) if isinstance(name, str) and fits(name) else f"#{index}"
        encoder.member(group, child, item, depth, f"[{name!r:.60}]")
        if not isinstance(name, str):
            group[child].attrs["key"] = repr(name)[:1000]


# -- pandas and SciPy ---------------------------------------------------------------------------------


def _encode_frame(encoder: Encoder, parent: Any, key: str, value: Any, depth: int) -> None:
    frames.write_pandas(parent, key, value, write_source)
    encoder.saved = True


def _is_sparse(value: Any) -> bool:
    return type(value).__module__.startswith("scipy.sparse") and hasattr(value, "tocoo")


def _encode_sparse(encoder: Encoder, parent: Any, key: str, value: Any, depth: int) -> None:
    matrix = value if value.format in ("csr", "csc") else value.tocsr()
    group = parent.create_group(key, track_order=True)
    group.attrs.update(type=f"sparse_{matrix.format}", shape=matrix.shape)
    for part in ("data", "indices", "indptr"):
        encoder.encode(group, part, getattr(matrix, part), depth + 1)


def _is_history(value: Any) -> bool:
    return type(value).__module__.startswith("keras.") and type(value).__name__ == "History"


def _encode_history(encoder: Encoder, parent: Any, key: str, value: Any, depth: int) -> None:
    """What Keras's `fit` returns: epoch → metrics, as a dict of lists."""
    plain = {name: [float(item) for item in values] for name, values in value.history.items()}
    _encode_mapping(encoder, parent, key, plain, depth)
    parent[key].attrs["class"] = "keras.callbacks.History"


_Encode = Callable[[Encoder, Any, str, Any, int], None]
_ENCODERS: tuple[tuple[Callable[[Any], bool], _Encode], ...] = (
    (_is_array, _encode_array),
    (_is_scalar, _encode_scalar),
    (frames.is_pandas, _encode_frame),
    (_is_sequence, _encode_sequence),
    (_is_mapping, _encode_mapping),
    (_is_range, _encode_range),
    (_is_named_text, _encode_named_text),
    (_is_sparse, _encode_sparse),
    (_is_history, _encode_history),
)


def handles(value: Any) -> bool:
    """Whether this exporter knows what to do with such an object at all."""
    return any(matches(value) for matches, _ in _ENCODERS)
