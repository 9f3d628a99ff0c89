"""From the description to bubblewrap's options: pure functions, so what a sandbox is can be read off."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from perijove.sandbox import bubblewrap
from perijove.sandbox.etc import written_files
from perijove.sandbox.plan import Plan, PlannedMount
from perijove.sandbox.seccomp import DENIED, compiled_filter


def plan(**fields: object) -> Plan:
    values = {
        "id": "x", "name": "alice", "uid": 200000, "gid": 200000, "argv": ("true",),
        "env": {"A": "b"},
        "cwd": "/home/me", "mounts": (), "cpus": 1.0, "memory": 2**30, "processes": 10, "tmp_size": 2**31,
        "network": "none", "inbound": ((1, 2),), "outbound": ((3, "127.0.0.1", 4),),
        "log": "/l", "log_limit": 1,
        "log_owner": (1, 1), "time_limit": None, "confine": True, "devices": (), "cgroup": "c",
        "scope": False,
    }  # fmt: skip
    return Plan(**{**values, **fields})  # type: ignore[arg-type]


def test_a_plan_survives_its_file() -> None:
    asked = plan(mounts=(PlannedMount(source="/a", target="/b", writable=True),))
    assert Plan.from_json(json.loads(json.dumps(asked.to_json()))) == asked


def test_every_namespace_and_no_capability() -> None:
    options = bubblewrap.options(plan(), staging="/mnt")
    for wanted in ("--unshare-all", "--new-session", "--die-with-parent", "--clearenv"):
        assert wanted in options
    assert options[options.index("--cap-drop") + 1] == "ALL"
    assert options[options.index("--setenv") :][:3] == ["--setenv", "A", "b"]


def test_deeper_mounts_come_after_those_that_would_cover_them() -> None:
    mounts = tuple(PlannedMount(source="/s", target=target, writable=False) for target in ("/a/b", "/a"))
    options = bubblewrap.options(plan(mounts=mounts), staging="/mnt")
    assert options.index("/mnt/m1") < options.index("/mnt/m0")
    assert options[options.index("/mnt/m0") - 1] == "--ro-bind"


def test_temporary_directories_leave_memory_for_the_program() -> None:
    for memory, size in ((2**30, 2**29), (2**34, 2**31)):
        options = bubblewrap.options(plan(memory=memory), staging="/mnt")
        assert options[options.index("/tmp") - 4] == str(size)


def test_gpus_are_bound_by_their_own_names() -> None:
    options = bubblewrap.options(plan(devices=("/dev/nvidia3", "/dev/nvidiactl")), staging="/mnt")
    place = options.index("--dev-bind")
    assert options[place : place + 6] == [
        *("--dev-bind", "/mnt/d0", "/dev/nvidia3"),
        *("--dev-bind", "/mnt/d1", "/dev/nvidiactl"),
    ]


def test_the_users_file_holds_one_user() -> None:
    files = written_files(name="alice", uid=7, gid=8, home="/home/me", resolver=None)
    assert "alice:x:7:8::/home/me:/bin/bash\n" in files["passwd"]
    assert len(files["passwd"].splitlines()) == 3
    assert files["resolv.conf"] == ""


def test_the_filter_is_made_and_names_what_matters() -> None:
    assert len(compiled_filter()) % 8 == 0
    assert len(compiled_filter()) > 500
    assert {"mount", "keyctl", "bpf", "ptrace", "userfaultfd", "kexec_load", "setns", "init_module"} <= set(
        DENIED
    )


def test_a_keeper_is_light() -> None:
    """There is one per lab. What it must not import is listed here, because it came in by accident before."""
    code = "import sys, perijove.sandbox.keeper; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    ).stdout
    heavy = {
        "pydantic",
        "asyncio",
        "dataclasses",
        "inspect",
        "subprocess",
        "logging",
        "sqlite3",
        "importlib.metadata",
    }
    assert heavy & set(modules.split()) == set()
    assert Path(sys.executable).exists()
