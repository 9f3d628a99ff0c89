"""What to tell a person about a cell that failed or a kernel that died."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from perijove_lab.runner.errors import Failure

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ADVICE = {
    "ModuleNotFoundError": "The package is missing in this kernel: install it with %pip install in "
    "a first cell, or ask for an environment that has it.",
    "FileNotFoundError": "A job sees only the inputs sent with it, under the paths given, and what it writes "
    "itself: name the file among the inputs.",
    "StdinNotImplementedError": "Nobody can answer input() in a job: give the value as a parameter.",
    "MemoryError": "The job ran out of memory: ask for more, or work in smaller pieces.",
    "OutOfMemoryError": "The GPU's memory is full: use a smaller batch, or ask for a bigger GPU.",
    "ResourceExhaustedError": "The device's memory is full: use a smaller batch, or ask for more.",
    "PermissionError": "Inputs are read-only: write results below outputs/ instead.",
}
_READ_ONLY = "Inputs are read-only: copy what shall change, and write results below outputs/."


def left_well(error: CellExecutionError) -> bool:
    """Whether the code ended itself with success (`sys.exit(0)`): no failure, but nothing more is run."""
    return error.ename == "SystemExit" and error.evalue in ("", "0", "None")


def failed_cell(cell: NotebookNode, index: int, error: CellExecutionError) -> Failure:
    """The failure of a cell, with its traceback and what may help."""
    message = str(error.evalue)[:20_000]
    return Failure(
        type=error.ename or "Error",
        message=f"{error.ename}: {message}" if message else error.ename,
        advice=_advice(error.ename, message),
        cell=index,
        traceback=tuple(_COLOUR.sub("", line) for line in _traceback(cell)),
    )


def _traceback(cell: NotebookNode) -> list[str]:
    for output in reversed(cell.get("outputs", [])):
        if output.get("output_type") == "error":
            return [str(line) for line in output["traceback"]]
    return []


def _advice(ename: str, message: str) -> str:
    if "Read-only file system" in message:
        return _READ_ONLY
    return _ADVICE.get(ename, "The executed notebook holds the traceback below the cell that failed.")


def dead_kernel(manager: Any, index: int | None) -> Failure:
    """The failure of a kernel that ended without being asked to, with the likeliest reason."""
    code = _exit_code(manager)
    ended, advice = _why(code)
    return Failure(
        type="KernelDied", message=f"The kernel died while the cell ran: {ended}.", advice=advice, cell=index
    )


def _exit_code(manager: Any) -> int | None:
    process = getattr(getattr(manager, "provisioner", None), "process", None)
    code = process.poll() if process is not None else None
    return code if isinstance(code, int) else None


def _why(code: int | None) -> tuple[str, str]:
    if code in (-signal.SIGKILL, 128 + signal.SIGKILL):
        known = (
            "it ran out of memory" if _out_of_memory() else "it was killed, most likely for want of memory"
        )
        return known, "Ask for more memory, or work in smaller pieces (batches, chunks, a smaller type)."
    if code in (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGILL):
        name = signal.Signals(-code).name
        return (
            f"native code of a library crashed ({name})",
            "The log may name the library. A common cause is one built for another version or machine.",
        )
    if code is not None and code < 0:
        return f"signal {-code} ended it", "Something outside the notebook ended the kernel."
    if code is not None:
        return (
            f"it left with exit code {code}",
            "Code that ends its own process (os._exit, exit) ends the job.",
        )
    return "the reason is not known", "See the job's log."


def _out_of_memory() -> bool:
    """Whether the control group of this process counted an out-of-memory kill (v2, then v1)."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        groups = dict(line.split(":", 2)[1:] for line in lines)
    except (OSError, ValueError):
        return False
    v2 = Path("/sys/fs/cgroup", groups.get("", "/").lstrip("/"), "memory.events")
    v1 = Path("/sys/fs/cgroup/memory", groups.get("memory", "/").lstrip("/"), "memory.oom_control")
    return any(_counted(path) for path in (v2, v1))


def _counted(path: Path) -> bool:
    try:
        match = re.search(r"^oom_kill (\d+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return False
    return match is not None and int(match.group(1)) > 0
