"""Cheap facts about binary containers, read from a few bytes: what they are and whether their end is missing.

Nothing here trusts a length it reads: it is compared with the file's size, never allocated.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_UNDEFINED = 2**64 - 1
_ZIP_END = b"PK\x05\x06"
_ZIP_TAIL = 65_557  # the longest comment and the record itself

# Top-level fields of an ONNX ModelProto and their wire types (0 varint, 2 length-delimited).
_ONNX_FIELDS = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
_ONNX_GRAPH = 7


def size_of(file: BinaryIO) -> int:
    """Bytes of an open file."""
    return os.fstat(file.fileno()).st_size


def read_at(file: BinaryIO, offset: int, count: int) -> bytes:
    """Up to `count` bytes from `offset`."""
    file.seek(offset)
    return file.read(count)


def hdf5_start(file: BinaryIO) -> int | None:
    """Where the HDF5 superblock is (0, 512, 1024, …), None when there is none."""
    if read_at(file, 0, 8) == HDF5_MAGIC:
        return 0
    offset, size = 512, size_of(file)
    while offset < min(size, 2**20):
        if read_at(file, offset, 8) == HDF5_MAGIC:
            return offset
        offset *= 2
    return None


def hdf5_length(file: BinaryIO) -> int | None:
    """How long the HDF5 file says it is; None when the superblock cannot be read or does not say."""
    start = hdf5_start(file)
    if start is None:
        return None
    block = read_at(file, start, 96)
    version = block[8] if len(block) > 8 else 255
    position = {0: 40, 1: 44, 2: 28, 3: 28}.get(version)
    width = block[13 if version < 2 else 9] if len(block) > 13 else 0
    if position is None or width != 8 or len(block) < position + 8:
        return None
    (end,) = struct.unpack_from("<Q", block, position)
    return None if end == _UNDEFINED else int(end)  # absolute, a user block included


def zip_complete(file: BinaryIO) -> bool:
    """Whether the zip archive's closing record is there."""
    size = size_of(file)
    return _ZIP_END in read_at(file, max(0, size - _ZIP_TAIL), _ZIP_TAIL)


def zip_first_name(head: bytes) -> str:
    """The name of the archive's first member."""
    if len(head) < 30:
        return ""
    (length,) = struct.unpack_from("<H", head, 26)
    return head[30 : 30 + length].decode("utf-8", "replace")


def onnx_missing(file: BinaryIO) -> int | None:
    """How many bytes an ONNX model lacks at its end (0: none); None when the file is no ONNX model."""
    seen: set[int] = set()
    size = size_of(file)
    for number, wire, end in _fields(file, size):
        if _ONNX_FIELDS.get(number) != wire:
            return None
        seen.add(number)
        if end > size:
            return end - size if 1 in seen and number == _ONNX_GRAPH else None
    return 0 if {1, _ONNX_GRAPH} <= seen else None


def _fields(file: BinaryIO, size: int) -> Iterator[tuple[int, int, int]]:
    """Top-level fields of a protobuf message: number, wire type, where the field ends; at most 4096."""
    position = 0
    for _ in range(4096):
        if position >= size:
            return
        window = read_at(file, position, 24)
        key, used = _varint(window, 0)
        if used == 0 or key & 7 not in (0, 2):
            yield 0, 7, position
            return
        value, length = _varint(window, used)
        if length == 0:
            yield 0, 7, position
            return
        position += used + length + (value if key & 7 == 2 else 0)
        yield key >> 3, key & 7, position


def _varint(data: bytes, start: int) -> tuple[int, int]:
    """A protobuf varint and how many bytes it took; 0 bytes when it is none."""
    value = 0
    for index, byte in enumerate(data[start : start + 10]):
        value |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            return value, index + 1
    return 0, 0
