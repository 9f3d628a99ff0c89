"""An administrator runs a pipeline for somebody: `perijove pipeline run FILE --person NAME`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from bioblend.galaxy import GalaxyInstance
from tests.browser.test_pipelines import CODE, EXAMPLE, LABELS, READ, WRITE, notebook
from tests.integration.platform.conftest import Platform

pytestmark = [pytest.mark.root, pytest.mark.platform, pytest.mark.timeout(900)]


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    """A diamond of four notebooks; one of them fails."""
    for label, code in CODE.items():
        (tmp_path / f"{label}.ipynb").write_text(notebook(code))
    (tmp_path / "2_logistic.ipynb").write_text(notebook(f"{WRITE}{READ}rows.maximum()"))
    shutil.copy(EXAMPLE / "compare.pipeline", tmp_path)
    return tmp_path / "compare.pipeline"


def galaxy(platform: Platform, person: str) -> GalaxyInstance:
    return GalaxyInstance(f"{platform.url}/services/galaxy", platform.token(person))


def test_fails_is_mended_and_runs_on_for_each_person_by_themselves(
    platform: Platform, pipeline: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "root"))
    platform.run("user", "add", "ada", "bob")
    for person in ("ada", "bob"):
        ended = platform.run("pipeline", "run", str(pipeline), "--person", person, check=False)
        assert (ended.returncode, "AttributeError" in ended.stderr) == (1, True), ended.stderr
    (pipeline.parent / "2_logistic.ipynb").write_text(notebook(CODE["2_logistic"]))
    shown = platform.run("pipeline", "status", str(pipeline), "--person", "bob", check=False)
    assert (shown.returncode, "✗ 2_logistic" in shown.stdout) == (1, True), shown.stdout + shown.stderr
    again = platform.run("pipeline", "run", str(pipeline), "--person", "ada", "--rerun")
    assert again.stdout.count("(as it was)") == 2, again.stdout
    assert set(ran(galaxy(platform, "ada"))) == {*LABELS}
    assert len(ran(galaxy(platform, "ada"))) == 5  # only what had failed ran twice
    assert len(ran(galaxy(platform, "bob"))) == 3
    assert platform.run("pipeline", "cancel", str(pipeline), "--person", "bob").returncode == 0


def ran(person: GalaxyInstance) -> list[str]:
    """What of the person's jobs ran, by the nodes' names."""
    jobs = person.jobs.get_jobs(tool_id="run_jupyter_job", state=["ok", "error"])
    return [job["name"] for job in jobs]


def test_for_nobody_and_for_somebody_unknown(platform: Platform, pipeline: Path) -> None:
    for given, said in ((("--person", "mallory"), "mallory"), ((), "--person NAME")):
        refused = platform.run("pipeline", "run", str(pipeline), *given, check=False)
        assert (refused.returncode, said in refused.stderr) == (1, True), refused.stderr
        assert "Traceback" not in refused.stderr
