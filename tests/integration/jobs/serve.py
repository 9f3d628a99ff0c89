"""A history server for tests: `serve.py HOME PORT LAUNCHER`. The key of NAME is `key-NAME`."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from fastapi import FastAPI

from perijove.core.errors import NotAuthenticatedError
from perijove.core.settings import Settings, load_settings
from perijove.engines.registry import make_engines
from perijove.histories.app import create_app
from perijove.histories.identity import Caller
from perijove.histories.serving import Server
from perijove.sandbox.launcher import Launcher


class Names:
    """Believes every key that says whose it is."""

    def authenticate(self, token: str) -> Caller:
        if not token.startswith("key-"):
            raise NotAuthenticatedError("no such key")
        name = token.removeprefix("key-")
        return Caller(name=name, admin=name == "admin", groups=frozenset({"gpu"} if name == "grace" else ()))


def make_launcher(kind: str, settings: Settings) -> Launcher:
    if kind == "direct":
        from perijove.sandbox.direct import DirectLauncher

        extra = os.environ.get("PERIJOVE_TEST_READABLE")
        return DirectLauncher(settings.layout, settings, readable=(Path(extra),) if extra else ())
    from perijove.sandbox.unconfined import UnconfinedLauncher

    return UnconfinedLauncher(settings.layout, settings)


def make_app(home: Path, launcher_kind: str) -> FastAPI:
    settings = load_settings(home=home)
    launcher = make_launcher(launcher_kind, settings)
    engine = make_engines(launcher=launcher, settings=settings)
    return create_app(settings, identity=Names(), engine=engine, launcher=launcher)


def serve(home: Path, port: int, launcher_kind: str) -> None:
    application = make_app(home, launcher_kind)
    Server(application, port=port).run()


def fork_on_demand(home: Path, port: int, launcher_kind: str) -> None:
    """A server for each line on standard input; its pid is the answer. The imports are paid once."""
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            serve(home, port, launcher_kind)
            os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("ended", flush=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    fork_on_demand(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
