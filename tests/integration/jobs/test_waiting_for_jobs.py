"""Jobs that read what other jobs are to make: they wait, are paused, go on; and nothing runs twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.jobs.conftest import make_server
from tests.integration.jobs.harness import Server, User

FIRST = """
import os, time, uuid
time.sleep(SECONDS)
if FAIL:
    raise ValueError("on purpose")
os.makedirs("outputs/sub")
open("outputs/sub/rows.csv", "w").write("1,2,3")
open("outputs/ran.txt", "w").write(uuid.uuid4().hex)
"""
SECOND = """
import os
os.makedirs("outputs", exist_ok=True)
total = sum(int(x) for x in open("data/rows.csv").read().split(","))
open("outputs/total.txt", "w").write(f"{total} after {open('after/ran.txt').read()}")
"""


def first(ada: User, history: str, *, fail: bool = False, seconds: float = 0.5, **given: Any) -> dict:
    """The whole job, with its promised outputs."""
    code = FIRST.replace("SECONDS", str(seconds)).replace("FAIL", str(fail))
    return ada.job(ada.run(history, code, "first.py", name="first", **given))


def reads(job: dict, name: str = "sub/rows.csv", path: str = "data/rows.csv") -> dict[str, Any]:
    return {"path": path, "src": "hdca", "id": job["output_collections"]["files"]["id"], "element": name}


def second(ada: User, history: str, job: dict, name: str = "second") -> str:
    inputs = [reads(job), reads(job, "ran.txt", "after/ran.txt")]
    return ada.run(history, SECOND, "second.py", name=name, inputs=inputs)


def files(ada: User, job: dict) -> dict[str, bytes]:
    elements = ada.collection(job, "files")["elements"]
    return {one["element_identifier"]: ada.download(one["object"]["id"]) for one in elements}


def wait_for_reason(ada: User, job_id: str, words: str) -> dict[str, Any]:
    end = time.monotonic() + 30
    while words not in (shown := ada.job(job_id))["perijove"]["reason"]:
        assert time.monotonic() < end, shown["perijove"]["reason"]
        time.sleep(0.05)
    return shown


def test_it_waits_for_what_another_job_makes(ada: User, history: str) -> None:
    one = first(ada, history, seconds=1.5)
    two = second(ada, history, one)
    shown = wait_for_reason(ada, two, "waits for first")
    assert shown["state"] == "new"
    done = ada.wait(two)
    assert done["state"] == "ok"
    made = files(ada, ada.job(one["id"]))
    assert files(ada, done)["total.txt"] == b"6 after " + made["ran.txt"]
    inputs = {row["name"]: row["dataset"] for row in ada.get(f"/api/jobs/{two}/inputs")}
    elements = ada.collection(one, "files")["elements"]
    assert {ref["id"] for name, ref in inputs.items() if name != "select_file"} == {
        row["object"]["id"] for row in elements
    }


def test_promised_datasets_are_waited_for_too(ada: User, history: str) -> None:
    """A report is there only when the job is over: an edge that stands for nothing but order."""
    one = first(ada, history)
    report = {"path": "after.json", "src": "hda", "id": one["outputs"]["report"]["id"]}
    code = "import json, os\nos.mkdir('outputs')\nopen('outputs/s', 'w').write(STATE)"
    code = code.replace("STATE", "json.load(open('after.json'))['state']")
    done = ada.wait(ada.run(history, code, inputs=[report]))
    assert (done["state"], files(ada, done)) == ("ok", {"s": b"ok"})


def test_paused_by_a_failure_and_on_when_that_ran_again(ada: User, history: str) -> None:
    one = first(ada, history, fail=True)
    two = second(ada, history, one)
    third_inputs = [reads(ada.job(two), "total.txt", "total.txt")]
    three = ada.run(history, "open('total.txt').read()", name="third", inputs=third_inputs)
    assert ada.wait(one["id"])["state"] == "error"
    shown = ada.wait_for_state(two, "paused")
    assert "because first failed" in shown["perijove"]["reason"]
    assert ada.output(shown, "report")["state"] == "paused"
    assert "because second is paused" in ada.wait_for_state(three, "paused")["perijove"]["reason"]
    form = ada.get(f"/api/jobs/{one['id']}/build_for_rerun")
    assert form["job_remap"] is True
    again = first(ada, history, rerun_remap_job_id=one["id"])
    assert ada.wait(again["id"])["state"] == "ok"
    assert ada.wait(three)["state"] == "ok"
    done = ada.job(two)
    assert done["state"] == "ok"
    assert files(ada, done)["total.txt"].endswith(files(ada, ada.job(again["id"]))["ran.txt"])
    assert again["output_collections"]["files"]["id"] in done["params"]["inputs"]


def test_a_paused_job_can_itself_be_replaced(ada: User, history: str) -> None:
    one = first(ada, history, fail=True)
    two = second(ada, history, one)
    three = ada.run(history, "1", inputs=[reads(ada.job(two), "total.txt", "t")])
    ada.wait_for_state(three, "paused")
    code = "import os\nos.mkdir('outputs')\nopen('outputs/total.txt', 'w').write('other')"
    other = ada.run(history, code, rerun_remap_job_id=two)
    assert ada.wait(two)["state"] == "deleted"
    assert ada.wait(other)["state"] == "ok"
    assert ada.wait(three)["state"] == "ok"


def test_cancelled_while_it_waits_and_while_it_is_paused(ada: User, history: str) -> None:
    one = first(ada, history, fail=True, seconds=3)
    waiting, paused = second(ada, history, one), second(ada, history, one)
    wait_for_reason(ada, waiting, "waits for first")
    assert ada.http.delete(f"/api/jobs/{waiting}").json() is True
    assert ada.wait(waiting)["state"] == "deleted"
    ada.wait_for_state(paused, "paused")
    answer = ada.http.put(f"/api/jobs/{paused}/resume")
    assert (answer.status_code, answer.json()[0]["state"]) == (200, "paused")
    assert ada.job(paused)["state"] == "paused"  # what it waits for has not run again
    ada.http.delete(f"/api/jobs/{paused}")
    assert ada.wait(paused)["state"] == "deleted"
    assert ada.http.put(f"/api/jobs/{paused}/resume").status_code == 400


def test_what_was_promised_and_not_made(ada: User, history: str) -> None:
    one = first(ada, history)
    inputs = [reads(one, "other.csv")]
    two = ada.run(history, "1", inputs=inputs)
    shown = ada.wait_for_state(two, "paused")
    assert "first ended without outputs/other.csv" in shown["perijove"]["reason"]
    ada.wait(one["id"])
    code = {"src": "hda", "id": ada.dataset(history, "1", "code.py")}
    answer = ada.http.post(
        "/api/tools",
        json={
            "history_id": history,
            "tool_id": "run_jupyter_job",
            "inputs": {"select_file": code, "inputs": inputs},
        },
    )
    assert answer.status_code == 400
    assert "has no element 'other.csv'" in answer.json()["err_msg"]


def test_only_what_failed_is_replaced_and_only_ones_own(ada: User, history: str, server: Server) -> None:
    one = first(ada, history)
    ada.wait(one["id"])
    bob = User(server, "bob")
    theirs = bob.history()
    for who, where, status in ((ada, history, 409), (bob, theirs, 404)):
        code = {"src": "hda", "id": who.dataset(where, "1", "code.py")}
        inputs = {"select_file": code, "rerun_remap_job_id": one["id"]}
        body = {"history_id": where, "tool_id": "run_jupyter_job", "inputs": inputs}
        assert who.http.post("/api/tools", json=body).status_code == status
        assert [job["name"] for job in who.get("/api/jobs", history_id=where)].count("code.py") == 0


def test_somebody_elses_unfinished_outputs_cannot_be_waited_for(
    ada: User, history: str, server: Server
) -> None:
    one = first(ada, history, seconds=2)
    bob = User(server, "bob")
    theirs = bob.history()
    code = {"src": "hda", "id": bob.dataset(theirs, "1", "code.py")}
    body = {
        "history_id": theirs,
        "tool_id": "run_jupyter_job",
        "inputs": {"select_file": code, "inputs": [reads(one)]},
    }
    assert bob.http.post("/api/tools", json=body).status_code in (400, 403)
    ada.wait(one["id"])


@pytest.fixture
def crashing(scratch: Path) -> Iterator[Server]:
    running = make_server(scratch, "waiting-crashes")
    running.start()
    yield running
    running.stop()


def test_it_waits_through_kills_of_the_platform(crashing: Server) -> None:
    ada = User(crashing, "ada")
    history = ada.history()
    one = first(ada, history, seconds=3)
    two = second(ada, history, one)
    failing = first(ada, history, fail=True, seconds=0)
    held = second(ada, history, failing, "held")
    ada.wait_for_state(held, "paused")
    for pause in (0.0, 0.7, 2.0):
        crashing.kill()
        crashing.start()
        time.sleep(pause)
    done = ada.wait(two)
    assert done["state"] == "ok"
    assert files(ada, done)["total.txt"].endswith(files(ada, ada.job(one["id"]))["ran.txt"])
    assert ada.job(held)["state"] == "paused"
    crashing.kill()
    crashing.start()
    again = first(ada, history, rerun_remap_job_id=failing["id"])
    crashing.kill()
    crashing.start()
    assert ada.wait(held)["state"] == "ok"
    assert len(ada.get("/api/jobs", history_id=history, tool_id="run_jupyter_job")) == 5
    assert ada.job(again["id"])["state"] == "ok"
