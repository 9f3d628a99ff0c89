"""The user's own packages over a shared environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from perijove_lab.kernel.launch import overlay_environment
from perijove_lab.kernel.overlay import PARENT_FILE, Overlay, Parent, overlay_for, prepare


@pytest.fixture
def overlay(tmp_path: Path) -> Overlay:
    made = overlay_for(tmp_path)
    prepare(made)
    return made


def ask(overlay: Overlay, code: str) -> str:
    done = subprocess.run([overlay.python, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    return done.stdout.strip()


def add_package(overlay: Overlay, name: str, code: str = "", version: str | None = None) -> None:
    folder = overlay.root / "lib" / f"python{version or overlay.parent.version}" / "site-packages"
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(code)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")


def test_interpreter_belongs_to_the_overlay_and_sees_the_parent(overlay: Overlay) -> None:
    found = ask(overlay, "import sys, ipykernel; print(sys.prefix); print(ipykernel.__file__)").splitlines()
    assert found[0] == str(overlay.root)
    assert found[1].startswith(overlay.parent.site_packages[0])


def test_editable_installs_of_the_parent_are_seen_too(overlay: Overlay) -> None:
    assert ask(overlay, "import perijove_lab; print(perijove_lab.__version__)") == "0.1.0"


def test_own_packages_come_first(overlay: Overlay) -> None:
    add_package(overlay, "nbformat", "mine = True")
    assert ask(overlay, "import nbformat; print(nbformat.mine)") == "True"


def test_packages_are_installed_into_the_overlay(overlay: Overlay) -> None:
    code = "import sysconfig; print(sysconfig.get_path('purelib')); print(sysconfig.get_path('scripts'))"
    purelib, scripts = ask(overlay, code).splitlines()
    assert Path(purelib) == overlay.site_packages
    assert Path(scripts) == overlay.root / "bin"


def test_making_it_takes_less_than_a_tenth_of_a_second(tmp_path: Path) -> None:
    started = time.perf_counter()
    prepare(overlay_for(tmp_path))
    assert time.perf_counter() - started < 0.1


def test_a_second_time_changes_nothing(overlay: Overlay) -> None:
    before = {path: path.lstat().st_mtime_ns for path in overlay.root.rglob("*")}
    assert prepare(overlay) == ""
    assert before == {path: path.lstat().st_mtime_ns for path in overlay.root.rglob("*")}


@pytest.mark.parametrize("lost", ["bin/python", "pyvenv.cfg", "perijove.json", "lib"])
def test_what_was_removed_is_made_again(overlay: Overlay, lost: str) -> None:
    path = overlay.root / lost
    if path.is_dir():
        (overlay.site_packages / PARENT_FILE).unlink()
    else:
        path.unlink()
    assert not overlay.wired
    prepare(overlay)
    assert overlay.wired
    assert ask(overlay, "import sys, ipykernel; print(sys.prefix)") == str(overlay.root)


def test_a_moved_parent_is_followed_and_packages_stay(overlay: Overlay, tmp_path: Path) -> None:
    add_package(overlay, "mine")
    moved = tmp_path / "moved" / overlay.parent.name
    moved.parent.mkdir()
    moved.symlink_to(overlay.parent.prefix)
    parent = replace(
        overlay.parent,
        prefix=str(moved),
        executable=str(moved / "bin" / "python"),
        site_packages=(str(moved / f"lib/python{overlay.parent.version}/site-packages"),),
    )
    after = Overlay(overlay.root, parent)
    assert prepare(after) == ""
    assert after.packages() == ["mine"]
    assert str(moved) in ask(after, "import sys; print(sys.path)")


def test_another_python_says_what_to_install_again(overlay: Overlay) -> None:
    add_package(overlay, "zeta")
    add_package(overlay, "alpha")
    newer = Overlay(overlay.root, replace(overlay.parent, version="3.99"))
    message = prepare(newer)
    assert "3.99" in message
    assert "%pip install alpha zeta" in message
    assert newer.wired
    assert overlay.packages(overlay.parent.version) == ["alpha", "zeta"]


def test_a_record_of_nonsense_counts_as_none(overlay: Overlay) -> None:
    (overlay.root / "perijove.json").write_text("[1, 2")
    assert overlay.record == {}
    prepare(overlay)
    assert overlay.wired


def test_environment_puts_own_commands_first(overlay: Overlay, tmp_path: Path) -> None:
    environ = overlay_environment(tmp_path, {"PATH": "/usr/bin:/bin", "PYTHONHOME": "/wrong", "API_KEY": "k"})
    first, second, *rest = environ["PATH"].split(os.pathsep)
    assert first == str(overlay.root / "bin")
    assert second == os.path.dirname(sys.executable)
    assert rest == ["/usr/bin", "/bin"]
    assert environ["VIRTUAL_ENV"] == str(overlay.root)
    assert environ["API_KEY"] == "k"
    assert "PYTHONHOME" not in environ


def test_environment_is_stable_when_applied_twice(overlay: Overlay, tmp_path: Path) -> None:
    once = overlay_environment(tmp_path, {"PATH": "/usr/bin"})
    assert overlay_environment(tmp_path, once) == once


def test_environment_without_overlay_is_the_parents(tmp_path: Path) -> None:
    environ = overlay_environment(tmp_path, {"PATH": "/usr/bin"})
    assert environ["VIRTUAL_ENV"] == Parent.current().prefix
    assert not (tmp_path / ".perijove").exists()


def test_record_is_json_of_the_parent(overlay: Overlay) -> None:
    assert json.loads((overlay.root / "perijove.json").read_text())["prefix"] == sys.prefix
