"""Control groups of both versions, on directories that stand for the kernel's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perijove.sandbox.cgroups import Limits, Version, detect, open_cgroup

LIMITS = Limits(cpus=1.5, memory=2**30, processes=64, devices=("/dev/null",))
CONTROLLERS = ("cpu", "cpuacct", "memory", "pids", "devices")


def mounts_file(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "mounts"
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


def first(tmp_path: Path) -> Version:
    for name in CONTROLLERS:
        (tmp_path / name / "box").mkdir(parents=True)
    mounts = {name: tmp_path / name for name in CONTROLLERS}
    return Version(number=1, controllers=CONTROLLERS, missing=(), mounts=mounts)


def second(tmp_path: Path) -> Version:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    return detect(mounts_file(tmp_path, f"cgroup2 {tmp_path} cgroup2 rw,nosuid 0 0"))


def test_version_1_also_in_hybrid_mode(tmp_path: Path) -> None:
    found = detect(
        mounts_file(
            tmp_path,
            "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0",
            "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0",
            "cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0",
            "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0",
        )
    )
    assert (found.number, found.missing) == (1, ())
    assert found.mounts["cpuacct"] == Path("/sys/fs/cgroup/cpu,cpuacct")


def test_version_2(tmp_path: Path) -> None:
    found = second(tmp_path)
    assert (found.number, found.missing) == (2, ())


def test_version_2_without_its_memory_controller(tmp_path: Path) -> None:
    """As on a Raspberry Pi, or in hybrid mode where version 1 has taken the others."""
    (tmp_path / "cgroup.controllers").write_text("cpu pids\n")
    found = detect(mounts_file(tmp_path, f"cgroup2 {tmp_path} cgroup2 rw 0 0"))
    assert found.missing == ("memory",)
    with pytest.raises(OSError, match="no control group for memory"):
        open_cgroup("x", found)


def test_none_at_all(tmp_path: Path) -> None:
    found = detect(mounts_file(tmp_path, "proc /proc proc rw 0 0"))
    assert (found.number, found.missing) == (0, ("cpu", "memory", "pids"))


def test_limits_of_version_1(tmp_path: Path) -> None:
    version = first(tmp_path)
    (tmp_path / "memory" / "box" / "memory.memsw.limit_in_bytes").touch()
    open_cgroup("box", version).create(LIMITS)

    def read(controller: str, name: str) -> str:
        return (tmp_path / controller / "box" / name).read_text()

    assert (
        read("memory", "memory.limit_in_bytes") == read("memory", "memory.memsw.limit_in_bytes") == str(2**30)
    )
    assert (read("cpu", "cpu.cfs_quota_us"), read("cpu", "cpu.cfs_period_us")) == ("150000", "100000")
    assert read("pids", "pids.max") == "64"
    assert (read("devices", "devices.deny"), read("devices", "devices.allow")) == ("a", "c 1:3 rw")


def test_limits_of_version_2_and_the_way_down(tmp_path: Path) -> None:
    version = second(tmp_path)
    (tmp_path / "perijove" / "ab" / "box").mkdir(parents=True)
    (tmp_path / "perijove" / "ab" / "box" / "memory.swap.max").touch()
    open_cgroup("perijove/ab/box", version).create(LIMITS)
    box = tmp_path / "perijove" / "ab" / "box"
    for parent in (tmp_path, tmp_path / "perijove", tmp_path / "perijove" / "ab"):
        assert (parent / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    assert not (box / "cgroup.subtree_control").exists()
    written = {
        name: (box / name).read_text() for name in ("memory.max", "memory.swap.max", "cpu.max", "pids.max")
    }
    assert written == {
        "memory.max": str(2**30),
        "memory.swap.max": "0",
        "cpu.max": "150000 100000",
        "pids.max": "64",
    }


def test_counters_of_version_1(tmp_path: Path) -> None:
    version = first(tmp_path)
    for name, content in (
        ("memory/box/memory.usage_in_bytes", "5"),
        ("memory/box/memory.max_usage_in_bytes", "9"),
        ("memory/box/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
        ("pids/box/pids.current", "3"),
        ("pids/box/pids.events", "max 7\n"),
        ("cpuacct/box/cpuacct.usage", "2500000000"),
    ):
        (tmp_path / name).write_text(content)
    assert open_cgroup("box", version).counters() == (2.5, 5, 9, 3, 2, 7)


def test_counters_of_version_2(tmp_path: Path) -> None:
    version = second(tmp_path)
    box = tmp_path / "box"
    box.mkdir()
    for name, content in (
        ("memory.current", "5"),
        ("memory.peak", "9"),
        ("memory.events", "low 0\noom 1\noom_kill 2\n"),
        ("pids.current", "3"),
        ("pids.events", "max 7\n"),
        ("cpu.stat", "usage_usec 2500000\nuser_usec 1\n"),
    ):
        (box / name).write_text(content)
    assert open_cgroup("box", version).counters() == (2.5, 5, 9, 3, 2, 7)


def test_counters_of_a_group_that_is_gone(tmp_path: Path) -> None:
    assert open_cgroup("gone", second(tmp_path)).counters() == (0.0, 0, 0, 0, 0, 0)


def test_entering_writes_to_every_hierarchy_once(tmp_path: Path) -> None:
    open_cgroup("box", first(tmp_path)).enter()
    assert {(tmp_path / name / "box" / "cgroup.procs").read_text() for name in CONTROLLERS} == {"0"}


def test_killing_gives_up_after_its_patience(tmp_path: Path) -> None:
    """A pid that never goes away, as a process stuck in the kernel."""
    version = second(tmp_path)
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "cgroup.procs").write_text("2147483646\n")
    assert not open_cgroup("box", version).kill(patience=0.05)
    (tmp_path / "box" / "cgroup.procs").write_text("")
    assert open_cgroup("box", version).kill(patience=0.05)


def test_removing_twice_is_harmless(tmp_path: Path) -> None:
    version = second(tmp_path)
    (tmp_path / "box").mkdir()
    group = open_cgroup("box", version)
    group.remove()
    group.remove()
    assert not (tmp_path / "box").exists()
    assert os.path.isdir(tmp_path)
