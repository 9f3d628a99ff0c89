"""Notebooks as a reader runs them: every cell, in the kernel they name, in a home of the reader's own."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient

from perijove.core.settings import MachineSettings, Settings
from perijove.engines.local import LocalEngine
from perijove.sandbox.unconfined import UnconfinedLauncher
from perijove.testing.history_server import HistoryServer
from perijove_lab.runner.kernel import JobKernelManager

SHIPPED = Path(__file__).parents[3] / "notebooks"
Run = Callable[..., nbformat.NotebookNode]


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder with a short path: kernels make sockets below it."""
    path = Path(tempfile.mkdtemp(prefix="pj-notebooks-", dir=os.environ.get("PERIJOVE_TEST_TMP")))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def environments() -> Path:
    """Where the environments are installed."""
    return Path(os.environ["PERIJOVE_TEST_AI_PYTHON"]).parents[2]


@pytest.fixture(scope="session")
def history_server(scratch: Path, environments: Path) -> Iterator[HistoryServer]:
    """Histories and jobs, which run in the environments that there are."""
    home = scratch / "platform"
    (home / "homes").mkdir(parents=True)
    (home / "envs").mkdir()
    for path in environments.iterdir():
        if path.name != "share":
            (home / "envs" / path.name).symlink_to(path)
    settings = Settings(home=home, single_user=True, machine=MachineSettings(cpus=2, memory="8G"))
    launcher = UnconfinedLauncher(settings.layout, settings)
    engine = LocalEngine(launcher, settings)
    with HistoryServer(settings=settings, engine=engine, launcher=launcher) as running:
        yield running


@pytest.fixture
def home(scratch: Path) -> Path:
    """A reader's home, with the notebooks that a new lab holds."""
    home = Path(tempfile.mkdtemp(dir=scratch))
    shutil.copytree(SHIPPED, home / "notebooks")
    return home


@pytest.fixture
def run(home: Path, environments: Path, pictures: Path | None) -> Run:
    """Run a notebook from its first cell to its last; what is left of it. The first failing cell fails.

    `seconds` is what one cell may take.
    """

    def run(
        name: str,
        *,
        variables: dict[str, str] | None = None,
        changed: dict[str, str] | None = None,
        seconds: int = 120,
    ) -> nbformat.NotebookNode:
        path = home / "notebooks" / name
        notebook = nbformat.read(path, as_version=4)
        _change(notebook, changed or {})
        environ = {key: value for key, value in os.environ.items() if not key.startswith("PERIJOVE_")}
        environ |= {"HOME": str(home), "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
        python = environments / environment_of(notebook) / "bin" / "python"
        env = environ | (variables or {})
        asyncio.run(_execute(notebook, python, cwd=path.parent, env=env, seconds=seconds))
        if pictures is not None:
            nbformat.write(notebook, pictures / f"{name.replace('/', '-')}")
        return notebook

    return run


def environment_of(notebook: nbformat.NotebookNode) -> str:
    """The environment whose kernel the notebook names."""
    name: str = notebook.metadata["kernelspec"]["name"]
    return "ai" if name == "python3" else name


def _change(notebook: nbformat.NotebookNode, changed: dict[str, str]) -> None:
    """Put other sources into the cells of these ids."""
    for cell in notebook.cells:
        if cell["id"] in changed:
            cell["source"] = changed[cell["id"]]
    missing = set(changed) - {cell["id"] for cell in notebook.cells}
    assert not missing, f"no cells {missing}"


async def _execute(
    notebook: nbformat.NotebookNode, python: Path, *, cwd: Path, env: dict[str, str], seconds: int
) -> None:
    argv = [str(python), "-P", "-m", "perijove_lab.kernel", "start", "-f", "{connection_file}"]
    manager = JobKernelManager(KernelSpec(argv=argv, display_name="Python", language="python"))
    client = NotebookClient(notebook, km=manager, timeout=seconds, resources={"metadata": {"path": str(cwd)}})
    try:
        await client.async_execute(env=env)
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
        if manager.has_kernel:
            await manager.shutdown_kernel(now=True)
        manager.remove_folder()


def text_of(notebook: nbformat.NotebookNode, cell_id: str) -> str:
    """What the cell printed, and its values as text."""
    cell = next(cell for cell in notebook.cells if cell["id"] == cell_id)
    parts: list[Any] = []
    for output in cell["outputs"]:
        parts += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
    return "\n".join(parts)


def pictures_in(notebook: nbformat.NotebookNode) -> int:
    """How many pictures its cells show."""
    return sum(
        "image/png" in output.get("data", {})
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell["outputs"]
    )
