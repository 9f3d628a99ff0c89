"""One-time links: single use, expiring, hashed at rest."""

from __future__ import annotations

from typing import Any

from perijove.hub import sign_in_links
from perijove.hub.sign_in_links import SignInLink, find, issue


def test_a_token_opens_its_own_link(db: Any) -> None:
    token = issue(db, "ada", admin=True)
    link = find(db, token)
    assert link is not None
    assert (link.username, link.admin) == ("ada", True)
    assert find(db, token[:-1]) is None
    assert find(db, "") is None


def test_only_the_hash_is_kept(db: Any) -> None:
    token = issue(db)
    row = db.query(SignInLink).one()
    assert token not in str(vars(row))
    assert find(db, str(row.token_hash)) is None


def test_it_expires(db: Any, monkeypatch: Any) -> None:
    token = issue(db, lifetime=60)
    now = sign_in_links.time.time()
    monkeypatch.setattr(sign_in_links.time, "time", lambda: now + 61)
    assert find(db, token) is None
    issue(db, "bob")
    assert db.query(SignInLink).count() == 1  # the expired one is gone


def test_a_new_link_for_the_same_name_ends_the_old_one(db: Any) -> None:
    first, other = issue(db, "ada"), issue(db, "bob")
    second = issue(db, "ada")
    assert find(db, first) is None
    assert find(db, second) is not None
    assert find(db, other) is not None


def test_the_table_is_made_once(db: Any) -> None:
    sign_in_links.make_table(db)
    assert issue(db)
