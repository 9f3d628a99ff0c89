"""News of histories and jobs: a long poll that answers when something changed, and only then."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.integration.jobs.conftest import make_server
from tests.integration.jobs.harness import Server, User

PROGRESS = """
import json, time
for step in range(1, 600):
    with open("/job/out/progress.jsonl", "a") as file:
        file.write(json.dumps({"epoch": step, "metrics": {"loss": 1 / step}, "message": "m"}) + "\\n")
    time.sleep(0.1)
"""


def news(user: User, since: str = "", timeout: float = 5, **more: Any) -> dict[str, Any]:
    return user.get("/api/perijove/changes", since=since, timeout=timeout, **more)


def quiet(user: User) -> str:
    """A mark after which nothing happens by itself any more."""
    mark = news(user)["mark"]
    while True:
        later = news(user, mark, timeout=1)
        if not (later["jobs"] or later["histories"]):
            return str(later["mark"])
        mark = later["mark"]


def test_the_first_question_is_answered_at_once(ada: User):
    began = time.monotonic()
    first = news(ada, timeout=50)
    assert first["everything"] is True
    assert news(ada, "deadbeef.3", timeout=50)["everything"] is True  # a mark of before a restart
    assert time.monotonic() - began < 10


def test_it_waits_while_nothing_changes_and_answers_when_something_does(ada: User, history: str):
    mark = quiet(ada)
    began = time.monotonic()
    assert news(ada, mark, timeout=1.5)["histories"] == []
    assert time.monotonic() - began > 1.4
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(news, ada, mark, timeout=50)
        time.sleep(1)
        assert not asked.done()
        began = time.monotonic()
        ada.http.put(f"/api/histories/{history}", json={"name": "renamed"}).raise_for_status()
        told = asked.result(timeout=20)
    assert told["histories"] == [history]
    assert time.monotonic() - began < 5


def test_a_purged_dataset_is_news(ada: User, history: str):
    dataset = ada.post(
        "/api/tools",
        {"history_id": history, "tool_id": "upload1", "inputs": {"files_0|url_paste": "1\n"}},
    )["outputs"][0]["id"]
    mark = quiet(ada)
    ada.http.delete(f"/api/histories/{history}/contents/{dataset}?purge=true").raise_for_status()
    assert history in news(ada, mark)["histories"]


def test_others_hear_nothing(server: Server, ada: User, history: str):
    bob = User(server, "bob")
    mark = quiet(bob)
    job = ada.run(history, "pass")
    ada.wait(job)
    told = news(bob, mark, timeout=1, watch=job)
    assert told["jobs"] == told["histories"] == told["watched"] == []


def test_a_job_is_news_from_its_submission_to_its_outputs(ada: User, history: str):
    mark = quiet(ada)
    job = ada.run(history, "print(1)")
    seen: set[str] = set()
    end = time.monotonic() + 60
    while "ok" not in seen and time.monotonic() < end:
        told = news(ada, mark)
        mark = told["mark"]
        if job in told["jobs"]:
            seen.add(ada.job(job)["state"])
    assert "ok" in seen


def test_progress_and_log_of_a_watched_job_are_news(ada: User, history: str):
    job = ada.run(history, PROGRESS)
    ada.wait_for_state(job, "running")
    mark, epochs = "", []
    while len(epochs) < 4:
        told = news(ada, mark, watch=job)
        mark = told["mark"]
        watched = told["watched"][0]
        assert watched["usage"]["processes"] >= 1
        epochs.append(watched["progress"].get("epoch", 0))
    assert epochs == sorted(epochs)
    assert epochs[-1] > epochs[0]
    series = ada.get(f"/api/jobs/{job}/progress/series")
    assert [one["epoch"] for one in series] == sorted(one["epoch"] for one in series)
    assert series[0] == {"epoch": 1, "metrics": {"loss": 1.0}}
    thinned = ada.get(f"/api/jobs/{job}/progress/series", points=2)
    assert len(thinned) <= 2
    assert thinned[-1]["epoch"] >= series[-1]["epoch"]
    ada.http.delete(f"/api/jobs/{job}")
    ended = ada.wait(job)
    ada.wait_until_cleaned(job)
    assert ada.get(f"/api/jobs/{job}/progress/series", points=1)[0]["epoch"] >= series[-1]["epoch"]
    told = news(ada, mark, watch=job)
    assert told["watched"][0]["state"] == ended["state"] == "deleted"


@pytest.mark.parametrize("watch", ["x", "0" * 15, ",", "0" * 16 + ","])
def test_a_wrong_list_is_refused(ada: User, watch: str):
    answer = ada.http.get("/api/perijove/changes", params={"watch": watch})
    assert answer.status_code == 400
    assert "commas" in answer.json()["err_msg"]


def test_more_changes_than_can_be_named(ada: User):
    from perijove.histories.services.changes import KEPT

    mark = quiet(ada)
    for number in range(KEPT + 1):
        ada.history(f"many {number}")
    assert news(ada, mark)["everything"] is True
    mark = news(ada)["mark"]
    made = ada.history("one more")
    assert news(ada, mark)["histories"] == [made]


def test_a_server_that_ends_lets_those_who_wait_go(scratch):
    server = make_server(scratch, "ending")
    server.start()
    ada = User(server, "ada")
    mark = quiet(ada)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(news, ada, mark, timeout=50)
        time.sleep(0.5)
        began = time.monotonic()
        server.terminate()
        assert time.monotonic() - began < 15
        assert asked.result(timeout=15)["histories"] == []
    server.stop()
