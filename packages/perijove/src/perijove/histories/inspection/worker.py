"""What runs confined: reads one file, prints what it found as one line of JSON after `MARK`.

    python -I worker.py FILE EXT

It imports nothing of this package, so that it can be started by its path alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

MARK = "PERIJOVE-INSPECTION "
CPU_SECONDS = 15
ADDRESS_SPACE = 2 * 2**30
MOST_OUTPUT = 2**20
MOST_ENTRIES = 200
MOST_TEXT = 64 * 2**20
_ONNX_TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "string",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    16: "bfloat16",
}


def hdf5(path: str) -> dict[str, Any]:
    """Datasets of an HDF5 file with shapes and types, and the attributes of its root."""
    import h5py

    found: list[dict[str, Any]] = []
    count = 0

    def visit(name: str, node: Any) -> None:
        nonlocal count
        if isinstance(node, h5py.Dataset):
            count += 1
            if len(found) < MOST_ENTRIES:
                found.append({"name": name[:500], "shape": list(node.shape or ()), "dtype": str(node.dtype)})

    with h5py.File(path, "r") as file:
        file.visititems(visit)
        attributes = sorted(str(key)[:100] for key in list(file.attrs)[:50])
    lines = [f"{entry['name']}  {entry['dtype']} {tuple(entry['shape'])}" for entry in found[:12]]
    return {
        "metadata": {"datasets": found, "dataset_count": count, "attributes": attributes},
        "peek": "\n".join(lines),
        "blurb": f"HDF5, {count:,} dataset{'s' if count != 1 else ''}",
    }


def onnx(path: str) -> dict[str, Any]:
    """Inputs, outputs and origin of an ONNX model; its weights are skipped, not read."""
    with open(path, "rb") as file:
        model = _onnx_model(file)
    inputs, outputs = model.pop("inputs"), model.pop("outputs")
    lines = [f"in  {one}" for one in map(_onnx_line, inputs)] + [
        f"out {one}" for one in map(_onnx_line, outputs)
    ]
    return {
        "metadata": {**model, "inputs": inputs, "outputs": outputs},
        "peek": "\n".join(lines[:20]),
        "blurb": f"ONNX model, {model['node_count']:,} nodes",
    }


def _onnx_line(value: dict[str, Any]) -> str:
    return f"{value['name']}: {value['dtype']} {value['shape']}"


def _onnx_model(file: BinaryIO) -> dict[str, Any]:
    model: dict[str, Any] = {"ir_version": None, "producer": "", "opset": {}, "inputs": [], "outputs": []}
    model["node_count"] = 0
    initializers: set[str] = set()
    for number, value in _fields(file, 0, _end(file)):
        if number == 1:
            model["ir_version"] = value
        elif number == 2 and isinstance(value, range):
            model["producer"] = _text(file, value)
        elif number == 8 and isinstance(value, range):
            domain, version = _opset(file, value)
            model["opset"][domain or "ai.onnx"] = version
        elif number == 7 and isinstance(value, range):
            _onnx_graph(file, value, model, initializers)
    model["inputs"] = [one for one in model["inputs"] if one["name"] not in initializers]
    return model


def _onnx_graph(file: BinaryIO, span: range, model: dict[str, Any], initializers: set[str]) -> None:
    for number, value in _fields(file, span.start, span.stop):
        if not isinstance(value, range):
            continue
        if number == 1:
            model["node_count"] += 1
        elif number == 5:
            initializers.add(_first_text(file, value, 8))
        elif number in (11, 12) and len(model["inputs"]) + len(model["outputs"]) < MOST_ENTRIES:
            model["inputs" if number == 11 else "outputs"].append(_value_info(file, value))


def _value_info(file: BinaryIO, span: range) -> dict[str, Any]:
    found: dict[str, Any] = {"name": "", "dtype": "?", "shape": []}
    for number, value in _fields(file, span.start, span.stop):
        if number == 1 and isinstance(value, range):
            found["name"] = _text(file, value)
        elif number == 2 and isinstance(value, range):
            _tensor_type(file, value, found)
    return found


def _tensor_type(file: BinaryIO, span: range, found: dict[str, Any]) -> None:
    for _, tensor in _spans(file, span, 1):
        for number, value in _fields(file, tensor.start, tensor.stop):
            if number == 1 and isinstance(value, int):
                found["dtype"] = _ONNX_TYPES.get(value, str(value))
            elif number == 2 and isinstance(value, range):
                found["shape"] = [_dimension(file, one) for _, one in _spans(file, value, 1)]


def _dimension(file: BinaryIO, span: range) -> int | str | None:
    for number, value in _fields(file, span.start, span.stop):
        if number == 1 and isinstance(value, int):
            return value
        if number == 2 and isinstance(value, range):
            return _text(file, value)
    return None


def _opset(file: BinaryIO, span: range) -> tuple[str, int]:
    domain, version = "", 0
    for number, value in _fields(file, span.start, span.stop):
        if number == 1 and isinstance(value, range):
            domain = _text(file, value)
        elif number == 2 and isinstance(value, int):
            version = value
    return domain, version


def _spans(file: BinaryIO, span: range, wanted: int) -> Iterator[tuple[int, range]]:
    for number, value in _fields(file, span.start, span.stop):
        if number == wanted and isinstance(value, range):
            yield number, value


def _first_text(file: BinaryIO, span: range, wanted: int) -> str:
    return next((_text(file, value) for _, value in _spans(file, span, wanted)), "")


def _text(file: BinaryIO, span: range) -> str:
    file.seek(span.start)
    return file.read(min(len(span), 500)).decode("utf-8", "replace")


def _fields(file: BinaryIO, position: int, end: int) -> Iterator[tuple[int, int | range]]:
    """Fields of a protobuf message: a number, and an integer or the span of its bytes."""
    while position < end:
        key, position = _varint(file, position)
        wire = key & 7
        if wire == 0:
            value, position = _varint(file, position)
            yield key >> 3, value
            continue
        length, position = _varint(file, position) if wire == 2 else ({1: 8, 5: 4}[wire], position)
        if position + length > end:
            raise ValueError("a field reaches beyond its message")
        yield key >> 3, range(position, position + length)
        position += length


def _varint(file: BinaryIO, position: int) -> tuple[int, int]:
    file.seek(position)
    value = 0
    for index, byte in enumerate(file.read(10)):
        value |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            return value, position + index + 1
    raise ValueError("a broken number")


def _end(file: BinaryIO) -> int:
    return file.seek(0, 2)


def numpy_array(path: str) -> dict[str, Any]:
    """Shape and type of a .npy file, from its header."""
    with open(path, "rb") as file:
        entry = _npy_header(file, "")
    return {"metadata": entry, "peek": f"{entry['dtype']} {tuple(entry['shape'])}", "blurb": "NumPy array"}


def numpy_archive(path: str) -> dict[str, Any]:
    """Names, shapes and types of the arrays in a .npz file, from their headers."""
    found = []
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        for name in names[:MOST_ENTRIES]:
            with archive.open(name) as member, contextlib.suppress(ValueError):
                found.append(_npy_header(member, name.removesuffix(".npy")))  # type: ignore[arg-type]
    lines = [f"{entry['name']}  {entry['dtype']} {tuple(entry['shape'])}" for entry in found[:12]]
    return {
        "metadata": {"arrays": found, "array_count": len(names)},
        "peek": "\n".join(lines),
        "blurb": f"NumPy archive, {len(names):,} arrays",
    }


def _npy_header(file: BinaryIO, name: str) -> dict[str, Any]:
    from numpy.lib import format as npy

    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    return {"name": name, "shape": [int(size) for size in shape], "dtype": str(dtype)}


def archive(path: str) -> dict[str, Any]:
    """Members of a zip archive, from its directory; nothing is unpacked."""
    with zipfile.ZipFile(path) as opened:
        members = opened.infolist()
    names = [member.filename[:300] for member in members[:MOST_ENTRIES]]
    return {
        "metadata": {
            "members": names,
            "member_count": len(members),
            "unpacked_size": sum(member.file_size for member in members),
        },
        "peek": "\n".join(names[:12]),
        "blurb": f"Zip archive, {len(members):,} members",
    }


def keras_model(path: str) -> dict[str, Any]:
    """Class and version of a .keras model."""
    found = archive(path)
    with zipfile.ZipFile(path) as opened:
        for name, key in (("metadata.json", "keras_version"), ("config.json", "class_name")):
            with contextlib.suppress(KeyError, ValueError):
                with opened.open(name) as member:
                    value = json.loads(member.read(2**20)).get(key)
                found["metadata"][key] = str(value)[:100]
    found["blurb"] = f"Keras model, {found['metadata'].get('class_name', 'unknown class')}"
    return found


def notebook(path: str) -> dict[str, Any]:
    """Cells, kernel and language of a notebook."""
    with open(path, encoding="utf-8-sig") as file:
        content = json.loads(file.read(MOST_TEXT))
    metadata = content.get("metadata", {})
    cells = content.get("cells", [])
    spec = metadata.get("kernelspec", {})
    kernel = spec.get("name", "")
    language = metadata.get("language_info", {}).get("name") or spec.get("language")
    code = [cell for cell in cells if cell.get("cell_type") == "code"]
    return {
        "metadata": {
            "cells": len(cells),
            "code_cells": len(code),
            "kernel": str(kernel)[:100],
            "language": str(language or "")[:100],
            "nbformat": content.get("nbformat"),
        },
        "blurb": f"Notebook, {len(cells):,} cells",
        "peek": "".join(code[0].get("source", ""))[:1000] if code else "",
    }


def png(path: str) -> dict[str, Any]:
    """Width and height of a PNG."""
    with open(path, "rb") as file:
        head = file.read(24)
    width, height = struct.unpack(">II", head[16:24])
    return {"metadata": {"width": width, "height": height}, "blurb": f"PNG image, {width} × {height}"}


READERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "h5": hdf5,
    "onnx": onnx,
    "npy": numpy_array,
    "npz": numpy_archive,
    "zip": archive,
    "keras": keras_model,
    "ipynb": notebook,
    "png": png,
}


def limit() -> None:
    """Give up memory, time and files beyond what reading a file's structure needs."""
    for kind, most in (
        (resource.RLIMIT_AS, ADDRESS_SPACE),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, MOST_OUTPUT),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    os.nice(10)


def main() -> None:
    """Read the file that the arguments name. What is wrong with it becomes a sentence, not a traceback."""
    limit()
    path, ext = sys.argv[1], sys.argv[2]
    try:
        found = READERS[ext](path)
    except Exception as error:
        found = {"fault": f"{type(error).__name__}: {error}"[:300]}
    print(MARK + json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
