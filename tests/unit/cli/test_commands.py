"""The command line as people meet it: no traceback, an answer in every case."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from perijove.cli.app import COMMANDS, load


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("PERIJOVE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PERIJOVE_HOME", str(tmp_path))
    monkeypatch.setenv("PERIJOVE_PORT", "26990")
    return tmp_path


def perijove(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "perijove.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_help_lists_every_command() -> None:
    answer = perijove("--help")
    assert answer.returncode == 0
    for name in COMMANDS:
        assert re.search(rf"^  {name} ", answer.stdout, re.MULTILINE)


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from perijove.cli.app import program\n"
        "try: program(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'jupyterhub', 'sqlalchemy', 'fastapi', 'pydantic', 'requests', 'rich'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stderr.strip() == "[]"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself(name: str) -> None:
    command = load(name)
    assert command.name in (name, None, "")
    inner = getattr(command, "commands", None) or {name: command}
    for part in inner.values():
        assert part.help, part.name
        assert all(option.help for option in part.params if option.name != "help"), part.name


def test_a_word_that_is_no_command() -> None:
    answer = perijove("nonsense")
    assert answer.returncode == 2
    assert "No such command" in answer.stderr


def test_the_version() -> None:
    assert re.fullmatch(r"perijove \d+\.\d+\.\d+\n", perijove("--version").stdout)


def test_a_wrong_setting_is_one_clear_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "perijove.toml").write_text("port = 'many'\n")
    monkeypatch.delenv("PERIJOVE_PORT")
    answer = perijove("status")
    assert answer.returncode == 2
    assert "port" in answer.stderr
    assert "perijove.toml" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_status_of_an_empty_home(home: Path) -> None:
    answer = perijove("status", "--json")
    assert answer.returncode == 3
    found = json.loads(answer.stdout)
    assert found["state"] == "stopped"
    assert found["hub_url"] == "http://127.0.0.1:26990"
    assert found["galaxy_url"] == "http://127.0.0.1:26990/services/galaxy"
    assert {"version", "processes", "labs", "jobs", "total", "free", "home"} <= found.keys()


@pytest.mark.parametrize("arguments", [("token", "ada"), ("user", "list"), ("user", "add", "ada")])
def test_administration_needs_a_running_platform(home: Path, arguments: tuple[str, ...]) -> None:
    answer = perijove(*arguments)
    assert answer.returncode in (1, 2)
    assert answer.stdout == ""
    assert "perijove up" in answer.stderr or "sudo" in answer.stderr


def test_down_where_nothing_runs(home: Path) -> None:
    answer = perijove("down")
    assert answer.returncode == 0
    assert "was not running" in answer.stdout


@pytest.mark.root
def test_root_is_not_a_single_user(home: Path) -> None:
    answer = perijove("up", "--single-user")
    assert answer.returncode == 2
    assert "notebooks run as whoever starts the platform" in answer.stderr


@pytest.mark.root
def test_others_than_root_are_told_both_ways(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERIJOVE_HOME", "/nonexistent/perijove")
    command = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        sys.executable,
        "-m",
        "perijove.cli",
        "up",
    ]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd="/")
    if "Permission denied" in answer.stderr and "perijove:" not in answer.stderr:
        pytest.skip("this clone cannot be read by other accounts; `make test` copies it where they can")
    assert answer.returncode == 2
    assert "sudo make up" in answer.stderr
    assert "--single-user" in answer.stderr


def test_a_taken_port_names_the_setting(home: Path) -> None:
    import socket

    from perijove.core.errors import ConfigurationError
    from perijove.core.settings import load_settings
    from perijove.supervisor.checks import check_port

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(ConfigurationError, match=f"is taken by process {os.getpid()}") as caught:
            check_port(load_settings(port=holder.getsockname()[1]))
    assert "PERIJOVE_PORT" in caught.value.advice


def test_an_address_that_is_not_ours(home: Path) -> None:
    from perijove.core.errors import ConfigurationError
    from perijove.core.settings import load_settings
    from perijove.supervisor.checks import check_port

    with pytest.raises(ConfigurationError, match="cannot be used"):
        check_port(load_settings(bind="192.0.2.1"))


def test_settings_in_force_hide_secrets(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERIJOVE_HUB__OAUTH__CLIENT_SECRET", "swordfish")
    monkeypatch.setenv("PERIJOVE_HISTORIES__DATABASE_URL", "postgresql+psycopg://u:swordfish@db/p")
    answer = perijove("settings")
    assert answer.returncode == 0
    assert "swordfish" not in answer.stdout
    assert json.loads(answer.stdout)["port"] == 26990


def test_a_fault_of_ours_is_no_traceback(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from perijove import cli
    from perijove.cli import app

    def fail() -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(app, "program", fail)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 70
    said = capsys.readouterr().err
    assert "unexpected RuntimeError: boom" in said
    assert "Traceback" not in said


def test_a_licence_is_shown_and_nothing_fetched_before_it_is_accepted(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERIJOVE_SINGLE_USER", str(os.geteuid() != 0).lower())
    answer = perijove("env", "install", "igfold")
    assert answer.returncode != 0
    assert "JHU Academic Software License Agreement" in answer.stdout
    assert "was not accepted; nothing was fetched" in answer.stderr
    assert "--accept-license" in answer.stderr
    assert not (home / "envs").exists()
    assert not list(home.glob("environments/igfold*"))


def test_an_optional_environment_that_does_not_exist_is_named(home: Path) -> None:
    answer = perijove("env", "install", "nonsense")
    assert answer.returncode != 0
    assert "colabfold" in answer.stderr
    assert "Traceback" not in answer.stderr
