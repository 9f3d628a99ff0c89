"""Who comes in: sign-up, approval, one-time links, removal; and who does not."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import requests

from perijove.core.errors import ConflictError, NotFoundError
from perijove.hub.people import FAILED_LOGINS
from perijove.hub.testing import FrontDoor, Visitor

PASSWORD = "correct horse battery"
People = Callable[[str], Visitor]


def signed_in(answer: requests.Response) -> bool:
    return "/hub/login" not in answer.url and answer.ok


def test_sign_up_waits_for_approval(door: FrontDoor) -> None:
    visitor = Visitor(door.url)
    assert "has been noted" in visitor.sign_up("bob", PASSWORD).text
    refused = visitor.sign_in("bob", PASSWORD)
    assert refused.status_code == 403
    assert "waiting for an administrator" in refused.text
    door.client.approve("bob")
    assert signed_in(visitor.sign_in("bob", PASSWORD))
    assert visitor.name == "bob"


def test_the_one_time_link_makes_the_first_administrator_once(door: FrontDoor, admin: Visitor) -> None:
    assert admin.get("/hub/people").ok
    link = door.client.sign_in_link(admin=True)
    assert Visitor(door.url).use_link(link, "second-admin", PASSWORD).ok
    again = Visitor(door.url).use_link(link, "mallory", PASSWORD)
    assert again.status_code == 403
    assert "has been used or has expired" in again.text
    assert "mallory" not in [person["name"] for person in door.client.people()]


def test_a_link_survives_a_bad_password_and_takes_no_existing_name(door: FrontDoor, people: People) -> None:
    people("cyd")
    link, visitor = door.client.sign_in_link(), Visitor(door.url)
    assert visitor.use_link(link, "dan", "short").status_code == 400
    assert visitor.use_link(link, "cyd", PASSWORD).status_code == 409
    assert visitor.use_link(link, "dan", PASSWORD).ok


def test_a_link_with_a_name_sets_a_new_password_and_ends_old_sessions(
    door: FrontDoor, people: People
) -> None:
    eve = people("eve")
    link = door.client.sign_in_link("eve")
    # Whoever holds the link cannot become somebody else with it.
    assert Visitor(door.url).use_link(link, "root-ada", "another fine password").ok
    assert not signed_in(eve.get("/hub/home"))
    assert not signed_in(eve.sign_in("eve", PASSWORD))
    assert signed_in(eve.sign_in("eve", "another fine password"))


def test_the_token_of_a_link_is_in_no_log_and_not_on_disk(door: FrontDoor) -> None:
    link = door.client.sign_in_link("finn")
    token = link.partition("#")[2]
    Visitor(door.url).use_link(link, "finn", PASSWORD).raise_for_status()
    unused = door.client.sign_in_link("greta").partition("#")[2]
    for secret in (token, unused, PASSWORD):
        assert secret not in door.log("hub") + door.log("proxy")
        database = (door.settings.layout.state / "hub/jupyterhub.sqlite").read_bytes()
        assert secret.encode() not in database


def test_wrong_passwords_make_a_name_rest(door: FrontDoor, people: People) -> None:
    people("hal")
    visitor = Visitor(door.url)
    for _ in range(FAILED_LOGINS):
        assert visitor.sign_in("hal", "wrong").status_code == 403
    assert visitor.sign_in("hal", PASSWORD).status_code == 403
    # Names that nobody has look just the same.
    assert visitor.sign_in("nobody-at-all", PASSWORD).status_code == 403


def test_administrators_decide_by_page_and_nobody_else_does(
    admin: Visitor, people: People, door: FrontDoor
) -> None:
    Visitor(door.url).sign_up("ivy", PASSWORD).raise_for_status()
    other = people("jon")
    assert other.get("/hub/people").status_code == 403
    assert (
        other.post_form("/hub/people", "/hub/change-password", name="ivy", action="approve").status_code
        == 403
    )
    assert admin.post_form("/hub/people", name="ivy", action="approve").ok
    assert signed_in(Visitor(door.url).sign_in("ivy", PASSWORD))


def test_nothing_is_decided_by_following_a_link(admin: Visitor, door: FrontDoor) -> None:
    Visitor(door.url).sign_up("kay", PASSWORD).raise_for_status()
    for path in (
        "/hub/people?name=kay&action=approve",
        "/hub/authorize/kay",
        "/hub/api/people/kay?action=approve",
    ):
        admin.get(path)
    without_token = admin.session.post(door.url + "/hub/people", data={"name": "kay", "action": "approve"})
    assert without_token.status_code == 403
    assert not next(person for person in door.client.people() if person["name"] == "kay")["approved"]


def test_removed_access_ends_sessions_and_keys(door: FrontDoor, people: People) -> None:
    leo = people("leo")
    token = door.client.new_token("leo")
    headers = {"Authorization": f"token {token}"}
    assert requests.get(door.url + "/hub/api/user", headers=headers).ok
    door.client.revoke("leo")
    assert requests.get(door.url + "/hub/api/user", headers=headers).status_code == 403
    assert not signed_in(leo.get("/hub/home"))
    assert not signed_in(leo.sign_in("leo", PASSWORD))


def test_administrators_cannot_lock_themselves_out(admin: Visitor) -> None:
    for action in ("revoke", "demote"):
        assert admin.post_form("/hub/people", name="root-ada", action=action).status_code == 409


def test_making_and_unmaking_administrators(door: FrontDoor, people: People) -> None:
    mia = people("mia")
    door.client.promote("mia")
    assert mia.get("/hub/people").ok
    door.client.promote("mia", admin=False)
    assert mia.get("/hub/people").status_code == 403
    with pytest.raises(NotFoundError):
        door.client.promote("nobody-at-all")


def test_users_change_their_own_password(door: FrontDoor, people: People) -> None:
    ned = people("ned")
    elsewhere = Visitor(door.url)
    elsewhere.sign_in("ned", PASSWORD)
    fields = {"new_password": "a whole new one", "new_password_confirmation": "a whole new one"}
    assert ned.post_form("/hub/change-password", old_password="wrong", **fields).status_code == 403
    assert ned.post_form("/hub/change-password", old_password="x" * 100, **fields).status_code == 403
    assert ned.post_form("/hub/change-password", old_password=PASSWORD, **fields).ok
    assert signed_in(ned.get("/hub/home"))
    assert not signed_in(elsewhere.get("/hub/home"))
    assert signed_in(elsewhere.sign_in("ned", "a whole new one"))


def test_the_client_says_what_is_wrong(door: FrontDoor) -> None:
    with pytest.raises(NotFoundError):
        door.client.approve("nobody-at-all")
    with pytest.raises(NotFoundError):
        door.client.new_token("nobody-at-all")
    with pytest.raises(ConflictError):
        door.client._decide("root-ada", "discard")


ODD = ["", "x" * 10_000, "a/../b", "<script>alert(1)</script>", "ä ö", "%00", "a\x00b", "🪐", "' OR 1=1 --"]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("path", ["/hub/login", "/hub/signup", "/hub/welcome"])
def test_odd_input_is_refused_and_shown_harmlessly(door: FrontDoor, path: str, odd: str) -> None:
    fields = dict.fromkeys(
        ("username", "password", "signup_password", "signup_password_confirmation", "confirmation", "token"),
        odd,
    )
    answer = Visitor(door.url).post_form(path, **fields)
    assert 400 <= answer.status_code < 500
    assert "<script>alert" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", ["/hub/login", "/hub/signup", "/hub/welcome"])
def test_forms_without_fields_are_refused(door: FrontDoor, path: str) -> None:
    assert 400 <= Visitor(door.url).post_form(path).status_code < 500


def test_bytes_that_are_no_text_are_refused(door: FrontDoor) -> None:
    visitor = Visitor(door.url)
    token = re.search(r'name="_xsrf" value="([^"]+)"', visitor.get("/hub/login").text)
    assert token
    body = f"_xsrf={token.group(1)}&username=%ff%fe&password=%ff".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = visitor.session.post(door.url + "/hub/login", data=body, headers=headers)
    assert 400 <= answer.status_code < 500


def test_pages_come_with_safe_headers_and_cookies(door: FrontDoor) -> None:
    visitor = Visitor(door.url)
    answer = visitor.get("/hub/login")
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.text)
    assert all(cookie.get_nonstandard_attr("SameSite") == "Lax" for cookie in visitor.session.cookies)
