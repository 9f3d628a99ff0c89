"""The real runner in the AI environment: what it writes is what the platform publishes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.jobs.conftest import make_server
from tests.integration.jobs.harness import Server, User

pytestmark = [pytest.mark.ai, pytest.mark.timeout(900)]
PATIENCE = 300.0


def cells(*sources: str) -> str:
    found = [
        {
            "cell_type": "code",
            "id": f"c{i}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": text,
        }
        for i, text in enumerate(sources)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": found})


@pytest.fixture(scope="module")
def server(scratch: Path) -> Iterator[Server]:
    """Confined where the runner is installed in the environment itself; else its source must be seen too."""
    environment = Path(os.environ["PERIJOVE_TEST_AI_PYTHON"]).parent.parent
    installed = any(environment.glob("lib/python*/site-packages/perijove_lab"))
    confined = installed and os.geteuid() == 0
    running = make_server(
        scratch,
        "real",
        launcher="direct" if confined else "unconfined",
        environment=environment,
        PERIJOVE_TEST_READABLE=str(environment),
    )
    running.start()
    yield running
    running.stop()


def test_a_model_comes_back(ada: User, history: str):
    data = ada.dataset(history, "a,b\n" + "\n".join(f"{i},{i % 2}" for i in range(40)), "d.csv")
    code = cells(
        "import pandas as pd\ntable = pd.read_csv('data/d.csv')",
        "from sklearn.linear_model import LogisticRegression\n"
        "model = LogisticRegression(C=strength).fit(table[['a']].to_numpy(), table['b'])",
        "%%bash\nmkdir -p outputs && echo done > outputs/note.txt",
    )
    job_id = ada.run(
        history,
        code,
        "train.ipynb",
        cpus=1,
        memory="2G",
        inputs=[{"src": "hda", "id": data, "path": "data/d.csv"}],
        parameters={"strength": 0.5},
    )
    job = ada.wait(job_id, seconds=PATIENCE)
    assert job["state"] == "ok", job["perijove"]["error"]
    models = ada.collection(job, "models")["elements"]
    assert [one["element_identifier"] for one in models] == ["model.onnx"]
    assert models[0]["object"]["file_ext"] == "onnx"
    assert ada.output(job, "arrays")["state"] == "ok"
    assert ada.download(ada.collection(job, "files")["elements"][0]["object"]["id"]) == b"done\n"
    executed = json.loads(ada.download(job["outputs"]["executed_notebook"]["id"]))
    assert "strength = 0.5" in str(executed["cells"][0]["source"])
    report = json.loads(ada.download(job["outputs"]["report"]["id"]))
    assert report["models"][0]["file"] == "model.onnx"
    assert report["job"] == job["id"]


def test_a_failing_cell(ada: User, history: str):
    code = cells("kept = [1, 2, 3]", "1 / 0", "never = 1")
    job = ada.wait(ada.run(history, code, "fails.ipynb", cpus=1, memory="2G"), seconds=PATIENCE)
    assert job["state"] == "error"
    assert job["perijove"]["error"]["type"] == "ZeroDivisionError"
    assert job["perijove"]["error"]["cell"] == 1
    executed = json.loads(ada.download(job["outputs"]["executed_notebook"]["id"]))
    assert executed["cells"][1]["outputs"][0]["ename"] == "ZeroDivisionError"
    assert executed["cells"][2]["outputs"] == []
    assert ada.output(job, "arrays")["state"] == "ok"


def test_an_endless_cell_is_cancelled(ada: User, history: str):
    code = cells("print('before')", "while True: pass")
    job_id = ada.run(history, code, "endless.ipynb", cpus=1, memory="2G")
    end = time.monotonic() + PATIENCE
    while "before" not in ada.http.get(f"/api/jobs/{job_id}/log").text:
        assert time.monotonic() < end
        time.sleep(0.2)
    ada.http.delete(f"/api/jobs/{job_id}")
    job = ada.wait(job_id, seconds=PATIENCE)
    assert job["state"] == "deleted"
    executed = json.loads(ada.download(job["outputs"]["executed_notebook"]["id"]))
    assert "".join(executed["cells"][0]["outputs"][0]["text"]) == "before\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="limits need root: run as root")
def test_out_of_memory(ada: User, history: str):
    if not ada._server.confined:
        pytest.skip("limits need confinement: PERIJOVE_TEST_AI_PYTHON's environment must hold perijove_lab")
    code = cells("print('before')", "import numpy\nx = numpy.ones(2**30)")
    job = ada.wait(ada.run(history, code, "big.ipynb", cpus=1, memory="1G"), seconds=PATIENCE)
    assert job["state"] == "error"
    assert job["perijove"]["error"]["message"] == "The job ran out of its 1 GiB memory."
    executed = json.loads(ada.download(job["outputs"]["executed_notebook"]["id"]))
    assert "".join(executed["cells"][0]["outputs"][0]["text"]) == "before\n"


def test_what_keras_and_pytorch_write_for_tensorboard_is_there_while_they_train(ada: User, history: str):
    code = cells(
        "import time, numpy, keras\n"
        "model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])\n"
        "model.compile(loss='mse')\n"
        "x = numpy.ones((8, 2))\n"
        "model.fit(x, x[:, :1], epochs=2, callbacks=[keras.callbacks.TensorBoard('logs/keras')])",
        "try:\n"
        "    from torch.utils.tensorboard import SummaryWriter\n"
        "    writer = SummaryWriter('outputs/torch')\n"
        "    writer.add_scalar('loss', 0.5, 0)\n"
        "    writer.flush()\n"
        "except ModuleNotFoundError:\n"  # PyTorch may be absent
        "    print('without PyTorch')",
        "print('all is', 'written', flush=True)\ntime.sleep(600)",
    )
    job_id = ada.run(history, code, "train.ipynb", cpus=1, memory="4G")
    end = time.monotonic() + PATIENCE
    while "all is written" not in (log := ada.fetch(f"/api/jobs/{job_id}/log").decode()):
        assert time.monotonic() < end, log
        assert ada.job(job_id)["state"] != "error", log
        time.sleep(0.5)
    found = ada.get(f"/api/jobs/{job_id}/event_files")
    folders = {one["path"].rpartition("/")[0] for one in found}
    assert folders == {"logs/keras/train"} | (set() if "without PyTorch" in log else {"outputs/torch"})
    for one in found:
        assert len(ada.fetch(f"/api/jobs/{job_id}/event_files/{one['path']}")) >= one["size"] > 0
    ada.http.delete(f"/api/jobs/{job_id}")
    assert ada.wait(job_id)["state"] == "deleted"
