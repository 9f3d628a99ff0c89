"""A job sent to a linked Galaxy and its results in the history here. The Galaxy is another history server.

It speaks the same API, has `run_jupyter_job`, and counts what it is asked to run.
"""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.jobs.conftest import make_server
from tests.integration.jobs.harness import Server, User, free_port

from perijove_lab import submit

CODE = """
import json, os
os.makedirs("outputs/sub")
open("outputs/sub/total.txt", "w").write(str(sum(map(int, open("data/numbers.csv"))) * factor))
open("model.onnx", "w").write("weights")
open(os.path.join(os.path.dirname(os.getcwd()), "out", "model.onnx"), "w").write("weights")
EXTRA_OUTPUTS = [{"name": "model.onnx", "file": "model.onnx", "ext": "onnx", "role": "model"}]
print("summed")
"""
KEY = "key-remote"


@pytest.fixture(scope="module")
def remote(scratch: Path) -> Iterator[Server]:
    """What stands for the Galaxy."""
    running = make_server(scratch, "galaxy-remote", launcher="unconfined")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def server(scratch: Path, remote: Server) -> Iterator[Server]:
    listed = json.dumps([remote.url, f"http://127.0.0.1:{free_port() + 90}"])
    running = make_server(scratch, "galaxy-here", PERIJOVE_JOBS__GALAXIES=listed)
    running.port = remote.port + 50
    running.start()
    yield running
    running.stop()


@pytest.fixture
def there(remote: Server) -> User:
    """The account on the Galaxy."""
    return User(remote, "remote")


def link(user: User, url: str, key: str = KEY, *, status: int = 200) -> dict:
    answer = user.http.put("/api/users/current/galaxy", json={"url": url, "key": key})
    assert answer.status_code == status, answer.text
    return answer.json()


def linked(server: Server, remote: Server, name: str) -> User:
    user = User(server, name)
    link(user, remote.url)
    return user


def jobs_of(there: User, job_id: str) -> list[dict]:
    """The Galaxy's jobs of one job here."""
    histories = [one["id"] for one in there.get("/api/histories") if job_id in one["name"]]
    assert len(histories) <= 1
    return [
        job
        for history in histories
        for job in there.get("/api/jobs", history_id=history, tool_id="run_jupyter_job")
    ]


def test_a_job_goes_there_and_its_results_come_back(server: Server, remote: Server, there: User):
    ada = linked(server, remote, "ada")
    history = ada.history()
    numbers = ada.dataset(history, "1\n2\n3\n", "numbers.csv")
    job_id = ada.run(
        history,
        CODE,
        "train.py",
        engine="galaxy",
        inputs=[{"src": "hda", "id": numbers, "path": "data/numbers.csv"}],
        parameters={"factor": 7},
    )
    job = ada.wait(job_id)
    assert job["state"] == "ok", job
    files = ada.collection(job, "files")["elements"]
    assert [one["element_identifier"] for one in files] == ["sub/total.txt"]
    assert ada.download(files[0]["object"]["id"]) == b"42"
    models = ada.collection(job, "models")["elements"]
    assert [one["element_identifier"] for one in models] == ["model.onnx"]
    assert ada.download(models[0]["object"]["id"]) == b"weights"
    assert ada.output(job, "executed_notebook")["state"] == "ok"
    report = json.loads(ada.download(job["outputs"]["report"]["id"]))
    assert report["provenance"]["galaxy"]["url"] == remote.url
    assert report["provenance"]["packages"] == {"runner-double": "1.0"}
    assert len(jobs_of(there, job_id)) == 1
    assert "summed" in ada.fetch(f"/api/jobs/{job_id}/log").decode()
    ada.wait_until_cleaned(job_id)
    assert not list((server.home / "state" / "galaxy-jobs").glob("*.json"))


def test_a_lab_names_the_engine(
    server: Server, remote: Server, there: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    linked(server, remote, "lab")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    Path("hello.py").write_text("print('hello')")
    sent = submit("hello.py", history="x", engine="galaxy", name="first", server=server.url, key="key-lab")
    assert sent.wait(60).state == "ok"
    assert "hello" in sent.log()
    (job,) = jobs_of(there, sent.id)
    assert job["name"] == "first"


def test_code_that_fails_there_says_why_here(server: Server, remote: Server):
    ada = linked(server, remote, "ada")
    job = ada.wait(ada.run(ada.history(), "raise ValueError('no such patient')", engine="galaxy"))
    assert job["state"] == "error"
    assert job["perijove"]["error"]["type"] == "ValueError"
    assert "no such patient" in job["perijove"]["error"]["message"]
    assert b"no such patient" in ada.download(job["outputs"]["executed_notebook"]["id"])


def test_local_jobs_run_beside(server: Server, remote: Server, there: User):
    ada = linked(server, remote, "ada")
    history = ada.history()
    for more in ({}, {"engine": "local"}):
        job = ada.wait(ada.run(history, "print(1)", **more))
        assert job["state"] == "ok"
        assert not jobs_of(there, job["id"])


def test_killed_at_any_moment_it_runs_once(server: Server, remote: Server, there: User):
    ada = linked(server, remote, "kim")
    history = ada.history()
    sent = []
    for number in range(4):
        sent.append(ada.run(history, f"import time\ntime.sleep(1)\nprint({number})", engine="galaxy"))
        for _ in range(2):
            server.kill()
            server.start()
    for job_id in sent:
        job = ada.wait(job_id, seconds=90)
        assert job["state"] == "ok", job
        assert len(jobs_of(there, job_id)) == 1


def test_cancelling_ends_it_there_too(server: Server, remote: Server, there: User):
    ada = linked(server, remote, "ada")
    job_id = ada.run(ada.history(), "import time\ntime.sleep(600)", engine="galaxy")
    ada.wait_for_state(job_id, "running")
    assert server.url not in _reason(ada, job_id, "runs on")
    _until(lambda: ada.job(job_id)["perijove"]["progress"].get("phase") == "execute")
    ada.http.delete(f"/api/jobs/{job_id}").raise_for_status()
    assert ada.wait(job_id)["state"] == "deleted"
    (job,) = jobs_of(there, job_id)
    assert there.wait(job["id"])["state"] == "deleted"


def test_a_galaxy_that_is_away_is_waited_for(scratch: Path, server: Server):
    elsewhere = make_server(scratch, "galaxy-away", launcher="unconfined")
    elsewhere.port = int(_allowed(server)[1].rpartition(":")[2])
    elsewhere.start()
    try:
        eve = User(server, "eve")
        link(eve, elsewhere.url)
        elsewhere.kill()
        job_id = eve.run(eve.history(), "print(1)", engine="galaxy")
        assert "does not answer" in _reason(eve, job_id, "answer")
        elsewhere.start()
        assert eve.wait(job_id)["state"] == "ok"
    finally:
        elsewhere.stop()


def test_an_account_unlinked_meanwhile_is_waited_for(server: Server, remote: Server):
    zoe = linked(server, remote, "zoe")
    job_id = zoe.run(zoe.history(), "import time\ntime.sleep(2)", engine="galaxy")
    zoe.wait_for_state(job_id, "running")
    assert zoe.http.delete("/api/users/current/galaxy").json() is True
    assert "link it again" in _reason(zoe, job_id, "linked")
    link(zoe, remote.url)
    assert zoe.wait(job_id)["state"] == "ok"


def test_who_has_linked_nothing_is_refused(server: Server):
    bob = User(server, "bob")
    assert "no Galaxy account linked" in _refusal(bob, engine="galaxy")
    assert "There is no engine 'slurm'" in _refusal(bob, engine="slurm")


def test_what_only_this_machine_grants_is_refused(server: Server, remote: Server):
    ada = linked(server, remote, "ada")
    assert "takes no flavor" in _refusal(ada, engine="galaxy", flavor="small")
    assert "takes no network" in _refusal(ada, engine="galaxy", network="none")


def test_linking(server: Server, remote: Server):
    una = User(server, "una")
    assert una.get("/api/users/current/galaxy")["url"] is None
    assert "may not be linked" in link(una, "http://169.254.169.254", status=403)["err_msg"]
    assert "does not accept the key" in link(una, remote.url, "wrong", status=400)["err_msg"]
    assert una.get("/api/users/current/galaxy")["url"] is None
    assert link(una, f"{remote.url}/") == {
        "url": remote.url,
        "user": "remote",
        "allowed": _allowed(server),
    }
    assert KEY not in json.dumps(una.get("/api/users/current/galaxy"))
    folder = server.home / "state" / "galaxy-links"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert una.http.delete("/api/users/current/galaxy").json() is True
    assert una.http.delete("/api/users/current/galaxy").json() is False
    assert User(server, "vic").get("/api/users/current/galaxy")["url"] is None
    assert KEY not in server.log()


def _allowed(server: Server) -> list[str]:
    return User(server, "anybody").get("/api/users/current/galaxy")["allowed"]


def _reason(user: User, job_id: str, word: str) -> str:
    """The job's reason, when it holds the word."""
    _until(lambda: word in user.job(job_id)["perijove"]["reason"])
    return str(user.job(job_id)["perijove"]["reason"])


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def _refusal(user: User, **inputs: object) -> str:
    history = user.history()
    code = {"src": "hda", "id": user.dataset(history, "print(1)", "code.py")}
    call = {
        "history_id": history,
        "tool_id": "run_jupyter_job",
        "inputs": {"select_file": code, **inputs},
    }
    answer = user.http.post("/api/tools", json=call)
    assert answer.status_code == 400, answer.text
    assert not user.get("/api/jobs", history_id=history, tool_id="run_jupyter_job")
    return str(answer.json()["err_msg"])
