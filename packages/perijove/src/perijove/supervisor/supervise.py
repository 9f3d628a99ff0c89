"""Start everything in order, keep it running, stop it within a deadline."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import psutil

from perijove import __version__
from perijove.core.errors import PerijoveError
from perijove.core.settings import Settings
from perijove.supervisor.child import Child, ChildSpec
from perijove.supervisor.presence import Presence, forget_presence, write_presence

Report = Callable[[str], None]
_START_DEADLINE = 180.0
_STOP_DEADLINE = 15.0
_CRASHES_AT_START = 3
_PAUSE = 0.2
_HEALTH_EVERY = 10.0
_HEALTH_FAILURES = 12  # two minutes without an answer: on a loaded machine a busy process is slow, not dead


class Stopped(Exception):  # noqa: N818 (it is a request, not an error)
    """SIGTERM or SIGINT came."""


class Supervisor:
    """The platform's processes under one roof. Use it as: `start`, `watch` (until a signal), `stop`."""

    def __init__(self, settings: Settings, plan: list[list[ChildSpec]], report: Report) -> None:
        self._settings = settings
        self._groups = [[Child(spec) for spec in group] for group in plan]
        self._report = report
        self._since = time.time()
        self._failures: dict[str, int] = {}
        self._next_health = time.monotonic() + _HEALTH_EVERY

    @property
    def children(self) -> list[Child]:
        """Every process, in order."""
        return [child for group in self._groups for child in group]

    def start(self) -> None:
        """Start group after group. PerijoveError with the end of the log of what does not get ready."""
        for group in self._groups:
            for child in group:
                self._report(f"starting {child.spec.name}")
                child.start()
            self._tell("starting")
            self._await(group)
        self._tell("running")

    def _await(self, group: list[Child]) -> None:
        deadline = time.monotonic() + _START_DEADLINE
        waiting = list(group)
        while waiting:
            for child in waiting:
                self._keep(child)
                if child.crashes >= _CRASHES_AT_START:
                    raise _does_not_start(child, "ends again and again")
            for child in [child for child in waiting if child.check_ready()]:
                waiting.remove(child)
                self._report(f"{child.spec.name} is ready")
            if waiting and time.monotonic() > deadline:
                raise _does_not_start(waiting[0], f"does not answer within {_START_DEADLINE:.0f} s")
            if waiting:
                time.sleep(_PAUSE)

    def watch(self) -> None:
        """Keep everything running, until `Stopped` or another error is raised into it."""
        while True:
            self.step()
            time.sleep(_PAUSE)

    def step(self) -> None:
        """One round: start again what ended, tell who is ready again, now and then ask for health."""
        for child in self.children:
            self._keep(child)
            if not child.ready and child.check_ready():
                self._report(f"{child.spec.name} is ready again")
                self._tell("running")
        if time.monotonic() > self._next_health:
            for child in self.children:
                self._check_health(child)
            self._tell("running")
            self._next_health = time.monotonic() + _HEALTH_EVERY

    def _keep(self, child: Child) -> None:
        restarts = child.restarts
        if (event := child.watch()) is not None:
            self._report(event)
        if child.restarts != restarts:
            self._tell("running")

    def _check_health(self, child: Child) -> None:
        name = child.spec.name
        if not child.alive or child.check_ready():
            self._failures[name] = 0
            return
        self._failures[name] = self._failures.get(name, 0) + 1
        if self._failures[name] >= _HEALTH_FAILURES:
            self._report(f"{name} has not answered for {_HEALTH_FAILURES * _HEALTH_EVERY:.0f} s; ending it")
            self._failures[name] = 0
            child.kill()

    def stop(self) -> None:
        """End everything, last started first; whoever ignores SIGTERM is killed after the deadline."""
        self._tell("stopping")
        for group in reversed(self._groups):
            for child in group:
                child.ask_to_stop()
            deadline = time.monotonic() + _STOP_DEADLINE
            while time.monotonic() < deadline and any(child.alive for child in group):
                time.sleep(_PAUSE)
            for child in group:
                if child.alive:
                    self._report(f"{child.spec.name} did not end on SIGTERM; killed")
                    child.kill()
        forget_presence(self._settings.layout)

    def _tell(self, state: str) -> None:
        presence = {
            "pid": os.getpid(),
            "created": psutil.Process().create_time(),
            "state": state,
            "version": __version__,
            "url": self._settings.url,
            "galaxy_url": self._settings.galaxy_url,
            "single_user": self._settings.single_user,
            "since": self._since,
            "processes": [child.state() for child in self.children],
        }
        write_presence(self._settings.layout, Presence.model_validate(presence))


def _does_not_start(child: Child, how: str) -> PerijoveError:
    lines = child.last_lines()
    return PerijoveError(
        f"{child.spec.name} {how}. The end of its log:\n{lines}", advice=f"The whole log is {child.spec.log}."
    )


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """SIGTERM, SIGINT and SIGHUP raise `Stopped` once; later ones do not disturb the stopping."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}

    def ask(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped

    for number in numbers:
        signal.signal(number, ask)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
