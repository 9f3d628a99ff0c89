"""What goes wrong is said clearly, keeps what was sent, and can be tried again without harm."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bioblend.galaxy import GalaxyInstance
from tests.contract.galaxy_api.conftest import Server

from perijove.core.settings import HistorySettings, Settings
from perijove.testing.history_server import HistoryServer
from perijove.testing.ports import free_port
from perijove_lab import put, run_script_job, submit
from perijove_lab.client import submission
from perijove_lab.client.connection import Connection
from perijove_lab.client.datasets import contents
from perijove_lab.client.errors import (
    AwayError,
    InputError,
    JobFailedError,
    KeyRefusedError,
    LabError,
    MissingError,
    RefusedError,
)

pytestmark = pytest.mark.timeout(600)
Write = Callable[..., str]


def test_away(lab: Path, write_notebook: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perijove_lab.client.connection.FIRST_PAUSE", 0.01)
    away = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(AwayError, match="does not answer"):
        submit(write_notebook("x.ipynb", "x = 1"), server=away, key="any")


def test_wrong_key(server: Server, lab: Path, write_notebook: Write, alice: GalaxyInstance) -> None:
    name = f"never {time.time_ns()}"
    with pytest.raises(KeyRefusedError, match="does not accept the key"):
        submit(write_notebook("x.ipynb", "x = 1"), history=name, server=server.url, key="wrong")
    assert alice.histories.get_histories(name=name) == []


def test_a_tool_that_is_not_installed(
    write_notebook: Write, connection: Connection, alice: GalaxyInstance
) -> None:
    """Said after the upload, which the next attempt finds again."""
    name, code = f"tool {time.time_ns()}", write_notebook("x.ipynb", "x = 1")
    for _ in range(2):
        with pytest.raises((MissingError, RefusedError)):
            run_script_job(code, new_history_name=name, tool_name="no_such_tool")
    histories = alice.histories.get_histories(name=name)
    assert len(histories) == 1
    assert [one.name for one in contents(connection, histories[0]["id"])] == ["x.ipynb"]


def test_a_history_deleted_meanwhile(
    write_notebook: Write, alice: GalaxyInstance, history: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, real = write_notebook("x.ipynb", "x = 1"), submission.staged

    def deleting(*given: object) -> object:
        alice.histories.delete_history(history)
        return real(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(submission, "staged", deleting)
        with pytest.raises(LabError):
            submit(code)
    alice.histories.undelete_history(history)
    assert submit(code).wait(300).state == "ok"
    found = alice.jobs.get_jobs(history_id=history, tool_id="run_jupyter_job")
    assert len(found) == 1


def test_an_input_that_is_broken_or_gone(
    lab: Path, write_notebook: Write, alice: GalaxyInstance, history: str
) -> None:
    code = write_notebook("x.ipynb", "x = 1", "1 / 0")
    failed = submit(code)
    with pytest.raises(JobFailedError):
        failed.wait(300)
    entries = alice.histories.show_history(history, contents=True, types=["dataset"])
    broken = [one for one in entries if one["state"] == "error"]
    Path("gone.txt").write_text("x")
    gone = put("gone.txt")
    alice.histories.delete_dataset(history, gone.id)
    before = len(alice.jobs.get_jobs(history_id=history, tool_id="run_jupyter_job"))
    for one, why in [(broken[0]["id"], "state error") if broken else (gone, "deleted"), (gone, "deleted")]:
        with pytest.raises(InputError, match=why):
            submit(code, {"data/x.txt": one})
    assert len(alice.jobs.get_jobs(history_id=history, tool_id="run_jupyter_job")) == before


@pytest.mark.parametrize("content", ["", "no notebook", '{"cells": 5}'])
def test_a_notebook_that_is_none(lab: Path, content: str) -> None:
    Path("broken.ipynb").write_text(content)
    with pytest.raises((InputError, RefusedError, JobFailedError)) as error:
        submit("broken.ipynb").wait(300)
    assert str(error.value)
    assert "Traceback" not in str(error.value)


@pytest.fixture
def small(server: Server, tmp_path: Path) -> Iterator[Server]:
    """A server where bob may keep little."""
    if server.name == "embedded":
        settings = Settings(home=tmp_path / "small", histories=HistorySettings(quota=6000))
        with HistoryServer(settings=settings) as running:
            yield Server(name="embedded", url=running.url, keys=running.keys)
        return
    admin = server.user("admin")
    bob = server.user("bob").users.get_current_user()
    name = f"small {time.time_ns()}"
    # Other tests' data of his stay: the first file finds room, and leaves none.
    amount = f"{int(bob['total_disk_usage']) // 1024 + 3} KB"
    made = admin.quotas.create_quota(name, "for a test", amount, "=", in_users=[bob["id"]])
    yield server
    admin.quotas.delete_quota(made["id"])


def test_a_full_quota(small: Server, lab: Path) -> None:
    """What does not fit is refused with the reason; what is there stays."""
    bob = small.user("bob")
    history = str(bob.histories.create_history("small")["id"])
    Path("first.bin").write_bytes(b"x" * 5000)
    Path("second.bin").write_bytes(b"y" * 5000)
    there = {"history_id": history, "server": small.url, "key": small.keys["bob"]}
    first = put("first.bin", **there)
    with pytest.raises(LabError, match=r"(?i)quota"):
        put("second.bin", **there)
    assert bob.datasets.download_dataset(first.id) == b"x" * 5000
