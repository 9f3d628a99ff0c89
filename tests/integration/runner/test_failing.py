"""Whatever goes wrong ends as a user would want: with a reason, and all that was there until then."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import nbformat
import pytest
from tests.integration.runner.conftest import wait_until


def test_a_failing_cell_ends_the_job_but_not_the_capture(jobs: Any) -> None:
    ended = jobs.run("x = 1\nprint('before')", "x / 0", "y = 2")
    assert ended.code == 1
    assert (ended.manifest["state"], ended.error["type"], ended.error["cell"]) == (
        "error",
        "ZeroDivisionError",
        1,
    )
    assert "division by zero" in ended.error["traceback"]
    assert ended.notebook.cells[1].outputs[0]["ename"] == "ZeroDivisionError"
    assert ended.notebook.cells[2].execution_count is None
    assert ended.arrays == {"x": 1}
    assert ended.report["error"]["message"] == "ZeroDivisionError: division by zero"


def test_a_cell_that_may_fail(jobs: Any) -> None:
    folder = jobs.write("1 / 0", "y = 2")
    path = folder / "code" / "train.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].metadata["tags"] = ["raises-exception"]
    nbformat.write(notebook, path)
    assert jobs.start(folder).wait(120) == 0
    assert json.loads((folder / "out" / "manifest.json").read_text())["state"] == "ok"


def test_input_is_refused_clearly(jobs: Any) -> None:
    ended = jobs.run("name = input('who?')")
    assert ended.code == 1
    assert "parameter" in ended.error["advice"]


def test_a_kernel_that_dies(jobs: Any) -> None:
    ended = jobs.run(
        "x = 1",
        "import os, signal\nprint('last words', flush=True)\nos.kill(os.getpid(), signal.SIGSEGV)",
        "y = 1",
    )
    assert ended.code == 1
    assert (ended.error["type"], ended.error["cell"]) == ("KernelDied", 1)
    assert "SIGSEGV" in ended.error["message"]
    assert ended.notebook.cells[0].execution_count == 1


def test_an_object_that_breaks_the_kernel_at_its_capture(jobs: Any) -> None:
    """The kernel dies while data are saved: the notebook and the files come back, and the reason."""
    ended = jobs.run(
        "import os, numpy as np\nos.mkdir('outputs')\nopen('outputs/a', 'w').close()\n"
        "class Bad(dict):\n    def items(self): os._exit(9)\n",
        "bad = Bad(a=1)",
    )
    assert ended.code == 0
    assert "died" in ended.unsaved["bad"]
    assert list(ended.role("file")) == ["outputs/a"]


def test_an_endless_loop_is_ended_with_what_there_is(jobs: Any) -> None:
    folder = jobs.write(
        "x = 41", "import time\nprint('looping', flush=True)\nwhile True: time.sleep(0.01)", "y = 1"
    )
    ended = jobs.end_when("looping", folder)
    assert ended.seconds < 10
    assert ended.code == 1
    assert (ended.error["type"], ended.error["cell"]) == ("Cancelled", 1)
    assert ended.arrays["x"] == 41
    assert ended.notebook.cells[1].outputs[-1]["ename"] == "KeyboardInterrupt"


def test_a_cell_that_ignores_the_interrupt_is_killed(jobs: Any) -> None:
    stubborn = (
        "while True:\n    try:\n        while True: time.sleep(0.01)\n    except KeyboardInterrupt: pass"
    )
    ended = jobs.end_when("looping", jobs.write(f"import time\nprint('looping', flush=True)\n{stubborn}"))
    assert ended.seconds < 10
    assert ended.error["type"] == "Cancelled"
    assert ended.text(0) == "looping\n"


def test_every_process_of_the_job_gets_the_signal(jobs: Any) -> None:
    """As a batch system does it: the kernel must survive it long enough to be captured."""
    folder = jobs.write(
        "x = 1",
        "import os, time\nprint('kernel', os.getpid(), 'looping', flush=True)\nwhile True: time.sleep(0.01)",
    )
    process = jobs.start(folder)
    wait_until(lambda: "looping" in (folder / "log").read_text())
    log = (folder / "log").read_text()
    os.kill(int(log.split("kernel ")[1].split()[0]), signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 1
    manifest = json.loads((folder / "out" / "manifest.json").read_text())
    assert manifest["error"]["type"] == "Cancelled"
    assert any(item["role"] == "arrays" for item in manifest["outputs"])


def test_a_killed_runner_leaves_the_notebook_so_far(jobs: Any) -> None:
    folder = jobs.write("x = 1\nprint('one')", "import time\nprint('two', flush=True)\ntime.sleep(600)")
    process = jobs.start(folder)
    executed = folder / "out" / "executed.ipynb"
    wait_until(lambda: executed.exists() and '"two\\n"' in executed.read_text())
    process.kill()
    process.wait()
    notebook = nbformat.read(executed, as_version=4)
    assert notebook.cells[0].outputs[0]["text"] == "one\n"
    assert not (folder / "out" / "manifest.json").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b'{"cells": [', "not a whole notebook"),
        (b'{"nbformat": 4, "x": "\xff"}', "not UTF-8"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "cells": [], "metadata": {}}', "holds no code"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {"language": "R"}}}', "in R"),
    ],
)
def test_code_that_cannot_run(jobs: Any, content: bytes, said: str) -> None:
    folder = jobs.write("x = 1")
    (folder / "code" / "train.ipynb").write_bytes(content)
    assert jobs.start(folder).wait(60) == 2
    error = json.loads((folder / "out" / "manifest.json").read_text())["error"]
    assert said in error["message"]
    log = (folder / "log").read_text()
    assert said in log
    assert "Traceback" not in log


def test_a_missing_input_and_a_path_outside(jobs: Any, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("x")
    for source, path, said in (("none", "a.h5", "missing"), ("there", "../a.h5", "leaves")):
        ended = jobs.run("x = 1", inputs=[{"source": str(tmp_path / source), "path": path, "name": "a"}])
        assert ended.code == 2
        assert said in ended.error["message"]


def test_a_kernel_that_does_not_exist(jobs: Any) -> None:
    ended = jobs.run("x = 1", kernel="no-such-kernel")
    assert ended.code == 2
    assert "no-such-kernel" in ended.error["message"]


def test_no_description(jobs: Any, tmp_path: Path) -> None:
    folder = jobs.write("x = 1")
    (folder / "job.json").write_text('{"version": 1')
    assert jobs.start(folder).wait(60) == 2
    assert "not valid JSON" in (folder / "log").read_text()


def test_an_output_folder_that_cannot_be_written(jobs: Any) -> None:
    ended = jobs.run("x = 1", out="/proc/nowhere/out")
    assert ended.code == 2
    assert "`out`" in ended.log
