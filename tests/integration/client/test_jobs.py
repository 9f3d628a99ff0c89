"""Jobs sent from a kernel, as a user does it: through the kernel's own start, in the AI environment."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.ai


def test_there_and_back(notebook: Any) -> None:
    notebook.run(
        "training = submit('train.ipynb', ['data/ct.h5'], {'epochs': 3}, {'cpus': 1, 'memory': '2G'})"
    )
    notebook.run("training.wait()")
    assert any("<progress" in data.get("text/html", "") for data in notebook.shown)
    assert "staged" in notebook.run("print(training.log())")
    assert "classifier" in notebook.run("print(training.outputs())\nprint(training.model())")
    notebook.run(
        "import numpy as np\n"
        "from sklearn.datasets import load_iris\n"
        "x, y = load_iris(return_X_y=True)\n"
        "model = training.model()\n"
        "arrays = load_arrays(training.outputs().arrays)\n"
        "assert np.abs(model.predict_proba(x) - arrays['predictions']).max() < 1e-5\n"
        "assert (model.predict(x) == y).mean() > 0.8\n"
        "assert list(arrays['loss']) == [1.0, 0.5, 1 / 3]\n"
    )
    files = notebook.run("import os; print(sorted(os.listdir(training.outputs().files.get())))")
    assert "a.txt" in files
    assert "trained with 4" in notebook.run("print(open(training.outputs().notebook.get()).read())")


def test_the_originals_call(notebook: Any) -> None:
    call = "found = run_script_job('train.ipynb', data_dict=['data/ct.h5'], new_history_name='ml')"
    printed = notebook.run(f"{call}\nprint(sorted(found))")
    for line in ("Data file uploaded", "Uploaded code", "Executed code", "['e_job', 'job_client']"):
        assert line in printed
    assert notebook.run("found['job_client'].get_state(found['e_job']['jobs'][0]['id'])").strip() == "'ok'"


def test_a_failing_cell_is_told_with_its_reason(
    notebook: Any, work: Path, write_notebook: Callable[..., None]
) -> None:
    write_notebook(work / "fails.ipynb", [("", "x = 1"), ("", "raise ValueError('no such patient')")])
    notebook.run("failing = submit('fails.ipynb')")
    with pytest.raises(AssertionError, match="ValueError: no such patient") as error:
        notebook.run("failing.wait()")
    assert "Traceback (most recent call last)" not in str(error.value)
    assert "no such patient" in notebook.run("print(open(failing.outputs().notebook.get()).read())")


def test_cancel_and_come_back(
    notebook: Any, work: Path, open_notebook: Callable[[], Any], write_notebook: Callable[..., None]
) -> None:
    write_notebook(work / "endless.ipynb", [("", "print('begun')"), ("", "while True: pass")])
    printed = notebook.run("endless = submit('endless.ipynb', name='endless one')\nprint(endless.id)")
    job_id = printed.split()[-1]
    deadline = time.monotonic() + 120
    while "running" not in notebook.run("print(endless.state)"):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    with pytest.raises(AssertionError, match="not ready yet"):
        notebook.run("endless.wait(timeout=1)")
    notebook.stop()
    later = open_notebook()
    assert "endless one" in later.run("print(jobs())")
    assert "True" in later.run(f"print(job().id == {job_id!r})")
    later.run(f"job({job_id!r}).cancel().wait(check=False)")
    assert "deleted" in later.run(f"print(job({job_id!r}).state)")
    assert "begun" in later.run("print(open(job().outputs().notebook.get()).read())")


def test_refusals_of_the_server_are_told(notebook: Any) -> None:
    with pytest.raises(AssertionError, match="CPU"):
        notebook.run("submit('train.ipynb', resources={'cpus': 4000})")
    with pytest.raises(AssertionError, match="flavor"):
        notebook.run("submit('train.ipynb', flavor='no-such-flavor')")
