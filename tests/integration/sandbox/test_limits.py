"""Limits bite, and are reported as what they were."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.sandbox.conftest import PLATFORM, Boxes, make_settings

from perijove.core.errors import ConfinementError
from perijove.core.layout import Layout
from perijove.core.resources import Resources
from perijove.sandbox.cgroups import open_cgroup
from perijove.sandbox.direct import DirectLauncher
from perijove.sandbox.machine import Machine

pytestmark = pytest.mark.root

SMALL = Resources(cpus=0.5, memory=2**26)


def test_memory(boxes: Boxes) -> None:
    outcome = boxes.python("x = bytearray(2**28); print(len(x))", resources=SMALL)
    assert outcome.status.out_of_memory
    assert outcome.status.exit_code == 137
    assert outcome.status.memory_peak is not None
    assert 2**25 < outcome.status.memory_peak <= 2**26


def test_memory_of_a_child_is_told_while_the_rest_goes_on(boxes: Boxes) -> None:
    """A kernel that is killed for memory must not look like one that crashed."""
    script = "/usr/bin/python3 -c 'bytearray(2**28)'; echo killed with $?; sleep 60"
    box = boxes.start("/bin/bash", "-c", script, resources=SMALL)
    boxes.wait_for(box.id, "killed with 137")
    status, usage = boxes.launcher.status(box.id), boxes.launcher.usage(box.id)
    assert (status.state, status.out_of_memory) == ("running", True)
    assert usage is not None
    assert usage.oom_kills == 1


def test_enough_memory_is_not_reported_as_too_little(boxes: Boxes) -> None:
    outcome = boxes.python("x = bytearray(2**27); print(len(x))")
    assert outcome.output == f"{2**27}\n"
    assert not outcome.status.out_of_memory
    assert (outcome.status.memory_peak or 0) > 2**27


def test_full_temporary_directories_are_an_error_and_not_the_end(boxes: Boxes) -> None:
    script = "head -c 200M /dev/zero > /tmp/x; head -c 200M /dev/zero > /dev/shm/x; rm /dev/shm/x; echo alive"
    outcome = boxes.shell(script, resources=Resources(memory=2**28), tmp_size=2**23)
    assert outcome.output.count("No space left on device") == 2
    assert outcome.output.endswith("alive\n")
    assert not outcome.status.out_of_memory


def test_cpus(boxes: Boxes) -> None:
    code = "import time\nend = time.time() + 2\nwhile time.time() < end: pass\nprint(time.process_time())"
    outcome = boxes.python(code, resources=Resources(cpus=0.2, memory=2**28))
    assert float(outcome.output) < 0.6
    assert 0.2 < (outcome.status.cpu_seconds or 0) < 0.8


def test_processes(boxes: Boxes) -> None:
    code = (
        "import os, time\n"
        "made = 0\n"
        "try:\n"
        "    while made < 100:\n"
        "        if os.fork() == 0: time.sleep(30)\n"
        "        made += 1\n"
        "except BlockingIOError: print('no more after', made)\n"
    )
    outcome = boxes.python(code, processes=30)
    assert outcome.output.startswith("no more after 2")
    assert outcome.status.process_limit_hit
    assert outcome.status.exit_code == 0


def test_a_fork_bomb_ends_when_it_is_stopped(boxes: Boxes) -> None:
    box = boxes.start("/bin/bash", "-c", "echo go; f() { f | f & }; f; sleep 60", processes=60)
    boxes.wait_for(box.id, "go")
    time.sleep(0.5)
    status = boxes.launcher.stop(box.id, grace=0.2)
    assert status.state == "exited"
    assert status.process_limit_hit


def test_time(boxes: Boxes) -> None:
    began = time.monotonic()
    outcome = boxes.run("/bin/sleep", "60", time_limit=0.5)
    assert outcome.status.timed_out
    assert outcome.status.exit_code == 143
    assert time.monotonic() - began < 10


def test_no_time_limit_unless_asked_for(boxes: Boxes) -> None:
    outcome = boxes.run("/bin/sleep", "1")
    assert not outcome.status.timed_out
    assert outcome.status.exit_code == 0


def test_output(boxes: Boxes) -> None:
    outcome = boxes.shell("head -c 50M /dev/zero | tr '\\0' x; echo the end", log_limit=1000)
    assert outcome.status.exit_code == 0
    assert outcome.output.startswith("x" * 1000 + "\n[perijove: ")
    assert f"{50 * 2**20 + 8 - 1000} bytes" in outcome.output


@pytest.fixture
def with_gpus(tmp_path: Path) -> Iterator[Boxes]:
    """Two GPUs, which are not: their files are the numbers of /dev/zero, and of /dev/full. What is tried
    is which files are there and which numbers the control group lets through; no driver is needed for it.
    """
    host = tmp_path / "host"
    (host / "dev").mkdir(parents=True)
    for name, minor in (("nvidia0", 5), ("nvidia1", 7), ("nvidiactl", 5)):
        os.mknod(host / "dev" / name, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
        (host / "dev" / name).chmod(0o666)
    home = tmp_path / "home"
    settings = make_settings(home)
    machine = Machine(host)
    machine.memory = lambda: 2**33  # type: ignore[method-assign]
    launcher = DirectLauncher(Layout(home), settings, platform=PLATFORM, machine=machine)
    boxes = Boxes(launcher, Layout(home), settings)
    yield boxes
    boxes.close()


def test_only_the_granted_gpus_are_there(with_gpus: Boxes) -> None:
    one = Resources(cpus=0.5, memory=2**26, gpus=1)
    first = with_gpus.start("/bin/bash", "-c", "ls /dev | grep nvidia; sleep 60", resources=one)
    second = with_gpus.start("/bin/bash", "-c", "ls /dev | grep nvidia; sleep 60", resources=one, user="bob")
    assert (first.gpus, second.gpus) == ((0,), (1,))
    with_gpus.wait_for(first.id, "nvidiactl")
    with_gpus.wait_for(second.id, "nvidiactl")
    assert with_gpus.output(first.id) == "nvidia0\nnvidiactl\n"
    assert with_gpus.output(second.id) == "nvidia1\nnvidiactl\n"
    assert with_gpus.launcher.free().gpus == 0
    none = with_gpus.shell("ls /dev | grep -c nvidia; head -c 4 /dev/zero | wc -c")
    assert none.output == "0\n4\n"


def test_a_granted_device_can_be_used_and_no_device_can_be_made(with_gpus: Boxes) -> None:
    one = Resources(cpus=0.5, memory=2**26, gpus=1)
    script = "head -c 4 /dev/nvidia0 | wc -c; mknod /tmp/nvidia1 c 1 7 2>&1 | grep -o 'not permitted'"
    assert with_gpus.shell(script, resources=one).output == "4\nnot permitted\n"


def test_the_control_group_is_gone_afterwards(boxes: Boxes) -> None:
    box = boxes.start("/bin/sleep", "60")
    started = boxes.layout.sandboxes / box.id / "started.json"
    name = started.read_text().split('"cgroup": "')[1].split('"')[0]
    assert all(directory.is_dir() for directory in open_cgroup(name).directories())
    boxes.launcher.stop(box.id, grace=0)
    assert not [directory for directory in open_cgroup(name).directories() if directory.exists()]


def test_a_limit_that_cannot_be_set_starts_nothing(boxes: Boxes) -> None:
    """Fail closed: the kernel refuses this number of processes, so nothing runs and nothing is held."""
    free = boxes.launcher.free()
    with pytest.raises(ConfinementError, match="not started"):
        boxes.start("/bin/true", id="refused", processes=-5)
    assert boxes.launcher.free() == free
    assert boxes.launcher.list() == []
    assert boxes.run("/bin/true", id="refused").status.exit_code == 0


def test_a_missing_program_says_so(boxes: Boxes) -> None:
    with pytest.raises(ConfinementError, match="execvp /no/such/program: No such file"):
        boxes.start("/no/such/program")


@pytest.mark.parametrize("program", ["bwrap", "slirp4netns"])
def test_a_missing_tool_starts_nothing(boxes: Boxes, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    from perijove.sandbox import keepers

    monkeypatch.setattr(keepers, "KEEPER", ["-c", _without(program)])
    with pytest.raises(ConfinementError, match="not started"):
        boxes.start("/bin/true", network="open")
    assert boxes.launcher.list() == []


def _without(program: str) -> str:
    """A keeper that looks for the tool under another name."""
    return (
        "import sys\n"
        "from perijove.sandbox import keeper, network, payload\n"
        f"network.SLIRP = 'no-{program}' if {program!r} == network.SLIRP else network.SLIRP\n"
        f"payload.BWRAP = 'no-{program}' if {program!r} == payload.BWRAP else payload.BWRAP\n"
        "keeper.main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))\n"
    )
