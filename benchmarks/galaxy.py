"""The embedded history server beside a real Galaxy, in one run: `python -m benchmarks.galaxy FOLDER`.

FOLDER is that of a Galaxy that runs (`scripts/galaxy.py up FOLDER`). The embedded server is started here, in
a process of its own; jobs of both run unconfined with the same Python.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from bioblend.galaxy import GalaxyInstance
from rich.console import Console
from rich.table import Table

from perijove.testing.history_server import KEYS, serving_jobs
from perijove.testing.real_galaxy.server import Running, processes_of
from perijove_lab import get, put

SIZE = 10**9
REPEAT = 5
FINAL = ("ok", "error", "deleted")


@dataclass(frozen=True)
class Server:
    """One of the two; `pids` are all of its processes."""

    url: str
    key: str
    pids: tuple[int, ...]


def megabytes(server: Server) -> float:
    """Proportional share of memory of all its processes."""
    return sum(psutil.Process(pid).memory_full_info().pss for pid in server.pids) / 1e6


@contextmanager
def embedded(home: Path, python: Path) -> Iterator[Server]:
    (home / "envs").mkdir(parents=True)
    (home / "envs" / "ai").symlink_to(python.parent.parent)
    command = [sys.executable, "-m", "benchmarks.galaxy", "serve", str(home)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin
        assert process.stdout
        url = process.stdout.readline().strip()
        yield Server(url=url, key=KEYS["alice"], pids=(process.pid,))
        process.stdin.close()


def serve(home: Path) -> None:
    """Until standard input ends."""
    with serving_jobs(home) as server:
        print(server.url, flush=True)
        sys.stdin.read()


def galaxy(folder: Path) -> Server:
    found = Running.find(folder)
    if found is None:
        sys.exit(f"No Galaxy runs in {folder}: start one with scripts/galaxy.py up {folder}")
    own = ("galaxy-web", "celery", "gx-it-proxy", "forkserver", "resource_tracker")
    pids = [
        process.pid for process in processes_of(folder) if any(word in str(process.cmdline()) for word in own)
    ]
    return Server(url=found.url, key=found.keys["alice"], pids=tuple(pids))


def job_seconds(server: Server, folder: Path) -> float:
    """From the tool's call to its final state, looked for every 50 ms; median."""
    alice = GalaxyInstance(server.url, key=server.key)
    history = alice.histories.create_history("benchmark")["id"]
    script = folder / "trivial.py"
    script.write_text("print(1)\n")
    os.environ["HISTORY_ID"] = history
    code = put(script, server=server.url, key=server.key)
    times = []
    for _ in range(REPEAT):
        begin = time.perf_counter()
        job = alice.tools.run_tool(history, "run_jupyter_job", {"select_file": code.reference()})["jobs"][0]
        while (state := alice.jobs.get_state(job["id"])) not in FINAL:
            time.sleep(0.05)
        assert state == "ok", state
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def transfer_seconds(server: Server, folder: Path) -> tuple[float, float]:
    """Upload until the dataset is ok, and download, of random bytes."""
    file = folder / "big.bin"
    with file.open("wb") as target:
        for _ in range(SIZE // 10**7):
            target.write(os.urandom(10**7))
    begin = time.perf_counter()
    made = put(file, server=server.url, key=server.key)
    up = time.perf_counter() - begin
    file.unlink()
    begin = time.perf_counter()
    path = Path(get(made, to=str(folder / "back.bin")))
    down = time.perf_counter() - begin
    assert path.stat().st_size == SIZE
    path.unlink()
    return up, down


def measure(server: Server, folder: Path) -> dict[str, str]:
    rest = megabytes(server)
    job = job_seconds(server, folder)
    up, down = transfer_seconds(server, folder)
    return {
        "trivial run_jupyter_job, submitted to finished (median of 5)": f"{job:.2f} s",
        "upload of 1 GB": f"{up:.1f} s ({SIZE / up / 1e6:.0f} MB/s)",
        "download of 1 GB": f"{down:.1f} s ({SIZE / down / 1e6:.0f} MB/s)",
        "memory at rest": f"{rest:.0f} MB",
        "memory afterwards": f"{megabytes(server):.0f} MB",
    }


def main(folder: Path) -> None:
    """Print the table."""
    found = Running.find(folder)
    place = os.environ.get("PERIJOVE_TEST_TMP")
    with tempfile.TemporaryDirectory(prefix="perijove-bench-", dir=place) as scratch:
        os.environ["HOME"] = scratch
        there = measure(galaxy(folder), Path(scratch))
        assert found
        with embedded(Path(scratch) / "home", Path(found.python)) as server:
            here = measure(server, Path(scratch))
    table = Table(title="The embedded history server beside a real Galaxy")
    for heading in ("what", "embedded", "Galaxy 26.1, celery metadata"):
        table.add_column(heading)
    for what, ours in here.items():
        table.add_row(what, ours, there[what])
    Console(width=130).print(table)
    print(json.dumps({"load": os.getloadavg(), "cpus": os.cpu_count()}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(Path(sys.argv[2]))
    else:
        main(Path(sys.argv[1]).absolute())
