"""Containers of the lab's image for tests: started by podman, looked at, removed."""

from __future__ import annotations

import itertools
import os
import re
import socket
import subprocess
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import requests

from perijove.hub.testing import wait_until
from perijove.sandbox.podman import machine_options, process_limits

_PORTS = itertools.cycle(range(18_210, 18_290))


def podman(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """One command of podman, to its end. CalledProcessError where it fails and `check` is set."""
    command = ["podman", *machine_options(), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=check)


@dataclass(kw_only=True)
class Container:
    """A container that runs, or has ended. `port` leads to its 8888."""

    name: str
    port: int
    folder: Path
    started: float = field(default_factory=time.monotonic)

    @property
    def url(self) -> str:
        """Where its lab answers."""
        return f"http://127.0.0.1:{self.port}"

    def log(self) -> str:
        """All that it wrote."""
        told = podman("logs", self.name)
        return told.stdout + told.stderr

    def wait_until_it_answers(self, base: str = "") -> float:
        """Seconds from the start to the first answer. RuntimeError with its log where it has ended."""

        def answers() -> bool:
            try:
                return requests.get(f"{self.url}{base}/api", timeout=10).ok
            except requests.ConnectionError:
                self._check_that_it_runs()
                return False

        wait_until(answers, timeout=120, what="the lab's answer")
        return time.monotonic() - self.started

    def _check_that_it_runs(self) -> None:
        if podman("inspect", "--format", "{{.State.Running}}", self.name).stdout.strip() != "true":
            raise RuntimeError(self.log())

    @property
    def token(self) -> str:
        """The token that it has shown, once. ValueError where it was shown never or twice."""
        (found,) = re.findall(r"\?token=([\w-]+)", self.log())
        return str(found)


class Containers:
    """Containers of one image, whose folders lie below `top` and belong to `uid`."""

    def __init__(self, image: str, top: Path, uid: int) -> None:
        self._image = image
        self._top = top
        self._uid = uid
        self._names: list[str] = []

    def run(self, *options: str, command: tuple[str, ...] = ()) -> Container:
        """Start one with a new folder at /import."""
        name = f"perijove-test-{os.getpid()}-{len(self._names)}"
        folder = self._top / name
        folder.mkdir(mode=0o700)
        os.chown(folder, self._uid, self._uid)
        found = Container(name=name, port=free_port(), folder=folder)
        self._names.append(name)
        own = ["--detach", "--name", name, "--pull=never", *process_limits()]
        places = ["--publish", f"127.0.0.1:{found.port}:8888", "--volume", f"{folder}:/import"]
        podman("run", *own, *places, *options, self._image, *command)
        return found

    def remove(self) -> None:
        """End and remove all."""
        for name in self._names:
            # podman refuses while the container's monitor is cleaning up after it.
            wait_until(partial(_remove, name), timeout=60, what=f"the end of {name}")


def _remove(name: str) -> bool:
    podman("rm", "--force", "--time", "1", name, check=False)
    return podman("container", "exists", name, check=False).returncode != 0


def free_port() -> int:
    """A port that nobody listens on."""
    for port in itertools.islice(_PORTS, 80):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise RuntimeError("no free port")
