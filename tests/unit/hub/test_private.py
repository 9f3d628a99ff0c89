"""Secrets and private ports: made once, private, kept, and clear errors where they are damaged."""

from __future__ import annotations

import json
import socket
import stat
from pathlib import Path

import pytest

from perijove.core.errors import ConfigurationError
from perijove.core.layout import Layout
from perijove.hub import private
from perijove.hub.private import cookie_secret_file, read_ports, read_secrets


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_prepare_keeps_what_it_made(layout: Layout) -> None:
    ports = private.prepare(layout)
    secrets = read_secrets(layout)
    assert private.prepare(layout) == ports == read_ports(layout)
    assert read_secrets(layout) == secrets


def test_secrets_are_private_and_differ(layout: Layout) -> None:
    private.prepare(layout)
    secrets = json.loads((layout.state / "hub/secrets.json").read_text())
    assert len(set(secrets.values())) == 4
    assert all(len(value) == 64 for value in secrets.values())
    assert mode(layout.state) == mode(layout.state / "hub") == 0o700
    assert mode(layout.state / "hub/secrets.json") == mode(cookie_secret_file(layout)) == 0o600
    assert not [path for path in (layout.state / "hub").iterdir() if path.name.startswith(".")]


def test_secrets_do_not_show_in_text(layout: Layout) -> None:
    private.prepare(layout)
    secrets = read_secrets(layout)
    assert secrets.proxy_token.get_secret_value() not in repr(secrets)


def test_ports_are_distinct_and_below_the_ephemeral_range(layout: Layout) -> None:
    numbers = list(private.prepare(layout).model_dump().values())
    assert len(set(numbers)) == len(numbers)
    assert all(20_000 <= number < 32_768 for number in numbers)


def test_a_port_taken_by_somebody_else_is_chosen_anew(layout: Layout) -> None:
    ports = private.prepare(layout)
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports.hub))
        other.listen()
        again = private.prepare(layout)
    assert ports.hub not in again.model_dump().values()


@pytest.mark.parametrize("content", ["", "{", '{"proxy_token": "geheim"}', "[]"])
def test_a_damaged_file_is_named_and_not_quoted(layout: Layout, content: str) -> None:
    private.prepare(layout)
    (layout.state / "hub/secrets.json").write_text(content)
    with pytest.raises(ConfigurationError, match="damaged") as caught:
        read_secrets(layout)
    assert "geheim" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_before_the_first_start_the_error_says_how_to_start(layout: Layout) -> None:
    with pytest.raises(ConfigurationError, match="perijove up"):
        read_ports(layout)


def test_a_write_leaves_the_old_file_or_the_new_one(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    private.prepare(layout)
    path = layout.state / "ports.json"
    before = path.read_text()

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("perijove.hub.private.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        private.write_private(path, "half")
    assert path.read_text() == before
