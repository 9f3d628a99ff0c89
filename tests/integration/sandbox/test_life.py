"""Starts, ends and crashes: every process is started once, ends known, and holds nothing afterwards."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.integration.sandbox.conftest import PLATFORM, Boxes, make_settings

from perijove.core.errors import ConflictError, InsufficientResourcesError, NotFoundError
from perijove.core.layout import Layout
from perijove.core.resources import Resources
from perijove.core.settings import MachineSettings
from perijove.sandbox import record as records
from perijove.sandbox.direct import DirectLauncher
from perijove.sandbox.keepers import cgroup_of
from perijove.sandbox.ledger import Ledger
from perijove.sandbox.record import Record

pytestmark = pytest.mark.root

_OTHER = """
import sys
from pathlib import Path
from perijove.core.layout import Layout
from perijove.sandbox.direct import DirectLauncher
from perijove.sandbox.spec import SandboxSpec
from tests.integration.sandbox.conftest import PLATFORM, make_settings
settings = make_settings(Path(sys.argv[1]))
sandbox = settings.sandbox.model_copy(update={"uid_base": int(sys.argv[2])})
settings = settings.model_copy(update={"sandbox": sandbox})
launcher = DirectLauncher(Layout(Path(sys.argv[1])), settings, platform=PLATFORM)
print("ready", flush=True)
for line in sys.stdin:
    launcher.start(SandboxSpec.model_validate_json(line))
    print("started", flush=True)
"""


def other_launcher(boxes: Boxes) -> subprocess.Popen[str]:
    """A launcher in a process of its own, to be killed. It starts what it reads."""
    command = [sys.executable, "-c", _OTHER, str(boxes.layout.root), str(boxes.settings.sandbox.uid_base)]
    root = str(Path(__file__).parents[3])
    env = {**os.environ, "PYTHONPATH": root}
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root, env=env
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    with contextlib.suppress(BrokenPipeError):
        process.communicate()


def record(boxes: Boxes, sandbox_id: str) -> Record:
    return Record(boxes.layout.sandboxes / sandbox_id)


def keeper(boxes: Boxes, sandbox_id: str) -> int:
    started = record(boxes, sandbox_id).read(records.STARTED)
    assert started is not None
    pid: int = started["pid"]
    return pid


def inside(boxes: Boxes, sandbox_id: str) -> list[int]:
    cgroup = cgroup_of(record(boxes, sandbox_id))
    return cgroup.pids() if cgroup else []


def wait_until(true: object, seconds: float = 10) -> None:
    assert callable(true)
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -15 $$", 143)]
)
def test_exit_codes(boxes: Boxes, script: str, code: int) -> None:
    status = boxes.shell(script).status
    assert (status.state, status.exit_code) == ("exited", code)
    assert status.ended is not None
    assert status.ended >= status.started


def test_an_id_is_started_once(boxes: Boxes) -> None:
    boxes.run("/bin/true", id="once")
    with pytest.raises(ConflictError, match="started before"):
        boxes.start("/bin/true", id="once")
    boxes.launcher.forget("once")
    with pytest.raises(NotFoundError):
        boxes.launcher.status("once")
    assert boxes.run("/bin/true", id="once").status.exit_code == 0


def test_of_many_starts_of_one_id_one_succeeds(boxes: Boxes) -> None:
    def attempt(_: int) -> bool:
        try:
            boxes.start("/bin/bash", "-c", "echo ran >> /home/me/runs; sleep 5", id="contested")
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1
    time.sleep(0.3)
    assert (boxes.launcher.account("alice").home / "runs").read_text() == "ran\n"


def test_stop_asks_first(boxes: Boxes) -> None:
    script = "trap 'echo saved; exit 3' TERM; echo up; while true; do sleep 0.05; done"
    box = boxes.start("/bin/bash", "-c", script)
    boxes.wait_for(box.id, "up")
    status = boxes.launcher.stop(box.id, grace=10)
    assert (status.state, status.exit_code) == ("exited", 3)
    assert "saved" in boxes.output(box.id)


def test_stop_then_kills_everything(boxes: Boxes) -> None:
    script = "trap '' TERM; setsid sleep 60 & (sleep 60 &) ; echo up; while true; do sleep 1; done"
    box = boxes.start("/bin/bash", "-c", script)
    boxes.wait_for(box.id, "up")
    pids = inside(boxes, box.id)
    assert len(pids) >= 5
    began = time.monotonic()
    status = boxes.launcher.stop(box.id, grace=0.5)
    assert time.monotonic() - began < 5
    assert (status.state, status.exit_code) == ("exited", 137)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()], "zombies included"
    assert boxes.launcher.stop(box.id) == status


def test_what_a_program_leaves_behind_ends_with_it(boxes: Boxes) -> None:
    box = boxes.start("/bin/bash", "-c", "setsid sleep 61 & sleep 0.3")
    pids = inside(boxes, box.id)
    assert boxes.wait(box.id).status.exit_code == 0
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()], "zombies included"


def test_a_running_one_can_not_be_forgotten(boxes: Boxes) -> None:
    box = boxes.start("/bin/sleep", "60")
    with pytest.raises(ConflictError, match="still runs"):
        boxes.launcher.forget(box.id)
    boxes.launcher.stop(box.id, grace=0)
    boxes.launcher.forget(box.id)
    boxes.launcher.forget(box.id)
    assert boxes.launcher.list() == []


def test_nobody_knows_an_id_that_was_never_started(boxes: Boxes) -> None:
    for ask in (boxes.launcher.status, boxes.launcher.usage, boxes.launcher.stop):
        with pytest.raises(NotFoundError):
            ask("never")


def test_it_survives_the_kill_of_whoever_started_it(boxes: Boxes) -> None:
    other = other_launcher(boxes)
    assert other.stdin is not None
    assert other.stdout is not None
    spec = boxes.spec("/bin/bash", "-c", "sleep 1; echo done; exit 5", id="survivor")
    other.stdin.write(spec.model_dump_json() + "\n")
    other.stdin.flush()
    assert other.stdout.readline() == "started\n"
    os.killpg(os.getpgid(keeper(boxes, "survivor")), 0)
    kill(other)
    assert boxes.launcher.status("survivor").state == "running"
    assert boxes.launcher.free().cpus == 63.5
    outcome = boxes.wait("survivor")
    assert (outcome.status.exit_code, outcome.output) == (5, "done\n")
    assert boxes.launcher.free().cpus == 64
    assert not _zombies_of(other.pid)


def _zombies_of(parent: int) -> list[str]:
    found = subprocess.run(
        ["ps", "--ppid", str(parent), "-o", "pid="], capture_output=True, text=True, check=False
    )
    return found.stdout.split()


def test_no_zombie_stays_with_the_caller(boxes: Boxes) -> None:
    boxes.run("/bin/true")
    children = subprocess.run(
        ["ps", "--ppid", str(os.getpid()), "-o", "stat=,args="], capture_output=True, text=True, check=False
    ).stdout
    assert not [line for line in children.splitlines() if line.startswith("Z")]


def test_a_start_that_is_killed_at_any_moment_holds_nothing_and_runs_once_at_most(boxes: Boxes) -> None:
    """kill -9 of the launcher 5 to 300 ms after it was told to start, then the same start again."""
    for number in range(8):
        sandbox_id = f"torn-{number}"
        other = other_launcher(boxes)
        assert other.stdin is not None
        spec = boxes.spec("/bin/bash", "-c", f"echo {number} >> /home/me/runs; sleep 0.2", id=sandbox_id)
        other.stdin.write(spec.model_dump_json() + "\n")
        other.stdin.flush()
        time.sleep(0.005 + number * 0.04)
        kill(other)
        _start_again(boxes, sandbox_id, spec.argv)
    runs = (boxes.launcher.account("alice").home / "runs").read_text().split()
    assert sorted(map(int, runs)) == list(range(8))
    assert boxes.launcher.free() == boxes.launcher.free().model_copy(update={"cpus": 64.0, "memory": 2**36})


def _start_again(boxes: Boxes, sandbox_id: str, argv: tuple[str, ...]) -> None:
    """What an engine does after a crash: look, and start what is not known."""
    deadline = time.monotonic() + 20
    while True:
        try:
            boxes.start(*argv, id=sandbox_id)
            break
        except ConflictError:
            with contextlib.suppress(NotFoundError):
                if boxes.launcher.status(sandbox_id).state != "lost":
                    break
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert boxes.wait(sandbox_id).status.exit_code == 0


def test_a_killed_keeper_takes_everything_along_and_is_told_as_lost(boxes: Boxes) -> None:
    box = boxes.start("/bin/bash", "-c", "setsid sleep 60 & sleep 60", network="open")
    pids = inside(boxes, box.id)
    group = cgroup_of(record(boxes, box.id))
    assert group is not None
    os.kill(keeper(boxes, box.id), signal.SIGKILL)
    wait_until(lambda: not [pid for pid in pids if _alive(pid)])
    status = boxes.launcher.status(box.id)
    assert (status.state, status.exit_code, status.ended) == ("lost", None, None)
    assert boxes.launcher.free().cpus == 64
    assert not [directory for directory in group.directories() if directory.exists()]
    assert boxes.launcher.stop(box.id).state == "lost"
    with pytest.raises(ConflictError):
        boxes.start("/bin/true", id=box.id)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_stopped_keeper_is_ended_all_the_same(boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    from perijove.sandbox import keepers

    monkeypatch.setattr(keepers, "_PATIENCE", 0.5)
    box = boxes.start("/bin/sleep", "60")
    pids = inside(boxes, box.id)
    os.kill(keeper(boxes, box.id), signal.SIGSTOP)
    assert boxes.launcher.stop(box.id, grace=0).state == "lost"
    wait_until(lambda: not [pid for pid in pids if _alive(pid)])


def test_a_pid_that_is_another_process_now_is_left_alone(boxes: Boxes) -> None:
    """The note of a killed keeper names a pid that somebody else has by now."""
    box = boxes.start("/bin/sleep", "60")
    os.kill(keeper(boxes, box.id), signal.SIGKILL)
    wait_until(lambda: not record(boxes, box.id).locked)
    innocent = subprocess.Popen(["sleep", "60"])
    try:
        note = record(boxes, box.id).read(records.STARTED)
        assert note is not None
        record(boxes, box.id).write(records.STARTED, {**note, "pid": innocent.pid})
        assert boxes.launcher.stop(box.id).state == "lost"
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_usage(boxes: Boxes) -> None:
    code = "x = bytearray(2**26)\nprint('up')\nimport time\nwhile True: pass"
    box = boxes.start("/usr/bin/python3", "-u", "-c", code)
    boxes.wait_for(box.id, "up")
    time.sleep(0.3)
    usage = boxes.launcher.usage(box.id)
    assert usage is not None
    assert usage.memory_peak >= usage.memory > 2**26
    assert usage.cpu_seconds > 0.05
    assert usage.processes >= 2
    boxes.launcher.stop(box.id, grace=0)
    assert boxes.launcher.usage(box.id) is None


def test_resources_are_held_as_long_as_it_runs(boxes: Boxes) -> None:
    box = boxes.start("/bin/sleep", "60", resources=Resources(cpus=60, memory=2**30))
    with pytest.raises(InsufficientResourcesError) as caught:
        boxes.start("/bin/true", resources=Resources(cpus=5, memory=2**30))
    assert caught.value.retry
    with pytest.raises(InsufficientResourcesError) as caught:
        boxes.start("/bin/true", resources=Resources(cpus=65, memory=2**30))
    assert not caught.value.retry
    boxes.launcher.stop(box.id, grace=0)
    assert boxes.run("/bin/true", resources=Resources(cpus=5, memory=2**30)).status.exit_code == 0


def test_forty_at_once(boxes: Boxes) -> None:
    began = time.monotonic()
    script = "echo $RANDOM > /tmp/x; sleep 600"
    with ThreadPoolExecutor(8) as pool:
        started = list(
            pool.map(
                lambda n: boxes.start("/bin/bash", "-c", script, id=f"seat-{n}", user=f"user{n}"), range(40)
            )
        )
    print(f"forty started in {time.monotonic() - began:.1f} s")
    assert len({status.id for status in started}) == 40
    assert len({boxes.launcher.account(f"user{n}").uid for n in range(40)}) == 40
    assert all(status.state == "running" for status in boxes.launcher.list())
    assert boxes.launcher.free().cpus == 44
    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(lambda status: boxes.launcher.stop(status.id, grace=5), started))
    assert {status.exit_code for status in ended} == {143}
    assert boxes.launcher.free().cpus == 64


def _claim(home: str, number: int) -> list[int]:
    """One process that claims and gives back, over and over; returns what it was granted each time."""
    ledger = Ledger(Path(home), Resources(cpus=8, memory=2**33, gpus=4), (0, 1, 2, 3), lambda _: None)
    granted = []
    for turn in range(15):
        try:
            claim = ledger.claim(f"claim-{number}-{turn}", Resources(cpus=1, memory=2**20, gpus=1))
        except InsufficientResourcesError:
            time.sleep(0.005)
            continue
        (gpu,) = claim.gpus
        marker = Path(home) / f".gpu{gpu}"
        marker.mkdir()  # fails where two hold the same GPU at one time
        time.sleep(0.005)
        marker.rmdir()
        os.close(claim.lock)
        granted.append(gpu)
    return granted


def test_no_gpu_is_granted_twice_under_concurrent_claims(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        results = pool.starmap(_claim, [(str(tmp_path), number) for number in range(4)])
    assert sum(map(len, results)) > 20
    assert {gpu for granted in results for gpu in granted} <= {0, 1, 2, 3}


def test_a_claim_of_a_killed_process_is_gone(tmp_path: Path) -> None:
    total = Resources(cpus=2, memory=2**30)
    ledger = Ledger(tmp_path, total, (), lambda _: None)
    pid = os.fork()
    if pid == 0:
        ledger.claim("torn", total)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    claim = ledger.claim("next", total)
    assert ledger.free().cpus == 0
    os.close(claim.lock)
    assert ledger.free().cpus == 2


def test_two_platforms_on_one_machine_do_not_meet(boxes: Boxes, tmp_path: Path) -> None:
    home = tmp_path / "second"
    settings = make_settings(home).model_copy(update={"machine": MachineSettings(cpus=2, memory=2**30)})
    second = Boxes(DirectLauncher(Layout(home), settings, platform=PLATFORM), Layout(home), settings)
    try:
        first = boxes.start("/bin/sleep", "60", id="same")
        other = second.start("/bin/sleep", "60", id="same")
        second.launcher.stop(other.id, grace=0)
        assert boxes.launcher.status(first.id).state == "running"
    finally:
        second.close()


def test_the_record_tells_what_was_asked_for_without_the_environment(boxes: Boxes) -> None:
    box = boxes.run("/bin/true", env={"TOKEN": "x"})
    found = json.loads((boxes.layout.sandboxes / box.status.id / "spec.json").read_text())
    assert found["spec"]["argv"] == ["/bin/true"]
    assert "env" not in found["spec"]
