"""What the hub's unit tests share: settings with a prepared home, and a hub database in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyterhub import orm
from nativeauthenticator.orm import UserInfo

from perijove.core.settings import Settings
from perijove.hub import run, sign_in_links
from perijove.hub.services import ADMINISTRATORS


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PERIJOVE_HOME", str(tmp_path / "home"))
    made = Settings(home=tmp_path / "home")
    install_proxy(made)
    run.prepare(made)
    return made


def install_proxy(settings: Settings) -> None:
    script = settings.layout.environments / "proxy/node_modules/configurable-http-proxy/bin"
    script.mkdir(parents=True)
    (script / "configurable-http-proxy").touch()
    node = settings.layout.environments / "proxy/bin"
    node.mkdir()
    (node / "node").touch()


@pytest.fixture
def db() -> Iterator[Any]:
    session = orm.new_session_factory("sqlite:///:memory:")()
    UserInfo.__table__.create(session.bind, checkfirst=True)
    sign_in_links.make_table(session)
    session.add(orm.Group(name=ADMINISTRATORS))
    session.add(orm.OAuthClient(identifier="jupyterhub"))
    session.commit()
    yield session
    session.close()
    session.bind.dispose()
