"""What could not run is refused when it is submitted, with the reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.jobs.conftest import make_server
from tests.integration.jobs.harness import Server, User

FLAVORS = json.dumps(
    [
        {"name": "small", "cpus": 1, "memory": "1G"},
        {"name": "gpu", "cpus": 1, "memory": "1G", "groups": ["gpu"]},
    ]
)


@pytest.fixture(scope="module")
def server(scratch: Path) -> Iterator[Server]:
    running = make_server(scratch, "refusing", PERIJOVE_FLAVORS=FLAVORS)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def bench(server: Server) -> tuple[User, str, dict[str, Any], dict[str, Any]]:
    """A user, a history, a script and a data file in it, as references."""
    user = User(server, "ada")
    history = user.history()
    code = {"src": "hda", "id": user.dataset(history, "print(1)", "ok.py")}
    data = {"src": "hda", "id": user.dataset(history, "1,2\n", "data.csv")}
    return user, history, code, data


def refusal(bench: Any, status: int = 400, **inputs: Any) -> str:
    user, history, code, _ = bench
    body = {
        "history_id": inputs.pop("history_id", history),
        "tool_id": "run_jupyter_job",
        "inputs": {"select_file": code, **inputs},
    }
    answer = user.http.post("/api/tools", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()["err_msg"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/etc/passwd", "does not lie in the working directory"),
        ("~/x", "does not lie in the working directory"),
        ("../x", "may leave the working directory"),
        ("a/../../x", "may leave the working directory"),
        ("", "names no file"),
        (".", "names no file"),
        ("data/", "names no file"),
        ("a\nb", "characters that file names cannot have"),
        ("x" * 300, "too long"),
        ("/".join(["x" * 200] * 30), "too long"),
    ],
)
def test_paths_outside_the_working_directory(bench, path, reason):
    assert reason in refusal(bench, inputs=[{**bench[3], "path": path}])


def test_two_inputs_at_one_place(bench):
    data = bench[3]
    twice = [{**data, "path": "x"}, {**data, "path": "./x"}]
    assert "Two inputs have the path 'x'" in refusal(bench, inputs=twice)
    within = [{**data, "path": "x"}, {**data, "path": "x/y"}]
    assert "is an input and also the directory of" in refusal(bench, inputs=within)


def test_datasets_and_paths_that_do_not_pair(bench):
    data = bench[3]
    message = refusal(bench, ml_h5_datasets=[data, data], ml_h5_dataset_paths="a.h5")
    assert "2 datasets" in message
    assert "1 paths" in message
    assert "0 datasets" in refusal(bench, ml_h5_dataset_paths="a.h5")


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"flavour": "small"}, "flavour is not an input of this tool"),
        ({"flavor": "huge"}, "'huge' does not exist. You may use: small"),
        ({"flavor": "gpu"}, "'gpu' is not open to you"),
        ({"flavor": "small", "cpus": 1}, "A flavor and cpus were given"),
        ({"cpus": 512}, "512 CPUs"),
        ({"cpus": -1}, "cpus: "),
        ({"cpus": True}, "a number is needed"),
        ({"cpus": "many"}, "cpus: "),
        ({"cpus": "nan"}, "cpus: "),
        ({"memory": "lots"}, "'lots' is not a size"),
        ({"memory": "2G"}, "more than any flavor open to you"),
        ({"gpus": 1}, "this machine has"),
        ({"gpus": 0.5}, "gpus: "),
        ({"time_limit": 0}, "time_limit: "),
        ({"time_limit": "soon"}, "time_limit: "),
        ({"network": "everything"}, "network: "),
        ({"kernel": "../sh"}, "kernel: "),
        ({"name": "x" * 10_000}, "name: "),
        ({"parameters": "{not json"}, "neither an object nor its JSON text"),
        ({"parameters": [1]}, "parameters: "),
        ({"parameters": {"not a name": 1}}, "is not a Python name"),
        ({"parameters": {"class": 1}}, "is not a Python name"),
        ({"parameters": {"x": "y" * 2**21}}, "as an input file"),
        ({"select_file": None}, "select_file: one dataset is needed"),
        ({"select_file": {"src": "hdca", "id": "0" * 16}}, "only datasets can be given"),
        ({"select_file": {"src": "hda", "id": "nope"}}, "select_file.id: "),
        ({"select_file": {"src": "hda", "id": "f" * 16}}, "There is no dataset ffffffffffffffff"),
        ({"inputs": [{"src": "hda", "id": "f" * 16, "path": "x"}]}, "There is no dataset ffffffffffffffff"),
        ({"inputs": ["x"]}, "a dataset is written as"),
    ],
)
def test_wrong_inputs(bench, inputs, reason):
    assert reason in refusal(bench, **inputs)


def test_a_flavor_of_a_group_is_open_to_its_members(server: Server):
    grace = User(server, "grace")
    history = grace.history()
    code = {"src": "hda", "id": grace.dataset(history, "print(1)", "ok.py")}
    answer = grace.submit(history, {"select_file": code, "flavor": "gpu"})
    assert grace.wait(answer["jobs"][0]["id"])["perijove"]["resources"]["memory"] == 2**30
    assert [one["flavor"]["name"] for one in grace.get("/api/perijove/flavors")] == ["small", "gpu"]


def notebook(*sources: str, **metadata: Any) -> str:
    cells = [{"cell_type": "code", "metadata": {}, "source": source, "outputs": []} for source in sources]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells})


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        ("", "x.ipynb", "empty file"),
        ("not json", "x.ipynb", "not valid JSON"),
        (notebook("1")[:-20], "x.ipynb", "not valid JSON"),
        ("[" * 200_000, "x.ipynb", "not valid"),
        ("[]", "x.ipynb", "not a notebook"),
        ('{"cells": []}', "x.ipynb", "not a notebook"),
        (notebook(), "x.ipynb", "no code to run"),
        (notebook(" \n", ""), "x.ipynb", "no code to run"),
        (
            notebook("x <- 1", kernelspec={"language": "R", "name": "ir"}),
            "x.ipynb",
            "written in R; jobs run Python",
        ),
        (notebook("1", language_info={"name": "julia"}), "x.ipynb", "written in julia"),
        (notebook("é").encode("latin-1", "ignore") + b"\xff", "x.ipynb", "not UTF-8"),
        (b"print('\xff')", "x.py", "not UTF-8"),
        ("", "x.py", "empty"),
        (" \n ", "x.py", "empty"),
        (b"\x89HDF\r\n\x1a\n" + bytes(200), "x.py", "not UTF-8"),
        (b"a\0b", "x.py", "not a text file"),
    ],
)
def test_code_that_cannot_run(bench, content, name, reason):
    user, history, _, _ = bench
    code = {"src": "hda", "id": user.dataset(history, content, name, "ipynb" if name.endswith("b") else "py")}
    assert reason in refusal(bench, select_file=code)


def test_code_of_a_hundred_megabytes(bench):
    user, history, _, _ = bench
    code = {"src": "hda", "id": user.dataset(history, b"#" * 100 * 2**20, "x.py", "py")}
    assert "may have 64 MiB" in refusal(bench, 413, select_file=code)


def test_deleted_purged_and_foreign_datasets(bench, server: Server):
    user, history, _, _ = bench
    gone = user.dataset(history, "x", "x.txt")
    user.http.delete(f"/api/histories/{history}/contents/{gone}").raise_for_status()
    assert "is deleted" in refusal(bench, inputs=[{"src": "hda", "id": gone, "path": "x"}])
    user.http.delete(f"/api/histories/{history}/contents/{gone}", params={"purge": True}).raise_for_status()
    assert "is purged" in refusal(bench, inputs=[{"src": "hda", "id": gone, "path": "x"}])
    bob = User(server, "bob")
    theirs = bob.dataset(bob.history(), "secret", "x.txt")
    assert "that you may read" in refusal(bench, inputs=[{"src": "hda", "id": theirs, "path": "x"}])


def test_a_dataset_that_is_not_ready(bench):
    user, history, code, _ = bench
    answer = user.submit(history, {"select_file": code})
    arrays = next(one for one in answer["outputs"] if one["output_name"] == "arrays")["id"]
    assert "is not ready" in refusal(bench, select_file={"src": "hda", "id": arrays})
    user.wait(answer["jobs"][0]["id"])


def test_histories_that_cannot_take_outputs(bench, server: Server):
    user = bench[0]
    assert "no such history" in refusal(bench, 404, history_id="f" * 16)
    bobs = User(server, "bob").history()
    assert "no such history of yours" in refusal(bench, 404, history_id=bobs)
    gone = user.history()
    user.http.delete(f"/api/histories/{gone}").raise_for_status()
    assert "is deleted" in refusal(bench, 409, history_id=gone)


def test_another_tool_and_no_history(bench):
    user, history, _, _ = bench
    answer = user.http.post("/api/tools", json={"tool_id": "cat1", "history_id": history, "inputs": {}})
    assert (answer.status_code, "no tool 'cat1'" in answer.json()["err_msg"]) == (404, True)
    answer = user.http.post("/api/tools", json={"tool_id": "run_jupyter_job", "inputs": {}})
    assert answer.status_code == 400


def test_jobs_of_others_are_not_there(bench, server: Server):
    user, history, code, _ = bench
    job_id = user.submit(history, {"select_file": code})["jobs"][0]["id"]
    bob = User(server, "bob")
    for part in ("", "/inputs", "/outputs", "/metrics", "/log", "/notebook", "/progress", "/events"):
        assert bob.http.get(f"/api/jobs/{job_id}{part}").status_code == 404, part
    assert bob.http.delete(f"/api/jobs/{job_id}").status_code == 404
    assert bob.get("/api/jobs") == []
    admin = User(server, "admin")
    assert job_id in [job["id"] for job in admin.get("/api/jobs", user_details=True)]
    assert admin.job(job_id)["id"] == job_id
    user.wait(job_id)
