"""`--single-user`: nothing is confined, everything else of the contract holds. Needs no root."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.sandbox.conftest import Boxes, make_settings

from perijove.core.errors import ConfinementError, ConflictError, InsufficientResourcesError, NotFoundError
from perijove.core.layout import Layout
from perijove.core.resources import Resources
from perijove.core.settings import Settings
from perijove.sandbox import connect_launcher
from perijove.sandbox import record as records
from perijove.sandbox.record import Record
from perijove.sandbox.unconfined import GIVEN_UP, UnconfinedLauncher


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Boxes]:
    settings = make_settings(tmp_path / "home", single_user=True)
    launcher = connect_launcher(settings)
    assert isinstance(launcher, UnconfinedLauncher)
    boxes = Boxes(launcher, Layout(tmp_path / "home"), settings)
    yield boxes
    boxes.close()


def plain(boxes: Boxes, *argv: str, **fields: object) -> dict[str, object]:
    return {"cwd": boxes.launcher.account("me").home, "mounts": (), "user": "me", **fields}


def test_it_must_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfinementError, match="without confinement"):
        UnconfinedLauncher(Layout(tmp_path), Settings(home=tmp_path))


def test_it_says_what_it_gives_up() -> None:
    for word in ("files", "processes", "network", "memory"):
        assert word in GIVEN_UP


def test_life(alone: Boxes) -> None:
    assert not alone.launcher.confines
    outcome = alone.shell("pwd; id -u; echo $MINE; exit 4", **plain(alone, env={"MINE": "x"}))
    home = alone.launcher.account("me").home
    assert outcome.output == f"{home}\n{os.getuid()}\nx\n"
    assert (outcome.status.state, outcome.status.exit_code) == ("exited", 4)
    assert (outcome.status.memory_peak or 0) > 2**20
    with pytest.raises(ConflictError):
        alone.start("/bin/true", id=outcome.status.id, **plain(alone))
    alone.launcher.forget(outcome.status.id)
    with pytest.raises(NotFoundError):
        alone.launcher.status(outcome.status.id)


def test_time_limit_and_missing_program(alone: Boxes) -> None:
    outcome = alone.run("/bin/sleep", "60", **plain(alone, time_limit=0.3))
    assert (outcome.status.timed_out, outcome.status.exit_code) == (True, 143)
    with pytest.raises(ConfinementError, match="No such file"):
        alone.start("/no/such", **plain(alone))


def test_stop_ends_what_the_program_has_started(alone: Boxes) -> None:
    script = "trap '' TERM; setsid sleep 63 & (setsid sleep 63 &); echo up; while true; do sleep 1; done"
    box = alone.start("/bin/bash", "-c", script, **plain(alone))
    alone.wait_for(box.id, "up")
    time.sleep(0.2)
    assert len(_marked(alone, box.id)) >= 3
    status = alone.launcher.stop(box.id, grace=0.3)
    assert (status.state, status.exit_code) == ("exited", 137)
    assert _marked(alone, box.id) == []


def test_a_lost_keeper(alone: Boxes) -> None:
    box = alone.start("/bin/bash", "-c", "setsid sleep 64 & echo up; sleep 64", **plain(alone))
    alone.wait_for(box.id, "up")
    started = Record(alone.layout.sandboxes / box.id).read(records.STARTED)
    assert started is not None
    os.kill(started["pid"], signal.SIGKILL)
    deadline = time.monotonic() + 10
    while alone.launcher.status(box.id).state == "running":
        assert time.monotonic() < deadline
    assert alone.launcher.status(box.id).state == "lost"
    assert alone.launcher.free().cpus == 64
    assert _marked(alone, box.id) == []


def _marked(boxes: Boxes, sandbox_id: str) -> list[str]:
    mark = f"PERIJOVE_SANDBOX={boxes.layout.sandboxes.resolve() / sandbox_id}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def test_the_ledger_counts_all_the_same(alone: Boxes) -> None:
    alone.start("/bin/sleep", "60", **plain(alone, resources=Resources(cpus=60, memory=1)))
    with pytest.raises(InsufficientResourcesError):
        alone.start("/bin/true", **plain(alone, resources=Resources(cpus=5, memory=1)))
    status = alone.launcher.list()[0]
    assert alone.launcher.usage(status.id) is None


def test_several_labs_share_the_way_to_the_front_door(alone: Boxes) -> None:
    way = {"port": 21450, "host": "127.0.0.1", "host_port": 21451}
    with socket.create_server(("127.0.0.1", 21451)) as door:
        door.settimeout(10)
        first = alone.start("/bin/sleep", "60", **plain(alone, outbound=[way]))
        alone.start("/bin/sleep", "60", **plain(alone, outbound=[way]))
        alone.launcher.stop(first.id, grace=0)
        with socket.create_connection(("127.0.0.1", 21450), 5) as peer:
            peer.sendall(b"hello")
            visitor, _ = door.accept()
            with visitor:
                assert visitor.recv(10) == b"hello"


def test_a_lab_listens_itself_where_the_ports_are_the_same(alone: Boxes) -> None:
    code = (
        "import socket; s = socket.create_server(('127.0.0.1', 21452)); print('up')\n"
        "s.accept()[0].sendall(b'lab')\n"
    )
    same = {"host_port": 21452, "port": 21452}
    box = alone.start(sys.executable, "-u", "-c", code, **plain(alone, inbound=[same]))
    alone.wait_for(box.id, "up")
    with socket.create_connection(("127.0.0.1", 21452), 5) as peer:
        assert peer.recv(10) == b"lab"


def test_job_directories(alone: Boxes) -> None:
    job = alone.launcher.make_job_directory("j", "me")
    (job / "out" / "x").write_text("1")
    os.mkfifo(job / "out" / "pipe")
    assert alone.launcher.collect_job_directory("j") == ("out/pipe: neither a file nor a directory",)
    assert (job / "out" / "x").read_text() == "1"
    alone.launcher.remove_job_directory("j")
    assert not job.exists()


def test_as_an_ordinary_account(reachable: Path) -> None:
    """The whole of it without root."""
    if os.geteuid() != 0:
        pytest.skip("is one already; the other tests cover it")
    import subprocess

    (reachable / "mine").mkdir()
    os.chown(reachable / "mine", 64321, 64321)
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from tests.integration.sandbox.conftest import Boxes, make_settings\n"
        "from perijove.core.layout import Layout\nfrom perijove.sandbox import connect_launcher\n"
        "home = Path(sys.argv[1]); settings = make_settings(home, single_user=True)\n"
        "boxes = Boxes(connect_launcher(settings), Layout(home), settings)\n"
        "out = boxes.shell('id -u', user='me', cwd=home, mounts=())\n"
        "print(out.output.strip(), out.status.exit_code)\n"
    )
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-c", code, str(reachable / "mine" / "home")],
        user=64321, group=64321, extra_groups=(), capture_output=True, text=True, check=False, cwd="/",
        env={"PYTHONPATH": root, "PATH": "/usr/bin:/bin", "PERIJOVE_HOME": "/nowhere"},
    )  # fmt: skip
    assert done.stdout == "64321 0\n", done.stderr
