"""The calls of the original's notebooks, each form once: the same meaning on both servers."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from bioblend.galaxy import GalaxyInstance
from bioblend.galaxy.jobs import JobsClient
from tests.contract.galaxy_api.conftest import Server

from perijove_lab import get, put, run_script_job

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def code(write_notebook: Callable[..., str]) -> str:
    """Reads two files by the paths that the call names."""
    for name in ("data/images.csv", "data/labels.csv"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("1\n2\n")
    read = "import numpy as np\nmodel = np.loadtxt('data/images.csv') + np.loadtxt('data/labels.csv')"
    return write_notebook("train.ipynb", "n = 1", read)


@pytest.fixture
def name() -> str:
    return f"ml {time.time_ns()}"


def test_all_by_position(server: Server, code: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From anywhere, with nothing but URL and key."""
    for variable in ("GALAXY_URL", "API_KEY", "HISTORY_ID"):
        monkeypatch.delenv(variable)
    data = ["data/images.csv", "data/labels.csv"]
    done = run_script_job(code, data, server.url, server.keys["alice"], name)
    assert done["job_client"].get_state(done["e_job"]["jobs"][0]["id"]) == "ok"


def test_by_name_and_in_a_new_history(
    server: Server, code: str, name: str, alice: GalaxyInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run_script_job(
        script_path=code,
        data_dict=["data/images.csv", "data/labels.csv"],
        server=server.url,
        key=server.keys["alice"],
        new_history_name=name,
    )
    assert isinstance(done["job_client"], JobsClient)
    job = done["job_client"].show_job(done["e_job"]["jobs"][0]["id"])
    assert job["state"] == "ok"
    assert job["history_id"] == alice.histories.get_histories(name=name)[0]["id"]
    printed = capsys.readouterr().out
    assert [line for line in ("Data file uploaded", "Uploaded code", "Executed code") if line in printed]
    names = [one["name"] for one in alice.histories.show_history(job["history_id"], contents=True)]
    assert any("train" in one for one in names)


def test_in_the_lab_without_server_and_key(code: str, name: str, alice: GalaxyInstance) -> None:
    run_script_job(code, data_dict=["data/images.csv", "data/labels.csv"], new_history_name=name)
    run_script_job(code, data_dict=["data/images.csv", "data/labels.csv"], new_history_name=name)
    assert len(alice.histories.get_histories(name=name)) == 2, "each call makes a history of its own"


def test_without_data(write_notebook: Callable[..., str], name: str) -> None:
    done = run_script_job(write_notebook("alone.ipynb", "x = 1", "y = x + 1"), new_history_name=name)
    assert done["job_client"].get_state(done["e_job"]["jobs"][0]["id"]) == "ok"


def test_a_failure_is_told_and_the_notebook_goes_on(
    write_notebook: Callable[..., str], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run_script_job(write_notebook("fails.ipynb", "x = 1", "1 / 0"), new_history_name=name)
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert done["job_client"].get_state(done["e_job"]["jobs"][0]["id"]) == "error"


def test_get_and_put_as_in_the_original(lab: Path) -> None:
    """By number, by a list of numbers, by a regular expression; with a type."""
    for one in ("a.csv", "b.csv"):
        Path(one).write_text("1,2\n")
        put(one, "csv")
    assert Path(get(1)).read_text() == "1,2\n"
    assert len(get([1, 2])) == 2
    assert len(get(["a.*", "b.*"], identifier_type="regex")) == 2
    assert Path(get("b.csv", "name")).read_text() == "1,2\n"
