"""Settings: where they come from, and what a wrong one says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perijove.core.errors import ConfigurationError
from perijove.core.settings import load_settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("PERIJOVE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PERIJOVE_HOME", str(tmp_path))
    return tmp_path


def write(home: Path, text: str) -> None:
    (home / "perijove.toml").write_text(text)


def test_defaults(home: Path) -> None:
    settings = load_settings()
    assert settings.home == home
    assert settings.url == "http://127.0.0.1:8000"
    assert settings.galaxy_url == "http://127.0.0.1:8000/services/galaxy"


def test_the_environment_wins_over_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "port = 9000\n[hub]\nidle_timeout = 60\n")
    assert (load_settings().port, load_settings().hub.idle_timeout) == (9000, 60)
    monkeypatch.setenv("PERIJOVE_PORT", "9001")
    monkeypatch.setenv("PERIJOVE_HUB__IDLE_TIMEOUT", "90")
    assert (load_settings().port, load_settings().hub.idle_timeout) == (9001, 90)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("port = 0", "port"),
        ("port = 'http'", "port"),
        ("colour = 'red'", "colour"),
        ("[hub]\nidle_timeut = 3", "hub.idle_timeut"),
        ("[machine]\nmemory = 'much'", "machine.memory"),
        ("[sandbox]\nnetwork = 'some'", "sandbox.network"),
        ("[[flavors]]\nname = 'a'\n[[flavors]]\nname = 'a'", "two flavors are named a"),
        ("[[flavors]]\nname = 'A b'", "flavors.0.name"),
        ("ssl_key = '/k.pem'", "set both or neither"),
        ("port = ", "not valid TOML"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(home: Path, text: str, named: str) -> None:
    write(home, text)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert named in caught.value.message
    assert str(home / "perijove.toml") in str(caught.value)


def test_a_wrong_variable_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERIJOVE_PORT", "many")
    with pytest.raises(ConfigurationError, match="port"):
        load_settings()


def test_every_interface_is_reached_by_the_loopback(home: Path) -> None:
    assert load_settings(bind="0.0.0.0", port=80).url == "http://127.0.0.1:80"


def test_a_public_address_has_no_slash_at_its_end(home: Path) -> None:
    assert (
        load_settings(public_url="https://lab.example.org/").galaxy_url
        == "https://lab.example.org/services/galaxy"
    )
