"""The launcher over its socket: same contract, same errors, whatever happens to the daemon."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.sandbox.conftest import PLATFORM, Boxes, make_settings

from perijove.core.errors import (
    BadRequestError,
    ConfinementError,
    ConflictError,
    InsufficientResourcesError,
    NotFoundError,
    PerijoveError,
)
from perijove.core.layout import Layout
from perijove.core.resources import Resources
from perijove.sandbox.daemon import LauncherServer, socket_path
from perijove.sandbox.direct import DirectLauncher
from perijove.sandbox.remote import RemoteLauncher

pytestmark = pytest.mark.root


@pytest.fixture
def remote(reachable: Path) -> Iterator[Boxes]:
    """A launcher asked over a socket; the server is a thread of this process."""
    home = reachable / "home"
    settings = make_settings(home)
    layout = Layout(home)
    direct = DirectLauncher(layout, settings, platform=PLATFORM)
    layout.run.mkdir(mode=0o711)
    with LauncherServer(socket_path(layout), direct, PLATFORM) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        boxes = Boxes(RemoteLauncher(socket_path(layout)), layout, settings)
        yield boxes
        boxes.close()
        server.shutdown()
        thread.join()


def test_the_whole_contract(remote: Boxes) -> None:
    launcher = remote.launcher
    account = launcher.account("alice")
    assert account == launcher.account("alice")
    assert launcher.total() == Resources(cpus=64, memory=2**36)
    box = remote.start("/bin/bash", "-c", "echo up; sleep 60", id="b")
    remote.wait_for("b", "up")
    assert launcher.status("b") == box
    usage = launcher.usage("b")
    assert usage is not None
    assert usage.processes >= 2
    assert launcher.free().cpus == 63.5
    assert [status.id for status in launcher.list()] == ["b"]
    assert launcher.stop("b", grace=1).exit_code == 143
    assert launcher.usage("b") is None
    launcher.forget("b")
    assert launcher.list() == []
    job = launcher.make_job_directory("j", "alice")
    assert job == remote.layout.jobs / "j"
    assert launcher.collect_job_directory("j") == ()
    launcher.remove_job_directory("j")


def test_errors_arrive_as_they_were_raised(remote: Boxes) -> None:
    remote.run("/bin/true", id="b")
    cases: list[tuple[type[PerijoveError], dict[str, object]]] = [
        (ConflictError, {"id": "b"}),
        (InsufficientResourcesError, {"resources": Resources(cpus=100)}),
        (ConfinementError, {"argv": ("/no/such",)}),
        (BadRequestError, {"cwd": "relative"}),
    ]
    for kind, fields in cases:
        with pytest.raises(kind) as caught:
            remote.start(*fields.pop("argv", ("/bin/true",)), **fields)  # type: ignore[arg-type]
        assert caught.value.message
    with pytest.raises(InsufficientResourcesError) as caught_:
        remote.start("/bin/true", resources=Resources(cpus=100))
    assert caught_.value.retry is False
    with pytest.raises(NotFoundError):
        remote.launcher.status("never")


def test_other_accounts_are_turned_away(remote: Boxes) -> None:
    code = (
        "import socket, sys\ns = socket.socket(socket.AF_UNIX)\n"
        's.connect(sys.argv[1]); s.sendall(b\'{"method": "list"}\\n\'); print(s.makefile().readline())\n'
    )
    path = socket_path(remote.layout)
    ask = [sys.executable, "-I", "-c", code, str(path)]
    allowed = subprocess.run(
        ask,
        user=PLATFORM.uid,
        group=PLATFORM.gid,
        extra_groups=(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert allowed.stdout, allowed.stderr
    assert json.loads(allowed.stdout) == {"result": []}
    stranger = subprocess.run(
        ask, user=64123, group=64123, extra_groups=(), capture_output=True, text=True, check=False
    )
    assert "PermissionError" in stranger.stderr
    path.chmod(0o666)  # so that only the daemon's own look at the caller is left
    stranger = subprocess.run(
        ask, user=64123, group=64123, extra_groups=(), capture_output=True, text=True, check=False
    )
    assert json.loads(stranger.stdout)["error"]["type"] == "ForbiddenError"


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"{}\n",
        b"[]\n",
        b"nonsense\n",
        b"\xff\xfe\n",
        b'{"method": "list"}',
        b'{"method": "exec"}\n',
        b'{"method": "start", "params": {}}\n',
        b'{"method": "status", "params": []}\n',
        b'{"method": "start", "params": {"spec": {"id": "../x"}}}\n',
        b'{"method": "stop", "params": {"sandbox_id": "x", "grace": "soon"}}\n',
    ],
)
def test_nonsense_is_answered_and_ends_nothing(remote: Boxes, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(socket_path(remote.layout)))
        peer.sendall(line)
        peer.shutdown(socket.SHUT_WR)
        with peer.makefile("rb") as answer:
            assert json.loads(answer.readline())["error"]["type"] == "BadRequestError"
    assert remote.launcher.list() == []


@pytest.mark.parametrize("sandbox_id", ["../../etc", "..", ".ledger.sqlite", "a/b", "", "x\0y"])
def test_ids_that_are_paths(remote: Boxes, sandbox_id: str) -> None:
    for ask in (remote.launcher.status, remote.launcher.forget, remote.launcher.stop, remote.launcher.usage):
        with pytest.raises(BadRequestError):
            ask(sandbox_id)


def start_daemon(home: Path) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PERIJOVE_HOME": str(home), "PERIJOVE_SANDBOX__UID_BASE": "1600000000"}
    return subprocess.Popen(
        [sys.executable, "-m", "perijove.sandbox.daemon"], env=env, stderr=subprocess.PIPE
    )


def end(process: subprocess.Popen[bytes], number: int) -> int:
    process.send_signal(number)
    process.communicate()
    return process.returncode


def test_a_killed_daemon_is_waited_for_and_nothing_is_lost(reachable: Path) -> None:
    home = reachable / "home"
    daemon = start_daemon(home)
    boxes = Boxes(RemoteLauncher(socket_path(Layout(home))), Layout(home), make_settings(home))
    small = Resources(cpus=0.1, memory=2**26)
    box = boxes.start("/bin/bash", "-c", "sleep 4; exit 9", resources=small)
    end(daemon, 9)
    timer = threading.Timer(1.0, lambda: restarted.append(start_daemon(home)))
    restarted: list[subprocess.Popen[bytes]] = []
    timer.start()
    assert boxes.launcher.status(box.id).state == "running"
    assert boxes.wait(box.id).status.exit_code == 9
    assert end(restarted[0], 15) == 0


def test_a_start_whose_answer_was_lost_is_not_done_twice(reachable: Path) -> None:
    """The daemon is killed while it starts something, ten times, and started again each time."""
    home = reachable / "home"
    layout = Layout(home)
    boxes = Boxes(RemoteLauncher(socket_path(layout)), layout, make_settings(home))
    small = Resources(cpus=0.05, memory=2**26)
    daemon = start_daemon(home)
    boxes.launcher.account("alice")
    for number in range(6):
        spec = boxes.spec(
            "/bin/bash", "-c", f"echo {number} >> /home/me/runs", id=f"s{number}", resources=small
        )
        starter = threading.Thread(target=boxes.launcher.start, args=(spec,))
        starter.start()
        time.sleep(number * 0.05)
        end(daemon, 9)
        daemon = start_daemon(home)
        starter.join()
        assert boxes.wait(spec.id).status.exit_code == 0
    assert end(daemon, 15) == 0
    runs = (layout.homes / "alice" / "runs").read_text().split()
    assert runs == [str(number) for number in range(6)]


def test_a_daemon_that_stays_away_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfinementError, match="cannot be reached") as caught:
        RemoteLauncher(tmp_path / "no.sock", patience=0.3).list()
    assert caught.value.retry
