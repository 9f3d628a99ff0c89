"""Installing, with a stand-in for uv that writes down what it is asked."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from perijove.core.errors import PerijoveError, StorageError
from perijove.core.layout import Layout
from perijove.environments import install, wheels
from perijove.environments.change import add_packages, remove_packages
from perijove.environments.extras import read_extras
from perijove.environments.install import Installer, open_to_all
from perijove.environments.stamps import begin, read_stamp
from perijove.environments.tools import run_tool

# Stands in for uv, which needs a network: notes its arguments, makes environments, fails on demand.
UV = """\
import json, os, pathlib, sys
record = pathlib.Path(os.environ["UV_RECORD"])
with record.open("a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
if any(word in sys.argv for word in os.environ.get("UV_FAILS", "").split()):
    sys.exit("error: no solution found")
if sys.argv[1] == "venv":
    path = pathlib.Path(sys.argv[-1])
    (path / "bin").mkdir(parents=True, exist_ok=True)
    (path / "pyvenv.cfg").write_text("home = /usr/bin\\n")
    (path / "bin" / "python").symlink_to(sys.executable)
elif "--dry-run" not in sys.argv and any("environments/torch/" in word for word in sys.argv):
    environment = pathlib.Path(sys.argv[sys.argv.index("--python") + 1]).parent.parent
    found = environment / "lib/python3.11/site-packages/torch-2.13.0+cpu.dist-info"
    found.mkdir(parents=True, exist_ok=True)
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    record = tmp_path / "calls"
    monkeypatch.setenv("UV_RECORD", str(record))
    return record


@pytest.fixture
def installer(tmp_path: Path, calls: Path, monkeypatch: pytest.MonkeyPatch) -> Installer:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "uv").write_text(f"#!{sys.executable}\n{UV}")
    (tools / "uv").chmod(0o755)
    wheel = tmp_path / "perijove_lab-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"first")
    monkeypatch.setattr(install, "own_wheel", lambda *_, **__: wheel)
    monkeypatch.setattr(install, "pip_configuration", lambda _: {})
    return Installer(
        layout=Layout(tmp_path / "home"),
        python=tools / "python",
        variant="cpu",
        for_everybody=False,
        report=lambda _: None,
    )


def asked(calls: Path) -> list[list[str]]:
    return [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []


def test_a_new_environment_holds_the_lock_and_our_package(installer: Installer, calls: Path) -> None:
    stamp = installer.ensure("lab")
    venv, pip = asked(calls)
    assert venv[0] == "venv"
    assert pip[:2] == ["pip", "install"]
    assert "--exact" in pip
    assert any(word.endswith("environments/lab/lock.txt") for word in pip)
    assert any(word.endswith(".whl") for word in pip)
    assert read_stamp(installer.path("lab")) == stamp


def test_what_is_finished_is_left_alone(installer: Installer, calls: Path) -> None:
    installer.ensure("lab")
    before = asked(calls)
    installer.ensure("lab")
    assert asked(calls) == before


def test_only_our_package_is_renewed_when_only_it_changed(
    installer: Installer, calls: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installer.ensure("lab")
    wheel = tmp_path / "perijove_lab-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"second")
    installer.ensure("lab")
    last = asked(calls)[-1]
    assert "--no-deps" in last
    assert "--exact" not in last


def test_an_installation_that_was_cut_off_is_made_anew(installer: Installer, calls: Path) -> None:
    installer.ensure("lab")
    (installer.path("lab") / "half-written").touch()
    begin(installer.path("lab"))
    installer.ensure("lab")
    assert [call[0] for call in asked(calls)].count("venv") == 2
    assert not (installer.path("lab") / "half-written").exists()
    assert read_stamp(installer.path("lab")) is not None


def test_a_failed_installation_leaves_no_stamp(installer: Installer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_FAILS", "--exact")
    with pytest.raises(PerijoveError, match="no solution found"):
        installer.ensure("lab")
    assert read_stamp(installer.path("lab")) is None


def test_torch_comes_with_the_ai_environment(installer: Installer, calls: Path) -> None:
    assert installer.ensure("ai").torch == "2.13.0+cpu"
    assert "--dry-run" in asked(calls)[1]


def test_without_a_build_of_torch_the_rest_is_installed_and_it_is_said(
    installer: Installer, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_FAILS", "--dry-run")
    stamp = installer.ensure("ai")
    assert stamp.torch == ""
    assert "could be reached" in stamp.torch_absent_because
    assert not any("environments/torch/" in word for word in asked(calls)[-1])
    monkeypatch.setenv("UV_FAILS", "")
    assert installer.ensure("ai").torch == ""
    assert installer.ensure("ai", look_for_torch=True).torch == "2.13.0+cpu"


def test_on_a_gpu_torch_is_taken_for_the_cuda_that_tensorflow_has(installer: Installer, calls: Path) -> None:
    from dataclasses import replace

    replace(installer, variant="gpu").ensure("ai")
    last = asked(calls)[-1]
    assert last[last.index("--torch-backend") + 1].startswith("cu12")
    assert any(word.endswith("packages-gpu.txt") for word in last)


def test_added_packages_stand_beside_the_lock(installer: Installer, calls: Path) -> None:
    installer.ensure("ai")
    assert add_packages(installer, "ai", ["monai"]).extras == ("monai",)
    assert "monai" in asked(calls)[-1]
    assert remove_packages(installer, "ai", ["monai"]).extras == ()
    assert "monai" not in asked(calls)[-1]


def test_packages_that_do_not_fit_change_nothing(
    installer: Installer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = installer.ensure("ai")
    monkeypatch.setenv("UV_FAILS", "monai")
    with pytest.raises(PerijoveError):
        add_packages(installer, "ai", ["monai"])
    assert read_extras(installer.layout.root, "ai") == ()
    assert read_stamp(installer.path("ai")) == before


def test_everybody_can_read_what_came_from_a_narrow_cache(tmp_path: Path) -> None:
    program, text = tmp_path / "program", tmp_path / "text"
    for file, mode in ((program, 0o700), (text, 0o600)):
        file.touch()
        file.chmod(mode)
    (tmp_path / "link").symlink_to("/etc/shadow")
    before = os.stat("/etc/shadow").st_mode
    open_to_all(tmp_path)
    assert stat.S_IMODE(program.stat().st_mode) == 0o755
    assert stat.S_IMODE(text.stat().st_mode) == 0o644
    assert os.stat("/etc/shadow").st_mode == before


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('failed: No space left on device (os error 28)')"]
    with pytest.raises(StorageError, match="disk is full"):
        run_tool(command, what="Installing", log=tmp_path / "log", env={}, report=lambda _: None)


def test_no_network_is_told_as_such(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('cause: dns error')"]
    with pytest.raises(PerijoveError) as caught:
        run_tool(command, what="Installing", log=tmp_path / "log", env={}, report=lambda _: None)
    assert "UV_DEFAULT_INDEX" in caught.value.advice


def test_what_is_made_is_readable_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        command = [sys.executable, "-c", f"open({str(tmp_path / 'made')!r}, 'w')"]
        run_tool(command, what="Making", log=tmp_path / "log", env={}, report=lambda _: None)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o644


def test_a_wheel_is_built_again_only_when_its_sources_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "perijove-lab"
    (source / "src" / "perijove_lab").mkdir(parents=True)
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "perijove-lab"\nversion = "0.1.0"\n'
        '[tool.hatch.build.targets.wheel]\npackages = ["src/perijove_lab"]\n'
    )
    module = source / "src" / "perijove_lab" / "__init__.py"
    module.write_text('"""One."""\n')
    monkeypatch.setattr(wheels, "_source", lambda _: source)
    built: list[str] = []

    def build() -> bytes:
        wheel = wheels.own_wheel(
            "perijove-lab",
            wheels=tmp_path / "wheels",
            python=Path(sys.executable),
            log=tmp_path / "log",
            report=built.append,
        )
        return wheel.read_bytes()

    first = build()
    assert build() == first
    assert len(built) == 1
    module.write_text('"""Two."""\n')
    assert build() != first
    assert len(built) == 2
