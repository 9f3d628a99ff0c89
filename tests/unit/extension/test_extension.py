"""The lab's server extension."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from perijove_lab.extension import terminals
from perijove_lab.extension.activity import SETTING, note
from perijove_lab.extension.notebooks import deliver

LOG = logging.getLogger("test")


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    folder = tmp_path / "shipped"
    (folder / "case").mkdir(parents=True)
    (folder / "home.ipynb").write_text("v1")
    (folder / "case" / "train.ipynb").write_text("v1")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "x").touch()
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def found(home: Path) -> dict[str, str]:
    folder = home / "notebooks"
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}


class TestNotebooks:
    def test_a_new_lab_holds_them(self, shipped: Path, home: Path) -> None:
        deliver(shipped, home, log=LOG)
        assert found(home) == {"home.ipynb": "v1", "case/train.ipynb": "v1"}
        assert os.access(home / "notebooks" / "home.ipynb", os.W_OK)

    def test_changes_of_the_user_stay(self, shipped: Path, home: Path) -> None:
        deliver(shipped, home, log=LOG)
        (home / "notebooks" / "home.ipynb").write_text("mine")
        (shipped / "home.ipynb").write_text("v2")
        (shipped / "case" / "train.ipynb").write_text("v2")
        (shipped / "new.ipynb").write_text("v2")
        deliver(shipped, home, log=LOG)
        assert found(home) == {"home.ipynb": "mine", "case/train.ipynb": "v2", "new.ipynb": "v2"}

    def test_what_the_user_removed_stays_away(self, shipped: Path, home: Path) -> None:
        deliver(shipped, home, log=LOG)
        (home / "notebooks" / "home.ipynb").unlink()
        (shipped / "home.ipynb").write_text("v2")
        deliver(shipped, home, log=LOG)
        assert "home.ipynb" not in found(home)

    def test_a_file_of_the_users_own_is_not_replaced(self, shipped: Path, home: Path) -> None:
        (home / "notebooks").mkdir()
        (home / "notebooks" / "home.ipynb").write_text("mine before")
        deliver(shipped, home, log=LOG)
        assert found(home)["home.ipynb"] == "mine before"

    def test_a_second_start_writes_nothing(self, shipped: Path, home: Path) -> None:
        deliver(shipped, home, log=LOG)
        before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
        deliver(shipped, home, log=LOG)
        assert before == {path: path.stat().st_mtime_ns for path in home.rglob("*")}

    def test_trouble_never_stops_a_lab(
        self, shipped: Path, home: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (home / "notebooks").write_text("a file in the way")
        deliver(shipped, home, log=LOG)
        assert "not all copied" in caplog.text
        deliver(home / "absent", home, log=LOG)


class TestActivity:
    def kernels(self, *states: str) -> Any:
        by_id = {str(n): SimpleNamespace(execution_state=state) for n, state in enumerate(states)}
        return SimpleNamespace(list_kernel_ids=lambda: list(by_id), get_kernel=by_id.__getitem__)

    def test_a_silent_busy_kernel_keeps_the_lab_active(self) -> None:
        settings: dict[str, Any] = {}
        note(self.kernels("idle", "busy"), settings)
        assert (datetime.now(UTC) - settings[SETTING]).total_seconds() < 5

    def test_idle_kernels_do_not(self) -> None:
        settings: dict[str, Any] = {}
        note(self.kernels("idle", "starting"), settings)
        assert settings == {}


class TestTerminals:
    def prefix(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        kernel = tmp_path / "lab" / "share" / "jupyter" / "kernels" / "python3"
        kernel.mkdir(parents=True)
        prefix = tmp_path / "envs" / "ai"
        (kernel / "kernel.json").write_text(json.dumps({"metadata": {"perijove": {"prefix": str(prefix)}}}))
        monkeypatch.setattr(sys, "prefix", str(tmp_path / "lab"))
        return prefix

    def test_the_users_packages_come_first(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        prefix = self.prefix(tmp_path, monkeypatch)
        command = terminals.settings(tmp_path, {"PATH": "/usr/bin", "SHELL": "/bin/sh"})["shell_command"]
        assert command[-2:] == ["/bin/sh", "-i"]
        own = f"{tmp_path}/.perijove/envs/ai"
        shown = subprocess.run(
            [*command[:-1], "-c", "echo $PATH; echo $VIRTUAL_ENV"], capture_output=True, text=True, check=True
        ).stdout.split()
        assert shown == [f"{own}/bin:{prefix}/bin:/usr/bin", own]

    def test_without_a_kernel_of_ours_nothing_changes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "prefix", str(tmp_path))
        assert terminals.settings(tmp_path, {}) == {}
