"""A job from its submission to its outputs, with the runner's double in a real sandbox."""

from __future__ import annotations

import json
import time

import pytest
from tests.integration.jobs.harness import Server, User

NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "cells": [
        {
            "cell_type": "code",
            "id": "one",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": ["print(open('data/x.txt').read() * epochs)\n", "import os; os.mkdir('outputs')\n"],
        },
        {
            "cell_type": "code",
            "id": "two",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": [
                "open('outputs/b.csv', 'w').write('a,b\\n1,2\\n')\n",
                "open('outputs/a.txt', 'w').write('x')",
            ],
        },
    ],
}


@pytest.fixture(scope="module")
def finished(server: Server):
    """A user and a job that ended well, with the answer to its submission."""
    user = User(server, "ada")
    history = user.history()
    code = user.dataset(history, json.dumps(NOTEBOOK), "my notebook.ipynb", "ipynb")
    data = user.dataset(history, "hello ", "x.txt", "txt")
    answer = user.submit(
        history,
        {
            "select_file": {"src": "hda", "id": code},
            "inputs": [{"path": "data/x.txt", "src": "hda", "id": data}],
            "parameters": {"epochs": 2},
            "cpus": 1,
            "memory": "256M",
            "name": "training",
        },
    )
    return user, answer, user.wait(answer["jobs"][0]["id"])


def test_the_answer_promises_every_output(finished):
    _, answer, _ = finished
    assert [one["output_name"] for one in answer["outputs"]] == ["executed_notebook", "arrays", "report"]
    assert [one["output_name"] for one in answer["output_collections"]] == ["models", "files"]
    assert {one["state"] for one in answer["outputs"]} <= {"new", "queued", "running"}
    assert answer["implicit_collections"] == []
    assert answer["jobs"][0]["model_class"] == "Job"
    assert answer["outputs"][0]["name"] == "training: executed notebook"


def test_it_ends_ok_with_what_it_used(finished):
    _, _, job = finished
    assert (job["state"], job["exit_code"]) == ("ok", 0)
    live = job["perijove"]
    assert live["reason"] == ""
    assert live["error"] is None
    assert live["resources"] == {"cpus": 1.0, "memory": 256 * 2**20, "gpus": 0}
    assert live["metrics"]["runtime_seconds"] > 0
    assert live["progress"]["phase"] == "execute"


def test_input_and_parameters_reached_the_code(finished):
    user, _, job = finished
    assert "hello hello" in user.job(job["id"], full=True)["stdout"]


def test_the_executed_notebook_is_a_dataset(finished):
    user, _, job = finished
    notebook = user.output(job, "executed_notebook")
    assert (notebook["state"], notebook["extension"]) == ("ok", "ipynb")
    assert notebook["creating_job"] == job["id"]
    assert json.loads(user.download(notebook["id"]))["nbformat"] == 4


def test_files_are_a_collection_with_their_types(finished):
    user, _, job = finished
    files = user.collection(job, "files")
    found = {one["element_identifier"]: one["object"]["file_ext"] for one in files["elements"]}
    assert found == {"a.txt": "txt", "b.csv": "csv"}
    assert all(one["object"]["state"] == "ok" for one in files["elements"])
    assert user.download(files["elements"][1]["object"]["id"]) == b"a,b\n1,2\n"


def test_what_was_not_produced_is_out_of_sight(finished):
    user, _, job = finished
    arrays = user.output(job, "arrays")
    assert (arrays["state"], arrays["deleted"], arrays["visible"]) == ("discarded", True, False)
    assert user.collection(job, "models")["elements"] == []


def test_the_report_tells_provenance_and_usage(finished):
    user, _, job = finished
    report = json.loads(user.download(job["outputs"]["report"]["id"]))
    assert report["state"] == "ok"
    assert report["provenance"]["python"].startswith("3.")
    assert report["usage"]["cpus"] == 1.0


def test_nothing_but_log_and_progress_stays_in_the_directory(finished, server: Server):
    user, _, job = finished
    user.wait_until_cleaned(job["id"])
    left = sorted(path.name for path in (server.home / "jobs" / job["id"]).iterdir())
    assert left == ["log", "progress.jsonl"]
    assert not list((server.home / "sandboxes").glob(f"{job['id']}*"))


def test_a_script_runs_and_sees_neither_key_nor_platform(server: Server):
    user = User(server, "ada")
    history = user.history()
    code = (
        "import os, json\nos.makedirs('outputs')\n"
        "json.dump(dict(os.environ), open('outputs/environ.json', 'w'))\n"
        "json.dump(sorted(os.listdir('/job')), open('outputs/job.json', 'w'))\n"
    )
    job = user.wait(user.run(history, code))
    assert job["state"] == "ok"
    elements = {e["element_identifier"]: e["object"]["id"] for e in user.collection(job, "files")["elements"]}
    environ = json.loads(user.download(elements["environ.json"]))
    assert "key-" not in json.dumps(environ)
    assert environ["OMP_NUM_THREADS"] == "1"
    assert json.loads(user.download(elements["job.json"])) == ["code", "job.json", "out", "work"]


def test_a_model_of_several_files_is_a_collection_of_its_own(ada: User, history: str):
    code = """
import os
os.makedirs("/job/out/datasets")
for name in ("model.onnx", "model.data", "other.onnx"):
    open(f"/job/out/datasets/{name}", "w").write(name)
EXTRA_OUTPUTS = [
    {"name": "net/model.onnx", "file": "datasets/model.onnx", "ext": "onnx", "role": "model",
     "collection": "net", "element": "model.onnx"},
    {"name": "net/model.data", "file": "datasets/model.data", "ext": "data", "role": "model",
     "collection": "net", "element": "model.data"},
    {"name": "other.onnx", "file": "datasets/other.onnx", "ext": "onnx", "role": "model",
     "metadata": {"max_difference": 1e-7, "dbkey": "evil", "Bad Name": 1}},
]
"""
    job = ada.wait(ada.run(history, code))
    assert job["state"] == "ok"
    assert [e["element_identifier"] for e in ada.collection(job, "net")["elements"]] == [
        "model.onnx",
        "model.data",
    ]
    models = ada.collection(job, "models")["elements"]
    assert [e["element_identifier"] for e in models] == ["other.onnx"]
    model = ada.get(f"/api/datasets/{models[0]['object']['id']}")
    assert model["metadata_max_difference"] == 1e-7
    assert model["metadata_dbkey"] == "?"


def test_the_same_submission_gives_the_same_job(ada: User, history: str):
    code = ada.dataset(history, "open('ran', 'a').write('x')", "once.py")
    inputs = {
        "select_file": {"src": "hda", "id": code},
        "submission_id": "try-1",
        "cpus": 0.5,
        "memory": "256M",
    }
    first, second = ada.submit(history, inputs), ada.submit(history, inputs)
    assert first["jobs"][0]["id"] == second["jobs"][0]["id"]
    assert [one["id"] for one in first["outputs"]] == [one["id"] for one in second["outputs"]]
    other = User(ada._server, "bob")
    theirs = other.history()
    code = other.dataset(theirs, "print(1)", "once.py")
    assert (
        other.submit(theirs, {**inputs, "select_file": {"src": "hda", "id": code}})["jobs"][0]["id"]
        != first["jobs"][0]["id"]
    )
    assert ada.wait(first["jobs"][0]["id"])["state"] == "ok"
    assert len(ada.get("/api/jobs", history_id=history, tool_id="run_jupyter_job")) == 1


def test_many_submit_the_same_at_once_and_one_job_comes_of_it(ada: User, history: str):
    from concurrent.futures import ThreadPoolExecutor

    code = ada.dataset(history, "print(1)", "once.py")
    inputs = {
        "select_file": {"src": "hda", "id": code},
        "submission_id": "race",
        "cpus": 0.5,
        "memory": "256M",
    }
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ada.submit(history, inputs), range(8)))
    assert len({answer["jobs"][0]["id"] for answer in answers}) == 1
    ada.wait(answers[0]["jobs"][0]["id"])


def test_a_purged_input_does_not_take_the_job_along(ada: User, history: str):
    data = ada.dataset(history, "kept", "x.txt", "txt")
    blocker = ada.run(history, "import time; time.sleep(1)", cpus=2)
    job = ada.run(history, "print(open('x.txt').read())", inputs=[{"src": "hda", "id": data}], cpus=2)
    ada.wait_for_state(job, "queued")
    ada.http.delete(f"/api/histories/{history}/contents/{data}", params={"purge": True}).raise_for_status()
    assert ada.wait(job)["state"] == "ok"
    assert "kept" in ada.job(job, full=True)["stdout"]
    ada.wait(blocker)


@pytest.mark.slow
def test_ten_thousand_files(ada: User, history: str):
    code = """
import os
os.makedirs("outputs")
for number in range(10_000):
    open(f"outputs/{number}.txt", "w").write(str(number))
"""
    job = ada.wait(ada.run(history, code, memory="1G", cpus=1), seconds=500)
    assert job["state"] == "ok", job
    assert ada.collection(job, "files")["element_count"] == 10_000


def test_an_administrator_holds_jobs_back_and_lets_them_go_on(server, ada, history):
    admin = User(server, "admin")
    assert ada.http.put("/api/job_lock", json={"active": True}).status_code == 403
    assert admin.http.put("/api/job_lock", json={"active": True}).json() == {"active": True}
    try:
        held = ada.run(history, "print(1)")
        time.sleep(1)
        shown = ada.job(held)
        assert shown["state"] in ("new", "queued")
        assert "holds back" in shown["perijove"]["reason"]
        cancelled = ada.run(history, "print(2)")
        assert ada.http.delete(f"/api/jobs/{cancelled}").json() is True
        assert ada.wait(cancelled)["state"] == "deleted"
    finally:
        admin.http.put("/api/job_lock", json={"active": False})
    assert ada.wait(held)["state"] == "ok"
