"""The first thing that runs in the kernel: remember what was there before, and watch for frameworks.

Only the standard library is imported, and nothing of what a framework brings is touched before the user's
own code imports it.
"""

from __future__ import annotations

import builtins
import contextlib
import json
import os
import signal
import sys
import warnings
from types import FrameType
from typing import Any

from perijove_lab.printed import taming
from perijove_lab.runner import observe

# Names bound before the user's code ran, with what they were bound to.
before: dict[str, Any] = {}


def prepare(config: str) -> None:
    """Set the kernel up for one job. `config` is JSON: `script` (path or null), `code` (folder or null)."""
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    options = json.loads(config)
    if options["script"]:
        _be_script(shell, options["script"])
    elif options["folder"]:
        sys.path.append(options["folder"])
    _leave_by_exception(shell)
    _end_like_interrupt()
    _offer_client(shell)
    observe.install(shell)
    taming.install(shell)
    before.update(shell.user_ns)


def _offer_client(shell: Any) -> None:
    """`get`, `put` and their like, where the kernel's own start did not bring them already."""
    if "run_script_job" in shell.user_ns:
        return
    with contextlib.suppress(ImportError):  # an environment of its own need not have the client's libraries
        from perijove_lab.kernel.namespace import load_ipython_extension

        load_ipython_extension(shell)


def _be_script(shell: Any, path: str) -> None:
    """What Python itself gives a script: its arguments, its file, its folder; and no display of values."""
    sys.argv = [path]
    shell.user_ns["__file__"] = path
    sys.path.insert(1, os.path.dirname(path))
    shell.ast_node_interactivity = "none"


def _leave_by_exception(shell: Any) -> None:
    """`exit()` and `quit()` would end the kernel before anything is captured: let them end the code only."""

    def leave(code: object = None) -> None:
        raise SystemExit(code)

    for name in ("exit", "quit"):
        shell.user_ns[name] = leave
        setattr(builtins, name, leave)
    warnings.filterwarnings("ignore", message="To exit: use 'exit'")


def _end_like_interrupt() -> None:
    """A scheduler that signals every process of the job must not kill the kernel before it is captured."""
    owner = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        if os.getpid() == owner:
            signal.raise_signal(signal.SIGINT)  # ignored between cells, KeyboardInterrupt within
            return
        signal.signal(number, signal.SIG_DFL)  # a forked child ends as it would anywhere
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, end)
