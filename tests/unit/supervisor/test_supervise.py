"""Real child processes, started, watched, restarted and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from perijove.core.errors import PerijoveError
from perijove.core.settings import Settings, load_settings
from perijove.supervisor import supervise
from perijove.supervisor.child import Child, ChildSpec, answers, tail
from perijove.supervisor.presence import read_presence
from perijove.supervisor.supervise import Stopped, Supervisor, stop_on_signals

GOOD = "import time; open('ready', 'w').close(); time.sleep(300)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {GOOD}"
BROKEN = "raise SystemExit('the database is damaged')"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PERIJOVE_HOME", str(tmp_path))
    (tmp_path / "run").mkdir()
    return load_settings()


def spec(folder: Path, script: str, name: str = "hub") -> ChildSpec:
    work = folder / name
    work.mkdir(exist_ok=True)
    return ChildSpec(
        name=name,
        argv=(sys.executable, "-c", script),
        cwd=work,
        env=dict(os.environ),
        log=folder / "logs" / f"{name}.log",
        ready=(work / "ready").exists,
    )


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def good(settings: Settings, said: list[str]) -> Iterator[Supervisor]:
    plan = [[spec(settings.home, GOOD, "proxy")], [spec(settings.home, GOOD, "hub")]]
    supervisor = Supervisor(settings, plan, said.append)
    yield supervisor
    supervisor.stop()


def test_groups_start_in_order_and_everything_is_told(
    good: Supervisor, settings: Settings, said: list[str]
) -> None:
    good.start()
    assert said == ["starting proxy", "proxy is ready", "starting hub", "hub is ready"]
    found = read_presence(settings.layout)
    assert found is not None
    assert found.state == "running"
    assert [(process.name, process.ready) for process in found.processes] == [("proxy", True), ("hub", True)]


def test_stopping_ends_everything_and_forgets(good: Supervisor, settings: Settings) -> None:
    good.start()
    pids = [child.state().pid for child in good.children]
    good.stop()
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert read_presence(settings.layout) is None


def test_a_process_that_ignores_sigterm_is_killed_after_the_deadline(
    settings: Settings, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "_STOP_DEADLINE", 0.5)
    supervisor = Supervisor(settings, [[spec(settings.home, DEAF)]], said.append)
    supervisor.start()
    supervisor.stop()
    assert said[-1] == "hub did not end on SIGTERM; killed"
    assert not supervisor.children[0].alive


def test_what_does_not_start_is_told_with_the_end_of_its_log(settings: Settings, said: list[str]) -> None:
    supervisor = Supervisor(settings, [[spec(settings.home, BROKEN)]], said.append)
    with pytest.raises(PerijoveError, match="the database is damaged") as caught:
        supervisor.start()
    supervisor.stop()
    assert "hub.log" in caught.value.advice


def test_what_is_never_ready_is_told(
    settings: Settings, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "_START_DEADLINE", 0.5)
    supervisor = Supervisor(settings, [[spec(settings.home, "import time; time.sleep(300)")]], said.append)
    with pytest.raises(PerijoveError, match="does not answer"):
        supervisor.start()
    supervisor.stop()


def wait_until(holds: object, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_crashed_process_is_started_again(good: Supervisor, settings: Settings, said: list[str]) -> None:
    good.start()
    child = good.children[1]
    first = child.state().pid
    (settings.home / "hub" / "ready").unlink()
    os.kill(first, signal.SIGKILL)

    def again() -> bool:
        good.step()
        return child.ready and child.state().pid not in (0, first)

    wait_until(again)
    assert said[-2:] == ["hub ended (signal 9); starting it again in 0 s", "hub is ready again"]
    assert child.restarts == 1


def test_crashes_in_a_row_are_met_with_longer_pauses(tmp_path: Path) -> None:
    child = Child(spec(tmp_path, BROKEN))
    child.start()
    pauses = []
    for _ in range(3):
        wait_until(lambda: not child.alive)
        event = child.watch() or ""
        pauses.append(event.partition(" in ")[2])
        child._next_start = 0.0
        child.watch()
    child.kill()
    assert pauses == ["0 s", "1 s", "3 s"]


def test_after_a_restart_others_are_told_once_it_is_ready(tmp_path: Path) -> None:
    from dataclasses import replace

    told: list[str] = []
    child = Child(replace(spec(tmp_path, GOOD), after_restart=lambda: told.append("again")))
    child.start()
    wait_until(child.check_ready)
    assert told == []
    child.kill()
    child.watch()
    child.watch()
    wait_until(child.check_ready)
    child.check_ready()
    child.kill()
    assert told == ["again"]


def test_children_end_with_a_killed_supervisor(tmp_path: Path) -> None:
    script = (
        "import os, sys, time; from pathlib import Path\n"
        "from perijove.supervisor.child import Child, ChildSpec\n"
        "child = Child(ChildSpec(name='x', argv=('sleep', '300'), cwd=Path('/'), env=dict(os.environ),\n"
        "                        log=Path(sys.argv[1]), ready=lambda: True))\n"
        "child.start(); print(child.state().pid, flush=True); time.sleep(300)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        child = psutil.Process(int(supervisor.stdout.readline()))
        supervisor.kill()
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_signals_ask_to_stop_once() -> None:
    def be_signalled() -> None:
        with stop_on_signals():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)

    with pytest.raises(Stopped):
        be_signalled()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_refused_connection_is_no_answer() -> None:
    assert not answers("http://127.0.0.1:9/")
    assert not answers("nonsense")


def test_the_end_of_a_log(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"one\n\xff two\nthree\n")
    assert tail(tmp_path / "log", 2).splitlines()[-1] == "three"
    assert tail(tmp_path / "none", 2) == ""
