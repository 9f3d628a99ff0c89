"""Sign-up, approval and removal on a real hub database."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from jupyterhub import orm
from nativeauthenticator.orm import UserInfo

from perijove.core.errors import BadRequestError, ConflictError, NotFoundError
from perijove.hub import people

PASSWORD = "correct horse"


def ask(db: Any, name: str, password: str = PASSWORD, again: str | None = None) -> None:
    asyncio.run(people.ask_for_access(db, name, password, password if again is None else again))


def test_a_request_waits_until_somebody_approves(db: Any) -> None:
    ask(db, "ada")
    assert [(person.name, person.approved) for person in people.everybody(db)] == [("ada", False)]
    people.approve(db, "ada")
    assert people.everybody(db)[0].approved


def test_those_who_wait_come_first(db: Any) -> None:
    for name in ("ada", "bob", "cyd"):
        ask(db, name)
    people.approve(db, "ada")
    assert [person.name for person in people.everybody(db)] == ["bob", "cyd", "ada"]


@pytest.mark.parametrize(
    "name", ["", "A", "1a", "a b", "a/b", "a,b", "../x", "a" * 65, "ä", "a\n", "a\0b", "-a", "a%2f"]
)
def test_names_that_cannot_be_used(db: Any, name: str) -> None:
    with pytest.raises(BadRequestError):
        ask(db, name)
    assert people.everybody(db) == []


@pytest.mark.parametrize(
    ("password", "again"),
    [
        ("short", "short"),
        ("", ""),
        (PASSWORD, "else"),
        ("x" * 73, "x" * 73),
        ("ä" * 40, "ä" * 40),
        ("nul\0nul nul", "nul\0nul nul"),
    ],
)
def test_passwords_that_cannot_be_used(db: Any, password: str, again: str) -> None:
    with pytest.raises(BadRequestError):
        ask(db, "ada", password, again)


def test_the_name_is_no_password(db: Any) -> None:
    with pytest.raises(BadRequestError):
        ask(db, "ada.lovelace", "Ada.Lovelace")


def test_a_taken_name_stays_whose_it_is(db: Any) -> None:
    ask(db, "ada")
    with pytest.raises(ConflictError):
        ask(db, "ada", "another password")
    db.add(orm.User(name="bob"))  # known to the hub without a record of ours
    db.commit()
    with pytest.raises(ConflictError):
        ask(db, "bob")


def test_requests_cannot_fill_the_database(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "MAXIMUM_WAITING", 1)
    ask(db, "ada")
    with pytest.raises(ConflictError, match="waiting"):
        ask(db, "bob")


def test_only_the_hash_of_a_password_is_kept(db: Any) -> None:
    ask(db, "ada")
    stored = UserInfo.find(db, "ada").password
    assert PASSWORD.encode() not in stored
    assert asyncio.run(people.password_matches(PASSWORD, stored))
    for wrong in ("", "Correct horse", PASSWORD + " ", "x" * 100, "nul\0"):
        assert not asyncio.run(people.password_matches(wrong, stored))


def test_discard_and_approve_know_whom_they_are_about(db: Any) -> None:
    ask(db, "ada")
    people.discard(db, "ada")
    assert people.everybody(db) == []
    with pytest.raises(NotFoundError):
        people.approve(db, "ada")
    ask(db, "bob")
    people.approve(db, "bob")
    with pytest.raises(ConflictError):
        people.discard(db, "bob")


def test_administrators_are_the_members_of_a_group(db: Any) -> None:
    user = orm.User(name="ada")
    db.add(user)
    db.commit()
    assert not people.is_administrator(user)
    people.set_administrator(db, user, admin=True)
    people.set_administrator(db, user, admin=True)
    assert people.is_administrator(user)
    assert not user.admin  # JupyterHub's own would open every lab
    people.set_administrator(db, user, admin=False)
    assert not people.is_administrator(user)


def test_ending_sessions_ends_cookies_and_tokens(db: Any) -> None:
    user = orm.User(name="ada")
    db.add(user)
    db.commit()
    cookie, token = user.cookie_id, user.new_api_token()
    people.end_sessions(db, user)
    assert user.cookie_id != cookie
    assert orm.APIToken.find(db, token) is None


def test_one_person_alone_in_single_user_mode(db: Any) -> None:
    people.refuse_second_user(db, "ada", single_user=True)
    asyncio.run(people.set_password(db, "ada", PASSWORD))
    people.refuse_second_user(db, "ada", single_user=True)
    people.refuse_second_user(db, "bob", single_user=False)
    with pytest.raises(ConflictError, match="belongs to ada"):
        people.refuse_second_user(db, "bob", single_user=True)
