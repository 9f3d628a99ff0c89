"""A pipeline of notebooks from the lab: sent, failed, mended, run on; on every server, by the same calls."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bioblend.galaxy import GalaxyInstance
from tests.contract.galaxy_api.conftest import Server

from perijove_lab import pipeline_run, run_pipeline
from perijove_lab.client.connection import Connection
from perijove_lab.client.errors import InputError, JobFailedError, MissingError, StillRunningError

EXAMPLE = Path(__file__).parents[3] / "notebooks" / "pipelines"
FILE = "pipelines/compare.pipeline"
LABELS = ["1_prepare", "2_forest", "2_logistic", "3_compare"]

pytestmark = [
    pytest.mark.timeout(1200),
    pytest.mark.ai,
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),  # BioBlend's tus client
]


@pytest.fixture
def diamond(lab: Path) -> Path:
    """The example that labs are given: four nodes, a diamond; one of them broken."""
    shutil.copytree(EXAMPLE, lab / "pipelines")
    change(lab / "pipelines" / "2_logistic.ipynb", "model.fit(", "model.fitt(")
    return lab / FILE


def change(notebook: Path, before: str, after: str) -> None:
    text = notebook.read_text()
    assert before in text
    notebook.write_text(text.replace(before, after))


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The lab's command line, as a terminal runs it."""
    return subprocess.run(
        [sys.executable, "-m", "perijove_lab.cli", "pipeline", *arguments],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def jobs_that_ran(alice: GalaxyInstance, history: str) -> list[str]:
    """The jobs that ran: a Galaxy also writes down one for which an earlier one stands."""
    listed = alice.jobs.get_jobs(history_id=history, tool_id="run_jupyter_job", state=["ok", "error"])
    shown = [alice.jobs.show_job(one["id"]) for one in listed]
    return [one["id"] for one in shown if not one["copied_from_job_id"]]


def test_fails_is_mended_and_runs_on_from_there(
    diamond: Path, alice: GalaxyInstance, history: str, server: Server
) -> None:
    ended = command("run", FILE)
    assert ended.returncode == 1, ended.stderr
    assert "AttributeError" in ended.stderr
    assert "run_pipeline('pipelines/compare.pipeline', rerun=True)" in ended.stderr
    first = {node.label: node for node in pipeline_run(FILE).nodes()}
    assert [first[label].state for label in LABELS] == ["ok", "ok", "error", "paused"]
    change(diamond.parent / "2_logistic.ipynb", "model.fitt(", "model.fit(")
    if (server.name, server.database) == ("galaxy", "sqlite"):
        pytest.skip("needs a Galaxy on PostgreSQL, as make test-galaxy has it: apt-get install postgresql")
    again = command("run", FILE, "--rerun")
    assert again.returncode == 0, again.stderr + again.stdout
    second = {node.label: node for node in pipeline_run(FILE).nodes()}
    assert [node.state for node in second.values()] == ["ok"] * 4
    assert [second[label].reused for label in LABELS] == [True, True, False, False]
    # prepare, forest, logistic twice, compare: nothing ran twice but what failed
    assert len(jobs_that_ran(alice, history)) == 5
    for label in ("1_prepare", "2_forest"):
        again_job, first_job = alice.jobs.show_job(second[label].job), first[label].job
        assert (again_job["copied_from_job_id"] or again_job["id"]) == first_job
    files = pipeline_run(FILE).job("3_compare").outputs().files.get()
    rows = (files / "comparison.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["forest", "logistic"]
    assert all(float(row.split(",")[1]) > 0.9 for row in rows[1:])
    models = pipeline_run(FILE).job("2_logistic").outputs().models.get()
    assert [one.name for one in models.iterdir()] == ["model.onnx"]


def test_from_a_notebook(diamond: Path, connection: Connection) -> None:
    with pytest.raises(MissingError, match="No run of"):
        pipeline_run(FILE)
    run = run_pipeline(FILE)
    with pytest.raises(StillRunningError, match=r"pipeline_run\('pipelines/compare.pipeline'\)"):
        run.wait(timeout=0)
    with pytest.raises(StillRunningError, match="still runs"):
        run.rerun()
    with pytest.raises(JobFailedError, match="2_logistic"):
        run.wait()
    assert "2_logistic" in repr(run)
    assert "<table>" in run._repr_html_()
    assert run.cancel().wait(check=False).state in ("error", "deleted")


def test_what_cannot_be_sent(lab: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        run_pipeline("none.pipeline")
    shutil.copytree(EXAMPLE, lab / "pipelines")
    os.unlink(lab / "pipelines" / "2_forest.ipynb")
    with pytest.raises(InputError, match=r"2_forest\.ipynb"):
        run_pipeline(FILE)
    ended = command("run", FILE)
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)


@pytest.mark.platform
def test_the_platforms_own_command(diamond: Path, lab: Path) -> None:
    """`perijove pipeline run` lets the lab's client do it, in the lab's environment."""

    def perijove(*arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, "PERIJOVE_HOME": os.environ["PERIJOVE_TEST_HOME"]}
        argv = [sys.executable, "-m", "perijove.cli", "pipeline", *arguments]
        return subprocess.run(argv, capture_output=True, text=True, timeout=900, check=False, env=environ)

    ended = perijove("run", FILE)
    assert (ended.returncode, "2_logistic" in ended.stderr) == (1, True), ended.stderr
    shown = perijove("status", FILE)
    assert (shown.returncode, "✗ 2_logistic" in shown.stdout) == (1, True), shown.stdout
    assert perijove("cancel", FILE).returncode == 0
    del os.environ["API_KEY"]
    refused = perijove("run", FILE)
    assert (refused.returncode, "--person NAME" in refused.stderr) == (1, True), refused.stderr
