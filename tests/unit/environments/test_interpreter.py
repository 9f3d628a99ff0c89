"""Which Python environments are built on."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from perijove.core.errors import ConfigurationError
from perijove.environments import interpreter
from perijove.environments.interpreter import base_interpreter, build_path, closed_at, examine


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """A folder whose whole way is open, made so where pytest's own is not."""
    for part in (tmp_path, *tmp_path.parents):
        if part.stat().st_uid == os.geteuid() and part != Path("/"):
            part.chmod(part.stat().st_mode | 0o011)
    return tmp_path


def test_an_open_way_is_open(open_folder: Path) -> None:
    file = open_folder / "python"
    file.touch(0o755)
    assert closed_at(file) is None


def test_the_first_closed_folder_is_named(open_folder: Path) -> None:
    closed = open_folder / "home"
    (closed / "deep").mkdir(parents=True)
    closed.chmod(0o700)
    (closed / "deep" / "python").touch()
    assert closed_at(closed / "deep" / "python") == closed


def test_a_file_that_others_may_not_read_is_named(open_folder: Path) -> None:
    file = open_folder / "python"
    file.touch()
    file.chmod(0o700)
    assert closed_at(file) == file


def test_what_does_not_run_is_no_interpreter(tmp_path: Path) -> None:
    (tmp_path / "python3").write_text("not a program")
    assert examine(tmp_path / "python3") is None


def test_this_python_is_examined() -> None:
    found = examine(Path(sys.executable))
    assert found is not None
    assert found.version == sys.version_info[:2]


def test_refusals_name_each_python_and_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "candidates", lambda: [Path(sys.executable)])
    with pytest.raises(ConfigurationError, match=r"is Python 3\.\d+, not 3\.11 to 3\.10") as caught:
        base_interpreter(for_everybody=False, newest=(3, 10))
    assert "apt-get install" in caught.value.advice


def test_a_python_closed_to_others_is_refused_only_where_others_need_it(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = open_folder / "pyenv"
    closed.mkdir(mode=0o700)
    script = closed / "python3"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setattr(interpreter, "candidates", lambda: [script])
    assert base_interpreter(for_everybody=False).path == script
    with pytest.raises(ConfigurationError, match="closed to them"):
        base_interpreter(for_everybody=True)


def test_no_python_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "candidates", list)
    with pytest.raises(ConfigurationError, match="no python3 was found"):
        base_interpreter(for_everybody=False)


def test_an_environment_without_its_python_is_broken(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (tmp_path / "bin" / "python").symlink_to(tmp_path / "gone")
    assert build_path(tmp_path) is None
    (tmp_path / "bin" / "python").unlink()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    assert build_path(tmp_path) == Path("/usr/bin")
