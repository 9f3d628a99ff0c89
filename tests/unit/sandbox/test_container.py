"""What podman is told about a lab in a container."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perijove.core.errors import ConfigurationError, ForbiddenError
from perijove.core.layout import Layout
from perijove.core.settings import load_settings
from perijove.sandbox import container
from perijove.sandbox.cgroups.base import below, read_pids, remove_empty
from perijove.sandbox.plan import Plan, PlannedMount
from perijove.sandbox.policy import Policy
from perijove.sandbox.spec import Account, SandboxSpec


def plan(**values: Any) -> Plan:
    usual: dict[str, Any] = {
        "id": "lab-1",
        "name": "ada",
        "uid": 200_000,
        "gid": 200_000,
        "argv": ("perijove-start",),
        "env": {"API_KEY": "hush"},
        "cwd": "/home/jovyan",
        "mounts": (PlannedMount(source="/srv/homes/ada", target="/home/jovyan", writable=True),),
        "cpus": 1.0,
        "memory": 2**30,
        "processes": 512,
        "tmp_size": 2**40,
        "network": "none",
        "inbound": (),
        "outbound": (),
        "log": "",
        "log_limit": 0,
        "log_owner": (0, 0),
        "time_limit": None,
        "confine": True,
        "devices": (),
        "cgroup": "perijove/x/lab-1",
        "scope": False,
        "image": "perijove-lab:cpu",
    }
    return Plan(**{**usual, **values})


def options(told: Plan) -> list[str]:
    return container.options(
        told, cgroup=told.cgroup, network="/proc/1/fd/3", environment="/proc/self/fd/4", folder=Path("/r")
    )


def test_every_wall_is_asked_for() -> None:
    told = options(plan())
    for option in (
        "--user=200000:200000",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        "--read-only",
        "--network=ns:/proc/1/fd/3",
        "--cgroup-parent=/perijove/x/lab-1",
        "--pull=never",
    ):
        assert option in told
    assert not any(option.startswith(("--privileged", "--publish", "--cap-add")) for option in told)


def test_no_secret_is_on_the_command_line() -> None:
    assert not any("hush" in option for option in options(plan()))
    assert container.environment_file({"API_KEY": "hush"}) == b"API_KEY=hush\n"


def test_a_variable_of_several_lines_is_refused() -> None:
    with pytest.raises(OSError, match="several lines"):
        container.environment_file({"A": "1\nLD_PRELOAD=/x"})


def test_files_in_memory_take_half_of_it_at_most() -> None:
    told = options(plan())
    assert any(option.startswith("--tmpfs=/tmp:") and option.endswith(f"size={2**29}") for option in told)
    assert f"--shm-size={2**29}" in told


def test_granted_gpus_come_by_nvidias_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "_CDI", (tmp_path,))
    granted = plan(devices=("/dev/nvidia1", "/dev/nvidiactl", "/dev/nvidia-uvm"))
    with pytest.raises(OSError, match="nvidia-ctk cdi generate"):
        options(granted)
    (tmp_path / "nvidia.yaml").write_text("")
    assert [option for option in options(granted) if option.startswith("--device")] == [
        "--device=nvidia.com/gpu=1"
    ]
    assert not any(option.startswith("--device") for option in options(plan()))


def test_only_the_image_of_the_settings(tmp_path: Path) -> None:
    account = Account(name="ada", uid=200_000, gid=200_000, home=tmp_path)
    spec = SandboxSpec(
        id="lab-1",
        kind="lab",
        owner="ada",
        uid=200_000,
        gid=200_000,
        argv=("x",),
        cwd=Path("/"),
        image="evil",
    )
    for image in ("", "perijove-lab:cpu"):
        with pytest.raises(ForbiddenError, match=r"hub\.lab_image"):
            Policy(Layout(tmp_path), image=image).check(spec, account)
    Policy(Layout(tmp_path), image="evil").check(spec, account)


def test_a_single_user_has_no_containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERIJOVE_HOME", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"hub\.lab_image needs root"):
        load_settings(single_user=True, hub={"lab_image": "perijove-lab:cpu"})


def test_a_containers_group_inside_the_sandboxs_is_counted_and_removed(tmp_path: Path) -> None:
    outer = tmp_path / "perijove" / "x" / "lab-1"
    inner = outer / "libpod-1"
    inner.mkdir(parents=True)
    (outer / "cgroup.procs").write_text("")
    (inner / "cgroup.procs").write_text("7\n8\n")
    assert read_pids(outer) == [7, 8]
    assert below(outer) == [inner]
    for group in (outer, inner):
        (group / "cgroup.procs").unlink()
    (tmp_path / "perijove" / "other").mkdir()
    remove_empty(tmp_path, "perijove/x/lab-1")
    assert [path.name for path in (tmp_path / "perijove").iterdir()] == ["other"]
