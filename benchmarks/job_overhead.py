"""A trivial notebook as a job, from submission to `ok`, against nbclient alone in the same environment."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path

import nbformat
from bioblend.galaxy import GalaxyInstance

from benchmarks.measure import Row, seconds
from benchmarks.platform import Platform

BARE = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[1] + ".done")
"""


def run(platform: Platform) -> list[Row]:
    """Median of five each, taken in turn."""
    with tempfile.TemporaryDirectory(prefix="perijove-bench-") as folder:
        path = Path(folder) / "trivial.ipynb"
        cells = [nbformat.v4.new_code_cell("x = 1 + 1\nprint(x)")]
        kernelspec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernelspec), path)
        bare, ours = _measure(platform, path)
    more = f"{ours - bare:+.2f} s"
    return [Row("trivial notebook job", ours, bare, "s", more, "at most 0.5 s more than nbclient alone")]


def _measure(platform: Platform, notebook: Path) -> tuple[float, float]:
    galaxy = GalaxyInstance(platform.galaxy_url, key=platform.key)
    history = galaxy.histories.create_history("job benchmark")["id"]
    dataset = galaxy.tools.upload_file(str(notebook), history)["outputs"][0]["id"]
    command = [platform.job_python, "-c", BARE, str(notebook)]
    bare, ours = [], []
    for _ in range(5):
        bare.append(seconds(lambda: subprocess.run(command, check=True, capture_output=True), repeat=1))
        ours.append(seconds(lambda: _job(galaxy, history, dataset), repeat=1))
    galaxy.histories.delete_history(history, purge=True)
    return sorted(bare)[2], sorted(ours)[2]


def _job(galaxy: GalaxyInstance, history: str, dataset: str) -> None:
    inputs = {"select_file": {"src": "hda", "id": dataset}}
    job = galaxy.tools.run_tool(history, "run_jupyter_job", inputs)["jobs"][0]["id"]
    while (state := galaxy.jobs.get_state(job)) not in ("ok", "error", "deleted"):
        time.sleep(0.02)
    if state != "ok":
        raise RuntimeError(
            f"the job ended as {state}: {json.dumps(galaxy.jobs.show_job(job, full_details=True))}"
        )
