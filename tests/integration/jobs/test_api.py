"""The jobs API as BioBlend calls it, and the routes for looking at a job while it runs."""

from __future__ import annotations

import datetime
import json
import time

import pytest
from bioblend.galaxy import GalaxyInstance
from bioblend.galaxy.tools.inputs import dataset, inputs, repeat
from tests.integration.jobs.harness import Server, User


@pytest.fixture(scope="module")
def gi(server: Server) -> GalaxyInstance:
    return GalaxyInstance(url=server.url, key="key-ada")


@pytest.fixture(scope="module")
def bench(server: Server):
    user = User(server, "ada")
    history = user.history()
    code = user.dataset(history, "print(open('d.txt').read(), lr)", "code.py")
    data = user.dataset(history, "data!", "d.txt", "txt")
    return user, history, code, data


@pytest.fixture(scope="module")
def done(gi: GalaxyInstance, bench):
    """A job that BioBlend submitted and waited for, flat keys and a builder."""
    _, history, code, data = bench
    called = (
        inputs()
        .set("select_file", dataset(code))
        .set("inputs", repeat().instance(inputs().set("path", "d.txt").set("dataset", dataset(data))))
        .set("parameters", inputs().set_param("lr", 0.1))
        .set_param("cpus", 0.5)
        .set_param("memory", "256M")
        .set_param("submission_id", "one")
    )
    answer = gi.tools.run_tool(history, "run_jupyter_job", called)
    return answer, gi.jobs.wait_for_job(answer["jobs"][0]["id"], interval=0.1)


def test_wait_and_show(gi, done):
    _, job = done
    assert job["state"] == "ok"
    full = gi.jobs.show_job(job["id"], full_details=True)
    assert full["stdout"].strip().endswith("data! 0.1")
    assert full["tool_stdout"] == full["stdout"]
    assert "command_line" not in full
    assert gi.jobs.get_state(job["id"]) == "ok"


def test_the_originals_call(gi, bench):
    _, history, code, data = bench
    answer = gi.tools.run_tool(
        history,
        "run_jupyter_job",
        {
            "select_file": {"src": "hda", "id": code},
            "ml_h5_datasets": {"values": [{"src": "hda", "id": data}]},
            "ml_h5_dataset_paths": "d.txt",
            "parameters": '{"lr": 3}',
        },
        input_format="21.01",
    )
    job = gi.jobs.wait_for_job(answer["jobs"][0]["id"], interval=0.1)
    assert gi.jobs.show_job(job["id"], full_details=True)["stdout"].strip().endswith("data! 3")


def test_lists_and_filters(gi, bench, done):
    _, history, _, _ = bench
    job_id = done[1]["id"]
    assert job_id in [one["id"] for one in gi.jobs.get_jobs()]
    assert job_id in [
        one["id"] for one in gi.jobs.get_jobs(state="ok", tool_id="run_jupyter_job", history_id=history)
    ]
    assert gi.jobs.get_jobs(state="failed") == []
    assert gi.jobs.get_jobs(tool_id="cat1") == []
    assert gi.jobs.get_jobs(history_id="0" * 16) == []
    assert len(gi.jobs.get_jobs(limit=1, order_by="create_time")) == 1
    today = datetime.datetime.now(datetime.UTC).date()
    day = datetime.timedelta(days=1)
    assert gi.jobs.get_jobs(date_range_max=str(today - day)) == []
    assert gi.jobs.get_jobs(date_range_min=str(today + day)) == []
    assert job_id in [one["id"] for one in gi.jobs.get_jobs(date_range_min=str(today))]
    assert gi.jobs.get_jobs(workflow_id="0" * 16) == []


def test_inputs_outputs_metrics_problems(gi, bench, done):
    _, _, code, data = bench
    answer, job = done
    assert gi.jobs.get_inputs(job["id"]) == [
        {"name": "select_file", "dataset": {"src": "hda", "id": code}},
        {"name": "inputs_0", "dataset": {"src": "hda", "id": data}},
    ]
    found = {
        one["name"]: one.get("dataset") or one["dataset_collection_instance"]
        for one in gi.jobs.get_outputs(job["id"])
    }
    assert found["executed_notebook"] == {"src": "hda", "id": answer["outputs"][0]["id"]}
    assert found["models"]["src"] == "hdca"
    metrics = {one["name"]: one for one in gi.jobs.get_metrics(job["id"])}
    assert metrics["memory"]["value"] == "256 MiB"
    assert float(metrics["runtime_seconds"]["raw_value"]) > 0
    assert gi.jobs.get_common_problems(job["id"]) == {
        "has_duplicate_inputs": False,
        "has_empty_inputs": False,
    }
    shown = gi.make_get_request(f"{gi.url}/jobs/{job['id']}/parameters_display").json()
    assert {"text": "cpus", "depth": 1, "value": 0.5, "notes": None} in shown["parameters"]


def test_rerun(gi, bench, done):
    _, _, _, _ = bench
    _, job = done
    again = gi.jobs.rerun_job(job["id"], tool_inputs_update={"memory": "300M"})
    second = gi.jobs.wait_for_job(again["jobs"][0]["id"], interval=0.1)
    assert second["id"] != job["id"]
    assert second["perijove"]["resources"]["memory"] == 300 * 2**20
    with pytest.raises(ValueError, match="remap"):
        gi.jobs.rerun_job(job["id"], remap=True)


def test_search(gi, bench, done):
    _, _, code, _ = bench
    found = gi.jobs.search_jobs("run_jupyter_job", {"select_file": {"src": "hda", "id": code}}, state="ok")
    assert done[1]["id"] in [one["id"] for one in found]
    assert gi.jobs.search_jobs("run_jupyter_job", {"select_file": {"src": "hda", "id": "0" * 16}}) == []


def test_cancel(gi, bench):
    user, history, _, _ = bench
    job_id = user.run(history, "import time; time.sleep(600)")
    assert gi.jobs.cancel_job(job_id) is True
    assert gi.jobs.wait_for_job(job_id, interval=0.1, check=False)["state"] == "deleted"
    assert gi.jobs.cancel_job(job_id) is False


def test_the_tool_is_found_and_described(gi):
    assert [tool["id"] for tool in gi.tools.get_tools()] == ["run_jupyter_job"]
    assert gi.tools.get_tool_panel()[0]["elems"][0]["id"] == "run_jupyter_job"
    shown = gi.tools.show_tool("run_jupyter_job", io_details=True)
    assert [one["name"] for one in shown["inputs"]][:3] == [
        "select_file",
        "ml_h5_datasets",
        "ml_h5_dataset_paths",
    ]
    assert [one["name"] for one in shown["outputs"]] == [
        "executed_notebook",
        "models",
        "arrays",
        "files",
        "report",
    ]
    assert gi.make_get_request(f"{gi.url}/tools", params={"q": "notebook"}).json() == ["run_jupyter_job"]
    assert gi.tools.build("run_jupyter_job", inputs={"cpus": 2})["state_inputs"]["cpus"] == 2


def test_the_described_inputs_are_those_that_are_accepted():
    from perijove.histories.services.job_inputs import JobInputs
    from perijove.histories.services.tools import detail

    described = [one["name"] for one in detail(io_details=True)["inputs"]]
    assert described == list(JobInputs.model_fields)


def test_looking_at_a_job_while_it_runs(bench):
    user, history, _, _ = bench
    code = """
import json, time
for step in range(1, 400):
    print("line", step, flush=True)
    with open("/job/out/progress.jsonl", "a") as file:
        file.write(json.dumps({"percent": step / 4, "epoch": step, "metrics": {"loss": 1 / step}}) + "\\n")
    time.sleep(0.05)
"""
    job_id = user.run(history, code)
    while "line 3" not in user.job(job_id, full=True)["stdout"]:
        time.sleep(0.05)
    shown = user.job(job_id)
    assert shown["state"] == "running"
    assert shown["perijove"]["progress"]["epoch"] >= 2
    assert shown["perijove"]["usage"]["processes"] >= 1
    assert user.get(f"/api/jobs/{job_id}/progress")["metrics"]["loss"] <= 0.5
    log = user.http.get(f"/api/jobs/{job_id}/log", params={"limit": 6})
    assert log.text == "line 1"
    rest = user.http.get(f"/api/jobs/{job_id}/log", params={"offset": int(log.headers["x-next-offset"])})
    assert rest.text.startswith("\nline 2")
    notebook = user.http.get(f"/api/jobs/{job_id}/notebook")
    assert json.loads(notebook.content)["nbformat"] == 4
    user.http.delete(f"/api/jobs/{job_id}")
    user.wait(job_id)
    assert user.http.get(f"/api/jobs/{job_id}/notebook").status_code == 200


def test_events_tell_each_change_until_the_end(bench):
    user, history, _, _ = bench
    job_id = user.run(history, "import time; time.sleep(0.5)")
    with user.http.stream("GET", f"/api/jobs/{job_id}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        told = [line.removeprefix("data: ") for line in stream.iter_lines() if line.startswith("data: ")]
    states = [json.loads(text)["state"] for text in told]
    assert states[-1] == "ok"
    assert "running" in states
    assert states == sorted(states, key=["new", "queued", "running", "ok"].index)


def test_events_end_after_their_time(bench):
    user, history, _, _ = bench
    job_id = user.run(history, "import time; time.sleep(60)")
    began = time.monotonic()
    text = user.http.get(f"/api/jobs/{job_id}/events", params={"timeout": 0.5}).text
    assert 0.3 < time.monotonic() - began < 20
    assert text.startswith("event: job\ndata: ")
    user.http.delete(f"/api/jobs/{job_id}")
    user.wait(job_id)


def test_what_is_free(bench):
    user, _, _, _ = bench
    shown = user.get("/api/perijove/resources")
    assert shown["free"]["cpus"] <= shown["total"]["cpus"]
    flavors = user.get("/api/perijove/flavors")
    assert flavors[0]["flavor"]["name"] == "small"
