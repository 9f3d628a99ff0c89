"""The first thing that runs over a user's packages: go on, or go back to the shared environment alone."""

from __future__ import annotations

import importlib
import os
import runpy
import sys

from perijove_lab.kernel.launch import _BOOT, MARKER, NOTICE, PARENT, broken

_NEEDED = {
    "kernel": ("ipykernel.kernelapp", "perijove_lab.kernel.namespace"),
    "module": ("nbclient", "nbformat", "ipykernel.kernelspec"),
    "probe": ("ipykernel.kernelapp", "perijove_lab.kernel.namespace"),
}


def main() -> None:
    """`kernel …`: be a kernel; `module NAME …`: run that module; `probe`: only try the imports."""
    what, *arguments = sys.argv[1:]
    try:
        for name in _NEEDED[what]:
            importlib.import_module(name)
    except BaseException as error:
        _fall_back(what, error)
    finally:
        _unmark()
    _ACTIONS[what](arguments)


def _be_kernel(arguments: list[str]) -> None:
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = ["ipykernel_launcher", *arguments]
    IPKernelApp.launch_instance(arguments, extra_extensions=["perijove_lab.kernel.namespace"])


def _run_module(arguments: list[str]) -> None:
    sys.argv = list(arguments)
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def _probe(arguments: list[str]) -> None:
    sys.exit(0)


_ACTIONS = {"kernel": _be_kernel, "module": _run_module, "probe": _probe}


def _fall_back(what: str, error: BaseException) -> None:
    """Start again on the shared environment; where this is it already, there is nothing left to try."""
    parent = os.environ.get(PARENT, sys.executable)
    if what == "probe" or parent == sys.executable:
        raise error
    notice = broken(f"{type(error).__name__}: {error}"[:500])
    print(notice, file=sys.stderr, flush=True)
    _unmark()
    arguments = [parent, "-Xfrozen_modules=off", "-c", _BOOT, *sys.argv[1:]]
    os.execve(parent, arguments, os.environ | {NOTICE: notice})  # noqa: S606


def _unmark() -> None:
    marker = os.environ.pop(MARKER, "")
    if marker:
        try:
            os.unlink(marker)
        except OSError:
            return  # the next start tries the packages before it trusts them
