"""The idle culler ends what is idle, and never a lab that works."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from perijove.hub.testing import FrontDoor, Visitor, wait_until

IDLE = 60
TOML = f"""
[machine]
cpus = 4
memory = "8G"

[hub]
idle_timeout = {IDLE}

[[flavors]]
name = "small"
cpus = 1
memory = "1G"
"""


@pytest.fixture(scope="module")
def door(open_door: Callable[..., FrontDoor]) -> FrontDoor:
    return open_door(TOML)


def servers(door: FrontDoor, name: str) -> dict[str, object]:
    return dict(door.client.user(name)["servers"])


def start_terminal(visitor: Visitor, base: str, command: str) -> None:
    answer = visitor.lab_api(base, "POST", "terminals", json={})
    answer.raise_for_status()
    visitor.type_in_terminal(base, answer.json()["name"], command)


@pytest.mark.slow
def test_busy_labs_are_spared_and_idle_ones_end(door: FrontDoor, people: Callable[[str], Visitor]) -> None:
    silent, typing, idle = people("silent"), people("typing"), people("idle")
    silent.start_lab("small")
    base = silent.wait_for_lab()
    # A cell that computes for long and prints nothing, with nobody watching.
    silent.submit(base, silent.new_kernel(base), f"import time; time.sleep({IDLE * 5})")
    typing.start_lab("small")
    start_terminal(typing, typing.wait_for_lab(), f"sleep {IDLE * 10}\r")
    idle.start_lab("small")
    base = idle.wait_for_lab()
    idle.execute(base, idle.new_kernel(base), "1")
    wait_until(lambda: not servers(door, "idle"), timeout=IDLE * 4, what="the end of the idle lab")
    time.sleep(IDLE)
    assert servers(door, "silent")
    assert servers(door, "typing")
    wait_until(lambda: not servers(door, "silent"), timeout=IDLE * 8, what="the end once the cell has ended")
