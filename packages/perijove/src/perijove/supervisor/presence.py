"""Who supervises a `PERIJOVE_HOME` now: one lock, and one file that tells what runs."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from perijove.core.errors import ConflictError
from perijove.core.layout import Layout


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class ProcessState(_Frozen):
    """One process of the platform. `created` tells it from a later process with the same pid."""

    name: str
    pid: int
    created: float
    ready: bool
    restarts: int


class Presence(_Frozen):
    """What the supervisor tells about itself; no secrets, everybody may read it."""

    pid: int
    created: float
    state: Literal["starting", "running", "stopping"]
    version: str
    url: str
    galaxy_url: str
    single_user: bool
    since: float
    processes: tuple[ProcessState, ...] = ()


def _file(layout: Layout) -> Path:
    return layout.run / "supervisor.json"


def _lock_file(layout: Layout) -> Path:
    return layout.run / "supervisor.lock"


@contextmanager
def sole_supervisor(layout: Layout) -> Iterator[None]:
    """Hold the one place of a supervisor. ConflictError tells who has it; it goes with its holder's death."""
    layout.run.mkdir(parents=True, exist_ok=True)
    with _lock_file(layout).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _taken(layout) from error
        yield


def _taken(layout: Layout) -> ConflictError:
    found = read_presence(layout)
    who = "Another process is starting Perijove"
    if found is not None:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.since))
        who = f"Perijove already runs: process {found.pid}, since {when}, at {found.url}"
    return ConflictError(
        f"{who} (home: {layout.root}).", advice="`perijove status` shows it, `perijove down` stops it."
    )


def is_supervised(layout: Layout) -> bool:
    """Whether a supervisor lives, whatever it wrote."""
    try:
        with _lock_file(layout).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def write_presence(layout: Layout, presence: Presence) -> None:
    """Replace the file, whole or not at all."""
    new = _file(layout).with_suffix(f".{os.getpid()}")
    new.write_text(presence.model_dump_json(indent=1))
    new.chmod(0o644)
    new.replace(_file(layout))


def read_presence(layout: Layout) -> Presence | None:
    """What the last supervisor told; None where there was none. It may be dead: see `is_supervised`."""
    try:
        return Presence.model_validate(json.loads(_file(layout).read_text()))
    except (OSError, ValueError, ValidationError):
        return None


def forget_presence(layout: Layout) -> None:
    """Nothing runs any more."""
    _file(layout).unlink(missing_ok=True)


def same_process(pid: int, created: float) -> psutil.Process | None:
    """The process `pid` if it still is the one that was created then."""
    try:
        process = psutil.Process(pid)
        gone = process.status() == psutil.STATUS_ZOMBIE  # nobody has asked for its exit code yet
        return process if not gone and abs(process.create_time() - created) < 0.05 else None
    except psutil.Error:
        return None


def end_leftovers(layout: Layout) -> list[str]:
    """Kill what a supervisor that was killed left behind, and return the names. Hold the lock meanwhile."""
    found = read_presence(layout)
    ended = []
    for process in found.processes if found else ():
        if (alive := same_process(process.pid, process.created)) is not None:
            end_tree(alive)
            ended.append(process.name)
    return ended


def end_tree(process: psutil.Process, *, grace: float = 3.0) -> None:
    """SIGTERM, then SIGKILL, to a process and what it started in its own session."""
    try:
        family = [
            process,
            *(child for child in process.children(recursive=True) if _same_session(process, child)),
        ]
    except psutil.Error:
        return
    for member in family:
        _signal(member, kill=False)
    _, alive = psutil.wait_procs(family, timeout=grace)
    for member in alive:
        _signal(member, kill=True)
    psutil.wait_procs(alive, timeout=5)


def _same_session(process: psutil.Process, child: psutil.Process) -> bool:
    try:
        return os.getsid(child.pid) == os.getsid(process.pid)
    except OSError:
        return False


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        process.kill() if kill else process.terminate()
    except psutil.NoSuchProcess:
        return
