"""One supervisor for each home."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from perijove.core.errors import ConflictError
from perijove.core.layout import Layout
from perijove.supervisor.presence import (
    Presence,
    ProcessState,
    end_leftovers,
    forget_presence,
    is_supervised,
    read_presence,
    same_process,
    sole_supervisor,
    write_presence,
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def presence(*processes: ProcessState) -> Presence:
    return Presence(
        pid=os.getpid(),
        created=psutil.Process().create_time(),
        state="running",
        version="0",
        url="http://127.0.0.1:1",
        galaxy_url="http://127.0.0.1:1/services/galaxy",
        single_user=False,
        since=time.time(),
        processes=processes,
    )


def sleeper(*, deaf: bool = False) -> subprocess.Popen[bytes]:
    deafness = "signal.signal(signal.SIGTERM, signal.SIG_IGN); " if deaf else ""
    script = f"import signal, time; {deafness}print('on', flush=True); time.sleep(300)"
    process = subprocess.Popen([sys.executable, "-c", script], start_new_session=True, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    return process


def as_state(process: subprocess.Popen[bytes]) -> ProcessState:
    created = psutil.Process(process.pid).create_time()
    return ProcessState(name="hub", pid=process.pid, created=created, ready=True, restarts=0)


def test_nobody_supervises_an_empty_home(layout: Layout) -> None:
    assert not is_supervised(layout)
    assert read_presence(layout) is None


def test_a_second_supervisor_is_told_who_runs(layout: Layout) -> None:
    with sole_supervisor(layout):
        write_presence(layout, presence())
        assert is_supervised(layout)
        with (
            pytest.raises(ConflictError, match=f"process {os.getpid()}.*http://127.0.0.1:1"),
            sole_supervisor(layout),
        ):
            pass
    assert not is_supervised(layout)


def test_the_place_is_free_after_a_kill(layout: Layout) -> None:
    script = (
        "import sys, time; from pathlib import Path; from perijove.core.layout import Layout\n"
        "from perijove.supervisor.presence import sole_supervisor\n"
        "with sole_supervisor(Layout(Path(sys.argv[1]))): print('held', flush=True); time.sleep(300)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, str(layout.root)], stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_supervised(layout)
        holder.kill()
    assert not is_supervised(layout)


def test_what_is_written_is_read(layout: Layout) -> None:
    layout.run.mkdir()
    write_presence(layout, presence())
    assert read_presence(layout) == presence().model_copy(update={"since": read_presence(layout).since})  # type: ignore[union-attr]
    forget_presence(layout)
    assert read_presence(layout) is None


def test_a_damaged_file_is_none(layout: Layout) -> None:
    layout.run.mkdir()
    (layout.run / "supervisor.json").write_text('{"pid": ')
    assert read_presence(layout) is None


@pytest.mark.parametrize("deaf", [False, True])
def test_leftovers_are_ended_even_if_they_ignore_sigterm(layout: Layout, deaf: bool) -> None:
    layout.run.mkdir()
    with sleeper(deaf=deaf) as process:
        write_presence(layout, presence(as_state(process)))
        assert end_leftovers(layout) == ["hub"]
        assert not psutil.pid_exists(process.pid)


def test_another_process_with_the_same_pid_is_left_alone(layout: Layout) -> None:
    layout.run.mkdir()
    with sleeper() as process:
        state = as_state(process)
        write_presence(layout, presence(state.model_copy(update={"created": state.created - 100})))
        assert end_leftovers(layout) == []
        assert process.poll() is None
        process.kill()


def test_a_dead_process_is_nobody() -> None:
    process = sleeper()
    created = psutil.Process(process.pid).create_time()
    process.kill()
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert same_process(process.pid, created) is None
    process.wait()
    assert same_process(process.pid, created) is None
