"""What a file is, from its content and, where that leaves a choice, its name: fast, in this process.

Only a few kilobytes are read and no library of a format is called, so a hostile file can do no harm here.
What needs a parser (groups of an HDF5 file, inputs of an ONNX model) is left to `histories.inspection`.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from perijove.core.resources import format_size
from perijove.core.states import DatasetState
from perijove.histories.datatypes import containers, registry, text

HEAD = 2**16
_TAIL = 4096
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpg"),
    (0, b"GIF8", "gif"),
    (0, b"II*\x00", "tiff"),
    (0, b"MM\x00*", "tiff"),
    (0, b"%PDF-", "pdf"),
    (0, b"\x93NUMPY", "npy"),
    (0, b"PAR1", "parquet"),
    (0, b"SQLite format 3\x00", "sqlite"),
    (0, b"BZh", "bz2"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "zst"),
    (128, b"DICM", "dcm"),
    (257, b"ustar", "tar"),
    (344, b"n+1\x00", "nii"),
    (344, b"ni1\x00", "nii"),
)
_TABLES = ("tabular", "bed", "tsv", "csv")


@dataclass(frozen=True)
class Description:
    """What was found out about a file. `state` is `error` where its end is missing; `info` says so."""

    ext: str
    state: DatasetState = DatasetState.OK
    info: str | None = None
    blurb: str = ""
    peek: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    inspect: bool = False


def describe(path: Path, *, ext: str = "auto", name: str = "") -> Description:
    """Describe a whole file. `ext` as its owner declared it is kept, unless it is `auto`."""
    with path.open("rb") as file:
        size = containers.size_of(file)
        head = containers.read_at(file, 0, HEAD)
        found = sniff(file, head, size, name)
        chosen = found if ext in registry.AUTO else registry.normalise(ext)
        if fault := _truncation(file, found, size):
            return Description(chosen, DatasetState.ERROR, fault, format_size(size))
        return _described(head, size, found, chosen)


def sniff(file: BinaryIO, head: bytes, size: int, name: str = "") -> str:
    """The type of an open file whose first bytes are `head`."""
    if size == 0:
        suggested = registry.by_name(name)
        return suggested.ext if suggested and suggested.text else "txt"
    if containers.hdf5_start(file) is not None:
        return "h5"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(head, name)
    if head.startswith(b"\x1f\x8b"):
        return _gzip_kind(head, name)
    for offset, magic, ext in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return ext
    if containers.onnx_missing(file) is not None:
        return "onnx"
    return _text_or_data(file, head, size, name)


def _text_or_data(file: BinaryIO, head: bytes, size: int, name: str) -> str:
    decoded = text.decode(head, whole=size <= len(head))
    suggested = registry.by_name(name)
    if decoded is None:
        return "data"
    tail = containers.read_at(file, max(0, size - _TAIL), _TAIL).decode("utf-8", "replace")
    found = text.kind(decoded, tail, whole=size <= len(head))
    # A name decides only what the content leaves open: plain text, or a table called .tsv.
    if (
        suggested
        and suggested.text
        and (found == "txt" or {found, suggested.ext} <= {"tabular", "bed", "tsv"})
    ):
        return "txt" if suggested.ext in ("json", "ipynb") else suggested.ext
    return found


def _zip_kind(head: bytes, name: str) -> str:
    first = containers.zip_first_name(head)
    if first.endswith(".npy"):
        return "npz"
    suggested = registry.by_name(name)
    return suggested.ext if suggested and suggested.ext in ("keras", "npz") else "zip"


def _gzip_kind(head: bytes, name: str) -> str:
    try:
        start = zlib.decompressobj(wbits=31).decompress(head, 1024)
    except zlib.error:
        return "gz"
    if start[344:348] in (b"n+1\x00", b"ni1\x00"):
        return "nii.gz"
    if start[257:262] == b"ustar":
        return "tar.gz"
    suggested = registry.by_name(name)
    return suggested.ext if suggested and suggested.ext in ("nii.gz", "tar.gz") and not start else "gz"


def _truncation(file: BinaryIO, found: str, size: int) -> str | None:
    if found == "h5":
        length = containers.hdf5_length(file)
        if length is not None and length > size:
            return _cut("HDF5 file", length, size)
    if found == "onnx":
        missing = containers.onnx_missing(file)
        if missing:
            return _cut("ONNX model", size + missing, size)
    if found in ("zip", "npz", "keras") and not containers.zip_complete(file):
        return "This archive is truncated: its closing record is missing. Upload it again."
    return None


def _cut(what: str, length: int, size: int) -> str:
    return f"This {what} is truncated: it says it has {length:,} bytes, {size:,} arrived. Upload it again."


def _described(head: bytes, size: int, found: str, chosen: str) -> Description:
    kind = registry.datatype(chosen)
    whole = size <= len(head)
    decoded = text.decode(head, whole=whole) if registry.datatype(found).text else None
    metadata: dict[str, Any] = {}
    if decoded is not None and chosen in _TABLES:
        metadata = text.table_metadata(decoded, chosen, whole=whole)
    return Description(
        ext=chosen,
        info=_mismatch(kind, found, size),
        blurb=_blurb(kind, decoded, size, whole=whole),
        peek=text.peek(decoded) if decoded is not None else "",
        metadata=metadata,
        inspect=kind.inspect and found == chosen,
    )


def _mismatch(kind: registry.Datatype, found: str, size: int) -> str | None:
    """A note where a type was declared that the content clearly is not."""
    checkable = {"h5", "onnx", "npz", "npy", "zip", "keras", *(ext for _, _, ext in _MAGIC)}
    if (
        kind.ext not in checkable
        or kind.ext == found
        or (kind.ext, found) in (("keras", "zip"), ("zip", "npz"))
    ):
        return None
    if size == 0:
        return f"Declared as {kind.ext}, but it is empty."
    return f"Declared as {kind.ext}, but its content looks like {found}."


def _blurb(kind: registry.Datatype, decoded: str | None, size: int, *, whole: bool) -> str:
    if size == 0:
        return "empty"
    if decoded is not None and whole:
        lines = len(decoded.splitlines())
        return f"{lines:,} line{'s' if lines != 1 else ''}"
    return f"{kind.description}, {format_size(size)}"
