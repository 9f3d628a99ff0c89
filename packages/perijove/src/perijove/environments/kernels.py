"""Make environments the kernels of labs (AI: that of new notebooks), and give labs their notebooks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from perijove.core.layout import Layout
from perijove.environments.declared import source_tree
from perijove.environments.install import open_to_all
from perijove.environments.stamps import digest
from perijove.environments.tools import Report, run_tool

_DEFAULT = "python3"
_CARRIED = Path(__file__).resolve().parent / "notebooks"


def register_kernel(
    layout: Layout, *, name: str, display_name: str, report: Report, default: bool = True
) -> None:
    """Register the environment `name` with the lab; quick when it is already.

    As the kernel `python3` (`default`), or under its own name. The kernelspec that ipykernel itself brought
    into `name` goes away: its bare `python` would be the lab's.
    """
    environment, lab = layout.environments / name, layout.environments / "lab"
    own = environment / "share" / "jupyter" / "kernels" / "python3"
    if own.exists():
        shutil.rmtree(own)
    if registered_prefix(layout, _DEFAULT if default else name) == str(environment):
        return
    command = [lab / "bin" / "python", "-P", "-m", "perijove_lab.kernel", "install"]
    command += ["--env-prefix", environment, "--lab-prefix", lab]
    command += ["--name", name, "--display-name", display_name, *(["--default"] if default else [])]
    log = layout.logs / "environments.log"
    run_tool(command, what="Registering the kernel", log=log, env={}, report=report)


def registered_prefix(layout: Layout, kernel: str) -> str:
    """The environment that the lab's kernel of this name leads to; empty where there is none."""
    try:
        spec = json.loads((_kernel_folder(layout, kernel) / "kernel.json").read_text())
        return str(spec["metadata"]["perijove"]["prefix"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def forget_kernel(layout: Layout, kernel: str) -> None:
    """Take a kernel out of the lab's list; harmless where there is none."""
    shutil.rmtree(_kernel_folder(layout, kernel), ignore_errors=True)


def _kernel_folder(layout: Layout, kernel: str) -> Path:
    return layout.environments / "lab" / "share" / "jupyter" / "kernels" / kernel


def provide_notebooks(layout: Layout) -> None:
    """Copy the notebooks that new labs hold to where labs can read them; quick when nothing changed."""
    tree = source_tree()
    source = tree / "notebooks" if tree is not None else _CARRIED
    if not source.is_dir():
        return
    target, mark = layout.root / "notebooks", layout.root / ".notebooks"
    files = sorted(
        path for path in source.rglob("*") if path.is_file() and ".ipynb_checkpoints" not in path.parts
    )
    state = digest(*files) + "".join(str(path.relative_to(source)) for path in files)
    if mark.is_file() and mark.read_text() == state and target.is_dir():
        return
    new = layout.root / ".notebooks.new"
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(source, new, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"))
    open_to_all(new)
    shutil.rmtree(target, ignore_errors=True)
    new.rename(target)
    mark.write_text(state)
