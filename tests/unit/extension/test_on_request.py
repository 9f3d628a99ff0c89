"""Server extensions that are loaded by the first request to them."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from perijove_lab.extension.on_request import EXTENSIONS, FirstRequest, await_requests, load

CONFIG = Path(__file__).parents[3] / "packages/perijove/src/perijove/hub/lab_config/jupyter_server_config.py"


class Manager:
    """What of Jupyter's extension manager is used."""

    def __init__(self) -> None:
        self.extensions: dict[str, Any] = {}
        self.done: list[str] = []

    def add_extension(self, name: str, *, enabled: bool) -> None:
        self.extensions[name] = SimpleNamespace(enabled=enabled)

    def link_extension(self, name: str) -> None:
        self.done.append(f"link {name}")

    def load_extension(self, name: str) -> None:
        self.done.append(f"load {name}")


def server(manager: Manager) -> Any:
    app = SimpleNamespace(default_router=SimpleNamespace(rules=["last"]), wildcard_router=object())
    return SimpleNamespace(base_url="/user/ada/", extension_manager=manager, web_app=app)


def request(path: str) -> Any:
    return SimpleNamespace(path=path)


def test_the_first_request_below_its_addresses_loads_an_extension_once() -> None:
    manager = Manager()
    lab = server(manager)
    git = FirstRequest(lab, ("git",), lambda: load(lab, "jupyterlab_git"))
    for path in ("/user/ada/git-pull", "/user/ada/lab", "/git/status"):
        assert git.match(request(path)) is None
    assert manager.done == []
    for path in ("/user/ada/git/status", "/user/ada/git"):
        assert git.match(request(path)) is None
    assert manager.done == ["link jupyterlab_git", "load jupyterlab_git"]


def test_what_is_enabled_already_is_left_alone() -> None:
    manager = Manager()
    manager.extensions = {
        "nbdime": SimpleNamespace(enabled=True),
        "nbgitpuller": SimpleNamespace(enabled=False),
    }
    lab = server(manager)
    await_requests(lab)
    assert len(lab.web_app.default_router.rules) == len(EXTENSIONS) - 1 + 1
    assert lab.web_app.default_router.rules[-1] == "last"


def test_labs_are_told_not_to_load_them_at_their_start() -> None:
    names = set(re.findall(r'"([a-z0-9_]+)"', CONFIG.read_text()))
    assert {*EXTENSIONS, "jupyterlab_nvdashboard"} <= names
