"""A person's lab over HTTP: start, files, kernels, stop. Everything with the person's own API key."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from pydantic import SecretStr

from perijove.core.errors import ConflictError, EngineError, NotFoundError, PerijoveError
from perijove.demo.browser import TIMEOUT, checked

CHUNK = 6 * 2**20


@dataclass(frozen=True, kw_only=True)
class Lab:
    """The lab of `name` behind the front door `url`."""

    url: str
    name: str
    token: SecretStr

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"Authorization": f"token {self.token.get_secret_value()}"}

    def _request(self, method: str, path: str, **options: Any) -> requests.Response:
        timeout = options.pop("timeout", TIMEOUT)
        answer = requests.request(method, self.url + path, headers=self.headers, timeout=timeout, **options)
        checked(answer)
        return answer

    # -- start and stop, by the hub

    def wait_until_ready(self, say: Callable[[str], None], *, patience: float = 300) -> None:
        """Follow the start as the waiting page does. ConflictError with what the hub says where it fails."""
        deadline = time.monotonic() + patience
        path = f"/hub/api/users/{quote(self.name)}/server/progress"
        with self._request("GET", path, stream=True, timeout=(10, patience)) as answer:
            for event in events(answer.iter_lines()):
                if event.get("failed"):
                    raise ConflictError(
                        f"The lab did not start: {event.get('message', 'no reason given')}",
                        advice="Its log is in PERIJOVE_HOME/logs. On a busy machine try again.",
                    )
                if event.get("ready"):
                    return
                say(str(event.get("message", "")))
                if time.monotonic() > deadline:
                    break
        raise ConflictError("The lab did not become ready.", advice="Its log is in PERIJOVE_HOME/logs/labs.")

    def stop(self, *, patience: float = 120) -> None:
        """Stop the lab and wait until it is gone."""
        path = f"/hub/api/users/{quote(self.name)}/server"
        self._request("DELETE", path)
        deadline = time.monotonic() + patience
        while self.running():
            if time.monotonic() > deadline:
                raise ConflictError("The lab does not stop.", advice="`perijove status` shows what holds it.")
            time.sleep(0.5)

    def running(self) -> bool:
        """Whether the hub still knows of a lab, running or on its way up or down."""
        user = self._request("GET", f"/hub/api/users/{quote(self.name)}").json()
        return "" in (user.get("servers") or {})

    # -- files

    def upload(self, source: Path, path: str) -> None:
        """Put a file into the lab's home, in pieces as JupyterLab's file browser does."""
        self.make_folder(str(Path(path).parent))
        size = source.stat().st_size
        with source.open("rb") as file:
            for number, piece in enumerate(iter(lambda: file.read(CHUNK), b""), start=1):
                last = file.tell() >= size
                self._put(
                    path,
                    {"type": "file", "format": "base64", "content": base64.b64encode(piece).decode()}
                    | ({} if last and number == 1 else {"chunk": -1 if last else number}),
                )

    def make_folder(self, path: str) -> None:
        """Make the folder, and those above it, where they are missing."""
        parts = [part for part in path.split("/") if part not in ("", ".")]
        for depth in range(1, len(parts) + 1):
            folder = "/".join(parts[:depth])
            if not self.exists(folder):
                self._put(folder, {"type": "directory"})

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder in the lab's home."""
        url = self.url + self._contents(path)
        answer = requests.get(url, params={"content": "0"}, headers=self.headers, timeout=TIMEOUT)
        if answer.status_code == 404:
            return False
        checked(answer)
        return True

    def download(self, path: str) -> bytes:
        """A file of the lab's home. NotFoundError where there is none."""
        if not self.exists(path):
            raise NotFoundError(f"The lab's home has no {path}.")
        return self._request("GET", f"/user/{quote(self.name)}/files/{quote(path)}").content

    def notebook(self, path: str) -> dict[str, Any]:
        """A notebook of the lab's home."""
        if not self.exists(path):
            raise NotFoundError(
                f"The lab's home has no {path}.",
                advice="New homes get the folder `notebooks` of PERIJOVE_HOME; `perijove up` puts it there.",
            )
        return dict(self._request("GET", self._contents(path)).json()["content"])

    def _put(self, path: str, model: Mapping[str, Any]) -> None:
        self._request("PUT", self._contents(path), json=dict(model))

    def _contents(self, path: str) -> str:
        return f"/user/{quote(self.name)}/api/contents/{quote(path)}"

    # -- kernels

    @contextmanager
    def session(self, path: str) -> Iterator[str]:
        """A running kernel for the notebook at `path`, in its folder: the kernel's id. Ended afterwards."""
        asked = {
            "path": path,
            "name": Path(path).name,
            "type": "notebook",
            "kernel": {"name": self.kernel_name()},
        }
        base = f"/user/{quote(self.name)}/api/sessions"
        made = self._request("POST", base, json=asked, timeout=180).json()
        try:
            yield str(made["kernel"]["id"])
        finally:
            self._request("DELETE", f"{base}/{made['id']}")

    def kernel_name(self) -> str:
        """The kernel that the lab's launcher shows first: its default, else the only one there is."""
        specs = self._request("GET", f"/user/{quote(self.name)}/api/kernelspecs").json()
        if not specs["kernelspecs"]:
            raise EngineError(
                "The lab has no kernels.", advice="`perijove env list` shows what is installed."
            )
        default = specs["default"]
        return str(default if default in specs["kernelspecs"] else next(iter(specs["kernelspecs"])))

    def channels(self, kernel_id: str) -> str:
        """Where the kernel's websocket is."""
        base = self.url.replace("http", "ws", 1)
        return f"{base}/user/{quote(self.name)}/api/kernels/{kernel_id}/channels"


def events(lines: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """The events of a stream of server-sent events whose data is JSON."""
    for line in lines:
        if line.startswith(b"data:"):
            try:
                event = json.loads(line.removeprefix(b"data:"))
            except ValueError as error:
                raise PerijoveError("The hub sent an event that is no JSON.") from error
            yield event
