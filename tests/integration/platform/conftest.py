"""A whole platform, as `perijove up` starts it, on the home that `make test` keeps installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from tests.browser.page_objects import WelcomePage

STATE = ("state", "datasets", "uploads", "jobs", "homes", "sandboxes", "run", "logs")


@dataclass(frozen=True)
class Platform:
    """Runs the installed command line on one home and port."""

    home: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [str(self.home / "envs" / "platform" / "bin" / "perijove"), *arguments]
        given = {"PERIJOVE_HOME": str(self.home), "PERIJOVE_PORT": str(self.port)}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PERIJOVE_")}
        answer = subprocess.run(
            command, env={**kept, **given}, capture_output=True, text=True, timeout=300, check=False
        )
        assert not check or answer.returncode == 0, f"{answer.stdout}\n{answer.stderr}\n{self.logs()}"
        return answer

    def up(self) -> subprocess.CompletedProcess[str]:
        return self.run("up", "--detach")

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status", "--json", check=False).stdout)
        return found

    def process(self, name: str) -> dict[str, Any]:
        return next(process for process in self.status()["processes"] if process["name"] == name)

    def token(self, name: str) -> str:
        return self.run("token", name).stdout.strip()

    def logs(self) -> str:
        """The ends of all logs: what a failed test shows."""
        parts = []
        for log in sorted((self.home / "logs").glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-25:]
            parts.append("\n".join([f"== {log.name}", *lines]))
        return "\n".join(parts)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def empty_platform() -> Iterator[Platform]:
    """Installed, without any state, not running; whatever a test leaves running is ended."""
    platform = Platform(home=Path(os.environ["PERIJOVE_TEST_HOME"]), port=free_port())
    platform.run("down", "--all")
    for name in STATE:
        shutil.rmtree(platform.home / name, ignore_errors=True)
    yield platform
    platform.run("down", "--all")


@pytest.fixture(scope="module")
def first_start(empty_platform: Platform) -> subprocess.CompletedProcess[str]:
    """What the first start on an empty home said."""
    return empty_platform.up()


@pytest.fixture
def platform(empty_platform: Platform, first_start: subprocess.CompletedProcess[str]) -> Platform:
    """A running platform, whatever the test before has done to it."""
    if empty_platform.status()["state"] != "running":
        empty_platform.up()
    return empty_platform


def first_administrator(platform: Platform, context: BrowserContext) -> Page:
    """Ada, signed in on a page of `context` by the link that the first `perijove up` prints."""
    said = platform.up().stdout
    link = re.search(r"http\S+/hub/welcome#\S+", said)
    assert link, said
    page = context.new_page()
    WelcomePage(page).open(link[0]).choose("correct horse battery", name="ada")
    return page
