"""Which kernel runs the notebook, and how it is started."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode

from perijove_lab.runner import progress
from perijove_lab.runner.errors import SpecError

# Names that every installation gives to "the Python of this place".
_HERE = frozenset({"", "python", "python2", "python3", "ipykernel"})
_ARGV = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]

_SOCKET_PATH = 90  # bytes; the kernel's sockets get a few more, and 107 is the system's limit


def choose(notebook: NotebookNode, wanted: str | None) -> KernelSpec:
    """The kernel asked for, else the notebook's own if it is installed here and is Python, else this Python.

    Raises SpecError when a kernel was asked for that does not exist or speaks another language.
    """
    if wanted:
        return _installed(wanted) if wanted not in _HERE else own()
    name = str(notebook.metadata.get("kernelspec", {}).get("name", ""))
    if name in _HERE:
        return own()
    try:
        return _installed(name)
    except SpecError:
        return own()


def own() -> KernelSpec:
    """A kernel of the very interpreter that runs the runner."""
    return KernelSpec(argv=_ARGV, display_name="Python 3", language="python")


def _installed(name: str) -> KernelSpec:
    from jupyter_client.kernelspec import KernelSpecManager

    manager = KernelSpecManager()
    try:
        spec = manager.get_kernel_spec(name)
    except Exception as error:  # NoSuchKernel, or whatever a broken kernel.json brings up
        known = ", ".join(sorted(manager.find_kernel_specs())) or "none"
        raise SpecError(
            f"There is no kernel named {name[:80]!r} where this job runs.", advice=f"Kernels here: {known}."
        ) from error
    if spec.language.lower() != "python":
        raise SpecError(f"The kernel {name!r} runs {spec.language}; jobs run Python only.")
    return spec


class JobKernelManager(AsyncKernelManager):
    """A kernel of a given specification, its connection file and sockets in a private folder of its own.

    Sockets instead of ports, so that nobody else on the machine can knock; ports where the folder's path is
    too long for a socket.
    """

    def __init__(self, spec: KernelSpec, **kwargs: Any) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="perijove-kernel-")
        if len(os.fsencode(self._folder.name)) <= _SOCKET_PATH:
            kwargs.update(transport="ipc", ip=str(Path(self._folder.name, "k")))
        super().__init__(connection_file=str(Path(self._folder.name, "kernel.json")), **kwargs)
        self._kernel_spec = spec

    def remove_folder(self) -> None:
        """Drop the private folder; call when the kernel is gone."""
        self._folder.cleanup()


def environment(out: Path) -> dict[str, str]:
    """The kernel's environment: the runner's own, with the place where progress is reported."""
    return {**os.environ, progress.VARIABLE: str(progress.path_in(out))}
