"""IPython extension: the client's functions in the user's namespace, without an import; printing is tamed.

The functions import what they need when called, so they cost a kernel's start next to nothing.
IPython counts them as its own (`%who` does not list them), and a user's variable of the same name simply
takes the place.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import perijove_lab
import perijove_lab.client.api as api
from perijove_lab.printed import taming

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Called by IPython at the kernel's start."""
    free = {name: getattr(api, name) for name in perijove_lab.__all__ if name not in shell.user_ns}
    shell.push(free, interactive=False)  # type: ignore[no-untyped-call]
    taming.install(shell)
    if notice := os.environ.pop("PERIJOVE_NOTICE", ""):
        _say_once(shell, notice)


def _say_once(shell: InteractiveShell, notice: str) -> None:
    """Show `notice` above the first cell's output: a kernel has no other place for it."""

    def say(*_: Any) -> None:
        shell.events.unregister("pre_run_cell", say)
        print(notice, file=sys.stderr)

    shell.events.register("pre_run_cell", say)
