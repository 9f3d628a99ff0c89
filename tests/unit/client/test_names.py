"""File names from names that others chose."""

from __future__ import annotations

import pytest

from perijove_lab.client.names import element_path, file_name, free_name


@pytest.mark.parametrize(
    ("name", "ext", "wanted"),
    [
        ("ct.h5", "h5", "ct.h5"),
        ("CT scan", "h5", "CT scan.h5"),
        ("../../etc/passwd", "", "etc_passwd"),
        ("..", "txt", "dataset.txt"),
        ("", "data", "dataset"),
        ("a\x00b\nc", "", "a_b_c"),
        ("MODEL.ONNX", "onnx", "MODEL.ONNX"),
        (".bashrc", "", "bashrc"),
    ],
)
def test_file_name(name: str, ext: str, wanted: str) -> None:
    assert file_name(name, ext) == wanted


@pytest.mark.parametrize("name", ["x" * 10_000, "é" * 10_000, "x" * 10_000 + ".onnx"])
def test_long_names_fit_a_file_system_and_keep_their_suffix(name: str) -> None:
    made = file_name(name, "onnx")
    assert len(made.encode()) <= 200
    assert made.endswith(".onnx")


@pytest.mark.parametrize(
    ("identifier", "wanted"),
    [
        ("fig/a.png", "fig/a.png"),
        ("/abs/x", "abs/x.txt"),
        ("../../x.py", "x.py"),
        ("a//b", "a/b.txt"),
        ("..", "element.txt"),
    ],
)
def test_element_path(identifier: str, wanted: str) -> None:
    assert str(element_path(identifier, "txt")) == wanted


def test_free_name() -> None:
    assert free_name("a.h5", {"a.h5", "a-2.h5"}) == "a-3.h5"
    assert free_name("fig/a.png", {"fig/a.png"}) == "fig/a-2.png"
    assert free_name("a", set()) == "a"
