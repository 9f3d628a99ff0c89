"""What a user's notebook or script may do, and what comes back."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from tests.integration.runner.conftest import Ended


def test_a_notebook_with_all_that_a_kernel_offers(jobs: Any) -> None:
    ended = jobs.run(
        "import asyncio\nawait asyncio.sleep(0.01)\nawaited = 7",
        "%%bash\necho from bash; pwd",
        "%env ANSWER=42\n!echo shell $ANSWER",
        "import os, numpy as np\nx = np.arange(6.).reshape(2, 3)\nlock = __import__('threading').Lock()",
        "os.makedirs('outputs/fig')\nopen('outputs/fig/a.txt', 'w').write('picture')\nx",
        "run_script_job",
    )
    assert ended.code == 0, ended.log
    assert ended.manifest["state"] == "ok"
    assert f"from bash\n{ended.folder / 'work'}" in ended.text(1)
    assert "shell 42" in ended.text(2)
    assert "array" in ended.notebook.cells[4].outputs[0]["data"]["text/plain"]
    assert ended.arrays["awaited"] == 7
    assert np.array_equal(ended.arrays["x"], [[0, 1, 2], [3, 4, 5]])
    assert list(ended.unsaved) == ["lock"]
    assert ended.role("file")["outputs/fig/a.txt"]["element"] == "fig/a.txt"
    assert (ended.folder / ended.role("file")["outputs/fig/a.txt"]["file"]).read_text() == "picture"
    assert ended.manifest["provenance"]["packages"]["numpy"] == np.__version__
    assert [line["phase"] for line in ended.progress if "phase" in line][:2] == ["stage", "execute"]
    assert "from bash" in ended.log


def test_inputs_and_parameters(jobs: Any, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "dataset.dat", "w") as file:
        file["x"] = np.random.default_rng(0).random((50, 4))
    ended = jobs.run(
        "import h5py\nwith h5py.File('data/ct.h5') as f: x = f['x'][:]",
        "y = x * factor\nalias = y",
        inputs=[{"source": str(tmp_path / "dataset.dat"), "path": "data/ct.h5", "name": "ct.h5"}],
        parameters={"factor": 2.5},
    )
    assert ended.code == 0, ended.log
    assert sorted(ended.arrays) == ["factor", "y"]
    assert ended.report["from_inputs"] == [{"name": "x", "input": "data/ct.h5", "dataset": "x"}]
    assert ended.report["aliases"] == {"alias": "y"}


SCRIPT = """
from __future__ import annotations
import helper, sys
print(__name__, sys.argv == [__file__], helper.value)
1 + 1
total = rounds * 2
sys.exit(0)
"""


def test_a_script_runs_as_python_runs_it(jobs: Any) -> None:
    folder = jobs.write(script=SCRIPT, parameters={"rounds": 4})
    (folder / "code" / "helper.py").write_text("value = 3")
    assert jobs.start(folder).wait(300) == 0
    ended = Ended(folder, 0)
    assert [out["text"] for out in ended.notebook.cells[1].outputs] == ["__main__ True 3\n"]
    assert ended.arrays == {"rounds": 4, "total": 8}


def test_several_cells_of_a_script_and_leaving_early(jobs: Any) -> None:
    ended = jobs.run(script="a = 1\n# %%\nimport sys\nb = 2\nexit()\n# %%\nc = 3\n")
    assert ended.code == 0, ended.log
    assert ended.arrays == {"a": 1, "b": 2}
    assert ended.notebook.cells[2].execution_count is None


def test_a_script_that_leaves_with_a_code_failed(jobs: Any) -> None:
    ended = jobs.run(script="import sys\na = 1\nsys.exit(3)")
    assert ended.code == 1
    assert ended.error["type"] == "SystemExit"
    assert ended.arrays == {"a": 1}


def test_progress_of_any_code(jobs: Any) -> None:
    ended = jobs.run("import perijove_lab\nperijove_lab.progress(percent=50, epoch=1, epochs=2, loss=0.5)")
    assert ended.code == 0, ended.log
    line = next(line for line in ended.progress if "epoch" in line)
    assert (line["percent"], line["epochs"], line["metrics"]) == (50, 2, {"loss": 0.5})


def test_without_capture_files_come_back_all_the_same(jobs: Any) -> None:
    ended = jobs.run("import os\nos.mkdir('outputs')\nopen('outputs/a', 'w').close()\nx = 1", capture=False)
    assert ended.code == 0, ended.log
    assert not ended.role("arrays")
    assert list(ended.role("file")) == ["outputs/a"]


def test_a_kernel_elsewhere_without_this_package(jobs: Any, tmp_path: Path) -> None:
    """A kernelspec of its own whose interpreter does not know perijove_lab."""
    spec = tmp_path / "jupyter" / "kernels" / "other"
    spec.mkdir(parents=True)
    hide = (
        "import sys; sys.path = [p for p in sys.path if 'perijove-lab' not in p]; "
        "from ipykernel.kernelapp import launch_new_instance; launch_new_instance()"
    )
    argv = [sys.executable, "-c", hide, "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "Other", "language": "python"})
    )
    metadata = {"kernelspec": {"name": "other", "display_name": "Other", "language": "python"}}
    environment = {"JUPYTER_PATH": str(tmp_path / "jupyter")}
    ended = jobs.run("x = 5", metadata=metadata, environment=environment)
    assert ended.code == 0, ended.log
    assert ended.arrays == {"x": 5}
