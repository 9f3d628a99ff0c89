"""Make the AI environment the kernel of new notebooks, and give labs their notebooks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from perijove.core.layout import Layout
from perijove.environments.declared import source_tree
from perijove.environments.install import open_to_all
from perijove.environments.stamps import digest
from perijove.environments.tools import Report, run_tool

_CARRIED = Path(__file__).resolve().parent / "notebooks"


def register_kernel(layout: Layout, *, name: str, display_name: str, report: Report) -> None:
    """Register the environment `name` with the lab as the kernel `python3`; quick when it is already.

    The kernelspec that ipykernel itself brought into `name` goes away: its bare `python` would be the lab's.
    """
    environment, lab = layout.environments / name, layout.environments / "lab"
    own = environment / "share" / "jupyter" / "kernels" / "python3"
    if own.exists():
        shutil.rmtree(own)
    if _registered_prefix(lab) == str(environment):
        return
    command = [lab / "bin" / "python", "-P", "-m", "perijove_lab.kernel", "install", "--default"]
    command += [
        "--env-prefix",
        environment,
        "--lab-prefix",
        lab,
        "--name",
        name,
        "--display-name",
        display_name,
    ]
    log = layout.logs / "environments.log"
    run_tool(command, what="Registering the kernel", log=log, env={}, report=report)


def _registered_prefix(lab: Path) -> str:
    try:
        spec = json.loads((lab / "share" / "jupyter" / "kernels" / "python3" / "kernel.json").read_text())
        return str(spec["metadata"]["perijove"]["prefix"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


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
