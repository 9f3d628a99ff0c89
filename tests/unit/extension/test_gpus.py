"""Which GPUs a lab's dashboard may show."""

from __future__ import annotations

from pathlib import Path

import pytest

from perijove_lab.extension.dashboards.gpus import chosen, has_gpu

CARDS = [("GPU-aa11", "first"), ("GPU-bb22", "second"), ("GPU-ab33", "third")]


@pytest.mark.parametrize(
    ("visible", "seen"),
    [
        (None, ["first", "second", "third"]),
        ("2,0", ["third", "first"]),
        (" 1 ", ["second"]),
        ("GPU-bb22", ["second"]),
        ("GPU-bb", ["second"]),
        ("GPU-a", []),  # fits two
        ("1,7,0", ["second"]),
        ("", []),
        ("-1", []),
        ("MIG-aa11", []),
        ("bb22", []),
    ],
)
def test_cuda_decides(visible: str | None, seen: list[str]) -> None:
    assert chosen(CARDS, visible) == seen


def test_a_gpu_is_a_device_file_that_is_not_hidden(tmp_path: Path) -> None:
    assert not has_gpu({}, tmp_path)
    (tmp_path / "nvidiactl").touch()
    (tmp_path / "nvidia-uvm").touch()
    assert not has_gpu({}, tmp_path)
    (tmp_path / "nvidia1").touch()
    assert has_gpu({}, tmp_path)
    assert has_gpu({"CUDA_VISIBLE_DEVICES": "0"}, tmp_path)
    for hidden in ("", "-1", "NoDevFiles"):
        assert not has_gpu({"CUDA_VISIBLE_DEVICES": hidden}, tmp_path)
