"""No room for the outputs: they are kept and appear when there is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.jobs.conftest import make_server
from tests.integration.jobs.harness import Server, User


@pytest.fixture(scope="module")
def server(scratch: Path) -> Iterator[Server]:
    running = make_server(scratch, "room", PERIJOVE_HISTORIES__QUOTA="3M")
    running.start()
    yield running
    running.stop()


CODE = "import os\nos.mkdir('outputs')\nopen('outputs/big', 'wb').write(os.urandom(2 * 2**20))"


def test_outputs_wait_for_room_and_then_appear(server: Server):
    ada = User(server, "ada")
    history = ada.history()
    filler = ada.dataset(history, bytes(2 * 2**20), "filler", "data")
    job_id = ada.run(history, CODE)
    end = time.monotonic() + 60
    while "kept and will be published" not in (shown := ada.job(job_id))["perijove"]["reason"]:
        assert time.monotonic() < end, shown
        time.sleep(0.1)
    assert shown["state"] == "running"
    assert "you keep 2.0 MiB of 3 MiB" in shown["perijove"]["reason"].replace("2 MiB of", "2.0 MiB of")
    ada.http.delete(f"/api/histories/{history}/contents/{filler}", params={"purge": True}).raise_for_status()
    job = ada.wait(job_id)
    assert job["state"] == "ok"
    assert ada.collection(job, "files")["element_count"] == 1


def test_who_gives_up_waiting_may_cancel(server: Server):
    bob = User(server, "bob")
    history = bob.history()
    bob.dataset(history, bytes(2 * 2**20), "filler", "data")
    job_id = bob.run(history, CODE)
    end = time.monotonic() + 60
    while "kept and will be published" not in bob.job(job_id)["perijove"]["reason"]:
        assert time.monotonic() < end
        time.sleep(0.1)
    bob.http.delete(f"/api/jobs/{job_id}")
    assert bob.wait(job_id)["state"] == "deleted"
