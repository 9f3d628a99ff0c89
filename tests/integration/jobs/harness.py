"""What the job tests share: a home with an environment, a server in a process of its own, a small client."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent


def free_port() -> int:
    """A port between 23000 and 23999 that nobody listens on."""
    for port in range(23000 + os.getpid() % 700, 24000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise RuntimeError("no free port")


class Server:
    """One history server over `home`; may be killed and started again."""

    def __init__(self, home: Path, *, launcher: str, environ: dict[str, str] | None = None) -> None:
        self.home = home
        self.port = free_port()
        self._launcher = launcher
        self._environ = {**os.environ, **(environ or {})}
        self._mother: subprocess.Popen[str] | None = None
        self._pid: int | None = None
        self.clients: list[httpx.Client] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; the program is loaded at the first start only."""
        if self._mother is None:
            command = [sys.executable, str(HERE / "serve.py"), str(self.home), str(self.port), self._launcher]
            with (self.home.parent / "server.log").open("ab") as log:
                pipe = subprocess.PIPE
                self._mother = subprocess.Popen(
                    command, stdin=pipe, stdout=pipe, stderr=log, env=self._environ, text=True
                )
        self._tell("start")
        self._pid = int(self._answer())
        end = time.monotonic() + 120
        while True:
            try:
                httpx.get(f"{self.url}/api/version", timeout=5).raise_for_status()
                return
            except httpx.HTTPError:
                if time.monotonic() > end:
                    raise RuntimeError(self.log()) from None
                time.sleep(0.02)

    def _tell(self, word: str) -> None:
        assert self._mother is not None
        assert self._mother.stdin is not None
        self._mother.stdin.write(f"{word}\n")
        self._mother.stdin.flush()

    def _answer(self) -> str:
        assert self._mother is not None
        assert self._mother.stdout is not None
        line = self._mother.stdout.readline().strip()
        if not line:
            raise RuntimeError(self.log())
        return line

    @property
    def confined(self) -> bool:
        return self._launcher != "unconfined"

    def sibling(self) -> Server:
        """Another server over the same home."""
        other = Server(self.home, launcher=self._launcher, environ=self._environ)
        other.port = self.port + 1
        return other

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def terminate(self) -> None:
        """End it in good order; it may be started again."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self._pid is not None:
            os.kill(self._pid, number)
            self._pid = None
            assert self._answer() == "ended"

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        if self._mother is not None:
            self._end(signal.SIGTERM)
            self._mother.communicate(timeout=30)

    def log(self) -> str:
        path = self.home.parent / "server.log"
        return path.read_text(errors="replace")[-20_000:] if path.exists() else ""


class User:
    """One user's calls."""

    def __init__(self, server: Server, name: str) -> None:
        self.http = httpx.Client(base_url=server.url, headers={"x-api-key": f"key-{name}"}, timeout=60)
        self.name = name
        self._server = server
        server.clients.append(self.http)

    def history(self, name: str = "work") -> str:
        return self.post("/api/histories", {"name": name})["id"]

    def dataset(self, history: str, content: str | bytes, name: str, ext: str = "auto") -> str:
        """A dataset put in by the server's own services (uploads have tests of their own)."""
        from perijove.core.settings import Settings
        from perijove.histories.database import Database
        from perijove.histories.services.datasets import add_dataset, take_in
        from perijove.histories.store.files import FileStore

        layout = Settings(home=self._server.home).layout
        files = FileStore(layout.datasets, layout.uploads)
        source = files.new_staging_path()
        source.write_bytes(content.encode() if isinstance(content, str) else content)
        database = Database(f"sqlite:///{layout.state / 'histories.sqlite'}")
        try:
            with files.holding():
                finished = take_in(files, source, name=name, ext=ext)
                source.unlink()
                with database.write() as session:
                    return add_dataset(session, history, finished, name=name).id
        finally:
            database.dispose()

    def run(self, history: str, code: str, name: str = "code.py", /, **inputs: Any) -> str:
        """Submit `code` and return the job's id."""
        select = {"src": "hda", "id": self.dataset(history, code, name)}
        return self.submit(history, {"select_file": select, "cpus": 0.5, "memory": "256M", **inputs})["jobs"][
            0
        ]["id"]

    def submit(self, history: str, inputs: dict[str, Any]) -> dict[str, Any]:
        return self.post(
            "/api/tools", {"history_id": history, "tool_id": "run_jupyter_job", "inputs": inputs}
        )

    def job(self, job_id: str, **params: Any) -> dict[str, Any]:
        return self.get(f"/api/jobs/{job_id}", **params)

    def wait(self, job_id: str, *, seconds: float = 60) -> dict[str, Any]:
        """The job when it is final."""
        end = time.monotonic() + seconds
        while True:
            shown = self.job(job_id)
            if shown["state"] in ("ok", "error", "deleted"):
                return shown
            if time.monotonic() > end:
                raise TimeoutError(f"{json.dumps(shown, indent=1)}\n{self._server.log()}")
            time.sleep(0.05)

    def wait_for_state(self, job_id: str, state: str, *, seconds: float = 30) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while True:
            shown = self.job(job_id)
            if shown["state"] == state:
                return shown
            if time.monotonic() > end:
                raise TimeoutError(f"{json.dumps(shown, indent=1)}\n{self._server.log()}")
            time.sleep(0.02)

    def wait_until_cleaned(self, job_id: str) -> None:
        """Final jobs are cleaned up a moment later."""
        end = time.monotonic() + 30
        while (self._server.home / "jobs" / job_id / "job.json").exists():
            assert time.monotonic() < end
            time.sleep(0.02)

    def output(self, job: dict[str, Any], name: str) -> dict[str, Any]:
        """The dataset that is the job's output `name`."""
        return self.get(f"/api/datasets/{job['outputs'][name]['id']}")

    def collection(self, job: dict[str, Any], name: str) -> dict[str, Any]:
        return self.get(f"/api/dataset_collections/{job['output_collections'][name]['id']}")

    def download(self, dataset_id: str) -> bytes:
        return self.fetch(f"/api/datasets/{dataset_id}/display")

    def fetch(self, path: str) -> bytes:
        answer = self.http.get(path)
        if answer.status_code != 200:
            raise AssertionError(
                f"GET {path}: {answer.status_code} {answer.text[:2000]}\n{self._server.log()}"
            )
        return answer.content

    def import_history(self, archive: bytes) -> str:
        answer = self.http.post("/api/histories", files={"archive_file": ("history", archive)})
        answer.raise_for_status()
        return answer.json()["id"]

    def get(self, path: str, **params: Any) -> Any:
        answer = self.http.get(path, params=params)
        if answer.status_code != 200:
            raise AssertionError(
                f"GET {path}: {answer.status_code} {answer.text[:2000]}\n{self._server.log()}"
            )
        return answer.json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.http.post(path, json=body)
        if answer.status_code != 200:
            raise AssertionError(
                f"POST {path}: {answer.status_code} {answer.text[:2000]}\n{self._server.log()}"
            )
        return answer.json()
