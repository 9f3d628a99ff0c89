"""`hub.sharing`: who can be let into a room, by its page and by the hub's API; what a change of it ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests
from tests.integration.hub.conftest import FLAVORS, OpenDoor, member

from perijove.hub.testing import FrontDoor, Visitor, wait_until

ROOM = "room-seminar"
SCOPE = f"access:servers!server=olga/{ROOM}"


class House:
    """A front door whose setting changes, olga who has a room, gus of her group and mallory of none."""

    def __init__(self, door: FrontDoor) -> None:
        self.door = door
        self.olga, self.gus, self.mallory = (member(door, name) for name in ("olga", "gus", "mallory"))
        door.client._call("POST", "/api/groups/vision")
        door.client._call("POST", "/api/groups/vision/users", {"users": ["olga", "gus"]})
        self.sharing = "everybody"
        self.change("make", name="seminar")

    def change(self, action: str, **fields: str) -> requests.Response:
        """On the page of rooms, by olga."""
        return self.olga.post_form("/hub/rooms", action=action, room=ROOM, **fields)

    def invitation(self) -> str:
        """A link's path and code."""
        found = re.search(r"/hub/accept-share\?code=[\w-]+", self.change("link").text)
        assert found
        return found.group()

    def set(self, sharing: str) -> None:
        """As an administrator does it: the file, and a restart."""
        if sharing == self.sharing:
            return
        self.sharing = sharing
        (self.door.settings.home / "perijove.toml").write_text(f'{FLAVORS}\n[hub]\nsharing = "{sharing}"\n')
        self.door.stop_hub()
        self.door.start_hub()


def may_enter(visitor: Visitor) -> bool:
    """What the hub tells a room that asks who somebody is."""
    headers = {"Referer": f"{visitor.url}/hub/home"}
    return SCOPE in visitor.get("/hub/api/user", headers=headers).json()["scopes"]


def accept(visitor: Visitor, link: str) -> int:
    """The status of the answer to the button that accepts."""
    return visitor.post_form(link, page="/hub/rooms").status_code


@pytest.fixture(scope="module")
def at_first(open_door: OpenDoor) -> House:
    return House(open_door(FLAVORS))


@pytest.fixture
def house(at_first: House) -> Iterator[House]:
    at_first.set("everybody")
    yield at_first
    for guest in ("gus", "mallory"):
        at_first.change("revoke", guest=guest)


def test_everybody_invites_everybody_by_name_and_by_link(house: House) -> None:
    assert not may_enter(house.gus)
    assert house.change("invite", guest="mallory").ok
    assert may_enter(house.mallory)
    accept(house.gus, house.invitation())
    assert may_enter(house.gus)


def test_groups_invite_their_own_people_by_name(house: House) -> None:
    house.set("groups")
    refused = house.change("invite", guest="mallory")
    assert refused.status_code == 404
    assert "nobody named mallory in your groups" in refused.text
    assert not may_enter(house.mallory)
    assert house.change("invite", guest="gus").ok
    assert may_enter(house.gus)
    link = house.change("link")
    assert link.status_code == 403
    assert "accept-share" not in link.text


def test_groups_end_invitations_and_the_shares_of_people_of_no_common_group(house: House) -> None:
    for guest in ("gus", "mallory"):
        house.change("invite", guest=guest)
    link = house.invitation()
    house.set("groups")
    assert may_enter(house.gus)
    assert not may_enter(house.mallory)
    assert house.mallory.get(link).status_code == 404
    assert accept(house.mallory, link) == 400
    assert not may_enter(house.mallory)
    page = house.olga.get("/hub/rooms").text
    assert "An invitation link is open" not in page
    assert "Make an invitation link" not in page


def test_nobody_shares_anything_and_what_was_given_out_is_off(house: House) -> None:
    house.change("invite", guest="gus")
    link = house.invitation()
    house.set("nobody")
    for action, fields in {"link": {}, "invite": {"guest": "gus"}, "make": {"name": "other"}}.items():
        refused = house.change(action, **fields)
        assert refused.status_code == 403, action
        assert "Rooms are off here" in refused.text
    for visitor in (house.gus, house.mallory):
        assert visitor.get(link).status_code == 404
        assert accept(visitor, link) == 400
        assert not may_enter(visitor)
    page = house.gus.get("/hub/rooms").text
    assert "Rooms are off here" in page
    assert "Shared with me" not in page
    house.set("everybody")
    assert not may_enter(house.gus)  # what was ended does not come back


@pytest.mark.parametrize("sharing", ["everybody", "groups", "nobody"])
def test_the_hubs_own_api_shares_for_nobody(house: House, sharing: str) -> None:
    house.set(sharing)
    headers = {"Referer": f"{house.olga.url}/hub/home"}
    token = {"X-XSRFToken": house.olga.session.cookies.get("_xsrf", path="/hub/") or ""}
    for path, body in {
        f"share-codes/olga/{ROOM}": {},
        f"shares/olga/{ROOM}": {"user": "mallory"},
        "share-codes/olga/": {},
        "shares/olga/": {"user": "mallory"},
    }.items():
        url = f"{house.olga.url}/hub/api/{path}"
        answer = house.olga.session.post(url, json=body, headers={**headers, **token}, timeout=60)
        assert answer.status_code in (403, 404), f"{path}: {answer.status_code} {answer.text}"
    assert not may_enter(house.mallory)


def test_a_guest_who_is_in_the_room_is_shown_out(house: House) -> None:
    house.change("invite", guest="gus")
    house.olga.start_lab("small", ROOM)
    base = house.olga.wait_for_lab(ROOM)
    asked = house.gus.get(f"{base}/lab")  # once for each room of somebody else
    assert "oauth2/authorize" in asked.url
    house.gus.post_form(asked.url.removeprefix(house.gus.url), scopes=SCOPE)
    assert house.gus.get(f"{base}/api/contents").ok
    house.set("nobody")
    wait_until(lambda: house.gus.get(f"{base}/api/contents").status_code == 403, timeout=60)
    assert house.olga.get(f"{base}/api/contents").ok
