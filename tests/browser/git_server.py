"""A real Git server over HTTP (`git http-backend`), inside a lab's network: labs do not reach the host.

Everybody reads; who pushes signs in.
"""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from perijove.sandbox.linux import CLONE_NEWNET, setns

_HEADERS = {"Content-Type": "CONTENT_TYPE", "Content-Encoding": "HTTP_CONTENT_ENCODING"}


@dataclass(frozen=True, kw_only=True)
class GitServer:
    """Bare repositories below `root`, at `url` inside the lab."""

    root: Path
    url: str
    seen: list[str]
    """Paths and queries that were asked for."""

    def say(self, repository: str, *arguments: str) -> str:
        """What Git says of a repository on the server."""
        command = ["git", "-C", str(self.root / repository), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def git_server(root: Path, *, lab: int, user: str, password: str) -> Iterator[GitServer]:
    """A server that the lab with the process `lab` reaches on its own loopback."""
    listening = _socket_inside(lab)
    seen: list[str] = []

    class Handler(_Backend):
        repositories = root
        credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
        asked = seen

    with ThreadingHTTPServer(listening.getsockname(), Handler, bind_and_activate=False) as server:
        server.socket.close()
        server.socket = listening
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield GitServer(root=root, url=f"http://127.0.0.1:{listening.getsockname()[1]}", seen=seen)
        finally:
            server.shutdown()
            serving.join()


def lab_process(environments: Path, uid: int) -> int:
    """The process of the one lab that this account runs with these environments, as the host numbers it."""
    program = f"{environments}/lab/bin/python"
    return next(pid for pid in processes(uid) if _said_by(pid, "cmdline").startswith(program))


def processes(uid: int) -> list[int]:
    """Those that run as this account; those of other platforms on this machine may be among them."""
    found = [int(place.name) for place in Path("/proc").iterdir() if place.name.isdecimal()]
    return [pid for pid in found if _said_by(pid, "status").partition("\nUid:\t")[2].startswith(f"{uid}\t")]


def command_lines() -> str:
    """Of every process of this machine: what anybody on it may read."""
    return "\n".join(
        _said_by(int(place.name), "cmdline") for place in Path("/proc").iterdir() if place.name.isdecimal()
    )


def _said_by(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""  # it has ended


def _socket_inside(pid: int) -> socket.socket:
    made: list[socket.socket] = []

    def make() -> None:
        descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        setns(descriptor, CLONE_NEWNET)  # of this thread alone, which ends here
        os.close(descriptor)
        made.append(socket.create_server(("127.0.0.1", 0)))

    maker = threading.Thread(target=make)
    maker.start()
    maker.join()
    return made[0]


class _Backend(BaseHTTPRequestHandler):
    """Git's own CGI program."""

    repositories: Path
    credentials: str
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        known = self.headers.get("Authorization") == f"Basic {self.credentials}"
        if "git-receive-pack" in self.path and not known:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="course"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._run("ada" if known else "")

    do_POST = do_GET

    def _run(self, user: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        environment = {**os.environ, **self._variables(user)}
        answer = subprocess.run(
            ["git", "http-backend"], input=body, env=environment, capture_output=True, check=True
        )
        head, _, content = answer.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _variables(self, user: str) -> dict[str, str]:
        place = urlsplit(self.path)
        return {
            "GIT_PROJECT_ROOT": str(self.repositories),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": place.path,
            "QUERY_STRING": place.query,
            "REMOTE_USER": user,
            **{variable: self.headers.get(name, "") for name, variable in _HEADERS.items()},
        }

    def log_message(self, *_: Any) -> None:
        """Nothing on pytest's screen."""
