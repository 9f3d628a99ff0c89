"""A running platform for the benchmarks: the one at `PERIJOVE_HOME`, or one started for this run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from perijove.core.settings import load_settings


@dataclass(frozen=True)
class Platform:
    """Addresses of a running platform and an API key of a user made for the benchmarks."""

    hub_url: str
    galaxy_url: str
    user: str
    key: str
    job_python: str


def perijove(*arguments: str, check: bool = True) -> str:
    """Standard output of one command of the installed platform."""
    program = load_settings().layout.environments / "platform" / "bin" / "perijove"
    done = subprocess.run([str(program), *arguments], check=check, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def _state() -> str:
    return str(json.loads(perijove("status", "--json", check=False))["state"])


def _job_python() -> str:
    settings = load_settings()
    return str(settings.layout.environments / settings.jobs.environment / "bin" / "python")


@contextmanager
def running_platform(user: str = "bench") -> Iterator[Platform]:
    """Yield the platform; stop it afterwards if it was started here."""
    started = _state() != "running"
    if started:
        perijove("up", "--detach")
    try:
        perijove("user", "add", user)
        status = json.loads(perijove("status", "--json"))
        yield Platform(
            hub_url=status["hub_url"],
            galaxy_url=status["galaxy_url"],
            user=user,
            key=perijove("token", user),
            job_python=_job_python(),
        )
    finally:
        if started:
            perijove("down", "--all")
