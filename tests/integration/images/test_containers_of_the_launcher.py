"""A sandbox in a container: its end is known, its limits hold, and nothing outlives a killed keeper."""

from __future__ import annotations

import itertools
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from perijove.core.errors import ConfinementError, ForbiddenError
from perijove.core.resources import Resources
from perijove.core.settings import Settings
from perijove.hub.testing import settings_of, wait_until
from perijove.sandbox.accounts import PlatformAccount
from perijove.sandbox.direct import DirectLauncher
from perijove.sandbox.spec import Mount, SandboxSpec, SandboxStatus
from perijove.testing.containers import podman

HOME = Path("/home/jovyan")
_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="perijove-box-", dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder) / "home"


def launcher_of(home: Path, image: str) -> DirectLauncher:
    home.mkdir(exist_ok=True)
    settings: Settings = settings_of(home, hub={"lab_image": image}, machine={"cpus": 2, "memory": "2G"})
    return DirectLauncher(settings.layout, settings, platform=PlatformAccount(uid=64990, gid=64990))


@pytest.fixture(scope="module")
def launcher(home: Path, image: str) -> DirectLauncher:
    return launcher_of(home, image)


Start = Callable[..., SandboxStatus]


@pytest.fixture
def start(launcher: DirectLauncher, image: str) -> Iterator[Start]:
    """`start("shell code", **fields of the description)`."""
    ids: list[str] = []

    def started(code: str, **values: Any) -> SandboxStatus:
        account = launcher.account("ada")
        ids.append(f"lab-{os.getpid()}-{next(_NUMBERS)}")
        usual: dict[str, Any] = {
            "argv": ("sh", "-c", code),
            "image": image,
            "resources": Resources(cpus=1, memory=2**28),
            "mounts": (Mount(source=account.home, target=HOME, writable=True),),
        }
        return launcher.start(
            SandboxSpec(
                id=ids[-1],
                kind="lab",
                owner="ada",
                uid=account.uid,
                gid=account.gid,
                cwd=HOME,
                **{**usual, **values},
            )
        )

    yield started
    for sandbox_id in ids:
        if any(status.id == sandbox_id for status in launcher.list()):
            launcher.stop(sandbox_id, grace=0)


def ended(launcher: DirectLauncher, status: SandboxStatus) -> SandboxStatus:
    wait_until(lambda: launcher.status(status.id).state != "running", timeout=60, what="the end")
    return launcher.status(status.id)


def output(home: Path, status: SandboxStatus) -> str:
    return (home / "sandboxes" / status.id / "log").read_text()


def test_exit_code_output_and_environment(launcher: DirectLauncher, start: Start, home: Path) -> None:
    status = ended(launcher, start('echo "got $WORD"; exit 7', env={"WORD": "a # 'b' $c"}))
    assert (status.state, status.exit_code) == ("exited", 7)
    assert "got a # 'b' $c" in output(home, status)


def test_too_much_memory_ends_it_and_is_told(launcher: DirectLauncher, start: Start) -> None:
    status = ended(launcher, start("exec python3 -c 'x = bytearray(2**30)'"))
    assert (status.exit_code, status.out_of_memory) == (137, True)


def test_the_number_of_processes_is_limited(launcher: DirectLauncher, start: Start, home: Path) -> None:
    status = ended(launcher, start("for i in $(seq 60); do sleep 5 & done; wait", processes=20))
    assert status.process_limit_hit
    assert "fork" in output(home, status)


def test_the_cpus_are_limited(launcher: DirectLauncher, start: Start) -> None:
    half = Resources(cpus=0.5, memory=2**28)
    status = start(
        "timeout 3 python3 -c 'while True: pass' & timeout 3 python3 -c 'while True: pass'; wait",
        resources=half,
    )
    used = ended(launcher, status)
    assert used.cpu_seconds is not None
    assert used.cpu_seconds < 0.7 * ((used.ended or 0) - used.started)


def test_a_full_tmp_is_an_error_and_not_the_end(launcher: DirectLauncher, start: Start, home: Path) -> None:
    status = ended(launcher, start("head -c 300M /dev/zero > /tmp/x; echo went on", tmp_size=2**24))
    assert (status.exit_code, status.out_of_memory) == (0, False)
    assert "No space left on device" in output(home, status)
    assert "went on" in output(home, status)


def test_it_is_asked_to_end_and_then_ended(launcher: DirectLauncher, start: Start, home: Path) -> None:
    polite = start("trap 'echo bye; exit 3' TERM; echo up; while true; do sleep 0.1; done")
    wait_until(lambda: "up" in output(home, polite), timeout=20, what="the trap")
    assert launcher.stop(polite.id, grace=10).exit_code == 3
    stubborn = start("trap '' TERM; echo up; while true; do sleep 0.1; done")
    wait_until(lambda: "up" in output(home, stubborn), timeout=20, what="the trap")
    began = time.monotonic()
    assert launcher.stop(stubborn.id, grace=1).exit_code == 137
    assert time.monotonic() - began < 10


def test_a_killed_keeper_leaves_no_container(launcher: DirectLauncher, start: Start, home: Path) -> None:
    status = start("sleep 1000")
    started = (home / "sandboxes" / status.id / "started.json").read_text()
    os.kill(int(started.partition('"pid": ')[2].partition(",")[0]), signal.SIGKILL)
    wait_until(lambda: launcher.status(status.id).state == "lost", timeout=20, what="the loss")
    assert launcher.free().cpus == 2
    wait_until(
        lambda: status.id not in podman("ps", "--all", "--format", "{{.Names}}").stdout,
        timeout=30,
        what="the container's end",
    )


SECCOMP = """
import ctypes, errno, socket
libc = ctypes.CDLL(None, use_errno=True)
def told(result):
    return 'ok' if result >= 0 else errno.errorcode[ctypes.get_errno()]
def family(number):
    try: socket.socket(number, socket.SOCK_DGRAM).close(); return 'ok'
    except OSError as error: return errno.errorcode[error.errno]
print(told(libc.unshare(0x10000000)), told(libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0)),
    told(libc.syscall(435, 0, 0)), told(libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)),
    told(libc.setns(0, 0)), told(libc.syscall(250, 0, 0, 0, 0, 0)), told(libc.syscall(321, 0, 0, 0)),
    told(libc.syscall(425, 1, 0)), told(libc.ptrace(0, 0, 0, 0)), told(libc.ioctl(0, 0x5412, b'x')),
    told(libc.unshare(0x400)), *map(family, (1, 2, 10, 16, 17, 38, 40)))
"""


def test_the_sandboxs_own_filter_of_system_calls(launcher: DirectLauncher, start: Start, home: Path) -> None:
    """The same answers as in tests/integration/sandbox/test_seccomp.py."""
    status = ended(launcher, start("", argv=("python3", "-c", SECCOMP)))
    assert output(home, status).split() == [
        *("EPERM", "EPERM", "ENOSYS", "EPERM", "EPERM", "EPERM", "EPERM", "ENOSYS", "EPERM", "EPERM", "ok"),
        *("ok", "ok", "ok", "ok", "EPERM", "EPERM", "EPERM"),
    ]


def test_another_image_is_refused(start: Start) -> None:
    with pytest.raises(ForbiddenError, match=r"hub\.lab_image"):
        start("true", image="docker.io/library/evil")


def test_an_image_that_is_not_here_says_how_to_make_it(tmp_path: Path, home: Path) -> None:
    other = launcher_of(home, "perijove-lab:none")
    account = other.account("ada")
    spec = SandboxSpec(
        id=f"lab-none-{os.getpid()}",
        kind="lab",
        owner="ada",
        uid=account.uid,
        gid=account.gid,
        argv=("true",),
        cwd=HOME,
        image="perijove-lab:none",
        resources=Resources(cpus=1, memory=2**28),
    )
    with pytest.raises(ConfinementError, match="perijove image build"):
        other.start(spec)
    assert other.free().cpus == 2
