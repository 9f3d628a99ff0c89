"""The launcher as a process of its own: `python -m perijove.sandbox.daemon`, as root.

It serves the contract over `run/launcher.sock` to root and to the platform's account, and to nobody else.
It holds no state: end it, kill it, start it anew at any time; labs and jobs do not notice.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from perijove.core.errors import BadRequestError, ForbiddenError, PerijoveError
from perijove.core.layout import Layout
from perijove.core.settings import load_settings
from perijove.sandbox.accounts import PlatformAccount, platform_account
from perijove.sandbox.direct import DirectLauncher
from perijove.sandbox.launcher import Launcher
from perijove.sandbox.spec import SandboxSpec
from perijove.sandbox.wire import MAX_LINE, decode, encode, error_message

READ_SECONDS = 30.0

_log = logging.getLogger("perijove.launcher")

Answer = Callable[[Launcher, dict[str, Any]], Any]


def _usage(launcher: Launcher, asked: dict[str, Any]) -> Any:
    used = launcher.usage(asked["sandbox_id"])
    return None if used is None else used.model_dump(mode="json")


ANSWERS: dict[str, Answer] = {
    "start": lambda on, asked: on.start(SandboxSpec.model_validate(asked["spec"])).model_dump(mode="json"),
    "status": lambda on, asked: on.status(asked["sandbox_id"]).model_dump(mode="json"),
    "usage": _usage,
    "stop": lambda on, asked: on.stop(asked["sandbox_id"], grace=float(asked["grace"])).model_dump(
        mode="json"
    ),
    "forget": lambda on, asked: on.forget(asked["sandbox_id"]),
    "list": lambda on, _: [status.model_dump(mode="json") for status in on.list()],
    "total": lambda on, _: on.total().model_dump(mode="json"),
    "free": lambda on, _: on.free().model_dump(mode="json"),
    "account": lambda on, asked: on.account(asked["user"]).model_dump(mode="json"),
    "make_job_directory": lambda on, asked: str(on.make_job_directory(asked["job_id"], asked["owner"])),
    "collect_job_directory": lambda on, asked: on.collect_job_directory(asked["job_id"]),
    "remove_job_directory": lambda on, asked: on.remove_job_directory(asked["job_id"]),
}


def socket_path(layout: Layout) -> Path:
    """Where the daemon listens."""
    return layout.run / "launcher.sock"


class LauncherServer(socketserver.ThreadingUnixStreamServer):
    """Serves one launcher. A path left over from a killed daemon is replaced."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: Path, launcher: Launcher, platform: PlatformAccount) -> None:
        self.launcher = launcher
        self.platform = platform
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        super().__init__(str(fresh), _Handler)
        os.chmod(fresh, 0o660)
        os.chown(fresh, 0, platform.gid)
        fresh.rename(path)


class _Handler(socketserver.StreamRequestHandler):
    server: LauncherServer
    timeout = READ_SECONDS

    def handle(self) -> None:
        try:
            answer = self._answer()
        except PerijoveError as error:
            answer = error_message(error)
        except OSError as error:
            _log.warning("a request ended: %s", error)
            return
        except Exception:
            _log.exception("a request failed")
            answer = error_message(PerijoveError("The launcher failed.", advice="Its log says how."))
        try:
            self.wfile.write(encode(answer))
        except OSError as error:
            _log.warning("nobody took an answer: %s", error)

    def _answer(self) -> dict[str, Any]:
        line = self.rfile.readline(MAX_LINE)
        uid = _peer_uid(self.connection)
        if uid not in (0, self.server.platform.uid):
            raise ForbiddenError("This account may not ask the launcher.")
        try:
            asked = decode(line)
            answer = ANSWERS[asked["method"]]
            return {"result": answer(self.server.launcher, asked.get("params", {}))}
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
            )
            raise BadRequestError(f"The description is wrong: {faults}.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise BadRequestError(f"The launcher was asked something it does not know: {error!r}.") from error


def _peer_uid(connection: socket.socket) -> int:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid: int = struct.unpack("3i", credentials)[1]
    return uid


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = load_settings()
    platform = platform_account()
    launcher = DirectLauncher(settings.layout, settings, platform=platform)
    settings.layout.run.mkdir(mode=0o711, exist_ok=True)
    path = socket_path(settings.layout)
    with LauncherServer(path, launcher, platform) as server:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        _log.info("the launcher grants %s at %s", launcher.total(), path)
        server.serve_forever()


if __name__ == "__main__":
    main()
