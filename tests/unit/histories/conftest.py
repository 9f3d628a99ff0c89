"""A small ONNX model, written by hand: onnx itself belongs to the lab's environments."""

from __future__ import annotations

import pytest


@pytest.fixture
def onnx_model() -> bytes:
    return onnx_bytes()


def field(number: int, value: int | bytes) -> bytes:
    """One protobuf field."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def onnx_bytes() -> bytes:
    dimension = field(1, 4)
    shape = field(1, dimension) + field(1, field(2, b"N"))
    value = field(1, b"x") + field(2, field(1, field(1, 1) + field(2, shape)))
    graph = field(1, b"node") + field(2, b"graph") + field(11, value) + field(12, value)
    return field(1, 8) + field(2, b"a test") + field(7, graph) + field(8, field(2, 17))
