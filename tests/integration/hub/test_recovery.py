"""Labs go on whatever happens to the hub, and the hub finds them again."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from perijove.hub.testing import FrontDoor, Visitor, wait_until
from perijove.sandbox import connect_launcher

People = Callable[[str], Visitor]


@pytest.fixture(scope="module")
def ada(people: People) -> Visitor:
    return people("ada")


@pytest.fixture(scope="module")
def lab(ada: Visitor) -> str:
    ada.start_lab("small")
    return ada.wait_for_lab()


@pytest.fixture(scope="module")
def kernel(ada: Visitor, lab: str) -> str:
    kernel = ada.new_kernel(lab)
    ada.execute(lab, kernel, "kept = 'from before'")
    return kernel


def running(door: FrontDoor) -> list[str]:
    return [status.id for status in connect_launcher(door.settings).list() if status.state == "running"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_lab_outlives_the_hub_and_is_reachable_meanwhile(
    door: FrontDoor, ada: Visitor, lab: str, kernel: str, how: signal.Signals
) -> None:
    before = running(door)
    door.stop_hub(how)
    # The hub is away; the proxy and the lab's own memory of who is signed in are not.
    assert ada.execute(lab, kernel, "print(kept)") == "from before\n"
    assert running(door) == before
    door.start_hub()
    assert ada.execute(lab, kernel, "print(kept)") == "from before\n"
    assert running(door) == before
    home = ada.get("/hub/home").text
    assert "Holds 1 CPU, 1 GiB" in home
    wait_until(lambda: door.client.user("ada")["servers"][""]["ready"], what="the lab's recovery")


def test_while_the_hub_is_away_its_pages_say_so(door: FrontDoor, ada: Visitor) -> None:
    door.stop_hub()
    answer = ada.get("/hub/home")
    assert answer.status_code == 503
    assert "tries again" in answer.text
    door.start_hub()


def test_a_hub_killed_while_a_lab_starts_loses_nothing(door: FrontDoor, people: People) -> None:
    bob = people("bob")
    before = set(running(door))
    bob.start_lab("small")
    started = set(running(door)) - before
    assert len(started) == 1
    door.stop_hub(signal.SIGKILL)
    door.start_hub()
    # Either the same lab is found again, or it is ended and can be started anew: never two, never a ghost.
    wait_until(lambda: not door.client.user("bob")["servers"].get("", {}).get("pending"), what="a decision")
    if not door.client.user("bob")["servers"]:
        bob.start_lab("small")
    base = bob.wait_for_lab()
    assert len(set(running(door)) - before) == 1
    assert bob.execute(base, bob.new_kernel(base), "print('here')") == "here\n"
    door.client.stop_lab("bob")
    wait_until(lambda: set(running(door)) == before, what="the end of bob's lab")


def test_a_lab_that_ends_while_the_hub_is_away_is_noticed(door: FrontDoor, people: People) -> None:
    cyd = people("cyd")
    before = set(running(door))
    cyd.start_lab("small")
    cyd.wait_for_lab()
    (sandbox,) = set(running(door)) - before
    door.stop_hub()
    connect_launcher(door.settings).stop(sandbox, grace=1)
    door.start_hub()
    wait_until(lambda: not door.client.user("cyd")["servers"], what="the hub's notice")
    cyd.start_lab("small")
    cyd.wait_for_lab()
    door.client.stop_lab("cyd")


def test_a_lab_killed_from_outside_is_noticed_and_can_be_started_again(
    door: FrontDoor, people: People
) -> None:
    dan = people("dan")
    before = set(running(door))
    dan.start_lab("small")
    dan.wait_for_lab()
    (sandbox,) = set(running(door)) - before
    connect_launcher(door.settings).stop(sandbox, grace=0)
    wait_until(lambda: not door.client.user("dan")["servers"], what="the hub's notice")
    dan.start_lab("small")
    dan.wait_for_lab()
    door.client.stop_lab("dan")


def test_a_launcher_that_is_away_ends_no_lab(door: FrontDoor, ada: Visitor, lab: str, kernel: str) -> None:
    door.stop_hub()
    door.stop_launcher()
    door.start_hub()
    # The hub waits for the launcher, then takes the lab as running.
    wait_until(lambda: door.client.user("ada")["servers"][""]["ready"], what="the lab's recovery")
    refused = ada.get("/hub/spawn/ada/other")
    assert refused.ok
    assert 'role="alert"' in refused.text
    door.start_launcher()
    assert ada.execute(lab, kernel, "print(kept)") == "from before\n"


def test_signing_out_ends_no_lab(ada: Visitor, lab: str, door: FrontDoor) -> None:
    ada.get("/hub/logout")
    assert door.client.user("ada")["servers"][""]["ready"]
