from __future__ import annotations

import signal
from types import SimpleNamespace

import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_output

from perijove_lab.runner import advice


def an_error(ename: str, evalue: str = "") -> CellExecutionError:
    return CellExecutionError("", ename, evalue)


@pytest.mark.parametrize(
    ("ename", "evalue", "said"),
    [
        ("ModuleNotFoundError", "No module named 'x'", "%pip install"),
        ("FileNotFoundError", "data/x.csv", "inputs"),
        ("StdinNotImplementedError", "", "parameter"),
        ("OSError", "[Errno 30] Read-only file system: 'ct.h5'", "read-only"),
        ("OutOfMemoryError", "CUDA out of memory", "smaller batch"),
        ("ValueError", "x", "executed notebook"),
    ],
)
def test_advice_fits_the_error(ename: str, evalue: str, said: str) -> None:
    failure = advice.failed_cell(new_code_cell("x"), 3, an_error(ename, evalue))
    assert said in failure.advice
    assert (failure.type, failure.cell) == (ename, 3)


def test_the_traceback_loses_its_colours() -> None:
    output = new_output("error", ename="E", evalue="v", traceback=["\x1b[0;31mE\x1b[0m: v"])
    failure = advice.failed_cell(new_code_cell("x", outputs=[output]), 0, an_error("E", "v"))
    assert failure.traceback == ("E: v",)


@pytest.mark.parametrize(
    ("evalue", "well"), [("", True), ("0", True), ("None", True), ("3", False), ("bad", False)]
)
def test_leaving_well(evalue: str, well: bool) -> None:
    assert advice.left_well(an_error("SystemExit", evalue)) is well


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (-signal.SIGKILL, "memory"),
        (137, "memory"),
        (-signal.SIGSEGV, "SIGSEGV"),
        (-signal.SIGHUP, "signal 1"),
        (7, "exit code 7"),
        (None, "not known"),
    ],
)
def test_a_dead_kernel(code: int | None, said: str) -> None:
    process = SimpleNamespace(poll=lambda: code)
    manager = SimpleNamespace(provisioner=SimpleNamespace(process=process))
    failure = advice.dead_kernel(manager, 4)
    assert said in failure.message
    assert (failure.type, failure.cell) == ("KernelDied", 4)
    assert failure.advice
