"""uids and homes: the numbers and names. Giving away, which needs root, is tried with real sandboxes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perijove.core.errors import BadRequestError, InsufficientResourcesError
from perijove.core.layout import Layout
from perijove.core.settings import SandboxSettings, Settings
from perijove.sandbox import accounts as module
from perijove.sandbox.accounts import Accounts, safe_name

STRANGE = [
    "..",
    ".",
    "a/b",
    "/etc",
    "Alice",
    "root",
    "nobody",
    "ü@x.org",
    "a" * 255,
    " ",
    "a\nb",
    "alice.1",
    "-x",
    "1",
]


@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Accounts:
    monkeypatch.setattr(os, "chown", lambda *_: None)
    for name in ("homes", "sandboxes"):
        (tmp_path / name).mkdir()
    return Accounts(Layout(tmp_path), Settings(home=tmp_path, sandbox=SandboxSettings(uid_base=300_000)))


def test_the_same_user_has_the_same_uid_ever_after(accounts: Accounts, tmp_path: Path) -> None:
    first = accounts.account("alice")
    assert (first.uid, first.gid, first.name, first.home) == (
        300_000,
        300_000,
        "alice",
        tmp_path / "homes/alice",
    )
    assert accounts.account("bob").uid == 300_001
    again = Accounts(Layout(tmp_path), Settings(home=tmp_path, sandbox=SandboxSettings(uid_base=300_000)))
    assert again.account("alice") == first
    assert first.home.stat().st_mode & 0o777 == 0o700


def test_a_lost_home_is_made_again(accounts: Accounts) -> None:
    first = accounts.account("alice")
    first.home.rmdir()
    assert accounts.account("alice") == first
    assert first.home.is_dir()


def test_strange_names_stay_below_homes_and_differ(accounts: Accounts, tmp_path: Path) -> None:
    homes = [accounts.account(name).home for name in STRANGE]
    assert {home.parent for home in homes} == {tmp_path / "homes"}
    assert len(set(homes)) == len(STRANGE)
    assert all(home.is_dir() for home in homes)
    assert not [path for path in (tmp_path / "homes").iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("name", ["", "a" * 256, "a\0b"])
def test_names_that_are_none(accounts: Accounts, name: str) -> None:
    with pytest.raises(BadRequestError):
        accounts.account(name)


def test_the_range_ends(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UIDS", 2)
    accounts.account("a")
    accounts.account("b")
    with pytest.raises(InsufficientResourcesError):
        accounts.account("c")
    assert accounts.account("a").uid == 300_000


@given(st.text(min_size=1, max_size=255), st.text(min_size=1, max_size=255))
def test_safe_names_are_safe_and_never_shared(one: str, other: str) -> None:
    name = safe_name(one)
    assert name.replace("-", "a").replace("_", "a").replace(".", "a").isalnum()
    assert name.isascii()
    assert name[0].isalpha()
    assert len(name) <= 32
    assert (name == safe_name(other)) == (one == other)
