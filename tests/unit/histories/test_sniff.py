"""Types from content, truncation, and that nothing a file says makes the sniffer fail."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from perijove.core.errors import BadRequestError
from perijove.core.states import DatasetState
from perijove.histories.datatypes import registry
from perijove.histories.datatypes.sniff import describe
from perijove.histories.datatypes.text import decode


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "file"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("library", ["earliest", "latest"])
def test_hdf5_of_every_superblock(tmp_path: Path, library: str) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver=library) as file:
        file["x"] = np.arange(1000)
    assert describe(path).ext == "h5"
    assert describe(path).state is DatasetState.OK
    cut = write(tmp_path, path.read_bytes()[:-500])
    found = describe(cut)
    assert found.state is DatasetState.ERROR
    assert f"{path.stat().st_size:,}" in str(found.info)


def test_hdf5_behind_a_user_block(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["x"] = np.arange(10)
    assert (describe(path).ext, describe(path).state) == ("h5", DatasetState.OK)


def test_onnx_and_its_truncation(tmp_path: Path, onnx_model: bytes) -> None:
    content = onnx_model
    assert describe(write(tmp_path, content), name="model").ext == "onnx"
    cut = describe(write(tmp_path, content[:40]))
    assert (cut.ext, cut.state) == ("onnx", DatasetState.ERROR)


def test_npz_and_keras(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros(3))
    assert describe(write(tmp_path, buffer.getvalue())).ext == "npz"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.json", "{}")
    assert describe(write(tmp_path, buffer.getvalue()), name="m.keras").ext == "keras"


def test_random_bytes_never_fail(tmp_path: Path) -> None:
    generator = random.Random(1)
    starts = [b"", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"\x1f\x8b\x08", b"\x08\x08", b"{", b"<", b">", b"@"]
    for _ in range(400):
        content = generator.choice(starts) + generator.randbytes(generator.randrange(0, 3000))
        describe(write(tmp_path, content), name=generator.choice(["a", "a.h5", "a.csv", "a.ipynb"]))


def test_lengths_in_a_file_are_not_believed(tmp_path: Path) -> None:
    huge = b"\x89HDF\r\n\x1a\n" + b"\0" * 5 + b"\x08" + b"\0" * 26 + struct.pack("<Q", 2**63) + b"\0" * 100
    assert describe(write(tmp_path, huge)).state is DatasetState.ERROR
    name_of_64k = b"PK\x03\x04" + b"\0" * 22 + b"\xff\xff" + b"x"
    assert describe(write(tmp_path, name_of_64k)).ext == "zip"


def test_text_is_told_from_binary() -> None:
    assert decode("größe".encode(), whole=True) == "größe"
    assert decode("die größe".encode("latin-1"), whole=True) == "die größe"
    assert decode("größe".encode("utf-16"), whole=True) == "größe"
    assert decode("größe".encode()[:3], whole=False) == "gr"
    assert decode(b"\x00\x01", whole=True) is None


def test_extensions() -> None:
    assert registry.normalise(".HDF5") == "h5"
    assert registry.normalise("my-type") == "my-type"
    for wrong in ("../x", "a b", "", "x" * 100, "<svg>"):
        with pytest.raises(BadRequestError):
            registry.normalise(wrong)


def test_deep_json_is_survived(tmp_path: Path) -> None:
    assert describe(write(tmp_path, b"[" * 60_000)).ext in ("txt", "json")


@pytest.mark.parametrize(
    ("text", "ext"),
    [
        ("1\t2\t3", "bed"),
        ("chr1\t10\t20\tname\nchr2\t5\t9\tother", "bed"),
        ("1\t3\t2", "tabular"),
        ("0.1\t0.2\t0.3", "tabular"),
        ("a\tb\tc\n1\t2\t3", "tabular"),
        ("1\t2", "tabular"),
    ],
)
def test_genome_intervals_as_galaxy_tells_them(tmp_path: Path, text: str, ext: str) -> None:
    assert describe(write(tmp_path, text.encode())).ext == ext


def test_a_name_decides_between_kinds_of_table(tmp_path: Path) -> None:
    assert describe(write(tmp_path, b"1\t2\t3"), name="counts.tsv").ext == "tsv"
