"""Much output and big arrays: bounded memory, a notebook that opens, everything else in the log."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from perijove_lab.runner.export import arrays_read


def test_flushed_lines_all_arrive(jobs: Any) -> None:
    ended = jobs.run("for i in range(30_000): print(i, flush=True)")
    assert ended.code == 0, ended.log[-2000:]
    assert ended.text(0) == "".join(f"{i}\n" for i in range(30_000))


def test_text_and_pictures_keep_their_order(jobs: Any) -> None:
    code = "for i in range(3):\n    print(i)\n    display(i)"
    ended = jobs.run(*[code] * 3)
    assert ended.code == 0, ended.log[-2000:]
    cells = ended.notebook["cells"]
    kinds = [[output["output_type"] for output in cell["outputs"]] for cell in cells]
    assert kinds == [["stream", "display_data"] * 3] * 3


def test_20_megabytes_in_the_log_but_not_in_the_notebook(jobs: Any) -> None:
    ended = jobs.run("for i in range(200_000): print(f'{i:099}')", "print('z' * 30_000_000)")
    assert ended.code == 0
    assert "characters are left out" in ended.text(0)
    assert ended.text(0).startswith("0" * 99)
    assert ended.text(0).endswith(f"{199_999:099}\n")
    assert (ended.out / "executed.ipynb").stat().st_size < 3_000_000
    assert (ended.folder / "log").stat().st_size >= 50_000_000


@pytest.mark.slow
def test_200_megabytes_printed(jobs: Any) -> None:
    ended = jobs.run("for i in range(2_000_000): print('x' * 99)")
    assert ended.code == 0
    assert (ended.out / "executed.ipynb").stat().st_size < 3_000_000
    assert (ended.folder / "log").stat().st_size == 200_000_000
    assert ended.peak < 400_000_000


BIG = """
import numpy as np, resource
a = np.empty((rows, 1000))
for i in range(0, rows, 100): a[i:i+100] = np.random.default_rng(i).random((100, 1000))
limit = int(a.nbytes * 1.3) + 200_000_000
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
used = int(open('/proc/self/statm').read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + limit - peak, -1))
"""


@pytest.mark.parametrize("rows", [25_000, pytest.param(250_000, marks=pytest.mark.slow)])
def test_an_array_larger_than_memory_allows_to_copy(jobs: Any, rows: int) -> None:
    """200 MB and 2 GB, with 1.3 times of it (and 200 MB for all else) allowed."""
    ended = jobs.run(BIG, parameters={"rows": rows})
    assert ended.code == 0, ended.log
    assert ended.unsaved == {}
    path = ended.out / "datasets" / "arrays.h5"
    import h5py
    import numpy as np

    with h5py.File(path) as file:
        assert file["a"].shape == (rows, 1000)
        last = np.random.default_rng(rows - 100).random((100, 1000))
        assert np.array_equal(file["a"][rows - 100 :], last)
    assert "limit" in arrays_read.names(path)


def test_a_full_disk_ends_clearly(jobs: Any, tmp_path: Path) -> None:
    """The output folder on a file system of 2 MB."""
    small = tmp_path / "small"
    small.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("may not mount a file system of its own: run as root")
    try:
        ended = jobs.run("import numpy as np\nx = np.random.rand(1_000_000)", out=str(small / "out"))
        assert ended.code == 0
        listed = (small / "out" / "manifest.json").read_text()
        assert "no room" in listed
        fill = f"open({str(small)!r} + '/fill', 'wb').write(b'x' * 1_990_000)"
        ended = jobs.run(f"{fill}\nfor i in range(30): print('y' * 9_999)", out=str(small / "out2"))
        assert ended.code == 3
        assert "disk is full" in ended.log or "No space left" in ended.log
    finally:
        subprocess.run(["umount", str(small)], check=True)
