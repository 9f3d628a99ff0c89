"""What each server extension costs at a lab's start: `.venv/bin/python -m benchmarks.lab_extensions HOME`.

`HOME` holds installed environments. Each case starts JupyterLab with the labs' own configuration and waits
until it answers; cases are taken in turn, and the median of each is shown.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil
from rich.console import Console
from rich.table import Table

TURNS = 7
CONFIG = Path(__file__).parents[1] / "packages/perijove/src/perijove/hub/lab_config"
AT_START = ("jupyter_server_fileid", "jupyter_server_ydoc", "perijove_lab.extension")
ON_REQUEST = (
    *("jupyter_server_proxy", "jupyterlab_git", "jupyterlab_h5web", "jupyterlab_nvdashboard"),
    *("nbdime", "nbgitpuller"),
)
NEVER = ("jupyter_lsp", "notebook_shim")
Figures = tuple[float, float, float]


def cases() -> dict[str, set[str]]:
    """What is loaded at the start in each case."""
    ours = set(AT_START)
    found = {"lean: JupyterLab without any of these": set(), "ours": ours}
    found |= {f"ours without {name}": ours - {name} for name in AT_START}
    found |= {f"ours with {name} at the start": ours | {name} for name in ON_REQUEST}
    return found | {"all at the start": ours | set(ON_REQUEST)}


def start(python: Path, loaded: set[str], folder: Path) -> Figures:
    """Seconds until it answers, seconds of CPU, and MiB of its own (PSS)."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    wanted = {name: name in loaded for name in (*AT_START, *ON_REQUEST, *NEVER)}
    command = [str(python), "-s", "-m", "jupyterlab", "--allow-root", "--no-browser"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    command += [f"--ServerApp.jpserver_extensions={name}={on}" for name, on in wanted.items()]
    variables = {"HOME": str(folder), "JUPYTER_CONFIG_PATH": str(CONFIG), "JUPYTER_TOKEN": "benchmark"}
    begin = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as lab:
        _await(f"http://127.0.0.1:{port}/api", lab)
        passed, process = time.perf_counter() - begin, psutil.Process(lab.pid)
        figures = passed, sum(process.cpu_times()[:2]), process.memory_full_info().pss / 2**20
        lab.kill()
    return figures


def _await(url: str, lab: subprocess.Popen[bytes]) -> None:
    while lab.poll() is None:
        try:
            httpx.get(url)
        except httpx.HTTPError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError("JupyterLab ended before it answered")


def main() -> None:
    """Measure and print."""
    python = Path(sys.argv[1]) / "envs" / "lab" / "bin" / "python"
    found: dict[str, list[Figures]] = {name: [] for name in cases()}
    with tempfile.TemporaryDirectory(prefix="perijove-bench-") as folder:
        for turn in range(TURNS + 1):
            for name, loaded in cases().items():
                figures = start(python, loaded, Path(folder))
                if turn:  # the first round only warms the disk's cache
                    found[name].append(figures)
    table = Table(title="Start of a lab's server")
    for heading in ("case", "until it answers", "ratio", "CPU", "ratio", "memory (PSS)"):
        table.add_column(heading)
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)]
        for name, rows in found.items()
    }
    lean = next(iter(medians.values()))
    for name, (wall, cpu, memory) in medians.items():
        table.add_row(
            name,
            f"{wall:.2f} s",
            f"{wall / lean[0]:.2f}",
            f"{cpu:.2f} s",
            f"{cpu / lean[1]:.2f}",
            f"{memory:.0f} MiB",
        )
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
