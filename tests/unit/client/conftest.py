"""A small Galaxy in memory whose network can be made to fail at any request."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from perijove_lab.client import connection as connection_module
from perijove_lab.client import download, tus, watch
from perijove_lab.client.connection import Connection

KEY = "secret-key"
BASE = "/services/galaxy"


class Drop(Exception):
    """The connection breaks, after `sent` bytes of the body where there is one."""

    def __init__(self, sent: int = 0) -> None:
        self.sent = sent


class Raw(bytes):
    """A body that is no JSON."""


class Galaxy:
    """State and rules; `requests` is what was asked, `fault` may raise Drop or return a (status, body)."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.fault: Callable[[str, str], tuple[int, bytes] | None] = lambda method, path: None
        self.cut_body: int | None = None  # PATCH: break after so many bytes of the body
        self.histories: dict[str, dict[str, Any]] = {}
        self.entries: dict[str, dict[str, Any]] = {}
        self.content: dict[str, bytes] = {}
        self.uploads: dict[str, bytearray] = {}
        self.lengths: dict[str, int] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.script: list[dict[str, Any]] = [{"state": "ok"}]  # what each look at a job shows
        self.perijove = True
        self.by_submission: dict[str, str] = {}
        self.ran: list[dict[str, Any]] = []
        self.job_queries: list[dict[str, list[str]]] = []
        self.url = ""

    # -- state ---------------------------------------------------------------------------------------

    def new_id(self) -> str:
        return f"{len(self.histories) + len(self.entries) + len(self.uploads) + len(self.jobs) + 1:016x}"

    def add_history(self, name: str) -> dict[str, Any]:
        history = {"id": self.new_id(), "name": name, "deleted": False, "update_time": "2026-11-21T00:00:00"}
        self.histories[history["id"]] = history
        return history

    def add_dataset(self, history: str, name: str, content: bytes, ext: str = "data", **more: Any) -> Any:
        entry = {
            "id": self.new_id(),
            "hid": 1 + sum(1 for one in self.entries.values() if one["history_id"] == history),
            "history_id": history,
            "history_content_type": "dataset",
            "name": name,
            "file_ext": ext,
            "extension": ext,
            "file_size": len(content),
            "state": "ok",
            "deleted": False,
            "hashes": [{"hash_function": "SHA-256", "hash_value": hashlib.sha256(content).hexdigest()}],
        } | more
        self.entries[entry["id"]] = entry
        self.content[entry["id"]] = content
        return entry

    def add_collection(self, history: str, name: str, elements: list[tuple[str, str]]) -> Any:
        shown = [
            {"element_identifier": key, "element_index": n, "object": self.entries[one]}
            for n, (key, one) in enumerate(elements)
        ]
        entry = {
            "id": self.new_id(),
            "hid": 1 + sum(1 for one in self.entries.values() if one["history_id"] == history),
            "history_id": history,
            "history_content_type": "dataset_collection",
            "collection_type": "list",
            "name": name,
            "elements": shown,
            "deleted": False,
        }
        self.entries[entry["id"]] = entry
        return entry

    # -- answers -------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Any:
        for pattern, verb, act in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and verb == method:
                return act(self, *found.groups(), query=query, body=body)
        return 404, {"err_msg": f"nothing at {path}"}

    def version(self, **_: Any) -> Any:
        return {"version_major": "26.1", "extra": {"perijove": "0.1.0"} if self.perijove else {}}

    def list_histories(self, query: Any, **_: Any) -> Any:
        return [one for one in self.histories.values() if not one["deleted"]]

    def recent(self, **_: Any) -> Any:
        return next(reversed(self.histories.values()), None)

    def create_history(self, body: Any, **_: Any) -> Any:
        return self.add_history(body["name"])

    def show_history(self, history: str, **_: Any) -> Any:
        if history not in self.histories:
            return 404, {"err_msg": "History not found"}
        return self.histories[history]

    def contents(self, history: str, **_: Any) -> Any:
        return [one for one in self.entries.values() if one["history_id"] == history and not one["deleted"]]

    def create_content(self, history: str, body: Any, **_: Any) -> Any:
        pairs = [(one["name"], one["id"]) for one in body["element_identifiers"]]
        return self.add_collection(history, body["name"], pairs)

    def show_dataset(self, dataset: str, **_: Any) -> Any:
        entry = self.entries.get(dataset)
        if entry is None or "collection_type" in entry:
            return 404, {"err_msg": "Dataset not found", "advice": "Look again."}
        return entry

    def show_collection(self, dataset: str, **_: Any) -> Any:
        return self.entries.get(dataset) or (404, {"err_msg": "Collection not found"})

    def fetch(self, body: Any, **_: Any) -> Any:
        element = body["targets"][0]["elements"][0]
        content = bytes(self.uploads.pop(body["files_0|file_data"]["session_id"]))
        entry = self.add_dataset(body["history_id"], element["name"], content, element["ext"])
        return {"outputs": [entry], "jobs": [{"id": "f" * 16, "state": "ok"}]}

    def run_tool(self, body: Any, **_: Any) -> Any:
        submission = body["inputs"].get("submission_id")
        known = self.by_submission.get(submission) if submission else None
        if known:
            return {"jobs": [self.jobs[known]], "outputs": []}
        self.ran.append(body)
        job = {"id": self.new_id(), "tool_id": body["tool_id"], "history_id": body["history_id"], "looks": 0}
        self.jobs[job["id"]] = job | {"create_time": f"2026-11-21T00:00:{len(self.jobs):02d}"}
        if submission:
            self.by_submission[submission] = job["id"]
        return {"jobs": [job | {"state": "new"}], "outputs": []}

    def list_jobs(self, query: Any, **_: Any) -> Any:
        self.job_queries.append(query)
        wanted = query.get("history_id", [None])[0]
        return [self.shown(one) for one in self.jobs.values() if wanted in (None, one["history_id"])]

    def shown(self, job: dict[str, Any]) -> dict[str, Any]:
        return job | {"outputs": {}, "output_collections": {}} | self.script[0]

    def show_job(self, job: str, **_: Any) -> Any:
        if job not in self.jobs:
            return 404, {"err_msg": "Job not found"}
        shown = self.shown(self.jobs[job])
        if len(self.script) > 1:
            self.script.pop(0)
        return shown

    def log(self, job: str, **_: Any) -> Any:
        return Raw("".join(self.script[0].get(name, "") for name in ("tool_stdout", "tool_stderr")).encode())

    def events(self, job: str, **_: Any) -> Any:
        """What the job will show, one look after another, but not its end: that is asked for."""
        news = [{"state": one["state"]} | one.get("perijove", {}) for one in self.script[:-1]]
        del self.script[:-1]
        return Raw(b"".join(b"event: job\ndata: " + json.dumps(one).encode() + b"\n\n" for one in news))

    def user(self, **_: Any) -> Any:
        return {"id": "u" * 16, "is_admin": True}

    def cancel(self, job: str, **_: Any) -> Any:
        self.script = [{"state": "deleted"}]
        return True

    def show_tool(self, tool: str, **_: Any) -> Any:
        names = ("select_file", "ml_h5_datasets", "ml_h5_dataset_paths")
        return {"id": tool, "inputs": [{"name": name} for name in names]}


ROUTES: list[tuple[str, str, Callable[..., Any]]] = [
    (r"/api/version", "GET", Galaxy.version),
    (r"/api/histories", "GET", Galaxy.list_histories),
    (r"/api/histories", "POST", Galaxy.create_history),
    (r"/api/histories/most_recently_used", "GET", Galaxy.recent),
    (r"/api/histories/(\w+)", "GET", Galaxy.show_history),
    (r"/api/histories/(\w+)/contents", "GET", Galaxy.contents),
    (r"/api/histories/(\w+)/contents", "POST", Galaxy.create_content),
    (r"/api/datasets/(\w+)", "GET", Galaxy.show_dataset),
    (r"/api/dataset_collections/(\w+)", "GET", Galaxy.show_collection),
    (r"/api/tools/fetch", "POST", Galaxy.fetch),
    (r"/api/tools", "POST", Galaxy.run_tool),
    (r"/api/tools/(\w+)", "GET", Galaxy.show_tool),
    (r"/api/jobs", "GET", Galaxy.list_jobs),
    (r"/api/users/current", "GET", Galaxy.user),
    (r"/api/jobs/(\w+)/log", "GET", Galaxy.log),
    (r"/api/jobs/(\w+)/events", "GET", Galaxy.events),
    (r"/api/jobs/(\w+)", "GET", Galaxy.show_job),
    (r"/api/jobs/(\w+)", "DELETE", Galaxy.cancel),
]


class Handler(BaseHTTPRequestHandler):
    """HTTP around one Galaxy."""

    protocol_version = "HTTP/1.1"
    galaxy: Galaxy

    def log_message(self, *_: Any) -> None:
        """Tests print enough."""

    def handle_any(self) -> None:
        parts = urlsplit(self.path)
        path = parts.path.removeprefix(BASE)
        self.galaxy.requests.append((self.command, path))
        try:
            fault = self.galaxy.fault(self.command, path)
            if fault is not None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.reply(fault[0], fault[1])
            elif self.headers.get("x-api-key") != KEY:
                self.reply(403, json.dumps({"err_msg": "Provided API key is not valid."}).encode())
            else:
                self.dispatch(path, parse_qs(parts.query))
        except Drop:
            self.close_connection = True
            self.connection.close()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = handle_any

    def dispatch(self, path: str, query: dict[str, list[str]]) -> None:
        if path.startswith(f"/{tus.CREATE}"):
            return self.tus(path.removeprefix(f"/{tus.CREATE}").strip("/"))
        if found := re.fullmatch(r"/api/datasets/(\w+)/display", path):
            return self.display(found.group(1))
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        answer = self.galaxy.answer(self.command, path, query, body)
        status, content = answer if isinstance(answer, tuple) else (200, answer)
        return self.reply(status, content if isinstance(content, Raw) else json.dumps(content).encode())

    def tus(self, session: str) -> None:
        if self.command == "POST":
            session = base64.b32encode(str(len(self.galaxy.lengths)).encode()).decode().rstrip("=").lower()
            self.galaxy.lengths[session] = int(self.headers["Upload-Length"])
            self.galaxy.uploads[session] = bytearray()
            return self.reply(201, b"", Location=f"http://elsewhere/{tus.CREATE}/{session}")
        held = self.galaxy.uploads.get(session)
        if held is None:
            return self.reply(404, b'{"err_msg": "no such upload"}')
        if self.command == "PATCH":
            self.receive(held)
        return self.reply(204, b"", **{"Upload-Offset": str(len(held))})

    def receive(self, held: bytearray) -> None:
        assert int(self.headers["Upload-Offset"]) == len(held)
        length = int(self.headers["Content-Length"])
        if self.galaxy.cut_body is not None:
            held += self.rfile.read(min(length, self.galaxy.cut_body))
            self.galaxy.cut_body = None
            raise Drop
        held += self.rfile.read(length)

    def display(self, dataset: str) -> None:
        content, start = self.galaxy.content[dataset], 0
        if found := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            start = int(found.group(1))
            if start >= len(content):
                return self.reply(416, b"")
        part = content[start:]
        cut = self.galaxy.entries[dataset].pop("cut", None)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part if cut is None else part[:cut])
        if cut is not None:
            raise Drop
        return None

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@pytest.fixture
def galaxy() -> Iterator[Galaxy]:
    state = Galaxy()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"galaxy": state}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}{BASE}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a working folder of the test's own; no waiting between attempts."""
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("GALAXY_URL", "API_KEY", "HISTORY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(tus, "_PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(download, "_PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(connection_module, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr(connection_module, "MOMENT", 0.0)
    monkeypatch.setattr(watch, "FIRST_PAUSE", 0.01)
    return tmp_path / "home"


@pytest.fixture
def connection(galaxy: Galaxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """Connected as a lab is: by environment variables too."""
    monkeypatch.setenv("GALAXY_URL", galaxy.url)
    monkeypatch.setenv("API_KEY", KEY)
    made = Connection(galaxy.url, KEY)
    yield made
    made.session.close()
