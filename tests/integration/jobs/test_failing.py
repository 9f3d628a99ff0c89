"""Jobs that do not end well: each ends as its user would want, with the executed notebook so far."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from tests.integration.jobs.harness import Server, User

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="limits need root: run as root")


def test_a_failing_cell_leaves_the_notebook_and_what_was_made(ada: User, history: str):
    code = "import os\nos.mkdir('outputs')\nopen('outputs/half.txt', 'w').write('x')\n1 / 0\n"
    job = ada.wait(ada.run(history, code))
    assert (job["state"], job["exit_code"]) == ("error", 1)
    error = job["perijove"]["error"]
    assert (error["type"], error["message"], error["cell"]) == ("ZeroDivisionError", "division by zero", 0)
    notebook = ada.output(job, "executed_notebook")
    assert notebook["state"] == "ok"
    assert "ZeroDivisionError" in ada.download(notebook["id"]).decode()
    assert [e["element_identifier"] for e in ada.collection(job, "files")["elements"]] == ["half.txt"]
    arrays = ada.output(job, "arrays")
    assert (arrays["state"], arrays["deleted"], arrays["misc_info"]) == ("error", False, "division by zero")
    full = ada.job(job["id"], full=True)
    assert "division by zero" in full["stderr"]
    assert "Traceback" in full["stderr"]
    assert full["job_messages"][0]["desc"] == "division by zero"


def test_an_endless_loop_is_cancelled_and_its_notebook_kept(ada: User, history: str):
    job_id = ada.run(history, "import time\nprint('in', flush=True)\nwhile True: time.sleep(0.1)")
    ada.wait_for_state(job_id, "running")
    while "in" not in ada.job(job_id, full=True)["stdout"]:
        time.sleep(0.05)
    assert ada.http.delete(f"/api/jobs/{job_id}").json() is True
    job = ada.wait(job_id)
    assert job["state"] == "deleted"
    assert ada.output(job, "executed_notebook")["state"] == "ok"
    arrays = ada.output(job, "arrays")
    assert (arrays["state"], arrays["deleted"]) == ("discarded", True)
    assert ada.http.delete(f"/api/jobs/{job_id}").json() is False


def test_one_that_ignores_the_end_is_killed_and_what_is_there_is_kept(ada: User, history: str):
    code = """
import os, signal, time
os.mkdir("outputs")
open("outputs/checkpoint", "w").write("epoch 3")
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
while True:
    time.sleep(1)
"""
    job_id = ada.run(history, code)
    while "deaf" not in ada.job(job_id, full=True)["stdout"]:
        time.sleep(0.05)
    ada.http.delete(f"/api/jobs/{job_id}")
    assert ada.job(job_id)["perijove"]["reason"] == "is being cancelled"
    job = ada.wait(job_id, seconds=90)
    assert job["state"] == "deleted"
    assert ada.output(job, "executed_notebook")["state"] == "ok"
    assert [e["element_identifier"] for e in ada.collection(job, "files")["elements"]] == ["checkpoint"]


def test_the_time_limit_is_told(ada: User, history: str):
    job = ada.wait(ada.run(history, "import time\ntime.sleep(600)", time_limit=2), seconds=90)
    assert job["state"] == "error"
    assert job["perijove"]["error"]["type"] == "TimeLimit"
    assert job["perijove"]["error"]["message"] == "The job reached its time limit of 2 s."
    assert ada.output(job, "executed_notebook")["state"] == "ok"


def test_running_out_of_memory_is_told_with_what_to_do(ada: User, history: str):
    job = ada.wait(ada.run(history, "x = bytearray(2**30)\nprint(len(x))", memory="256M"), seconds=90)
    assert job["state"] == "error"
    error = job["perijove"]["error"]
    assert error["message"] == "The job ran out of its 256 MiB memory."
    assert "more memory" in error["advice"]
    assert ada.output(job, "executed_notebook")["state"] == "ok"
    assert ada.output(job, "arrays")["misc_info"] == error["message"]
    report = json.loads(ada.download(job["outputs"]["report"]["id"]))
    assert report["error"]["type"] == "OutOfMemory"


def keeper_of(sandbox_id: str) -> int:
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if b"keeper" in command and sandbox_id.encode() in command:
            return int(entry.name)
    raise AssertionError(f"no keeper of {sandbox_id}")


def test_a_lost_job_says_so_and_is_not_run_again(ada: User, history: str):
    job_id = ada.run(history, "import time\nprint('in', flush=True)\ntime.sleep(600)")
    while "in" not in ada.job(job_id, full=True)["stdout"]:
        time.sleep(0.05)
    os.kill(keeper_of(job_id), signal.SIGKILL)
    job = ada.wait(job_id, seconds=60)
    assert (job["state"], job["exit_code"]) == ("error", None)
    assert job["perijove"]["error"]["type"] == "JobLost"
    assert "Run it again" in job["perijove"]["error"]["advice"]
    assert ada.output(job, "executed_notebook")["state"] == "ok"


def test_one_that_cannot_be_started_says_why(server: Server, ada: User, history: str):
    python = server.home / "envs" / "ai" / "bin" / "python"
    python.rename(python.with_name("gone"))
    try:
        job = ada.wait(ada.run(history, "print(1)"))
    finally:
        python.with_name("gone").rename(python)
    assert (job["state"], job["perijove"]["error"]["type"]) == ("error", "NotStarted")
    assert ada.output(job, "executed_notebook")["state"] == "error"
    assert ada.output(job, "report")["state"] == "ok"


def test_cancelled_before_its_start(ada: User, history: str):
    blocker = ada.run(history, "import time; time.sleep(60)", cpus=2)
    ada.wait_for_state(blocker, "running")
    waiting = ada.run(history, "print(1)", cpus=2)
    shown = ada.wait_for_state(waiting, "queued")
    while shown["perijove"]["position"] is None:
        shown = ada.job(waiting)
    assert shown["perijove"]["position"] == 1
    assert shown["perijove"]["reason"] == ("waits for 2 CPUs: all 2 are held by 0 labs and 1 job")
    ada.http.delete(f"/api/jobs/{waiting}")
    job = ada.wait(waiting)
    assert job["state"] == "deleted"
    for name in ("executed_notebook", "arrays"):
        assert (ada.output(job, name)["state"], ada.output(job, name)["deleted"]) == ("discarded", True)
    ada.http.delete(f"/api/jobs/{blocker}")
    ada.wait(blocker)


def test_a_purged_history_gets_nothing_any_more(ada: User, history: str):
    job_id = ada.run(history, "import time; time.sleep(1)")
    ada.wait_for_state(job_id, "running")
    ada.http.request("DELETE", f"/api/histories/{history}", json={"purge": True}).raise_for_status()
    job = ada.wait(job_id)
    assert job["state"] in ("ok", "deleted")


def test_a_deleted_history_still_gets_its_outputs(ada: User, history: str):
    job_id = ada.run(history, "import time; time.sleep(1)")
    ada.wait_for_state(job_id, "running")
    ada.http.delete(f"/api/histories/{history}").raise_for_status()
    job = ada.wait(job_id)
    assert job["state"] == "ok"
    assert ada.output(job, "executed_notebook")["state"] == "ok"


def test_a_log_of_200_megabytes(ada: User, history: str):
    code = "line = 'x' * 1023\nfor i in range(200 * 1024): print(line)\nprint('the end')"
    job = ada.wait(ada.run(history, code), seconds=120)
    assert job["state"] == "ok"
    ada.wait_until_cleaned(job["id"])
    answer = ada.http.get(f"/api/jobs/{job['id']}/log", params={"offset": -100})
    assert len(answer.content) == 100
    size = int(answer.headers["x-size"])
    assert size <= 6 * 2**20
    first = ada.http.get(f"/api/jobs/{job['id']}/log", params={"limit": 1024})
    assert first.content == b"x" * 1023 + b"\n"
    assert first.headers["x-next-offset"] == "1024"
